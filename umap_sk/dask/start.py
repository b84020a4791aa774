"""The start of a layout in blocks: the positions on the first phase's level, and their width."""

from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from distributed import Future

from umap_sk import kernels
from umap_sk.dask.arrange import Blocks, Hierarchy
from umap_sk.dask.cluster import Cluster, choose_worker, gather, submit
from umap_sk.layout import sell
from umap_sk.layout.optimizer import Forces, LayoutProblem
from umap_sk.layout.problem import Schedule, choose_phases
from umap_sk.layout.schedule import Phase
from umap_sk.layout.sell import JITTER, ArrangedLevel, smooth
from umap_sk.layout.start import Start, average_start, compute_graph_start, get_finest_positions, scale_averages
from umap_sk.layout.width import MAX_STRETCH, START_SMOOTHINGS, compute_long_share, sample_edges, scale_robustly


class Layout(NamedTuple):
    """A layout whose finest levels are in blocks on several workers."""

    hierarchy: Future  # all levels, a Hierarchy
    blocks: list[Blocks]  # of levels in pieces, the finest level first
    phases: tuple[Phase, ...]
    forces: Forces
    n_rows: int  # vertices of the finest level
    level_sizes: list[int]  # numbers of vertices, the finest level first
    n_components: int
    seed: int

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return len(self.level_sizes)


def make_layout(
    cluster: Cluster, hierarchy: Future, blocks: list[Blocks], schedule: Schedule, forces: Forces, seed: int
) -> Layout:
    """Plan the schedule of a hierarchy, and return the layout."""
    level_sizes, phases = gather(cluster, submit(cluster, "arrange", _plan_phases, hierarchy, schedule, forces))
    return Layout(hierarchy, blocks, phases, forces, blocks[0].bounds[-1], level_sizes, schedule.n_components, seed)


def _plan_phases(hierarchy: Hierarchy, schedule: Schedule, forces: Forces) -> tuple[list[int], tuple[Phase, ...]]:
    return [level.n_vertices for level in hierarchy.levels], choose_phases(hierarchy.levels, schedule, forces)


def start_layout(cluster: Cluster, layout: Layout, start: Start, mask: Future | None) -> tuple[Future, float]:
    """Compute the positions on the first phase's level, and the width of the start."""
    if start.is_of_graph:
        arguments = layout.hierarchy, layout.phases, layout.forces
        result = submit(cluster, "start", _start_from_graph, *arguments, start, *layout[-2:], all_threads=True)
    else:
        finest = submit(cluster, "start", _start_from_array, layout.hierarchy, start, mask, *layout[-2:])
        if start.rescale:
            result = _rescale(cluster, layout, finest, is_random=start.is_random)
        else:
            result = submit(cluster, "start", _average, layout.hierarchy, finest, layout.phases, layout.forces)
    positions = submit(cluster, "start", itemgetter(0), result)
    width = gather(cluster, submit(cluster, "start", itemgetter(1), result))
    if layout.phases[0].depth < layout.n_levels - 1 and start.rescale:
        for depth in range(layout.n_levels - 1, 0, -1):
            positions = prolong(cluster, layout, depth, positions)
    if start.rescale:
        positions = submit(cluster, "start", _jitter, positions)
    return positions, width


def prolong(cluster: Cluster, layout: Layout, depth: int, positions: Future) -> Future:
    """Prolong positions to the next finer level, as :func:`umap_sk.layout.sell.prolong` does."""
    if depth - 1 >= len(layout.blocks):
        return submit(cluster, "prolong", _prolong, layout.hierarchy, depth, positions, all_threads=True)
    owners = submit(cluster, "prolong", _copy_owners, layout.hierarchy, depth, positions)
    parts = map_blocks(cluster, layout.blocks[depth - 1], "prolong", _smooth, owners, 0.5, True)
    return submit(cluster, "prolong", np.concatenate, parts)


def map_blocks(
    cluster: Cluster, blocks: Blocks, phase: str, function: Callable[..., object], *given: object
) -> list[Future]:
    """Submit a function for each block, on the worker of the block."""
    count = len(blocks.groups)
    return [
        submit(cluster, phase, function, block, *given, worker=choose_worker(cluster, number, count))
        for number, group in enumerate(blocks.groups)
        for block in group
    ]


def _rescale(cluster: Cluster, layout: Layout, positions: Future, *, is_random: bool) -> Future:
    finest = layout.blocks[0]
    for _ in range(START_SMOOTHINGS):
        parts = map_blocks(cluster, finest, "start", _smooth, positions, 1.0, False)
        positions = submit(cluster, "start", np.concatenate, parts)
    scaled = submit(cluster, "start", scale_robustly, positions, MAX_STRETCH)
    edges = [] if is_random else map_blocks(cluster, finest, "start", sample_edges, scaled)
    arguments = layout.hierarchy, scaled, edges, layout.phases, layout.forces
    return submit(cluster, "start", _scale_averages, *arguments, all_threads=True)


def _start_from_graph(
    hierarchy: Hierarchy, phases: tuple[Phase, ...], forces: Forces, start: Start, n_components: int, seed: int
) -> tuple[np.ndarray, float]:
    problem = LayoutProblem(hierarchy.levels, phases, forces)
    return compute_graph_start(start, problem, hierarchy.coarsest, n_components, seed)


def _start_from_array(
    hierarchy: Hierarchy, start: Start, mask: np.ndarray | None, n_components: int, seed: int
) -> np.ndarray:
    rows = None if mask is None else np.flatnonzero(mask)
    return get_finest_positions(start, hierarchy.levels, rows, n_components, seed)


def _scale_averages(
    hierarchy: Hierarchy,
    finest: np.ndarray,
    edges: list[tuple[np.ndarray, ...]],
    phases: tuple[Phase, ...],
    forces: Forces,
) -> tuple[np.ndarray, float]:
    long_share = None
    if edges:  # which random positions lack
        long_share = compute_long_share(*(np.concatenate(arrays) for arrays in zip(*edges, strict=True)))
    return scale_averages(finest, LayoutProblem(hierarchy.levels, phases, forces), long_share)


def _average(
    hierarchy: Hierarchy, finest: np.ndarray, phases: tuple[Phase, ...], forces: Forces
) -> tuple[np.ndarray, float]:
    return average_start(finest, LayoutProblem(hierarchy.levels, phases, forces))


def _jitter(positions: np.ndarray) -> np.ndarray:
    positions = np.array(positions, order="C")
    kernels.jitter(positions, 0, np.float32(JITTER))
    return positions


def _prolong(hierarchy: Hierarchy, depth: int, positions: np.ndarray) -> np.ndarray:
    return sell.prolong(hierarchy.levels, depth, positions)


def _copy_owners(hierarchy: Hierarchy, depth: int, positions: np.ndarray) -> np.ndarray:
    return positions[hierarchy.levels[depth].owner]


def _smooth(block: ArrangedLevel, positions: np.ndarray, share: float, with_jitter: bool) -> np.ndarray:
    moved = smooth(block, positions, share)
    if with_jitter:
        kernels.jitter(moved, block.first_row, np.float32(JITTER))
    return moved
