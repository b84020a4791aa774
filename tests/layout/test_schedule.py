"""Tests of the schedule: the sequence of epochs on all levels, for any steps of the fit."""

import numpy as np
import pytest
from graphs import random_graph
from layouts import EPOCHS, FORCES, NEGATIVES, layout_of, step

from umap_sk import kernels
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout import optimizer, problem, schedule, sell
from umap_sk.layout import run as layout_run
from umap_sk.layout.start import Start


@pytest.mark.parametrize("n_epochs", [1, 7, 200, 500])
@pytest.mark.parametrize("n_levels", [1, 2, 4])
def test_phases_follow_each_other(n_levels, n_epochs):
    for on_grid in (False, True):
        phases = schedule.plan_phases(n_levels, n_epochs, NEGATIVES, field=on_grid)
        assert [p.depth for p in phases] == [*range(n_levels - 1, 0, -1), 0, 0]
        assert phases[0].first_epoch == 0
        assert all(q.first_epoch == p.first_epoch + p.epochs for p, q in zip(phases, phases[1:], strict=False))
        assert schedule.count_epochs(phases) == sum(p.epochs for p in phases)
        assert min(p.epochs for p in phases) >= 1
        assert [p.field for p in phases] == [on_grid] * (n_levels + 1)
        assert [p.negatives for p in phases[1:]] == [NEGATIVES] * n_levels
        assert phases[0].negatives == (max(NEGATIVES, schedule.COARSEST_NEGATIVES) if n_levels > 1 else NEGATIVES)


@pytest.mark.parametrize("majorized", [True, False])
@pytest.mark.parametrize("n_levels", [1, 2, 3, 6])
def test_schedules_have_the_length_that_is_asked_for(n_levels, majorized):
    """Each length of at least one epoch per level is possible.

    No phase is empty, and all levels have epochs, from the coarsest one to the graph.
    """
    for length in [*range(1, 60), 146, 180, 196, 200, 450, 999, 6000]:
        phases = schedule.plan_length(n_levels, length, NEGATIVES, field=True, majorized=majorized)
        assert schedule.count_epochs(phases) == max(length, n_levels)
        assert all(q.first_epoch == p.first_epoch + p.epochs for p, q in zip(phases, phases[1:], strict=False))
        assert min(p.epochs for p in phases) >= 1 and phases[0].depth == n_levels - 1
        depths = [p.depth for p in phases]
        assert set(depths) == set(range(n_levels)) and depths == sorted(depths, reverse=True) and depths[-1] == 0


@pytest.mark.parametrize("majorized", [True, False])
@pytest.mark.parametrize("n_levels", [1, 2, 3, 5])
@pytest.mark.parametrize("usual", [100, 200, 500])
def test_the_usual_length_gives_the_usual_schedule(n_levels, usual, majorized):
    """The number of epochs that results from the shares gives the same steps and momentum."""
    planned = schedule.plan_phases(n_levels, usual, NEGATIVES, field=True, majorized=majorized)
    length = schedule.count_epochs(planned)
    assert schedule.plan_length(n_levels, length, NEGATIVES, field=True, majorized=majorized) == planned


def test_a_longer_schedule_settles_for_longer():
    """Beyond 200 epochs, only the last phase grows.

    Otherwise, the triplet accuracy of Fashion-MNIST fell from .739 to .690.
    """
    short, long = (schedule.plan_phases(3, n_epochs, NEGATIVES, field=True) for n_epochs in (200, 500))
    assert [phase.epochs for phase in long[:-1]] == [phase.epochs for phase in short[:-1]]
    assert (short[-1].epochs, long[-1].epochs) == (40, 100)


@pytest.mark.parametrize("n_levels", [1, 2, 4])
def test_all_phases_but_the_last_are_softened(n_levels):
    """The last phase has UMAP's own forces and the near field."""
    *earlier, last = (p.descent for p in schedule.plan_phases(n_levels, 200, NEGATIVES, field=True))
    assert all(descent.softening > 0 and not descent.near for descent in earlier)
    assert last.softening == 0 and last.repulsion == 1 and last.near


@pytest.mark.parametrize("epochs", [1, 7, 44, 300])
def test_softening_falls_in_steps(epochs):
    """Softening never increases. On coarse levels, its unit is the width of the initial layout."""
    layout = layout_of(random_graph(7))
    for depth in (0, 1):
        descent = schedule.Descent(step=1.0, fall=1.0, softening=0.5, softening_fall=2.0)
        phase = schedule.Phase(depth, 100, epochs, True, NEGATIVES, descent)
        nothing = np.zeros((0, 2), np.float32)
        states = [optimizer.LayoutState(depth, nothing, nothing, 100 + done, 0, 6.0) for done in range(epochs)]
        lengths = np.sqrt([schedule.compute_softening(phase, state.epoch, 6.0) for state in states])
        assert lengths[0] == pytest.approx(3.0 if depth else 0.5)
        assert (np.diff(lengths) <= 0).all() and lengths[-1] > 0
        assert len(set(lengths.tolist())) == min(epochs, schedule.SOFTENING_STEPS)
        smooth = lengths[0] * (1 - np.arange(epochs) / epochs) ** 2
        before = lengths[0] * np.minimum(1, 1 - np.arange(epochs) / epochs + 1 / schedule.SOFTENING_STEPS) ** 2
        assert (smooth - 1e-9 <= lengths).all() and (lengths <= before + 1e-9).all()
        settings = [optimizer.make_epoch_settings(layout, phase, state)["softening"] for state in states]
        np.testing.assert_allclose(np.ravel(settings), lengths**2, rtol=1e-6)


def test_a_wider_start_is_arranged_by_wider_steps():
    """On coarse levels, Adam's steps and the softening are proportional to the width of the initial layout."""
    layout = layout_of(random_graph(7), 2)
    for phase in layout.phases:
        nothing = np.zeros((0, 2), np.float32)
        narrow, wide = (
            optimizer.make_epoch_settings(
                layout, phase, optimizer.LayoutState(phase.depth, nothing, nothing, phase.first_epoch, 0, width)
            )
            for width in (2.0, 6.0)
        )
        factor = 3.0 if phase.depth else 1.0
        assert wide["step"] == pytest.approx(factor * narrow["step"], rel=1e-6)
        assert wide["softening"] == pytest.approx(factor**2 * narrow["softening"], rel=1e-6)


def test_few_epochs_settle_with_less_momentum():
    """The memory of the momentum is proportional to the length of the phase, and nothing else changes."""
    usual, half, few, none = (
        schedule.plan_phases(2, n_epochs, NEGATIVES, field=True)[-1].descent for n_epochs in (200, 100, 50, 10)
    )
    assert schedule.plan_phases(2, 500, NEGATIVES, field=True)[-1].descent == usual
    assert 1 / (1 - half.momentum) == pytest.approx(0.5 / (1 - usual.momentum))
    assert 1 / (1 - few.momentum) == pytest.approx(0.25 / (1 - usual.momentum))
    assert none.momentum == 0
    assert len({descent._replace(momentum=0) for descent in (usual, half, few, none)}) == 1
    adam = (schedule.plan_phases(2, n_epochs, NEGATIVES, field=False)[-1].descent for n_epochs in (10, 200))
    assert len(set(adam)) == 1


@pytest.mark.parametrize("epochs", [1, 9, 100])
def test_momentum_rises_on_coarse_levels(epochs):
    """The momentum increases from 0 in the first half of the phase. On the graph, it is constant."""
    phases = schedule.plan_phases(3, 200, NEGATIVES, field=True)
    for phase in (phase._replace(first_epoch=50, epochs=epochs) for phase in phases):
        shares = (
            np.array([schedule.compute_momentum(phase, 50 + done) for done in range(epochs)]) / phase.descent.momentum
        )
        rising = np.minimum(1, 2 * np.arange(epochs) / epochs) if phase.depth else np.ones(epochs)
        np.testing.assert_allclose(shares, rising)
    adam = schedule.plan_phases(3, 200, NEGATIVES, field=True, majorized=False)
    assert {schedule.compute_momentum(phase, phase.first_epoch) for phase in adam} == {-1.0}


def test_negatives_come_in_whole_runs():
    for degree, rate in ((1e-3, 5), (6.4, 5), (17.2, 5), (1e6, 5), (10, 0.1), (10, 40)):
        count = schedule.choose_negatives(degree, rate)
        assert count % kernels.RUN_LENGTH == 0
        assert kernels.RUN_LENGTH <= count <= schedule.MAX_RUNS * kernels.RUN_LENGTH <= kernels.POOL_SIZE
        if kernels.RUN_LENGTH < count < schedule.MAX_RUNS * kernels.RUN_LENGTH:
            assert abs(count - degree * rate) <= kernels.RUN_LENGTH / 2


def test_begin():
    layout = layout_of(random_graph(7), 2)
    start = np.random.default_rng(0).normal(size=(2, layout.levels[-1].n_vertices)).T
    state = optimizer.make_first_state(layout, start, 11, 5.0)
    assert (state.depth, state.epoch, state.seed, state.width) == (len(layout.levels) - 1, 0, 11, 5.0)
    assert state.positions.dtype == np.float32
    assert state.positions.flags.c_contiguous
    assert state.positions.tolist() == start.astype(np.float32).tolist()
    assert state.moments.shape == (2, *start.shape)
    assert not state.moments.any()


def three_levels(*, majorized=True):
    layout = layout_of(random_graph(8, ties=False), 3, on_grid=True, majorized=majorized)
    start = np.random.default_rng(1).uniform(0, 10, (layout.levels[-1].n_vertices, 2))
    return layout, optimizer.make_first_state(layout, start, 2, 10.0)


def copy_of(state):
    """Return the same state with its own arrays, since `run_epochs` reuses those of a given state."""
    return state._replace(positions=state.positions.copy(), moments=state.moments.copy())


def bits(state):
    return state.depth, state.epoch, state.seed, state.width, state.positions.tobytes(), state.moments.tobytes()


def test_advance_only_reads_its_state():
    layout, state = three_levels()
    spare = None
    for _ in range(schedule.count_epochs(layout.phases)):
        before = bits(state)
        reached = optimizer.run_epoch(layout, state)
        assert bits(state) == before
        assert bits(optimizer.run_epoch(layout, state, spare)) == bits(reached) != before
        assert bits(optimizer.run_epoch(layout, copy_of(state))) == bits(reached)
        spare = state._replace(positions=np.empty_like(reached.positions), moments=np.empty_like(reached.moments))
        state = reached
    assert state.depth == 0
    assert np.isfinite(state.positions).all()


@pytest.mark.parametrize("majorized", [False, True])
def test_positions_are_prolonged_at_the_end_of_a_phase(majorized):
    """Moments become 0, except for last steps in the second phase on the graph."""
    layout, state = three_levels(majorized=majorized)
    for phase, following in zip(layout.phases, layout.phases[1:], strict=False):
        state = optimizer.run_epochs(layout, state, phase.epochs - 1)
        assert (state.depth, state.epoch) == (phase.depth, phase.first_epoch + phase.epochs - 1)
        out, out_moments = step(layout, phase, state)
        state = optimizer.run_epochs(layout, state, 1)
        assert (state.depth, state.epoch, state.width) == (following.depth, following.first_epoch, 10.0)
        expected = sell.prolong(layout.levels, phase.depth, out) if phase.depth else out
        assert state.positions.tobytes() == expected.tobytes()
        assert state.moments.shape == (1 if majorized else 2, *state.positions.shape)
        kept = majorized and phase.depth == following.depth
        assert state.moments.tobytes() == out_moments.tobytes() if kept else not state.moments.any()


def test_any_cutting_of_the_epochs_gives_the_same_bits():
    layout, first = three_levels()
    total = schedule.count_epochs(layout.phases)
    seen = []
    whole = bits(optimizer.run_epochs(layout, copy_of(first), total, lambda state: seen.append(bits(state))))
    assert [epoch for _, epoch, *_ in seen] == list(range(1, total + 1))
    assert seen[-1] == whole
    for cuts in ([1] * total, [total + 5], [3, 1, 20, 7, total]):
        state = copy_of(first)
        for epochs in cuts:
            state = optimizer.run_epochs(layout, state, epochs)
            assert bits(state) == seen[state.epoch - 1]
        assert bits(state) == whole
    assert bits(optimizer.run_epochs(layout, state, 5)) == whole


def test_a_state_that_is_held_stays_as_it_is():
    """Any state can be kept for any time, and all others use two sets of arrays."""
    layout, first = three_levels()
    total = schedule.count_epochs(layout.phases)
    whole, places = [], {}
    optimizer.run_epochs(layout, copy_of(first), total, lambda state: whole.append(bits(state)))
    for length in (1, 2, 5, total):
        held, places = [], {}

        def keep(state, held=held, length=length, places=places):
            places.setdefault(state.depth, set()).add(state.positions.ctypes.data)
            if not held or state.epoch - held[0].epoch >= length:
                held[:] = [state]
            assert bits(held[0]) == whole[held[0].epoch - 1]

        last = optimizer.run_epochs(
            layout,
            copy_of(first),
            total,
            keep,
            reuse=True,
            must_stay=lambda state, held=held: state is held[0] if held else False,
        )
        assert bits(last) == whole[-1]
        assert max(map(len, places.values())) <= 3


def test_wide_indices_make_the_same_layout():
    """uint32 instead of int32 changes nothing, from the levels to the last epoch."""
    graph = random_graph(9)
    wide = graph._replace(indices=graph.indices.astype(np.uint32))
    reached = []
    for one in (graph, wide):
        layout = layout_of(one, 3, on_grid=True)
        for level in layout.levels:
            arrays = level.slices.indices, level.order, level.owner, level.row_owner
            assert {array.dtype for array in arrays} == {one.indices.dtype}
        start = np.random.default_rng(1).uniform(0, 10, (layout.levels[-1].n_vertices, 2))
        reached.append(bits(optimizer.run_epochs(layout, optimizer.make_first_state(layout, start, 2), 2 * EPOCHS)))
    assert reached[0] == reached[1]


def test_a_true_answer_stops():
    layout, first = three_levels()
    state = optimizer.run_epochs(layout, copy_of(first), 30, lambda state: state.epoch == 4)
    assert state.epoch == 4
    assert bits(state) == bits(optimizer.run_epochs(layout, first, 4))


def test_states_that_the_schedule_does_not_lead_to_are_refused():
    """States of other versions, with another level, other moments or another number of vertices, are refused."""
    graph, settings = random_graph(7), problem.Schedule(60, 2, True)
    held = SharedGraph(graph)
    run = layout_run.begin(held, Start("random"), settings, FORCES, 0)
    state = run.state
    assert layout_run.resume(held, settings, FORCES, state).state is state
    others = (
        state._replace(depth=state.depth + 1),
        state._replace(moments=np.zeros((3 - len(state.moments), *state.positions.shape), np.float32)),
        state._replace(positions=state.positions[1:]),
    )
    for other in others:
        with pytest.raises(ValueError, match="a version of the package with other steps has written it. Fit again"):
            layout_run.resume(held, settings, FORCES, other)
    total = layout_run.count_planned_epochs(run)
    assert layout_run.resume(held, settings, FORCES, others[1]._replace(epoch=total)).state.epoch == total
