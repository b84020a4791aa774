"""The time behind a plan: a fit of a small made-up graph on this machine, scaled by neighbors, edges and epochs."""

import functools
import time
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from umap_sk.graph.fuzzy_union import fuzzy_graph
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE, SharedGraph
from umap_sk.layout import run
from umap_sk.layout.coarsen import COARSEST_VERTICES, IN_THE_PLANE
from umap_sk.layout.curve import fit_curve
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.problem import Schedule, default_epochs
from umap_sk.layout.schedule import Phase, negatives_for, phases_of_length, plan_phases
from umap_sk.layout.start import OF_A_GRAPH, start_at
from umap_sk.neighbors.read import read_neighbors
from umap_sk.planning.memory import has_field, is_majorized, level_sizes
from umap_sk.planning.search import search_seconds
from umap_sk.planning.sizes import Sizes
from umap_sk.runtime.threads import FEW_ROWS, spare_threads

N_NEIGHBORS, N_EPOCHS = 15, 100  # of the made-up fit
ROWS = FEW_ROWS, int(IN_THE_PLANE * COARSEST_VERTICES), COARSEST_VERTICES, 60_000  # of it, the least for a fit's rows
COARSE_EDGES = 0.5  # of those that the memory has room for: the median of eight graphs
SOLVER_SECONDS = 1e-5  # of a start that the graph gives, a vertex of the coarsest level


class Rates(NamedTuple):
    """Seconds of a neighbor as it is read, of one that is kept, of an edge for the start, and of one in an epoch."""

    neighbors: float
    graph: float
    start: float
    epoch: dict[tuple[bool, bool], float]  # by `kind_of` the phase


def kind_of(phase: Phase) -> tuple[bool, bool]:
    """What epochs of a phase have in common at any size: whether the level is coarse, and whether they settle."""
    return phase.depth > 0, phase.descent.near


def seconds_by_phase(sizes: Sizes, threads: int) -> dict[str, float | None]:
    """Seconds of each phase of a fit on this machine, by its name; None where they depend on the data."""
    rows = next((rows for rows in ROWS if sizes.n <= rows), ROWS[-1])
    rates = measured(rows, sizes.n_components, threads)
    seconds: dict[str, float | None] = {}
    if sizes.search:
        seconds["search"] = search_seconds(sizes.n, sizes.search, sizes.listed - 1, threads)
    if sizes.listed:
        seconds |= {"neighbors": rates.neighbors * sizes.n * sizes.listed, "graph": rates.graph * sizes.kept}
    levels = level_sizes(sizes)
    solver = SOLVER_SECONDS * levels[-1][0] if sizes.start in OF_A_GRAPH else 0.0
    phases = phases_of(sizes, len(levels) if sizes.multilevel else 1)
    edges = [sizes.edges, *(COARSE_EDGES * most for _, most in levels[1:])]
    layout = sum(rates.epoch[kind_of(phase)] * edges[phase.depth] * phase.epochs for phase in phases)
    return seconds | {"start": rates.start * sizes.edges + solver, "layout": layout}


def phases_of(sizes: Sizes, n_levels: int) -> tuple[Phase, ...]:
    """The schedule that a fit will have."""
    planned = phases_of_length if sizes.n_epochs else plan_phases
    n_epochs = sizes.n_epochs or default_epochs(sizes.n)
    negatives = negatives_for(np.log2(max(2, sizes.kept / sizes.n + 1)) * (1.5 if sizes.symmetrize else 1), 5)
    return planned(n_levels, n_epochs, negatives, field=has_field(sizes), majorized=is_majorized(sizes))


@functools.lru_cache(maxsize=64)
def measured(rows: int, n_components: int, threads: int) -> Rates:
    """Rates of a fit of random points in a cube, on the threads in force, which the result is kept for."""
    points = np.random.default_rng(0).random((rows, 3))
    dists, indices = cKDTree(points).query(points, N_NEIGHBORS)
    start = points[:, np.arange(n_components) % 3]
    with spare_threads(rows):
        _fit(indices, dists, start, N_EPOCHS // 5)  # loads machine code
        return _fit(indices, dists, start, N_EPOCHS)


def _fit(indices: np.ndarray, dists: np.ndarray, start: np.ndarray, n_epochs: int) -> Rates:
    """Rates of one fit, whose steps are those of the estimator."""
    clock = [time.perf_counter()]
    neighbors, _ = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=N_NEIGHBORS)
    clock.append(time.perf_counter())
    held = SharedGraph(fuzzy_graph(neighbors, N_NEIGHBORS), WHOLE, mean_distances(neighbors))
    clock.append(time.perf_counter())
    schedule = Schedule(n_epochs, start.shape[1], multilevel=True)
    layout = run.begun(held, start_at(start), schedule, Forces(fit_curve()), seed=0)
    clock.append(time.perf_counter())
    problem, ends = run.problem_of(layout), clock[-1:]
    run.advanced(layout, run.planned_epochs(layout), lambda _: ends.append(time.perf_counter()))
    spent = {kind_of(p): (ends[p.first_epoch + p.epochs] - ends[p.first_epoch]) / p.epochs for p in problem.phases}
    edges = {kind_of(p): len(problem.levels[p.depth].slices.indices) for p in problem.phases}
    read, graph, begun = np.diff(clock) / (indices.size, len(neighbors.indices), held.n_edges)
    return Rates(float(read), float(graph), float(begun), {kind: spent[kind] / edges[kind] for kind in spent})
