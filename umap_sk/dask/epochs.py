"""Epochs in blocks: positions travel once an epoch, edges and moments stay; the bits are those of one process."""

from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from distributed import Future

from umap_sk.dask.arrange import Tower
from umap_sk.dask.cluster import Cluster, finished, home, outcome, submit
from umap_sk.dask.graph import spans
from umap_sk.dask.start import Layout, prolonged
from umap_sk.layout import optimizer
from umap_sk.layout.optimizer import Forces, LayoutProblem, LayoutState
from umap_sk.layout.run import check_state
from umap_sk.layout.schedule import Phase, count_epochs, find_phase, keeps_moments
from umap_sk.layout.sell import NO_SLICES, ArrangedLevel

POSITIONS = attrgetter("positions")
AHEAD = 6  # epochs that are submitted before the first of them is done, so that workers need not wait for the client
KEPT_EVERY = 10  # epochs after which another worker has a copy of all moments: a worker's loss costs no more


class Stepped(NamedTuple):
    """What an epoch makes of a worker's rows: their positions, and the moments of every block."""

    positions: np.ndarray
    moments: tuple[np.ndarray, ...]


class Standing(NamedTuple):
    """Where a run is.

    Attributes
    ----------
    depth, epoch : int
        The level that the positions are of, and epochs that were run.
    width : float
        How wide the start was.
    state : Future or None
        The whole state, on a level that one worker has.
    positions : list of Future
        Positions of a level in blocks, by worker.
    stepped : list of Future or None
        The same with moments; None where a phase begins with moments of 0.
    """

    depth: int
    epoch: int
    width: float
    state: Future | None
    positions: list[Future]
    stepped: list[Future] | None


def begun(cluster: Cluster, layout: Layout, positions: Future, width: float, epoch: int = 0) -> Standing:
    """The first state of a phase."""
    phase = find_phase(layout.phases, epoch)
    depth = phase.depth
    if depth >= len(layout.blocks):
        state = submit(cluster, "start", _state, positions, phase, epoch, layout.seed, width)
        return Standing(depth, epoch, width, state, [], None)
    bounds = layout.blocks[depth].bounds
    parts = [submit(cluster, "start", _part, positions, *span, at=at) for span, at in _groups(cluster, bounds)]
    return Standing(depth, epoch, width, None, parts, None)


def taken_up(cluster: Cluster, layout: Layout, state: LayoutState) -> Standing:
    """A stored state on the workers."""
    check_state(layout.phases, [blocks.bounds[-1] for blocks in layout.blocks], state)
    if state.depth >= len(layout.blocks):
        future = submit(cluster, "resume", LayoutState, *state)
        return Standing(state.depth, state.epoch, state.width, future, [], None)
    blocks = layout.blocks[state.depth]
    stepped, parts = [], []
    for group, ((first, last), at) in zip(blocks.groups, _groups(cluster, blocks.bounds), strict=True):
        here = state.positions[first:last], state.moments[:, first:last]
        stepped.append(submit(cluster, "resume", _cut, group, *here, at=at))
        parts.append(submit(cluster, "resume", POSITIONS, stepped[-1], at=at))
    return Standing(state.depth, state.epoch, state.width, None, parts, stepped)


def run(cluster: Cluster, layout: Layout, standing: Standing, told: Callable[[Standing], object]) -> Standing:
    """The state at the end of the schedule; `told` hears of every state that is reached."""
    held: deque[Standing] = deque()
    copies: list[list[Future]] = []
    while standing.epoch < count_epochs(layout.phases):
        phase = find_phase(layout.phases, standing.epoch)
        if standing.state is not None:
            standing = _alone(cluster, layout, phase, standing)
        else:
            standing = _step(cluster, layout, phase, standing)
            if standing.epoch % KEPT_EVERY == 0:
                assert standing.stepped is not None
                copies.append([*standing.stepped, *_copied(cluster, standing.stepped)])
            if len(copies) > 1 and all(future.done() for future in copies[-1]):
                copies = copies[-1:]
        if standing.epoch == phase.first_epoch + phase.epochs < count_epochs(layout.phases):
            standing = _next(cluster, layout, phase, standing)
        held.append(standing)
        while len(held) > AHEAD or (held and _is_reached(held[0])):  # what is kept here stays in the workers' memory
            _tell(cluster, held.popleft(), told)
    while held:
        _tell(cluster, held.popleft(), told)
    return standing


def _awaited(standing: Standing) -> list[Future]:
    return [standing.state] if standing.state else standing.positions


def _is_reached(standing: Standing) -> bool:
    return all(future.done() for future in _awaited(standing))


def _tell(cluster: Cluster, standing: Standing, told: Callable[[Standing], object]) -> None:
    finished(cluster, _awaited(standing))
    told(standing)


def whole_state(cluster: Cluster, layout: Layout, standing: Standing) -> LayoutState:
    """The state in this process."""
    if standing.state is not None:
        return outcome(cluster, standing.state)
    if standing.stepped is None:
        positions = np.concatenate(outcome(cluster, standing.positions))
        moments = optimizer.make_moments(find_phase(layout.phases, standing.epoch), positions)
    else:
        parts: list[Stepped] = outcome(cluster, standing.stepped)
        positions = np.concatenate([part.positions for part in parts])
        moments = np.concatenate([block for part in parts for block in part.moments], axis=1)
    return LayoutState(standing.depth, positions, moments, standing.epoch, layout.seed, standing.width)


def _groups(cluster: Cluster, bounds: list[int]) -> list[tuple[tuple[int, int], str]]:
    """Rows of every group of blocks, and the worker it belongs to."""
    count = len(bounds) - 1
    return [(span, home(cluster, group, count)) for group, span in enumerate(spans(bounds))]


def _step(cluster: Cluster, layout: Layout, phase: Phase, standing: Standing) -> Standing:
    """One epoch of a level in blocks."""
    blocks = layout.blocks[phase.depth]
    moment = phase, layout.forces, layout.n_rows, standing.epoch, layout.seed, standing.width
    stepped, positions = [], []
    for number, (_, at) in enumerate(_groups(cluster, blocks.bounds)):
        own = standing.stepped[number] if standing.stepped else None
        given = blocks.groups[number], moment, standing.positions, own
        stepped.append(submit(cluster, "epoch", step, *given, at=at, wide=True))
        positions.append(submit(cluster, "positions", POSITIONS, stepped[-1], at=at))
    return standing._replace(epoch=standing.epoch + 1, positions=positions, stepped=stepped)


def _alone(cluster: Cluster, layout: Layout, phase: Phase, standing: Standing) -> Standing:
    """All epochs that are left of a phase on a level that one worker has."""
    state = submit(
        cluster, "epochs", epochs_alone, layout.tower, layout.phases, layout.forces, standing.state, wide=True
    )
    return standing._replace(epoch=phase.first_epoch + phase.epochs, state=state)


def _next(cluster: Cluster, layout: Layout, phase: Phase, standing: Standing) -> Standing:
    """The first state of the next phase, on the next finer level if that phase is there."""
    if keeps_moments(phase, find_phase(layout.phases, standing.epoch)):
        return standing
    if standing.state is None and not phase.depth:
        return standing._replace(stepped=None)
    if standing.state is not None:
        positions = submit(cluster, "prolong", POSITIONS, standing.state)
    else:
        positions = submit(cluster, "prolong", np.concatenate, standing.positions)
    if phase.depth:
        positions = prolonged(cluster, layout, phase.depth, positions)
    return begun(cluster, layout, positions, standing.width, standing.epoch)


def _copied(cluster: Cluster, stepped: list[Future]) -> list[Future]:
    """Tasks on another worker that need a state: with them comes a copy."""
    count, workers = len(stepped), cluster.workers
    after = [workers.index(home(cluster, group, count)) + 1 for group in range(count)]
    return [
        submit(cluster, "keep", type, one, at=workers[k % len(workers)]) for one, k in zip(stepped, after, strict=True)
    ]


def step(
    blocks: list[ArrangedLevel],
    moment: tuple[Phase, Forces, int, int, int, float],
    parts: list[np.ndarray],
    own: Stepped | None,
) -> Stepped:
    """One epoch of some blocks of rows: a function of all positions and the blocks' own moments."""
    phase, forces, n_rows, epoch, seed, width = moment
    positions = np.concatenate(parts)
    first = blocks[0].first_row
    out = np.empty((sum(len(block.degree) for block in blocks), positions.shape[1]), np.float32)
    moments: list[np.ndarray] = []
    repulsion = None
    for number, block in enumerate(blocks):
        rows = slice(block.first_row - first, block.first_row - first + len(block.degree))
        before = own.moments[number] if own else optimizer.make_moments(phase, out[rows])
        problem = LayoutProblem(
            (_without_edges(n_rows), *[block] * phase.depth) if phase.depth else (block,), (phase,), forces
        )
        state = LayoutState(phase.depth, positions, before, epoch, seed, width)
        if phase.field and repulsion is None:
            repulsion = optimizer.compute_repulsion(problem, phase, state)
        moments.append(np.empty_like(before))
        optimizer.step_rows(problem, phase, state, out[rows], moments[-1], repulsion)
    return Stepped(out, tuple(moments))


def _without_edges(n_rows: int) -> ArrangedLevel:
    none = np.empty(0, np.int32)
    return ArrangedLevel(NO_SLICES, none, none, np.broadcast_to(np.float32(1), n_rows), none, none)


def epochs_alone(tower: Tower, phases: tuple[Phase, ...], forces: Forces, state: LayoutState) -> LayoutState:
    """All epochs that are left of a phase, on its level."""
    problem = LayoutProblem(tower.levels, phases, forces)
    phase = find_phase(phases, state.epoch)
    given, spare = state, None
    while state.epoch < phase.first_epoch + phase.epochs:
        reached = optimizer.step(problem, phase, state, spare)
        spare = None if state is given else state
        state = reached
    return state


def _state(positions: np.ndarray, phase: Phase, epoch: int, seed: int, width: float) -> LayoutState:
    moments = optimizer.make_moments(phase, positions)
    return LayoutState(phase.depth, np.ascontiguousarray(positions), moments, epoch, seed, width)


def _part(positions: np.ndarray, first: int, last: int) -> np.ndarray:
    return positions[first:last].copy()


def _cut(blocks: list[ArrangedLevel], positions: np.ndarray, moments: np.ndarray) -> Stepped:
    """A part of a stored state, with moments block by block."""
    first = blocks[0].first_row
    spans = [(block.first_row - first, block.first_row - first + len(block.degree)) for block in blocks]
    return Stepped(np.array(positions), tuple(np.ascontiguousarray(moments[:, a:b]) for a, b in spans))
