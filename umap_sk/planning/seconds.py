"""The time behind a plan: the work of each phase, at the rates that kernels have on this machine."""

import math

import numpy as np

from umap_sk.layout.optimizer import COARSE_CELLS, NEAR_FROM, LayoutProblem, LayoutState
from umap_sk.layout.problem import SMALL
from umap_sk.layout.repulsion import MOST_CELLS, frame_of, spacing_for
from umap_sk.layout.schedule import Phase, negatives_for, plan_phases
from umap_sk.layout.start import OF_A_GRAPH
from umap_sk.planning import calibration
from umap_sk.planning.calibration import TYPICAL, Rates
from umap_sk.planning.memory import has_field, level_sizes, strips_of
from umap_sk.planning.sizes import Sizes
from umap_sk.runtime.threads import FEW_ROWS, limit_threads

# Counts that kernels are not timed for, fitted to fits of ten graphs from 1,797 to 5,000,000 rows on one thread.
MERGED = 7  # vertices of a level for each of the next
COARSE_EDGES = 0.75  # of those that the memory has room for
CELLS, GROWTH = 25_000, 0.4  # of the grid at 100,000 rows, and the power of the rows with which they grow
SOLVER_SECONDS = 1e-5  # of a start that the graph gives, a vertex of the coarsest level
CLUMPS = 1.3  # rows in each other's short range, for each in an even map
HAND_DOWN = 0.4  # of what a start's smoothing takes

# Random reads that the caches no longer answer when the graph has outgrown them.
GRAPH_READS, LEVEL_READS, ARRANGE_READS, SMOOTH_READS, NEAR_READS = 4.4, 5.5, 2.5, 0.5, 1.5  # a neighbor, edge or row


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
    with limit_threads(1 if sizes.n <= FEW_ROWS else threads) as used:
        rates = calibration.rates(sizes.n, sizes.n_components, used)
    edges, levels = sizes.edges, levels_of(sizes)
    seconds = {}
    if sizes.listed:
        fresh = 0.0 if sizes.on_disk else 8 * sizes.kept * rates.fresh
        seconds["neighbors"] = rates.read * sizes.n * sizes.listed + fresh
        fresh = (16 * sizes.n + (0 if sizes.on_disk else 8 * edges)) * rates.fresh
        seconds["graph"] = (rates.graph + GRAPH_READS * rates.missed(8 * sizes.kept)) * sizes.kept + fresh
    work = rates.arrange + ARRANGE_READS * rates.missed(8 * edges)
    if len(levels) > 1:
        work += rates.levels + LEVEL_READS * rates.missed(8 * edges)
    fresh = 0.0 if sizes.on_disk else strips_of(edges) * rates.fresh
    seconds["start"] = work * edges + fresh + _seconds_of_start(sizes, levels, rates)
    phases = phases_of(sizes, len(levels))
    cells = min(MOST_CELLS**2, CELLS * max(1.0, (sizes.n / 100_000) ** GROWTH))
    seconds["layout"] = sum(epoch_seconds(phases, levels, (cells, cells / COARSE_CELLS**2), rates))
    return seconds


def levels_of(sizes: Sizes) -> list[tuple[int, int]]:
    """Vertices and edges of the levels as they usually are.

    Parameters
    ----------
    sizes : Sizes
        What the plan is made from.

    Returns
    -------
    list of tuple of 2 int
        From the finest to the coarsest.
    """
    finest, *coarse = level_sizes(sizes, MERGED)
    return [finest, *((vertices, int(COARSE_EDGES * edges)) for vertices, edges in coarse)]


def phases_of(sizes: Sizes, n_levels: int) -> tuple[Phase, ...]:
    """The schedule that a fit will have.

    Parameters
    ----------
    sizes : Sizes
        What the plan is made from.
    n_levels : int
        Levels that there are.

    Returns
    -------
    tuple of Phase
        In the order in which they run.
    """
    n_epochs = sizes.n_epochs or (500 if sizes.n <= SMALL else 200)
    negatives = negatives_for(np.log2(max(2, sizes.kept / sizes.n + 1)) * (1.5 if sizes.symmetrize else 1), 5)
    return plan_phases(n_levels if sizes.multilevel else 1, n_epochs, negatives, field=has_field(sizes))


def costs_of(layout: LayoutProblem, state: LayoutState) -> list[float]:
    """What each epoch of a layout costs beside the others, by the sizes of its levels and the width of its map.

    Parameters
    ----------
    layout : LayoutProblem
        The problem.
    state : LayoutState
        Where it is.

    Returns
    -------
    list of float
        One an epoch; seconds on no machine in particular.
    """
    levels = [(level.n_vertices, len(level.strips.indices)) for level in layout.levels]
    cells = (0, 0)
    if any(phase.field for phase in layout.phases):
        spacing = spacing_for(layout.forces.curve.a, layout.forces.curve.b)
        wider = (1, COARSE_CELLS)
        shapes = [frame_of(state.positions, size * spacing, MOST_CELLS // size).shape for size in wider]
        cells = (math.prod(shapes[0]), math.prod(shapes[1]))
    return epoch_seconds(layout.phases, levels, cells, TYPICAL)


def epoch_seconds(
    phases: tuple[Phase, ...], levels: list[tuple[int, int]], cells: tuple[float, float], rates: Rates
) -> list[float]:
    """Seconds of each epoch of a schedule; the last one of a coarse level hands its positions down.

    Parameters
    ----------
    phases : tuple of Phase
        The schedule.
    levels : list of tuple of 2 int
        Vertices and edges, from the finest level to the coarsest.
    cells : tuple of 2 float
        Cells of the grid on the finest level, and on the others.
    rates : Rates
        What a unit of work takes.

    Returns
    -------
    list of float
        One an epoch.
    """
    seconds: list[float] = []
    for phase in phases:
        n, edges = levels[phase.depth]
        finest = phase.depth == 0
        each = edges * (rates.attract if finest else rates.attract_coarse)
        if not phase.field:
            each += n * phase.negatives * rates.sample
        else:
            each += cells[not finest] * rates.grid + n * rates.field
        near = (
            n * (CLUMPS * rates.near + NEAR_READS * rates.missed(16 * n)) if phase.descent.near and phase.field else 0.0
        )
        seconds += [each + near * (epoch >= NEAR_FROM * phase.epochs) for epoch in range(phase.epochs)]
        seconds[-1] += 0.0 if finest else HAND_DOWN * rates.smooth * levels[phase.depth - 1][1]
    return seconds


def _seconds_of_start(sizes: Sizes, levels: list[tuple[int, int]], rates: Rates) -> float:
    """Seconds from levels to a start: smoothed, or solved for on the coarsest level."""
    if sizes.start in OF_A_GRAPH:
        return SOLVER_SECONDS * levels[-1][0]
    return (rates.smooth + SMOOTH_READS * rates.missed(8 * sizes.edges)) * sizes.edges
