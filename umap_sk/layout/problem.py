"""From a graph to the problem of its layout: connected rows, coarse levels and a schedule."""

from typing import NamedTuple

import numpy as np

from umap_sk._typing import OutputMetric, Parameters
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout import coarsen
from umap_sk.layout.coarsen import Level
from umap_sk.layout.density import make_density_target
from umap_sk.layout.edge_lengths import EdgeLengths, coarsen_to_last_level, make_finest_lengths
from umap_sk.layout.optimizer import Forces, LayoutProblem
from umap_sk.layout.schedule import Phase, choose_negatives, plan_length, plan_phases, plan_resettling, scale_phase
from umap_sk.layout.sell import ArrangedLevel, arrange
from umap_sk.layout.spaces import Space, resolve_space
from umap_sk.runtime.allocation import choose_allocator

MAX_ROWS_OF_LONG_SCHEDULE = 10_000  # with 500 epochs by default, as in umap-learn: larger data have 200


class Schedule(NamedTuple):
    """The number of epochs and of levels of a layout.

    Without `n_epochs`, phases have shares of 500 epochs for up to 10,000 rows, and of 200 for more. With any but the
    Euclidean output metric, all epochs run on the graph.
    """

    n_epochs: int | None
    n_components: int
    multilevel: bool  # whether epochs run on coarse levels
    settled: bool = False  # whether the layout keeps the arrangement of a given map, for exactly `n_epochs`
    output_metric: OutputMetric = "euclidean"
    output_metric_params: Parameters | None = None


class Coarsest(NamedTuple):
    """The coarsest level in its own order, and the lengths of its edges if they were requested."""

    level: Level
    lengths: EdgeLengths | None


def get_default_epochs(n_rows: int) -> int:
    """Return the number of epochs of which the phases have shares by default."""
    return 500 if n_rows <= MAX_ROWS_OF_LONG_SCHEDULE else 200


def extract_connected_part(shared: SharedGraph) -> tuple[SharedGraph, np.ndarray | None]:
    """Return the graph of the rows with an edge in any direction, and these rows, or None if they are all rows.

    Disconnected rows are removed, so that they do not repel others.
    """
    kept = np.diff(shared.indptr) > 0
    if kept.all():
        return shared, None
    graph = shared.rows()
    kept[graph.indices] = True
    if kept.all():
        return shared, None
    number = (np.cumsum(kept) - 1).astype(graph.indices.dtype)
    indptr = np.concatenate([[0], graph.indptr[1:][kept]])
    lengths = None if shared.lengths is None else shared.lengths[kept]
    radii = None if shared.radii is None else shared.radii[kept]
    part = FuzzyGraph(indptr, number[graph.indices], graph.weights)
    return SharedGraph(part, ("indices",), lengths, radii), np.flatnonzero(kept)


def make_layout_problem(
    shared: SharedGraph,
    schedule: Schedule,
    forces: Forces,
    seed: int,
    *,
    anchored: bool = False,
    distances: np.ndarray | None = None,
) -> tuple[LayoutProblem, Coarsest]:
    """Return the problem of a connected graph, and its coarsest level. The graph gives up its own arrays.

    The problem has all levels for its initial layout, even if all epochs run on the graph. The coarsest level has
    lengths of edges if the rows' mean `distances` to their neighbors are given.
    """
    allocate = choose_allocator(shared.rows().weights)
    built = list(coarsen.build_levels(shared.rows(), seed, n_components=schedule.n_components))
    lengths = None if distances is None else coarsen_to_last_level(built, make_finest_lengths(built[0], distances))
    coarsest = Coarsest(built[-1], lengths)
    levels = arrange(built, seed, allocate, shared)
    space = resolve_space(schedule.output_metric, schedule.output_metric_params, schedule.n_components)
    phases = choose_phases(levels, schedule, forces, space, anchored=anchored)
    target = None if space or forces.density is None else make_density_target(shared, levels[0])
    return LayoutProblem(levels, phases, forces, target=target, space=space), coarsest


def choose_phases(
    levels: tuple[ArrangedLevel, ...],
    schedule: Schedule,
    forces: Forces,
    space: Space | None = None,
    *,
    anchored: bool = False,
) -> tuple[Phase, ...]:
    """Return the phases of a schedule on the given levels, with or without anchors."""
    n_epochs = schedule.n_epochs or get_default_epochs(levels[0].n_vertices)
    planned = plan_length if schedule.n_epochs else plan_phases
    negatives = choose_negatives(float(levels[0].degree.mean(dtype=np.float64)), forces.negative_rate)
    if space:
        return tuple(scale_phase(phase, space.unit) for phase in planned(1, n_epochs, negatives, field=False))
    on_grid = schedule.n_components == 2 and len(levels) > 1
    if schedule.settled:
        return plan_resettling(n_epochs, negatives, field=on_grid)
    majorized = not anchored and forces.density is None
    n_levels = len(levels) if schedule.multilevel else 1
    return planned(n_levels, n_epochs, negatives, field=on_grid, majorized=majorized)
