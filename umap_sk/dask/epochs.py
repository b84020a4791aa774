"""Epochs in blocks of rows, with the same bits as in one process.

Positions are sent once per epoch. Edges and moments stay on their workers.
"""

from collections import deque
from collections.abc import Callable
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from distributed import Future

from umap_sk.dask.arrange import Hierarchy
from umap_sk.dask.cluster import Cluster, choose_worker, gather, submit, wait_for
from umap_sk.dask.start import Layout, prolong
from umap_sk.layout import optimizer
from umap_sk.layout.optimizer import Forces, LayoutProblem, LayoutState
from umap_sk.layout.run import check_state
from umap_sk.layout.schedule import Phase, count_epochs, find_phase, keeps_moments
from umap_sk.layout.sell import NO_SLICES, ArrangedLevel

get_positions = attrgetter("positions")
EPOCHS_AHEAD = 6  # epochs that are submitted in advance, so that workers need not wait for the client
COPY_INTERVAL = 10  # epochs between copies of all moments on other workers, which a lost worker costs at most


class EpochResult(NamedTuple):
    """The result of an epoch for the rows of a worker: positions, and the moments of each block."""

    positions: np.ndarray
    moments: tuple[np.ndarray, ...]


class DistributedState(NamedTuple):
    """The state of a run on the workers."""

    depth: int  # the level of the positions
    epoch: int  # number of epochs that have been run
    width: float  # of the initial layout
    state: Future | None  # the whole state, on a level of a single worker
    positions: list[Future]  # by worker, on a level in blocks
    results: list[Future] | None  # an EpochResult by worker, or None if a phase begins with moments of 0


def begin_phase(cluster: Cluster, layout: Layout, positions: Future, width: float, epoch: int = 0) -> DistributedState:
    """Return the first state of a phase."""
    phase = find_phase(layout.phases, epoch)
    depth = phase.depth
    if depth >= len(layout.blocks):
        state = submit(cluster, "start", _make_state, positions, phase, epoch, layout.seed, width)
        return DistributedState(depth, epoch, width, state, [], None)
    bounds = layout.blocks[depth].bounds
    groups = _locate_groups(cluster, bounds)
    parts = [submit(cluster, "start", _copy_rows, positions, *span, worker=worker) for span, worker in groups]
    return DistributedState(depth, epoch, width, None, parts, None)


def resume(cluster: Cluster, layout: Layout, state: LayoutState) -> DistributedState:
    """Send a stored state to the workers."""
    check_state(layout.phases, [blocks.bounds[-1] for blocks in layout.blocks], state)
    if state.depth >= len(layout.blocks):
        future = submit(cluster, "resume", LayoutState, *state)
        return DistributedState(state.depth, state.epoch, state.width, future, [], None)
    blocks = layout.blocks[state.depth]
    results, parts = [], []
    for group, ((first, last), worker) in zip(blocks.groups, _locate_groups(cluster, blocks.bounds), strict=True):
        part = state.positions[first:last], state.moments[:, first:last]
        results.append(submit(cluster, "resume", _split_state, group, *part, worker=worker))
        parts.append(submit(cluster, "resume", get_positions, results[-1], worker=worker))
    return DistributedState(state.depth, state.epoch, state.width, None, parts, results)


def run_epochs(
    cluster: Cluster, layout: Layout, current: DistributedState, callback: Callable[[DistributedState], object]
) -> DistributedState:
    """Run all remaining epochs, and return the last state. `callback` is called with each state."""
    pending: deque[DistributedState] = deque()
    copies: list[list[Future]] = []
    while current.epoch < count_epochs(layout.phases):
        phase = find_phase(layout.phases, current.epoch)
        if current.state is not None:
            current = _submit_phase(cluster, layout, phase, current)
        else:
            current = _submit_epoch(cluster, layout, phase, current)
            if current.epoch % COPY_INTERVAL == 0:
                assert current.results is not None
                copies.append([*current.results, *_submit_copies(cluster, current.results)])
            if len(copies) > 1 and all(future.done() for future in copies[-1]):
                copies = copies[-1:]
        if current.epoch == phase.first_epoch + phase.epochs < count_epochs(layout.phases):
            current = _begin_next_phase(cluster, layout, phase, current)
        pending.append(current)
        while len(pending) > EPOCHS_AHEAD or (pending and _is_done(pending[0])):  # pending states use workers' memory
            _finish(cluster, pending.popleft(), callback)
    while pending:
        _finish(cluster, pending.popleft(), callback)
    return current


def _get_futures(current: DistributedState) -> list[Future]:
    return [current.state] if current.state else current.positions


def _is_done(current: DistributedState) -> bool:
    return all(future.done() for future in _get_futures(current))


def _finish(cluster: Cluster, current: DistributedState, callback: Callable[[DistributedState], object]) -> None:
    wait_for(cluster, _get_futures(current))
    callback(current)


def gather_state(cluster: Cluster, layout: Layout, current: DistributedState) -> LayoutState:
    """Gather a state in this process."""
    if current.state is not None:
        return gather(cluster, current.state)
    if current.results is None:
        positions = np.concatenate(gather(cluster, current.positions))
        moments = optimizer.make_moments(find_phase(layout.phases, current.epoch), positions)
    else:
        parts: list[EpochResult] = gather(cluster, current.results)
        positions = np.concatenate([part.positions for part in parts])
        moments = np.concatenate([block for part in parts for block in part.moments], axis=1)
    return LayoutState(current.depth, positions, moments, current.epoch, layout.seed, current.width)


def _locate_groups(cluster: Cluster, bounds: list[int]) -> list[tuple[tuple[int, int], str]]:
    """Return the rows and the worker of each group of blocks."""
    count = len(bounds) - 1
    return [(span, choose_worker(cluster, group, count)) for group, span in enumerate(pairwise(bounds))]


def _submit_epoch(cluster: Cluster, layout: Layout, phase: Phase, current: DistributedState) -> DistributedState:
    """Submit an epoch of a level in blocks."""
    blocks = layout.blocks[phase.depth]
    context = phase, layout.forces, layout.n_rows, current.epoch, layout.seed, current.width
    results, positions = [], []
    for number, (_, worker) in enumerate(_locate_groups(cluster, blocks.bounds)):
        previous = current.results[number] if current.results else None
        arguments = blocks.groups[number], context, current.positions, previous
        results.append(submit(cluster, "epoch", run_epoch, *arguments, worker=worker, all_threads=True))
        positions.append(submit(cluster, "positions", get_positions, results[-1], worker=worker))
    return current._replace(epoch=current.epoch + 1, positions=positions, results=results)


def _submit_phase(cluster: Cluster, layout: Layout, phase: Phase, current: DistributedState) -> DistributedState:
    """Submit all remaining epochs of a phase on a level of a single worker."""
    state = submit(
        cluster, "epochs", run_phase, layout.hierarchy, layout.phases, layout.forces, current.state, all_threads=True
    )
    return current._replace(epoch=phase.first_epoch + phase.epochs, state=state)


def _begin_next_phase(cluster: Cluster, layout: Layout, phase: Phase, current: DistributedState) -> DistributedState:
    """Return the first state of the next phase, on the next finer level if the level changes."""
    if keeps_moments(phase, find_phase(layout.phases, current.epoch)):
        return current
    if current.state is None and not phase.depth:
        return current._replace(results=None)
    if current.state is not None:
        positions = submit(cluster, "prolong", get_positions, current.state)
    else:
        positions = submit(cluster, "prolong", np.concatenate, current.positions)
    if phase.depth:
        positions = prolong(cluster, layout, phase.depth, positions)
    return begin_phase(cluster, layout, positions, current.width, current.epoch)


def _submit_copies(cluster: Cluster, results: list[Future]) -> list[Future]:
    """Submit tasks on other workers that need the results, so that Dask copies them there."""
    count, workers = len(results), cluster.workers
    after = [workers.index(choose_worker(cluster, group, count)) + 1 for group in range(count)]
    pairs = zip(results, after, strict=True)
    return [submit(cluster, "keep", type, result, worker=workers[k % len(workers)]) for result, k in pairs]


def run_epoch(
    blocks: list[ArrangedLevel],
    context: tuple[Phase, Forces, int, int, int, float],
    parts: list[np.ndarray],
    previous: EpochResult | None,
) -> EpochResult:
    """Run an epoch of some blocks of rows, given all positions and the moments of these blocks."""
    phase, forces, n_rows, epoch, seed, width = context
    positions = np.concatenate(parts)
    first = blocks[0].first_row
    out = np.empty((sum(len(block.degree) for block in blocks), positions.shape[1]), np.float32)
    moments: list[np.ndarray] = []
    repulsion = None
    for number, block in enumerate(blocks):
        rows = slice(block.first_row - first, block.first_row - first + len(block.degree))
        before = previous.moments[number] if previous else optimizer.make_moments(phase, out[rows])
        problem = LayoutProblem(
            (_make_edgeless_level(n_rows), *[block] * phase.depth) if phase.depth else (block,), (phase,), forces
        )
        state = LayoutState(phase.depth, positions, before, epoch, seed, width)
        if phase.field and repulsion is None:
            repulsion = optimizer.compute_repulsion(problem, phase, state)
        moments.append(np.empty_like(before))
        optimizer.step_rows(problem, phase, state, out[rows], moments[-1], repulsion)
    return EpochResult(out, tuple(moments))


def _make_edgeless_level(n_rows: int) -> ArrangedLevel:
    none = np.empty(0, np.int32)
    return ArrangedLevel(NO_SLICES, none, none, np.broadcast_to(np.float32(1), n_rows), none, none)


def run_phase(hierarchy: Hierarchy, phases: tuple[Phase, ...], forces: Forces, state: LayoutState) -> LayoutState:
    """Run all remaining epochs of a phase."""
    problem = LayoutProblem(hierarchy.levels, phases, forces)
    phase = find_phase(phases, state.epoch)
    initial, spare = state, None
    while state.epoch < phase.first_epoch + phase.epochs:
        following = optimizer.step(problem, phase, state, spare)
        spare = None if state is initial else state
        state = following
    return state


def _make_state(positions: np.ndarray, phase: Phase, epoch: int, seed: int, width: float) -> LayoutState:
    moments = optimizer.make_moments(phase, positions)
    return LayoutState(phase.depth, np.ascontiguousarray(positions), moments, epoch, seed, width)


def _copy_rows(positions: np.ndarray, first: int, last: int) -> np.ndarray:
    return positions[first:last].copy()


def _split_state(blocks: list[ArrangedLevel], positions: np.ndarray, moments: np.ndarray) -> EpochResult:
    """Split a part of a stored state into blocks."""
    first = blocks[0].first_row
    spans = [(block.first_row - first, block.first_row - first + len(block.degree)) for block in blocks]
    return EpochResult(np.array(positions), tuple(np.ascontiguousarray(moments[:, a:b]) for a, b in spans))
