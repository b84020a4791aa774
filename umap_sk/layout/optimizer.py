"""The optimizer, which minimizes the expected loss on each level. An epoch is a pure function of the state."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.layout.anchors import Anchors, add_pull
from umap_sk.layout.curve import Curve
from umap_sk.layout.density import Density, DensityTarget, add_density
from umap_sk.layout.repulsion import (
    MAX_CELLS,
    GridField,
    NearPoints,
    RepulsionKernel,
    add_near_field,
    choose_spacing,
    get_grid_arguments,
    make_grid_field,
    read_field,
    sort_near_points,
)
from umap_sk.layout.schedule import (
    Phase,
    compute_momentum,
    compute_softening,
    compute_step_size,
    count_epochs,
    count_moments,
    find_phase,
    keeps_moments,
)
from umap_sk.layout.sell import ArrangedLevel, prolong, sum_wide_slices
from umap_sk.layout.spaces import Space, check_raised
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads_by_rows

COARSE_SPACING_FACTOR = 5  # of the spacing of grids on coarse levels and with softening
NEAR_FIELD_START = 0.75  # share of the last phase's epochs before the near field is added

SETTINGS_FIELDS = np.dtype(
    [(name, np.float32) for name in ("a", "b", "gamma", "attraction", "negative_rate", "step")]
    + [(name, np.float32) for name in ("correction1", "correction2", "floor", "softening", "momentum")]
    + [("seed", np.uint64), ("epoch", np.uint64), ("n_rows", np.uint64), ("negatives", np.int64)],
    align=True,
)
SETTINGS_NAMES = SETTINGS_FIELDS.names or ()
# A record has named fields in Python, too. With a recarray, numba would swallow interrupts.
SETTINGS_DTYPE = np.dtype((np.record, SETTINGS_FIELDS))


class Forces(NamedTuple):
    """The curve, and the strengths of attraction, repulsion and density."""

    curve: Curve
    gamma: float = 1.0  # strength of the repulsion
    attraction: float = 4.0  # strength: 4 if an edge moves both of its ends, and 2 for new rows
    negative_rate: float = 5.0  # number of negative samples per edge whose expected value is computed
    learning_rate: float = 1.0  # factor of all steps
    density: Density | None = None


class LayoutProblem(NamedTuple):
    """The constant inputs of the epochs."""

    levels: tuple[ArrangedLevel, ...]  # from the finest to the coarsest
    phases: tuple[Phase, ...]
    forces: Forces
    anchors: tuple[Anchors, ...] = ()  # of the vertices of each level
    target: DensityTarget | None = None  # radii in the data, if the forces have a density term
    space: Space | None = None  # None for Euclidean space


class LayoutState(NamedTuple):
    """The values that change from epoch to epoch."""

    depth: int  # level of the positions
    positions: np.ndarray  # (n, d) float32
    moments: np.ndarray  # (1 or 2, n, d) float32: the last step of each vertex, or the two moments of Adam
    epoch: int  # number of finished epochs on all levels
    seed: int  # of the random numbers, which also depend on epoch and row
    width: float = 1.0  # of the initial layout, in units of the embedding


class Repulsion(NamedTuple):
    """Repulsion of all vertices: a field on a grid, and the points of its near field."""

    field: GridField
    near: NearPoints | None


def make_first_state(problem: LayoutProblem, positions: np.ndarray, seed: int, width: float = 1.0) -> LayoutState:
    """Return the state before the first epoch."""
    positions = np.ascontiguousarray(positions, np.float32)
    return LayoutState(problem.phases[0].depth, positions, make_moments(problem.phases[0], positions), 0, seed, width)


def make_moments(phase: Phase, positions: np.ndarray) -> np.ndarray:
    """Return the moments at the beginning of a phase, which are 0."""
    return np.zeros((count_moments(phase), *positions.shape), np.float32)


def run_epochs(
    problem: LayoutProblem,
    state: LayoutState,
    epochs: int,
    on_epoch: Callable[[LayoutState], bool | None] | None = None,
    *,
    reuse: bool = False,
    must_stay: Callable[[LayoutState], bool] | None = None,
) -> LayoutState:
    """Run some epochs, until the end of the schedule or until `on_epoch` returns true.

    `on_epoch` is called with the state after each epoch. The arrays of a state are reused in the epoch after the next,
    unless `must_stay` returns true for it. With `reuse`, the arrays of the given state are overwritten, too, which
    saves a third of the memory.
    """
    last = min(count_epochs(problem.phases), state.epoch + epochs)
    given = state
    used: list[LayoutState] = []  # states of this level that are no longer needed
    with limit_threads_by_rows(problem.levels[0].n_vertices):
        while state.epoch < last:
            spare = next((old for old in used if not (must_stay and must_stay(old))), None)
            reached = run_epoch(problem, state, spare)
            used = [old for old in used if old is not spare and state.depth == reached.depth]
            if state.depth == reached.depth and (reuse or state is not given):
                used.append(state)
            state = reached
            if on_epoch is not None and on_epoch(state):
                break
    return state


def run_epoch(problem: LayoutProblem, state: LayoutState, spare: LayoutState | None = None) -> LayoutState:
    """Run one epoch. At the end of a phase, prolong the positions to the next level."""
    phase = find_phase(problem.phases, state.epoch)
    state = step(problem, phase, state, spare)
    if not state.epoch == phase.first_epoch + phase.epochs < count_epochs(problem.phases):
        return state
    following = find_phase(problem.phases, state.epoch)
    if keeps_moments(phase, following):
        return state
    if phase.depth:
        positions = prolong(problem.levels, phase.depth, state.positions)
        return state._replace(depth=following.depth, positions=positions, moments=make_moments(following, positions))
    state.moments.fill(0)  # the arrays of `step` are not in use elsewhere
    return state


def step(problem: LayoutProblem, phase: Phase, state: LayoutState, spare: LayoutState | None = None) -> LayoutState:
    """Run one epoch on the level of a phase. The result may overwrite a spare state."""
    out = spare or state._replace(positions=np.empty_like(state.positions), moments=np.empty_like(state.moments))
    step_rows(problem, phase, state, out.positions, out.moments)
    return state._replace(positions=out.positions, moments=out.moments, epoch=state.epoch + 1)


def step_rows(
    problem: LayoutProblem,
    phase: Phase,
    state: LayoutState,
    out: np.ndarray,
    out_moments: np.ndarray,
    repulsion: Repulsion | None = None,
) -> None:
    """Compute one epoch of some rows, as a function of the state only.

    If the level has the slices and degrees of some rows only, the moments and the outputs are those of these rows. The
    positions and the repulsion are always those of all rows. The repulsion is computed here unless it is given.
    """
    level = problem.levels[phase.depth]
    settings = make_epoch_settings(problem, phase, state)
    positions, moments = as_readonly(state.positions), as_readonly(state.moments)
    pick = as_readonly(level.row_owner)
    if problem.space:
        rows = *level.edges, level.degree, pick
        kernels.space_step(positions, moments, *rows, *problem.space.measured, settings, out, out_moments)
        check_raised(problem.space)
        return
    density = get_current_density(problem, phase, state)
    added = bool(density or problem.anchors)  # terms of a field
    share, field = 1 / problem.levels[0].n_vertices, None
    if phase.field:
        repulsion = repulsion or compute_repulsion(problem, phase, state)
        if repulsion.near or added:
            read_field(repulsion.field, state.positions, share, out, level.first_row)
        else:
            field = repulsion.field
        if repulsion.near:
            add_near_field(repulsion.near, share, settings, out, level.first_row)
    elif added:
        kernels.sampled_field(positions, level.first_row, level.degree, pick, settings, out)
    if problem.anchors:
        add_pull(state.positions, problem.anchors[phase.depth], problem.forces.negative_rate, out)
    if density:
        assert problem.target is not None
        add_density(density, problem.target, level, state.positions, settings, out)
    places = pack_positions(positions)
    sums = sum_wide_slices(level, positions, places, settings)
    here = level.first_row, moments, *level.edges, sums, level.degree, as_readonly(level.inside), pick
    grid = get_grid_arguments(field, share) if phase.field or added else None
    kernels.euclidean_step(positions, places, *here, grid, settings, out, out_moments)


def get_current_density(problem: LayoutProblem, phase: Phase, state: LayoutState) -> Density | None:
    """Return the density term of an epoch, or None. Its weight increases from its first epoch on the graph."""
    density, total = problem.forces.density, count_epochs(problem.phases)
    done = state.epoch + 1 - total
    if density is None or phase.depth > 0 or density.share * total + done <= 0:
        return None
    return density._replace(weight=density.weight * min(1.0, 1 + done / (density.share * total)))


def pack_positions(positions: np.ndarray) -> np.ndarray:
    """Return positions as the attraction reads them: in two dimensions, both coordinates as one number."""
    return as_readonly(positions.reshape(-1).view(np.uint64) if positions.shape[1] == 2 else positions)


def compute_repulsion(problem: LayoutProblem, phase: Phase, state: LayoutState) -> Repulsion:
    """Compute the repulsion field of an epoch for unit masses, and the points of its near field."""
    forces, level = problem.forces, problem.levels[phase.depth]
    coarse, softened = phase.depth > 0, compute_softening(phase, state.epoch, state.width)
    near = phase.descent.near and state.epoch - phase.first_epoch >= NEAR_FIELD_START * phase.epochs
    finest = choose_spacing(*forces.curve)
    wider = COARSE_SPACING_FACTOR if coarse else min(COARSE_SPACING_FACTOR, max(1, int(softened**0.5 / finest)))
    spacing, most = finest * wider, MAX_CELLS // wider
    kernel = RepulsionKernel(*forces.curve, forces.gamma * phase.descent.repulsion, softened)
    field = make_grid_field(state.positions, spacing, kernel, near=near, mass=level.mass if coarse else None, most=most)
    return Repulsion(field, sort_near_points(state.positions, field.frame) if near else None)


def make_epoch_settings(problem: LayoutProblem, phase: Phase, state: LayoutState) -> np.ndarray:
    """Return the scalars of one epoch as a record for the kernels."""
    forces, done = problem.forces, state.epoch - phase.first_epoch
    return make_settings(
        forces._replace(gamma=forces.gamma * phase.descent.repulsion),
        step=forces.learning_rate * compute_step_size(phase, state.epoch, state.width, forces.curve.b),
        correction1=1 - kernels.BETA1 ** (done + 1),
        correction2=1 - kernels.BETA2 ** (done + 1),
        floor=phase.descent.floor,
        momentum=compute_momentum(phase, state.epoch),
        softening=compute_softening(phase, state.epoch, state.width),
        seed=state.seed,
        epoch=state.epoch,
        n_rows=problem.levels[0].n_vertices,
        negatives=phase.negatives,
    )


def make_settings(forces: Forces, **values: float) -> np.ndarray:
    """Return a record for the kernels of the forces and other named values, which are 0 by default."""
    a, b = forces.curve
    values |= {"a": a, "b": b, "gamma": forces.gamma, "attraction": forces.attraction}
    values["negative_rate"] = forces.negative_rate
    return np.array([tuple(values.get(name, 0) for name in SETTINGS_NAMES)], SETTINGS_DTYPE)
