"""The time of a plan: a fit of a small synthetic graph on this machine, scaled by neighbors, edges and epochs."""

import functools
import time
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from umap_sk.graph.fuzzy_union import fuzzy_graph
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE, SharedGraph
from umap_sk.layout import run
from umap_sk.layout.coarsen import COARSEST_VERTICES, PLANE_SHARE
from umap_sk.layout.curve import fit_curve
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.problem import Schedule, get_default_epochs
from umap_sk.layout.schedule import Phase, choose_negatives, plan_length, plan_phases
from umap_sk.layout.start import GRAPH_STARTS, make_array_start
from umap_sk.neighbors.read import read_neighbors
from umap_sk.planning.memory import estimate_level_sizes, has_field, is_majorized
from umap_sk.planning.search import estimate_search_seconds
from umap_sk.planning.sizes import Sizes
from umap_sk.runtime.threads import FEW_ROWS, limit_threads_by_rows

PROBE_NEIGHBORS, PROBE_EPOCHS = 15, 100  # of the synthetic fit
# Rows of the synthetic fit: the first size that a fit does not exceed.
PROBE_SIZES = FEW_ROWS, int(PLANE_SHARE * COARSEST_VERTICES), COARSEST_VERTICES, 60_000
COARSE_EDGES = 0.5  # relative to the edges in the memory plan: the median of eight graphs
SOLVER_SECONDS = 1e-5  # per vertex of the coarsest level, if the start is computed from the graph


class Rates(NamedTuple):
    """Seconds per neighbor read, per neighbor used in the graph, per edge of the start, and per edge and epoch."""

    neighbors: float
    graph: float
    start: float
    epoch: dict[tuple[bool, bool], float]  # by `classify_phase`


def classify_phase(phase: Phase) -> tuple[bool, bool]:
    """Return what determines the cost of an epoch: whether the level is coarse, and whether the descent is near."""
    return phase.depth > 0, phase.descent.near


def estimate_phase_seconds(sizes: Sizes, threads: int) -> dict[str, float | None]:
    """Estimate the seconds of each phase of a fit on this machine, or None if they depend on the data."""
    rows = next((rows for rows in PROBE_SIZES if sizes.n <= rows), PROBE_SIZES[-1])
    rates = measure_rates(rows, sizes.n_components, threads)
    seconds: dict[str, float | None] = {}
    if sizes.search:
        seconds["search"] = estimate_search_seconds(sizes.n, sizes.search, sizes.listed - 1, threads)
    if sizes.listed:
        seconds |= {"neighbors": rates.neighbors * sizes.n * sizes.listed, "graph": rates.graph * sizes.kept}
    levels = estimate_level_sizes(sizes)
    solver = SOLVER_SECONDS * levels[-1][0] if sizes.start in GRAPH_STARTS else 0.0
    phases = plan_fit_phases(sizes, len(levels) if sizes.multilevel else 1)
    edges = [sizes.edges, *(COARSE_EDGES * most for _, most in levels[1:])]
    layout = sum(rates.epoch[classify_phase(phase)] * edges[phase.depth] * phase.epochs for phase in phases)
    return seconds | {"start": rates.start * sizes.edges + solver, "layout": layout}


def plan_fit_phases(sizes: Sizes, n_levels: int) -> tuple[Phase, ...]:
    """Return the schedule of a fit."""
    planned = plan_length if sizes.n_epochs else plan_phases
    n_epochs = sizes.n_epochs or get_default_epochs(sizes.n)
    negatives = choose_negatives(np.log2(max(2, sizes.kept / sizes.n + 1)) * (1.5 if sizes.symmetrize else 1), 5)
    return planned(n_levels, n_epochs, negatives, field=has_field(sizes), majorized=is_majorized(sizes))


@functools.lru_cache(maxsize=64)
def measure_rates(rows: int, n_components: int, threads: int) -> Rates:
    """Measure the rates of a fit of random points in a cube on the current number of threads, and cache them."""
    points = np.random.default_rng(0).random((rows, 3))
    dists, indices = cKDTree(points).query(points, PROBE_NEIGHBORS)
    start = points[:, np.arange(n_components) % 3]
    with limit_threads_by_rows(rows):
        _time_fit(indices, dists, start, PROBE_EPOCHS // 5)  # loads the machine code
        return _time_fit(indices, dists, start, PROBE_EPOCHS)


def _time_fit(indices: np.ndarray, dists: np.ndarray, start: np.ndarray, n_epochs: int) -> Rates:
    """Time the steps of one fit, which are those of the estimator."""
    clock = [time.perf_counter()]
    neighbors, _ = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=PROBE_NEIGHBORS)
    clock.append(time.perf_counter())
    manifold = SharedGraph(fuzzy_graph(neighbors, PROBE_NEIGHBORS), WHOLE, mean_distances(neighbors))
    clock.append(time.perf_counter())
    schedule = Schedule(n_epochs, start.shape[1], multilevel=True)
    layout = run.begin(manifold, make_array_start(start), schedule, Forces(fit_curve()), seed=0)
    clock.append(time.perf_counter())
    problem, ends = run.get_problem(layout), clock[-1:]
    run.advance(layout, run.count_planned_epochs(layout), lambda _: ends.append(time.perf_counter()))
    spent = {
        classify_phase(p): (ends[p.first_epoch + p.epochs] - ends[p.first_epoch]) / p.epochs for p in problem.phases
    }
    edges = {classify_phase(p): len(problem.levels[p.depth].slices.indices) for p in problem.phases}
    read, graph, started = np.diff(clock) / (indices.size, len(neighbors.indices), manifold.n_edges)
    return Rates(float(read), float(graph), float(started), {kind: spent[kind] / edges[kind] for kind in spent})
