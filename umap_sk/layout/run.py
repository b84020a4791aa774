"""A layout run: its problem and its current state. A run can be started, continued, stored and resumed."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout import optimizer
from umap_sk.layout.anchors import Anchors, aggregate_anchors, align_to_anchors
from umap_sk.layout.curve import Curve
from umap_sk.layout.density import Density
from umap_sk.layout.optimizer import Forces, LayoutProblem, LayoutState, make_first_state
from umap_sk.layout.problem import Schedule, extract_connected_part, make_layout_problem
from umap_sk.layout.schedule import Phase, count_epochs, count_moments, find_phase
from umap_sk.layout.sell import NO_SLICES, prolong
from umap_sk.layout.space_start import lay_into_space, use_coordinates
from umap_sk.layout.spaces import to_coordinates
from umap_sk.layout.start import Start, compute_start_positions
from umap_sk.runtime.side_by_side import put_rows, take_rows


class LayoutRun(NamedTuple):
    """A layout run."""

    problem: LayoutProblem | None  # None after loading from a file, until :func:`restore` builds it again
    state: LayoutState
    rows: np.ndarray  # the connected rows, in the optimizer's order
    schedule: Schedule
    forces: Forces
    anchors: Anchors | None = None  # of all rows


def begin(
    shared: SharedGraph, start: Start, schedule: Schedule, forces: Forces, seed: int, anchors: Anchors | None = None
) -> LayoutRun:
    """Return a run before its first epoch. An initial layout that is rescaled is also aligned to the anchors."""
    shared, connected = extract_connected_part(shared)
    distances = shared.lengths if start.needs_lengths else None
    problem, coarsest = make_layout_problem(
        shared, schedule, forces, seed, anchored=anchors is not None, distances=distances
    )
    problem = attach_anchors(problem, anchors, connected)
    space, rows = problem.space, get_rows_in_order(problem, connected)
    if space and space.kind != kernels.FLAT and start.positions is not None and not start.computed:
        positions, width = use_coordinates(space, start.positions[rows], jittered=start.rescale), 1.0
    else:
        axes = schedule.n_components
        positions, width = compute_start_positions(start, problem, coarsest, connected, axes, seed)
        positions = lay_into_space(space, positions) if space else positions
    if anchors and start.rescale:
        positions = align_to_anchors(positions, problem.anchors[problem.phases[0].depth])
    return LayoutRun(problem, make_first_state(problem, positions, seed, width), rows, schedule, forces, anchors)


def attach_anchors(problem: LayoutProblem, anchors: Anchors | None, connected: np.ndarray | None) -> LayoutProblem:
    """Return the problem with the anchors of all levels, if there are any."""
    return problem._replace(anchors=aggregate_anchors(anchors, problem.levels, connected)) if anchors else problem


def resume(
    shared: SharedGraph, schedule: Schedule, forces: Forces, state: LayoutState, anchors: Anchors | None = None
) -> LayoutRun:
    """Return a run with a stored state, and build its levels again."""
    shared, connected = extract_connected_part(shared)
    problem, _ = make_layout_problem(shared, schedule, forces, state.seed, anchored=anchors is not None)
    problem = attach_anchors(problem, anchors, connected)
    check_state(problem.phases, [level.n_vertices for level in problem.levels], state)
    return LayoutRun(problem, state, get_rows_in_order(problem, connected), schedule, forces, anchors)


def check_state(phases: tuple[Phase, ...], sizes: Sequence[int], state: LayoutState) -> None:
    """Raise if the schedule does not lead to this state. `sizes` are the vertices of the finest levels."""
    if state.epoch >= count_epochs(phases):
        return
    phase = find_phase(phases, state.epoch)
    n_vertices = sizes[phase.depth] if phase.depth < len(sizes) else len(state.positions)
    expected = phase.depth, n_vertices, count_moments(phase)
    if (state.depth, len(state.positions), len(state.moments)) != expected:
        raise ValueError(
            f"The stored layout stands at epoch {state.epoch} with {len(state.positions)} vertices of level "
            f"{state.depth} and {len(state.moments)} moments, where the schedule has {expected[1]}, {expected[0]} and "
            f"{expected[2]}: a version of the package with other steps has written it. Fit again."
        )


def restore(run: LayoutRun, shared: SharedGraph) -> LayoutRun:
    """Return the run with its problem, which is built again after loading from a file."""
    if run.problem is not None:
        return run
    return resume(shared, run.schedule, run.forces, run.state, run.anchors)


def advance(
    run: LayoutRun,
    epochs: int,
    on_epoch: Callable[[LayoutRun], bool | None],
    *,
    reuse: bool = False,
    must_stay: Callable[[LayoutState], bool] | None = None,
) -> LayoutRun:
    """Run some epochs, until the end of the schedule or until `on_epoch` returns true. It is called after each epoch.

    `reuse` and `must_stay` are those of :func:`umap_sk.layout.optimizer.run_epochs`.
    """
    last, stopped = min(count_planned_epochs(run), run.state.epoch + epochs), False

    def report(state: LayoutState) -> bool:
        nonlocal run, stopped
        run = run._replace(state=state)
        stopped = bool(on_epoch(run))
        return stopped

    while run.state.epoch < last and not stopped:
        run = release_coarse_edges(run)
        count = min(last, find_phase_end(run)) - run.state.epoch
        optimizer.run_epochs(get_problem(run), run.state, count, report, reuse=reuse, must_stay=must_stay)
        reuse = True
    return run


def get_rows_in_order(problem: LayoutProblem, connected: np.ndarray | None) -> np.ndarray:
    """Return the rows in the optimizer's order. `connected` are the connected rows, or None if all rows are."""
    order = problem.levels[0].order
    return order if connected is None else take_rows(connected, order)


def get_problem(run: LayoutRun) -> LayoutProblem:
    """Return the problem of a run, which must have one."""
    assert run.problem is not None
    return run.problem


def get_level_sizes(run: LayoutRun) -> list[int]:
    """Return the numbers of vertices of the levels with epochs, finest first."""
    problem = get_problem(run)
    return [level.n_vertices for level in problem.levels[: problem.phases[0].depth + 1]]


def count_planned_epochs(run: LayoutRun) -> int:
    """Return the number of epochs of the whole schedule, on all levels."""
    return count_epochs(get_problem(run).phases)


def count_edges_by_phase(run: LayoutRun) -> list[tuple[int, int]]:
    """Return the number of edges of the level of each planned phase, and its number of epochs."""
    problem = get_problem(run)
    return [(len(problem.levels[phase.depth].slices.indices), phase.epochs) for phase in problem.phases]


def find_phase_end(run: LayoutRun) -> int:
    """Return the epoch at which the current phase ends."""
    ends = (phase.first_epoch + phase.epochs for phase in get_problem(run).phases)
    return next(end for end in ends if end > run.state.epoch)


def is_finished(run: LayoutRun) -> bool:
    """Return whether all epochs of the schedule have been run."""
    return run.state.epoch >= count_planned_epochs(run)


def compute_embedding(run: LayoutRun, lost: np.ndarray) -> np.ndarray:
    """Return the current coordinates of all rows. Positions of coarse levels are prolonged.

    Rows in `lost` have no edges of their own, and their coordinates are NaN. They can take part in the layout, because
    other rows can list them as neighbors.
    """
    positions = run.state.positions
    for depth in range(run.state.depth, 0, -1):
        positions = prolong(get_problem(run).levels, depth, positions)
    positions = to_coordinates(run.schedule.output_metric, positions)
    out = np.empty((len(lost), positions.shape[1]), np.float32)
    put_rows(positions, run.rows, out)
    if lost.any():
        out[lost] = np.nan
    return out


def release_coarse_edges(run: LayoutRun) -> LayoutRun:
    """Return the run without the edges of coarser levels, which are no longer needed."""
    problem, depth = get_problem(run), run.state.depth
    left = [level._replace(slices=NO_SLICES) for level in problem.levels[depth + 1 :]]
    return run._replace(problem=problem._replace(levels=(*problem.levels[: depth + 1], *left)))


def to_plain(run: LayoutRun) -> dict[str, object]:
    """Return the stored form of a run, with plain types and arrays of its own."""
    state = run.state._replace(positions=run.state.positions.copy(), moments=run.state.moments.copy())
    forces = run.forces._asdict() | {"curve": tuple(run.forces.curve)}
    forces["density"] = run.forces.density and tuple(run.forces.density)
    stored = {"state": state._asdict(), "rows": run.rows, "schedule": run.schedule._asdict(), "forces": forces}
    return stored | {"anchors": run.anchors and tuple(run.anchors)}


def from_plain(stored: dict[str, Any]) -> LayoutRun:
    """Return the run of a stored form, without its problem."""
    forces = stored["forces"] | {"curve": Curve(*stored["forces"]["curve"])}
    forces["density"] = forces["density"] and Density(*forces["density"])
    schedule, state = Schedule(**stored["schedule"]), state_from_plain(stored["state"])
    anchors = stored["anchors"] and Anchors(*stored["anchors"])
    return LayoutRun(None, state, stored["rows"], schedule, Forces(**forces), anchors)


def state_from_plain(stored: dict[str, Any]) -> LayoutState:
    """Return the state of a stored form."""
    return LayoutState(**stored)
