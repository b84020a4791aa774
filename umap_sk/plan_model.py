"""The model behind a plan: bytes of the arrays that exist at each phase's peak, and the work that each phase does."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk import calibration, neighbor_forms
from umap_sk.field import MOST_CELLS
from umap_sk.fuzzy_graph import MOST_PARTS
from umap_sk.levels import LARGEST
from umap_sk.manifold import Manifold
from umap_sk.optimise import Phase, negatives_for, plan_phases
from umap_sk.stepping import SMALL

USUAL_CELLS = 256  # along a side of the grid; a map of very many separate clusters may need MOST_CELLS
MERGED = 6  # vertices of a level for each of the next
SPECTRAL_SECONDS = 2e-4  # of the solver, a vertex of the coarsest level
SAMPLED_ROWS = 1000  # whose neighbors are looked up to see how many list them as well


class Sizes(NamedTuple):
    """What a plan is made from.

    Attributes
    ----------
    n : int
        Rows.
    listed : int
        Neighbors that each row of the arrays lists; 0 if the graph is there already.
    kept : int
        Neighbors that are used, of all rows.
    edges : int
        Entries of the graph.
    edges_known : bool
        False if `edges` is an upper bound.
    n_components : int
        Axes of the embedding.
    symmetrize, multilevel : bool
        As the estimator's parameters.
    start : str
        "spectral", "pca", "random" or "array".
    n_epochs : int or None
        As the estimator's parameter.
    on_disk : bool
        Whether the graph is built and kept in files.
    """

    n: int
    listed: int
    kept: int
    edges: int
    edges_known: bool
    n_components: int
    symmetrize: bool
    multilevel: bool
    start: str
    n_epochs: int | None
    on_disk: bool


def memory_by_phase(sizes: Sizes, threads: int) -> dict[str, int]:
    """Bytes of the arrays that exist at each phase's peak.

    Parameters
    ----------
    sizes : Sizes
        What the plan is made from.
    threads : int
        Threads in force.

    Returns
    -------
    dict of int
        By the name of the phase.
    """
    n, d = sizes.n, sizes.n_components
    directed = (0 if sizes.on_disk else 8 * sizes.kept) + 8 * n  # indices and distances; where the rows begin
    graph = 0 if sizes.on_disk else 8 * sizes.edges + 8 * n
    memory = {}
    if sizes.listed:
        # Two blocks of int64 indices and float64 distances: one is read while the last is let go.
        memory["neighbors"] = directed + 16 * min(2 * neighbor_forms.BLOCK, n * sizes.listed)
        scales = 16 * n  # rho and sigma, float64
        counts = (4 + 4 * min(threads, MOST_PARTS)) * n  # edges of every row, and by part those that it receives
        union = counts + 8 * n + (0 if sizes.on_disk else 8 * sizes.edges)
        memory["graph"] = directed + (max(scales, union) if sizes.symmetrize else scales)
    levels = 4 * n  # degrees
    if n > LARGEST:
        # owners; of every coarse vertex indptr, degree, mass; indices and weights of the coarse edges
        levels += 4 * n + 16 * (n // MERGED) + 8 * coarse_edges(sizes)
    # Casts for bincount while levels are made. Or a given start: its copy of float32, another one, its smoothed
    # positions, two arrays of float64 while they are scaled.
    making = 16 * n if sizes.start == "spectral" else (28 if sizes.start == "array" else 24) * d * n
    solver = 70 * coarsest(sizes)[1] if sizes.start == "spectral" else 0
    memory["start"] = graph + levels + max(making, solver)
    # Positions and two moments, before and after an epoch; the embedding.
    memory["layout"] = graph + levels + 28 * d * n + (field_memory(sizes) if has_field(sizes) else 0)
    return memory


def field_memory(sizes: Sizes) -> int:
    """Bytes of the grids, and of the rows in the order of their cells.

    Parameters
    ----------
    sizes : Sizes
        What the plan is made from.

    Returns
    -------
    int
        The most of both.
    """
    cells = USUAL_CELLS if sizes.edges_known else MOST_CELLS
    # Density, spectrum, its product, both components, both transformed kernels: padded to twice the side.
    return 96 * cells**2 + (4 + 4 * sizes.n_components) * sizes.n


def has_field(sizes: Sizes) -> bool:
    """Whether the repulsion of the whole graph is a field on a grid."""
    return sizes.n_components == 2 and sizes.n > LARGEST


def coarse_edges(sizes: Sizes) -> int:
    """Edges of all coarse levels: fitted to levels of a dozen graphs, half as many again where it must be a bound.

    Parameters
    ----------
    sizes : Sizes
        What the plan is made from.

    Returns
    -------
    int
        Entries of their graphs.
    """
    share = 2.7 * max(4.0, sizes.edges / sizes.n) ** -0.68
    return int(sizes.edges * min(1.0, share * (1.0 if sizes.edges_known else 1.5)))


def coarsest(sizes: Sizes) -> tuple[int, int]:
    """Vertices and edges of the coarsest level, about."""
    n, edges = sizes.n, sizes.edges
    while n > LARGEST:
        n, edges = n // MERGED, coarse_edges(sizes._replace(n=n, edges=edges))
    return n, edges


def seconds_by_phase(sizes: Sizes, threads: int) -> dict[str, float]:
    """Seconds of each phase on this machine.

    Parameters
    ----------
    sizes : Sizes
        What the plan is made from.
    threads : int
        Threads in force.

    Returns
    -------
    dict of float
        By the name of the phase.
    """
    rates = calibration.rates(sizes.n, sizes.n_components, threads)
    levels = [(sizes.n, sizes.edges)]
    while levels[-1][0] > LARGEST:
        n, edges = levels[-1]
        levels.append((n // MERGED, coarse_edges(sizes._replace(n=n, edges=edges))))
    seconds = {}
    if sizes.listed:
        seconds["neighbors"] = rates.read * sizes.n * sizes.listed
        seconds["graph"] = rates.graph * sizes.kept
    seconds["start"] = rates.levels * sum(edges for _, edges in levels[:-1])
    seconds["start"] += SPECTRAL_SECONDS * levels[-1][0] if sizes.start == "spectral" else rates.smooth * sizes.edges
    n_epochs = sizes.n_epochs or (500 if sizes.n <= SMALL else 200)
    negatives = negatives_for(np.log2(max(2, sizes.kept / sizes.n + 1)) * (1.5 if sizes.symmetrize else 1), 5)
    phases = plan_phases(len(levels) if sizes.multilevel else 1, n_epochs, negatives, field=has_field(sizes))
    seconds["layout"] = sum(_seconds_of(phase, *levels[phase.depth], rates) for phase in phases)
    return seconds


def _seconds_of(phase: Phase, n: int, edges: int, rates: calibration.Rates) -> float:
    repulsion = n * (rates.field + rates.near / 4) if phase.field else n * phase.negatives * rates.sample
    return phase.epochs * (edges * rates.attract + repulsion)


def edges_of_arrays(indices: np.ndarray, wanted: int) -> int:
    """Entries of the symmetric graph of neighbor arrays, from the rows of a sample that their neighbors list as well.

    Parameters
    ----------
    indices : ndarray of shape (n, k)
        Neighbors; may be a memory map, of which few rows are read.
    wanted : int
        Neighbors of a row that are used.

    Returns
    -------
    int
        The estimate.
    """
    n = len(indices)
    rows = np.random.default_rng(0).choice(n, min(n, SAMPLED_ROWS), replace=False)
    near, used = _used(indices, rows, wanted)
    back, used_back = _used(indices, near[used], wanted)
    mutual = ((back == np.repeat(rows, used.sum(1))[:, None]) & used_back).any(axis=1)
    return int(n * (2 * used.sum() - mutual.sum()) / len(rows))


def _used(indices: np.ndarray, rows: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbors of some rows, and which of them are used: the first few that name another row."""
    near = np.asarray(indices[rows])
    real = (near >= 0) & (near < len(indices)) & (near != rows[:, None])
    return near, real & (np.cumsum(real, axis=1) <= wanted)


def sizes_of(
    estimator: Any,
    X: Any = None,
    knn_indices: Any = None,
    manifold: Any = None,
    *,
    n_samples: int | None = None,
    edges: int | None = None,
    init: Any = None,
) -> Sizes:
    """Sizes of a fit from an estimator's parameters and what it is given.

    Parameters
    ----------
    estimator : PrecomputedUMAP
        Has the parameters.
    X, knn_indices, manifold, init : object or None
        As in its ``fit``.
    n_samples : int, optional
        Rows, where none of these is given.
    edges : int, optional
        Entries of the graph, if they are known.

    Returns
    -------
    Sizes
        What a plan is made from.

    Raises
    ------
    ValueError
        If nothing tells the number of rows.
    """
    table = next((array for array in (knn_indices, X) if getattr(array, "ndim", 0) == 2), None)
    if isinstance(manifold, Manifold):
        n_samples, edges = manifold.n_samples, len(manifold.arrays()[1])
    elif table is not None:
        n_samples = table.shape[0]
    if n_samples is None or n_samples < 2:
        raise ValueError(
            "Nothing tells the number of rows, of which 2 are needed: give n_samples, a manifold, or X or knn_indices "
            "as an array of two dimensions."
        )
    wanted = min(estimator.n_neighbors - 1, n_samples - 1)
    listed = 0 if isinstance(manifold, Manifold) else wanted + 1
    if listed and table is knn_indices and isinstance(table, np.ndarray) and table.dtype.kind in "iu":
        listed = table.shape[1]
        if edges is None and estimator.symmetrize:
            edges = edges_of_arrays(table, wanted)
    start = estimator.init if init is None else init
    return make_sizes(
        n_samples,
        wanted,
        listed,
        edges,
        n_components=estimator.n_components,
        symmetrize=estimator.symmetrize,
        multilevel=estimator.multilevel,
        start=start if isinstance(start, str) else "array",
        n_epochs=estimator.n_epochs,
        on_disk=isinstance(manifold, Manifold),
    )


def make_sizes(n: int, wanted: int, listed: int, edges: int | None, **settings: Any) -> Sizes:
    """Sizes, with the most entries that the graph can have where they are not known.

    Parameters
    ----------
    n : int
        Rows.
    wanted : int
        Neighbors of a row that are used, where so many are listed.
    listed : int
        Neighbors that each row lists; 0 if the graph is there already.
    edges : int or None
        Entries of the graph.
    **settings : object
        The other fields of `Sizes`.

    Returns
    -------
    Sizes
        What a plan is made from.
    """
    kept = n * min(wanted, listed or wanted, n - 1)
    known = edges is not None or not settings["symmetrize"]
    most = kept * (2 if settings["symmetrize"] else 1)
    return Sizes(n, listed, kept, most if edges is None else int(edges), known, **settings)
