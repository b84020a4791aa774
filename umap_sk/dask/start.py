"""The start of a layout in blocks: positions on the level where epochs begin, and how wide they are."""

from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from distributed import Future

from umap_sk import kernels
from umap_sk.dask.arrange import Blocks, Tower
from umap_sk.dask.cluster import Cluster, home, outcome, submit
from umap_sk.layout.optimizer import Forces, LayoutProblem
from umap_sk.layout.problem import Schedule, choose_phases
from umap_sk.layout.schedule import Phase
from umap_sk.layout.sell import JITTER, ArrangedLevel, prolong, smooth
from umap_sk.layout.start import Start, average_start, compute_graph_start, get_finest_positions, scale_averages
from umap_sk.layout.width import MAX_STRETCH, START_SMOOTHINGS, compute_length_spread, sample_edges, scale_robustly


class Layout(NamedTuple):
    """A layout whose finest levels lie in blocks on several workers.

    Attributes
    ----------
    tower : Future
        All levels' vectors; see :class:`umap_sk.dask.arrange.Tower`.
    blocks : list of Blocks
        The rows of the levels in blocks, the finest first.
    phases : tuple of Phase
        The schedule.
    forces : Forces
        Curve and rates.
    n_rows, n_levels, n_components, seed : int
        Vertices of the finest level, levels, axes, and what all randomness depends on.
    """

    tower: Future
    blocks: list[Blocks]
    phases: tuple[Phase, ...]
    forces: Forces
    n_rows: int
    n_levels: int
    n_components: int
    seed: int


def layout_of(
    cluster: Cluster, tower: Future, blocks: list[Blocks], schedule: Schedule, forces: Forces, seed: int
) -> Layout:
    """A layout of levels, whose schedule depends on their number and the finest one's degrees."""
    n_levels, phases = outcome(cluster, submit(cluster, "arrange", _phases, tower, schedule, forces))
    return Layout(tower, blocks, phases, forces, blocks[0].bounds[-1], n_levels, schedule.n_components, seed)


def _phases(tower: Tower, schedule: Schedule, forces: Forces) -> tuple[int, tuple[Phase, ...]]:
    return len(tower.levels), choose_phases(tower.levels, schedule, forces)


def start(cluster: Cluster, layout: Layout, start: Start, kept: Future | None) -> tuple[Future, float]:
    """Positions of the first phase's level, and their width, as :func:`compute_start_positions` finds them."""
    if start.is_of_graph:
        held = layout.tower, layout.phases, layout.forces
        found = submit(cluster, "start", _of_graph, *held, start, *layout[-2:], wide=True)
    else:
        finest = submit(cluster, "start", _given, layout.tower, start, kept, *layout[-2:])
        if start.rescale:
            found = _rescaled(cluster, layout, finest)
        else:
            found = submit(cluster, "start", _means, layout.tower, finest, layout.phases, layout.forces)
    positions = submit(cluster, "start", itemgetter(0), found)
    width = outcome(cluster, submit(cluster, "start", itemgetter(1), found))
    if layout.phases[0].depth < layout.n_levels - 1 and start.rescale:
        for depth in range(layout.n_levels - 1, 0, -1):
            positions = prolonged(cluster, layout, depth, positions)
    if start.rescale:
        positions = submit(cluster, "start", _jittered, positions)
    return positions, width


def prolonged(cluster: Cluster, layout: Layout, depth: int, positions: Future) -> Future:
    """Positions of the next finer level, as :func:`umap_sk.layout.sell.prolong` finds them."""
    if depth - 1 >= len(layout.blocks):
        return submit(cluster, "prolong", _prolonged, layout.tower, depth, positions, wide=True)
    owners = submit(cluster, "prolong", _of_owners, layout.tower, depth, positions)
    parts = of_blocks(cluster, layout.blocks[depth - 1], "prolong", _smoothed, owners, 0.5, True)
    return submit(cluster, "prolong", np.concatenate, parts)


def of_blocks(cluster: Cluster, blocks: Blocks, phase: str, function: Any, *given: Any) -> list[Future]:
    """A function of every block, where that lies."""
    count = len(blocks.groups)
    return [
        submit(cluster, phase, function, block, *given, at=home(cluster, number, count))
        for number, group in enumerate(blocks.groups)
        for block in group
    ]


def _rescaled(cluster: Cluster, layout: Layout, positions: Future) -> Future:
    finest = layout.blocks[0]
    for _ in range(START_SMOOTHINGS):
        parts = of_blocks(cluster, finest, "start", _smoothed, positions, 1.0, False)
        positions = submit(cluster, "start", np.concatenate, parts)
    scaled = submit(cluster, "start", scale_robustly, positions, MAX_STRETCH)
    edges = of_blocks(cluster, finest, "start", sample_edges, scaled)
    return submit(
        cluster, "start", _scaled_averages, layout.tower, scaled, edges, layout.phases, layout.forces, wide=True
    )


def _of_graph(
    tower: Tower,
    phases: tuple[Phase, ...],
    forces: Forces,
    start: Start,
    n_components: int,
    seed: int,
) -> tuple[np.ndarray, float]:
    return compute_graph_start(start, LayoutProblem(tower.levels, phases, forces), tower.coarsest, n_components, seed)


def _given(tower: Tower, start: Start, kept: np.ndarray | None, n_components: int, seed: int) -> np.ndarray:
    rows = None if kept is None else np.flatnonzero(kept)
    return get_finest_positions(start, tower.levels, rows, n_components, seed)


def _scaled_averages(
    tower: Tower, finest: np.ndarray, edges: list[Any], phases: tuple[Phase, ...], forces: Forces
) -> tuple[np.ndarray, float]:
    spread = compute_length_spread(*(np.concatenate(arrays) for arrays in zip(*edges, strict=True)))
    return scale_averages(finest, LayoutProblem(tower.levels, phases, forces), spread)


def _means(tower: Tower, finest: np.ndarray, phases: tuple[Phase, ...], forces: Forces) -> tuple[np.ndarray, float]:
    return average_start(finest, LayoutProblem(tower.levels, phases, forces))


def _jittered(positions: np.ndarray) -> np.ndarray:
    positions = np.array(positions, order="C")
    kernels.jitter(positions, 0, np.float32(JITTER))
    return positions


def _prolonged(tower: Tower, depth: int, positions: np.ndarray) -> np.ndarray:
    return prolong(tower.levels, depth, positions)


def _of_owners(tower: Tower, depth: int, positions: np.ndarray) -> np.ndarray:
    return positions[tower.levels[depth].owner]


def _smoothed(block: ArrangedLevel, positions: np.ndarray, share: float, jittered: bool) -> np.ndarray:
    moved = smooth(block, positions, share)
    if jittered:
        kernels.jitter(moved, block.first_row, np.float32(JITTER))
    return moved
