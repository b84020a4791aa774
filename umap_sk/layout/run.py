"""A layout on its way: from a manifold and a start to a state that can be stepped, stored and gone on with."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import HeldGraph
from umap_sk.layout.coarsen import Level, build_levels, mean_of_members
from umap_sk.layout.init import (
    NARROWEST,
    WIDEST,
    pca_positions,
    random_positions,
    robust_widths,
    scaled_robustly,
    smoothed_start,
    suited_width,
)
from umap_sk.layout.optimizer import Forces, Layout, LayoutState, begin, negatives_for, plan_phases, total_epochs
from umap_sk.layout.pivot_mds import pivot_mds_positions
from umap_sk.layout.sell import JITTER, NO_STRIPS, ArrangedLevel, arrange, average, hand_down
from umap_sk.layout.spectral import spectral_positions
from umap_sk.runtime.allocation import beside

OF_A_GRAPH = {"pivot_mds": 16.0, "spectral": NARROWEST}  # starts that the graph gives, and how wide they are
SMALL = 10_000  # rows up to which 500 epochs are the default, beyond it 200, as in umap-learn


class Schedule(NamedTuple):
    """How long and over how many levels the layout goes.

    Attributes
    ----------
    n_epochs : int or None
        E of the rule; None for 500 up to 10,000 rows and 200 beyond.
    n_components : int
        Axes of the embedding.
    multilevel : bool
        False runs every epoch on the whole graph.
    tol : float
        Share of itself by which the loss must change, else the schedule is run through faster; 0 for never.
    """

    n_epochs: int | None
    n_components: int
    multilevel: bool
    tol: float = 0.0


class Stepper(NamedTuple):
    """A layout on its way.

    Attributes
    ----------
    layout : Layout or None
        The problem; None after loading from a file, until :func:`restored` builds it again.
    state : LayoutState
        Where it is.
    rows : ndarray of int32, uint32 or int64
        The rows that take part, in the optimiser's order.
    schedule : Schedule
        How long it goes.
    forces : Forces
        Curve and rates.
    """

    layout: Layout | None
    state: LayoutState
    rows: np.ndarray
    schedule: Schedule
    forces: Forces


def connected_part(held: HeldGraph) -> tuple[HeldGraph, np.ndarray | None]:
    """Graph of the rows that have an edge or are at the end of one, so that the others are no one's negatives.

    Parameters
    ----------
    held : HeldGraph
        The whole graph, with at least one edge.

    Returns
    -------
    held : HeldGraph
        The same, if these are all rows.
    connected : ndarray of int64, or None
        The rows that it consists of; None for all.
    """
    kept = np.diff(held.indptr) > 0
    if kept.all():
        return held, None
    graph = held.rows()
    kept[graph.indices] = True
    if kept.all():
        return held, None
    number = (np.cumsum(kept) - 1).astype(graph.indices.dtype)
    indptr = np.concatenate([[0], graph.indptr[1:][kept]])
    lengths = None if held.lengths is None else held.lengths[kept]
    part = FuzzyGraph(indptr, number[graph.indices], graph.weights)
    return HeldGraph(part, ("indices",), lengths), np.flatnonzero(kept)


class Problem(NamedTuple):
    """A layout to be made.

    Attributes
    ----------
    layout : Layout
        The problem.
    levels : tuple of ArrangedLevel
        All levels, for its start; the layout may use the finest alone.
    coarsest : Level
        The coarsest of them, before it was arranged.
    """

    layout: Layout
    levels: tuple[ArrangedLevel, ...]
    coarsest: Level


def problem(held: HeldGraph, schedule: Schedule, forces: Forces, seed: int) -> Problem:
    """The layout problem of a connected graph.

    Parameters
    ----------
    held : HeldGraph
        Graph whose rows all have an edge or are at the end of one; gives up its arrays where they are its own.
    schedule : Schedule
        How long the layout goes.
    forces : Forces
        Curve and rates.
    seed : int
        Seed of the levels.

    Returns
    -------
    Problem
        The problem and its levels.
    """
    allocate = beside(held.rows().weights)
    built = list(build_levels(held.rows(), seed))
    coarsest = built[-1]
    levels = arrange(built, seed, allocate, held)
    used = levels if schedule.multilevel else levels[:1]
    n_epochs = schedule.n_epochs or (500 if levels[0].n_vertices <= SMALL else 200)
    negatives = negatives_for(float(levels[0].degree.mean(dtype=np.float64)), forces.negative_rate)
    phases = plan_phases(len(used), n_epochs, negatives, field=schedule.n_components == 2 and len(levels) > 1)
    return Problem(Layout(used, phases, forces, schedule.tol), levels, coarsest)


def start(
    held: HeldGraph,
    init: str | np.ndarray,
    schedule: Schedule,
    forces: Forces,
    seed: int,
    *,
    features: Any = None,
    rescale: bool = True,
) -> Stepper:
    """Build levels and start of a layout.

    Parameters
    ----------
    held : HeldGraph
        The manifold's graph.
    init : {"pivot_mds", "spectral", "pca", "random"} or ndarray of shape (n, n_components)
        The start.
    schedule : Schedule
        How long the layout goes.
    forces : Forces
        Curve and rates.
    seed : int
        Seed of levels, start and sampling.
    features : ndarray or sparse matrix of shape (n, n_features), optional
        What "pca" needs.
    rescale : bool
        Smooth and scale a start that is an array.

    Returns
    -------
    Stepper
        At epoch 0.
    """
    held, connected = connected_part(held)
    layout, levels, coarsest = problem(held, schedule, forces, seed)
    scaled = rescale or isinstance(init, str)
    if isinstance(init, str) and init in OF_A_GRAPH:
        width = OF_A_GRAPH[init]
        positions = positions_of_a_graph(init, levels, coarsest, held.lengths, schedule.n_components, seed)
        positions = scaled_robustly(positions) * np.float32(width)
    else:
        finest = given_positions(init, levels, connected, schedule.n_components, seed, features)
        positions = finest = smoothed_start(levels[0], finest) if scaled else finest
        for finer, coarser in zip(levels, levels[1:], strict=False):
            if len(layout.levels) > 1 or scaled:
                positions = average(coarser, finer.mass, positions)
        if scaled:
            width = suited_width(levels[0], finest, levels[-1], positions, forces)
            positions = positions * np.float32(width)
        else:
            width = min(WIDEST, max(NARROWEST, float(robust_widths(positions).max())))
    if len(positions) != layout.levels[-1].n_vertices:
        for depth in range(len(levels) - 1, 0, -1):
            positions = hand_down(levels, depth, positions)
    if scaled:
        positions = np.ascontiguousarray(positions)
        kernels.jitter(positions, np.float32(JITTER))
    return Stepper(layout, begin(layout, positions, seed, width), rows_in_order(layout, connected), schedule, forces)


def positions_of_a_graph(
    init: str,
    levels: tuple[ArrangedLevel, ...],
    coarsest: Level,
    lengths: np.ndarray | None,
    n_components: int,
    seed: int,
) -> np.ndarray:
    """Positions of the coarsest level's vertices that its graph gives.

    Parameters
    ----------
    init : {"pivot_mds", "spectral"}
        The start.
    levels : tuple of ArrangedLevel
        All levels, the finest first.
    coarsest : Level
        The last of them, before it was arranged.
    lengths : ndarray of shape (n,), float32, or None
        Mean distance from every row to its neighbors, which "pivot_mds" needs.
    n_components : int
        Axes of the embedding.
    seed : int
        Seed of the start.

    Returns
    -------
    ndarray of shape (n_vertices, n_components), float32
        In the optimiser's order.
    """
    if init == "spectral":
        positions = spectral_positions(coarsest, n_components, seed)
    else:
        assert lengths is not None
        positions = pivot_mds_positions(coarsest, on_coarsest(levels, lengths), n_components, seed)
    return positions[levels[-1].order]


def given_positions(
    init: Any,
    levels: tuple[ArrangedLevel, ...],
    connected: np.ndarray | None,
    n_components: int,
    seed: int,
    features: Any,
) -> np.ndarray:
    """Positions of the finest level's vertices that are given, random, or principal components.

    Parameters
    ----------
    init : {"pca", "random"} or ndarray of shape (n, n_components)
        The start.
    levels : tuple of ArrangedLevel
        All levels, the finest first.
    connected : ndarray of int64 or None
        The rows of its graph; None for all.
    n_components : int
        Axes of the embedding.
    seed : int
        Seed of the start.
    features : ndarray or sparse matrix of shape (n, n_features) or None
        What "pca" needs.

    Returns
    -------
    ndarray of shape (n_vertices, n_components), float32
        In the optimiser's order.
    """
    n = levels[0].n_vertices
    if isinstance(init, str) and init == "random":
        positions = random_positions(n, n_components, seed)
    elif isinstance(init, str):
        positions = pca_positions(features, n_components, seed)
    else:
        positions = np.array(init, np.float32, order="C")
    if connected is not None and len(positions) != n:
        positions = positions[connected]
    return positions[levels[0].order]


def on_coarsest(levels: tuple[ArrangedLevel, ...], lengths: np.ndarray) -> np.ndarray:
    """Mean distances of the rows that the coarsest level's vertices stand for, in that level's own order.

    Parameters
    ----------
    levels : tuple of ArrangedLevel
        All levels, the finest first.
    lengths : ndarray of shape (n,), float32
        Mean distance from every row to its neighbors, in the order of the data.

    Returns
    -------
    ndarray of shape (n_vertices,), float32
        In units of the data.
    """
    values = lengths[levels[0].order]
    for finer, coarser in zip(levels, levels[1:], strict=False):
        values = mean_of_members(coarser, finer.mass, values)
    out = np.empty_like(values)
    out[levels[-1].order] = values
    return out


def rows_in_order(layout: Layout, connected: np.ndarray | None) -> np.ndarray:
    """Rows of the data in the optimiser's order.

    Parameters
    ----------
    layout : Layout
        The problem.
    connected : ndarray of int64 or None
        The rows of its graph; None for all.

    Returns
    -------
    ndarray
        One row a vertex of the finest level.
    """
    order = layout.levels[0].order
    return order if connected is None else connected[order]


def layout_of(stepper: Stepper) -> Layout:
    """The problem of a stepper that has its levels."""
    assert stepper.layout is not None
    return stepper.layout


def level_sizes(stepper: Stepper) -> list[int]:
    """Vertices of the levels that the layout uses, the finest first."""
    return [level.n_vertices for level in layout_of(stepper).levels]


def planned_epochs(stepper: Stepper) -> int:
    """Epochs of the whole schedule, over all levels."""
    return total_epochs(layout_of(stepper).phases)


def edges_by_epoch(stepper: Stepper) -> list[int]:
    """Edges of the level that each planned epoch is run on."""
    layout = layout_of(stepper)
    return [len(layout.levels[phase.depth].strips.indices) for phase in layout.phases for _ in range(phase.epochs)]


def restored(stepper: Stepper, held: HeldGraph) -> Stepper:
    """A stepper with its levels, built again from the graph if it came from a file.

    Parameters
    ----------
    stepper : Stepper
        Any stepper.
    held : HeldGraph
        The manifold's graph.

    Returns
    -------
    Stepper
        The same where it has its levels.
    """
    if stepper.layout is not None:
        return stepper
    layout = problem(connected_part(held)[0], stepper.schedule, stepper.forces, stepper.state.seed).layout
    return stepper._replace(layout=layout)


def resumed(held: HeldGraph, schedule: Schedule, forces: Forces, state: LayoutState) -> Stepper:
    """A layout that goes on from a stored state; its levels are built again.

    Parameters
    ----------
    held : HeldGraph
        The manifold's graph.
    schedule : Schedule
        How long the layout goes.
    forces : Forces
        Curve and rates.
    state : LayoutState
        Where it was.

    Returns
    -------
    Stepper
        At the state's epoch.
    """
    held, connected = connected_part(held)
    layout = problem(held, schedule, forces, state.seed).layout
    return Stepper(layout, state, rows_in_order(layout, connected), schedule, forces)


def whole_positions(stepper: Stepper, lost: np.ndarray) -> np.ndarray:
    """Layout of all rows as it stands: a coarse level's positions handed down, NaN for rows without edges of their own.

    Parameters
    ----------
    stepper : Stepper
        Where the layout is.
    lost : ndarray of shape (n_rows,), bool
        True for such rows of the manifold; others may list them, and take part with them.

    Returns
    -------
    ndarray of shape (n_rows, n_components), float32
        A new array.
    """
    positions = stepper.state.positions
    for depth in range(stepper.state.depth, 0, -1):
        positions = hand_down(layout_of(stepper).levels, depth, positions)
    out = np.empty((len(lost), positions.shape[1]), np.float32)
    out[stepper.rows] = positions
    out[lost] = np.nan
    return out


def lightened(stepper: Stepper) -> Stepper:
    """The same without the edges of the levels that the layout has left, which are not read any more.

    Parameters
    ----------
    stepper : Stepper
        Where the layout is.

    Returns
    -------
    Stepper
        What is left to be done can be done with it.
    """
    layout, depth = layout_of(stepper), stepper.state.depth
    left = [level._replace(strips=NO_STRIPS) for level in layout.levels[depth + 1 :]]
    return stepper._replace(layout=layout._replace(levels=(*layout.levels[: depth + 1], *left)))


def phase_end(stepper: Stepper) -> int:
    """Epoch at which the phase that the layout is in ends."""
    ends = (phase.first_epoch + phase.epochs for phase in layout_of(stepper).phases)
    return next(end for end in ends if end > stepper.state.epoch)


def finished(stepper: Stepper) -> bool:
    """Whether the schedule has been run to its end."""
    return stepper.state.epoch >= planned_epochs(stepper)
