"""Initial layouts: the parameter `init`, and positions on the first level of the schedule."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from umap_sk import kernels
from umap_sk._typing import Features, is_sparse
from umap_sk.layout import few_rows
from umap_sk.layout.init import (
    FEATURE_LIMITS,
    MAX_COORDINATE,
    choose_automatic_start,
    compute_pca_positions,
    compute_suitable_components,
    draw_positions,
    squares_are_finite,
)
from umap_sk.layout.optimizer import LayoutProblem
from umap_sk.layout.pivot_mds import compute_pivot_mds_positions
from umap_sk.layout.problem import Coarsest
from umap_sk.layout.quantiles import find_axis_bounds
from umap_sk.layout.sell import JITTER, ArrangedLevel, average_groups, invert_order, prolong, smooth
from umap_sk.layout.spectral import compute_spectral_positions
from umap_sk.layout.width import (
    MAX_WIDTH,
    MIN_WIDTH,
    choose_width,
    compute_long_share,
    compute_robust_widths,
    sample_edges,
    scale_robustly,
    smooth_start,
)
from umap_sk.runtime.side_by_side import take_rows
from umap_sk.runtime.threads import FEW_ROWS

START_NAMES = ("auto", "pivot_mds", "spectral", "pca", "random")
GRAPH_STARTS = ("pivot_mds", "spectral")  # names of those that are computed from the graph
PIVOT_MDS_SMOOTHINGS = 4  # passes over pivot MDS on a coarse level: rows around others contract
SPECTRAL_WIDTH = 12.0  # fixed, since the loss prefers wider layouts: it does not see how eigenvectors fold large groups


class Start(NamedTuple):
    """An initial layout."""

    name: str  # one of START_NAMES, or "array"; "auto" computes the positions of "pca" when it chooses it
    positions: np.ndarray | None = None  # (n, n_components) float32
    features: Features | None = None  # for the principal components of "pca" and "auto"
    rescale: bool = True  # whether positions are smoothed and scaled; false only for given positions
    computed: bool = False  # whether positions were computed in flat space, or else are coordinates of the output space

    @property
    def is_of_graph(self) -> bool:
        """Whether the graph alone determines the layout."""
        return self.name in GRAPH_STARTS

    @property
    def is_random(self) -> bool:
        """Whether the positions are random, so that the lengths of edges say nothing about the layout."""
        return self.name == "random"

    @property
    def needs_lengths(self) -> bool:
        """Whether the layout needs lengths of the coarsest level's edges."""
        return self.name == "pivot_mds"


def make_array_start(positions: np.ndarray, *, rescale: bool = True, features: Features | None = None) -> Start:
    """Return the initial layout of given positions."""
    return Start("array", positions, features, rescale)


def resolve_init(
    init: str | ArrayLike,
    shape: tuple[int, int],
    *,
    has_lengths: bool,
    features: Features | None = None,
    rescale: bool = True,
    disconnected: np.ndarray | bool = False,
) -> Start:
    """Check the parameter `init`, and return the initial layout of an embedding with some rows and axes (`shape`).

    "pca" needs `features`, and "pivot_mds" needs the distances of the graph's edges. The positions of `disconnected`
    rows may be NaN.
    """
    if isinstance(init, str):
        check_name(init, features, has_lengths)
        if init == "pca" and features is not None:
            check_magnitude(features)
        return Start(init, features=features)
    return make_array_start(check_positions(init, *shape, disconnected), rescale=rescale, features=features)


def choose_start(start: Start, has_lengths: bool, n_components: int, seed: int) -> Start:
    """Return the initial layout, after a choice of the method for "auto"."""
    if start.name != "auto":
        return start
    found = choose_automatic_start(start.features, has_lengths, n_components, seed)
    if isinstance(found, str):
        return start._replace(name=found)
    return start._replace(name="pca", positions=found, computed=True)


def check_name(init: str, features: Features | None, has_lengths: bool) -> None:
    """Raise if the name of an initial layout is unknown, or if its data are missing."""
    if init not in START_NAMES:
        raise ValueError(f"init={init!r} is not known; use {', '.join(map(repr, START_NAMES))} or an array.")
    if init == "pca" and features is None:
        raise ValueError(
            "init='pca' needs features: pass them as X beside knn_indices and knn_dists (or the manifold), pass "
            "components of your own as init, or use init='auto'."
        )
    if init == "pivot_mds" and not has_lengths:
        raise ValueError(
            "init='pivot_mds' needs the distances of the graph, but this manifold has none: it was made by "
            "Manifold.from_graph. Pass neighbors, or use init='spectral'."
        )


def check_magnitude(features: Features) -> None:
    """Raise if the squares of features are not finite, which principal components need."""
    if squares_are_finite(features):
        return
    stored = features.data if is_sparse(features) else features
    largest, limit = float(np.abs(stored).max()), FEATURE_LIMITS[features.dtype.itemsize]
    problem = "has NaN" if math.isnan(largest) else f"goes up to {largest:.2g}"
    raise ValueError(
        f"init='pca' squares the features, but X {problem}; values below {limit:.0e} are needed in {features.dtype}. "
        "Fill in what is missing and scale the rest down, for example by X / np.nanmax(np.abs(X)), or use init='auto', "
        "which takes another start then."
    )


def check_positions(
    init: ArrayLike, n_rows: int, n_components: int, disconnected: np.ndarray | bool = False
) -> np.ndarray:
    """Return positions as float32 of shape (n_rows, n_components), which are finite and have no constant axis.

    The positions of `disconnected` rows (True for any row) may be NaN, as in embeddings. The position of
    another row replaces them.
    """
    try:
        start = np.asarray(init)
    except ValueError as error:
        raise ValueError(
            f"init is no array ({error}): its rows differ in length, but {n_rows} rows of n_components={n_components} "
            "numbers each are needed."
        ) from error
    if start.dtype.kind not in "fiu":
        raise TypeError(
            f"init must be real numbers, but is {type(init).__name__} of dtype {start.dtype}. Pass an array, which "
            "numpy.load reads from a file, and toarray() makes of a sparse matrix."
        )
    if start.shape != (n_rows, n_components):
        raise ValueError(
            f"init has shape {start.shape}, but {n_rows} rows and n_components={n_components} axes are needed: "
            f"({n_rows}, {n_components})."
        )
    with np.errstate(over="ignore"):
        start = start.astype(np.float32, copy=False)
    low, high = find_axis_bounds(start)
    if not np.isfinite([low, high]).all():
        start = replace_missing(start, disconnected)
        low, high = find_axis_bounds(start)
    if max(abs(low).max(), abs(high).max()) > MAX_COORDINATE:
        raise ValueError(
            f"init goes up to {np.abs(start).max():.2g}, but positions up to {MAX_COORDINATE:.0e} are needed, whose "
            "squares float32 can hold. Scale it down, for example by init / np.abs(init).max()."
        )
    flat = np.flatnonzero(low == high)
    if len(flat):
        raise ValueError(
            f"Axis {flat[0]} of init is constant, so no layout can grow along it. Use another component, or add a "
            "little noise."
        )
    return start


def replace_missing(start: np.ndarray, disconnected: np.ndarray | bool) -> np.ndarray:
    """Return positions whose rows of NaN have that of another row. Raise if a row that is not disconnected has NaN."""
    finite = np.isfinite(start).all(axis=1)
    missing = np.isnan(start).all(axis=1) & disconnected
    bad = np.flatnonzero(~(finite | missing))
    if len(bad) or not finite.any():
        raise ValueError(
            f"init has a value that is NaN or infinite (in float32) in {len(bad) or len(start)} rows, first in row "
            f"{bad[0] if len(bad) else 0}. Replace it, for example by the mean of the row's neighbors. Only rows "
            "without a neighbor may be NaN."
        )
    return np.where(missing[:, None], start[np.argmax(finite)], start)


def compute_start_positions(
    start: Start,
    problem: LayoutProblem,
    coarsest: Coarsest,
    connected: np.ndarray | None,
    n_components: int,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Return the positions of the vertices on the level of the first phase, and their width.

    "pivot_mds" needs the lengths of the coarsest level. `connected` are the connected rows, or None if all rows are.
    """
    levels, scaled = problem.levels, start.rescale
    if start.is_of_graph:
        positions, width = compute_graph_start(start, problem, coarsest, n_components, seed, connected)
    else:
        finest = get_finest_positions(start, levels, connected, n_components, seed)
        if scaled:
            positions, width = rescale_start(finest, problem, is_random=start.is_random)
        else:
            positions, width = average_start(finest, problem)
    if len(positions) != levels[problem.phases[0].depth].n_vertices:
        for depth in range(len(levels) - 1, 0, -1):
            positions = prolong(levels, depth, positions)
    if scaled:
        positions = np.ascontiguousarray(positions)
        jitter = few_rows.jitter if len(positions) <= FEW_ROWS else kernels.jitter
        jitter(positions, 0, np.float32(JITTER))
    return positions, width


def average_start(finest: np.ndarray, problem: LayoutProblem) -> tuple[np.ndarray, float]:
    """Average given positions to the level of the first phase, and return their width."""
    positions = finest
    for depth in range(problem.phases[0].depth):
        positions = average_groups(problem.levels[depth + 1], problem.levels[depth].mass, positions)
    return positions, min(MAX_WIDTH, max(MIN_WIDTH, float(compute_robust_widths(positions).max())))


def rescale_start(finest: np.ndarray, problem: LayoutProblem, *, is_random: bool) -> tuple[np.ndarray, float]:
    """Smooth positions, average them to the coarsest level and scale them. Return them with their width."""
    finest = smooth_start(problem.levels[0], finest)
    long_share = None if is_random else compute_long_share(*sample_edges(problem.levels[0], finest))
    return scale_averages(finest, problem, long_share)


def scale_averages(finest: np.ndarray, problem: LayoutProblem, long_share: float | None) -> tuple[np.ndarray, float]:
    """Average smoothed positions to the coarsest level and scale them.

    `long_share` is that of their edges, or None for random positions, which need the largest width.
    """
    levels, positions = problem.levels, finest
    for finer, coarser in zip(levels, levels[1:], strict=False):
        positions = average_groups(coarser, finer.mass, positions)
    width = MAX_WIDTH
    if long_share is not None:
        width = choose_width(levels[0].n_vertices, levels[-1], positions, problem.forces, long_share)
    return positions * np.float32(width), width


def compute_graph_start(
    start: Start,
    problem: LayoutProblem,
    coarsest: Coarsest,
    n_components: int,
    seed: int,
    connected: np.ndarray | None = None,
) -> tuple[np.ndarray, float]:
    """Return positions of the coarsest level's vertices, computed from its graph, and their width."""
    levels, order = problem.levels, problem.levels[-1].order
    if not start.needs_lengths:
        find_guide = partial(average_principal_components, start, levels, connected, n_components, seed)
        found = compute_spectral_positions(coarsest.level, n_components, seed, find_guide)
        positions, width = scale_robustly(found.positions[order]), SPECTRAL_WIDTH
        if found.is_guided:
            width = choose_width(levels[0].n_vertices, levels[-1], positions, problem.forces)
        return positions * np.float32(width), width
    assert coarsest.lengths is not None
    positions = scale_robustly(compute_pivot_mds_positions(coarsest.level, coarsest.lengths, n_components, seed)[order])
    width = choose_width(levels[0].n_vertices, levels[-1], positions, problem.forces)
    if len(levels) > 1:
        for _ in range(PIVOT_MDS_SMOOTHINGS):
            positions = smooth(levels[-1], positions, 1.0)
        positions = scale_robustly(positions)
    return positions * np.float32(width), width


def average_principal_components(
    start: Start, levels: tuple[ArrangedLevel, ...], connected: np.ndarray | None, n_components: int, seed: int
) -> np.ndarray | None:
    """Return the mean principal components of the coarsest level's vertices, or None without suitable features."""
    components = compute_suitable_components(start.features, n_components, seed)
    if components is None:
        return None
    positions = get_finest_positions(make_array_start(components), levels, connected, n_components, seed)
    for finer, coarser in zip(levels, levels[1:], strict=False):
        positions = average_groups(coarser, finer.mass, positions)
    return positions[invert_order(levels[-1].order)]


def get_finest_positions(
    start: Start, levels: tuple[ArrangedLevel, ...], connected: np.ndarray | None, n_components: int, seed: int
) -> np.ndarray:
    """Return given positions, random ones or principal components, in the order of the finest level."""
    n = levels[0].n_vertices
    if start.positions is not None:
        positions = np.asarray(start.positions, np.float32)
    elif start.name == "random":
        positions = draw_positions(n, n_components, seed)
    else:
        assert start.features is not None  # checked with the parameter
        positions = compute_pca_positions(start.features, n_components, seed)
    if connected is not None and len(positions) != n:
        positions = take_rows(positions, connected)
    return take_rows(positions, levels[0].order)
