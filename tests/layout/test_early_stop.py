"""The early stop: what it looks at, how it goes on from there, and that bits depend on nothing else."""

import itertools
import math
import pickle

import joblib
import naive_layout as naive
import numpy as np
import pytest
from graphs import alone, dense_slices, random_graph
from layouts import layout_of, n_epochs_for

from benchmarks import judge
from umap_sk import Checkpoint, PrecomputedUMAP
from umap_sk.layout import coarsen, early_stop, optimizer, schedule
from umap_sk.layout.curve import fit_curve
from umap_sk.monitor import progress
from umap_sk.runtime.threads import limit_threads

SETTINGS = {"n_epochs": n_epochs_for(100), "random_state": 0, "init": "random", "tol": 0.2}


@pytest.fixture(scope="module")
def manifold(digits):
    return PrecomputedUMAP().learn_manifold(knn_indices=digits.knn_indices, knn_dists=digits.knn_dists)


@pytest.fixture(scope="module")
def whole(manifold):
    """One call of fit that leaves out some epochs."""
    model = PrecomputedUMAP(**SETTINGS).fit(manifold=manifold)
    assert 20 < epochs_run(model) < 90
    return model


def epochs_run(model):
    return model.report_["phases"][-1]["epochs"]


def levels_with(tol):
    """A layout over three levels, with its first state."""
    layout = layout_of(random_graph(8, n=6000, ties=False), 3, on_grid=True)
    phases = schedule.plan_phases(3, 150, 32, field=True)
    start = np.random.default_rng(1).uniform(0, 10, (layout.levels[-1].n_vertices, 2))
    layout = layout._replace(phases=phases, tol=tol)
    return layout, optimizer.begin(layout, start, 2)


def places(layout, state):
    """The last state, and where the epochs have led in the schedule."""
    seen = [0]
    state = optimizer.run(layout, state, 10_000, lambda state: seen.append(state.epoch))
    return state, np.array(seen)


# --------------------------------------------------------------------------------------------------------- the loss


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("symmetric", [True, False])
def test_probed_loss_is_the_twins(symmetric, d, monkeypatch):
    """Of the graph itself, whose rows weigh the same, and of a coarse level, whose vertices do not."""
    monkeypatch.setattr(early_stop, "PROBED", 50)
    finest = coarsen.finest_level(random_graph(1, n=600, symmetric=symmetric))
    coarse = coarsen.coarsen(finest, 0, 0)
    curve = fit_curve()
    f = naive.forces(a=curve.a, b=curve.b, rate=7.0, gamma=0.5)
    for level in map(alone, (finest, coarse)):
        positions = np.random.default_rng(2).uniform(-9, 9, (level.n_vertices, d)).astype(np.float32)
        positions[1:40] = positions[0]
        arguments = dense_slices(level), level.degree.astype(float), level.mass.astype(float), positions
        found = early_stop.probed_loss(level, positions, curve, 3.5)
        rules = tuple(max(1, level.n_vertices // count) - 1 | 1 for count in (50, early_stop.OPPOSITE))
        assert level.n_vertices < 600 or rules == (11, 9)
        assert found == pytest.approx(naive.probed_loss(*arguments, *rules, f), rel=1e-4)


def test_probed_loss_is_near_the_loss_of_all_rows(whole, manifold, digits):
    """A sample of rows and pairs that stands for all."""
    level = alone(coarsen.finest_level(manifold._shared.rows()))
    found = early_stop.probed_loss(level, whole.embedding_[level.order], fit_curve(), 5.0)
    mean = level.degree.mean(dtype=float)
    weights = manifold.graph / manifold.graph.data.max()
    assert found * mean == pytest.approx(judge.expected_loss(weights, whole.embedding_), rel=0.03)


def test_probed_loss_of_points_on_one_place_is_finite():
    level = alone(coarsen.finest_level(random_graph(1, n=600)))
    assert np.isfinite(early_stop.probed_loss(level, np.zeros((600, 2), np.float32), fit_curve(), 5.0))


# -------------------------------------------------------------------------------------------------------- the rules


def test_leaps_end_by_degrees():
    """However high the stride, the last epochs of a phase are run one by one."""
    for epochs, stride in itertools.product((1, 2, 3, 44, 300), (1, 2, 64, 10**30)):
        leaps, rest = [], epochs
        while rest > 0:
            leaps.append(early_stop.stride_within(stride, rest))
            rest -= leaps[-1]
        assert rest == 0 and leaps == sorted(leaps, reverse=True)
        assert leaps[-3:] == [1] * min(3, len(leaps))
        assert stride > 1 or leaps == [1] * epochs


def test_looks_come_at_even_distances():
    """Every twentieth of a phase, but at least five epochs apart, also where an epoch leaps over the place."""
    for epochs, between in ((44, 5), (99, 5), (120, 6), (500, 25)):
        due = [done for done in range(1, epochs + 1) if early_stop.is_due(done, 1, epochs)]
        assert due == list(range(between, epochs + 1, between))
    assert [early_stop.is_due(done, 4, 44) for done in (4, 8, 12, 16)] == [False, True, True, True]
    assert not early_stop.is_due(9, 4, 44)


def test_pace_doubles_while_the_loss_is_still():
    """The first look has nothing to compare with; what rises or is no number is not still."""
    assert early_stop.next_stride(0.1, math.inf, 5.0, 1) == 1
    assert early_stop.next_stride(0.1, 5.0, 4.4, 8) == 1
    assert early_stop.next_stride(0.1, 5.0, 4.6, 8) == 16
    assert early_stop.next_stride(0.1, 5.0, 5.4, 1) == 2
    assert early_stop.next_stride(0.1, 5.0, 5.6, 4) == 1
    assert early_stop.next_stride(0.1, 5.0, math.nan, 4) == 1


# ------------------------------------------------------------------------------------------------------- the epochs


def test_without_tol_nothing_is_looked_at(monkeypatch):
    """With one that every fall exceeds, the loss is looked at and the bits are the same."""
    layout, first = levels_with(0.0)
    states, looks = {}, []

    def falling(*arguments):
        looks.append(arguments)
        return 0.5 ** len(looks)

    monkeypatch.setattr(early_stop, "probed_loss", falling)
    for tol in (0.0, 0.49):
        states[tol], seen = places(layout._replace(tol=tol), first)
        assert (np.diff(seen) == 1).all() and states[tol].left_out == 0
        assert bool(looks) == bool(tol)
    assert states[0.0].positions.tobytes() == states[0.49].positions.tobytes()


def test_a_huge_tol_leaves_out_most_epochs():
    """Every phase is run to its end, its last epochs one by one; near field and step size go by the schedule."""
    layout, first = levels_with(1e9)
    total = schedule.total_epochs(layout.phases)
    state, seen = places(layout, first)
    assert state.epoch == seen[-1] == total
    assert len(seen) - 1 == state.epochs_run < 0.6 * total
    for phase in layout.phases:
        end = phase.first_epoch + phase.epochs
        assert {end - 2, end - 1, end} <= set(seen.tolist())
    assert np.isfinite(state.positions).all()


def test_every_phase_begins_anew():
    """Pace and loss of a level are not the next one's, what was left out is."""
    layout, state = levels_with(1e9)
    end = layout.phases[0].epochs
    state = optimizer.run(layout, state, end)
    assert (state.depth, state.epoch, state.stride, state.loss) == (1, end, 1, math.inf)
    assert 0 < state.left_out < end
    before, settling = state.left_out, layout.phases[-1]
    state = optimizer.run(layout, state, 10_000, lambda state: state.epoch >= settling.first_epoch)
    assert (state.depth, state.epoch, state.stride, state.loss) == (0, settling.first_epoch, 1, math.inf)
    assert before < state.left_out < settling.first_epoch


def test_bits_of_threads_and_cuts():
    """Over levels, field and near field."""
    found = set()
    for threads, epochs in ((1, 10_000), (2, 10_000), (2, 1), (1, 7)):
        layout, state = levels_with(0.3)
        with limit_threads(threads):
            while state.epoch < schedule.total_epochs(layout.phases):
                state = optimizer.run(layout, state, epochs)
        assert 0 < state.left_out
        found.add((state.positions.tobytes(), state.left_out))
    assert len(found) == 1


# ---------------------------------------------------------------------------------------------------- the estimator


def test_threads(whole, manifold):
    for n_jobs in (1, 2):
        model = PrecomputedUMAP(**SETTINGS, n_jobs=n_jobs).fit(manifold=manifold)
        assert model.embedding_.tobytes() == whole.embedding_.tobytes()


@pytest.mark.parametrize("epochs", [1, 2, 9, 40])
def test_cuts_and_copies(whole, manifold, tmp_path, epochs):
    """Stored and pickled in between; the counters go by the schedule, the report by what was run."""
    model = PrecomputedUMAP(**SETTINGS).partial_fit(manifold=manifold, epochs=epochs)
    while model.epoch_ < model.n_epochs_:
        joblib.dump(model, tmp_path / "model.joblib")
        model = pickle.loads(pickle.dumps(joblib.load(tmp_path / "model.joblib")))
        model.partial_fit(epochs=epochs)
    assert model.embedding_.tobytes() == whole.embedding_.tobytes()
    assert model.epoch_ == model.n_epochs_ == 100
    assert epochs_run(model) == epochs_run(whole)


@pytest.mark.parametrize("cut", [3, 12, 60])
def test_resumed_from_a_checkpoint(whole, manifold, tmp_path, cut):
    """Runs of another process's state go on to the same bits; a finished one is taken as it is."""
    keep = Checkpoint(tmp_path, every_epochs=1, every_seconds=None)
    PrecomputedUMAP(**SETTINGS, checkpoint=keep).partial_fit(manifold=manifold, epochs=cut)
    for _ in range(2):
        model = PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(manifold=manifold)
        assert any(phase["name"] == "resume" for phase in model.report_["phases"])
        assert model.embedding_.tobytes() == whole.embedding_.tobytes()
        assert model.epoch_ == model.n_epochs_ == 100
    assert len(list(tmp_path.glob("*/run.json"))) == 1


def test_another_tol_is_another_run(manifold, tmp_path):
    for tol in (0, 0.1, 0.2):
        PrecomputedUMAP(**SETTINGS | {"tol": tol}, checkpoint=tmp_path).fit(manifold=manifold)
    assert len(list(tmp_path.glob("*/run.json"))) == 3


def test_tol_must_not_change_on_the_way(manifold):
    model = PrecomputedUMAP(**SETTINGS).partial_fit(manifold=manifold)
    with pytest.raises(ValueError, match="tol=0.2 when the layout began, 0.1 now"):
        model.set_params(tol=0.1).partial_fit()


def test_progress_tells_every_tenth_that_was_passed():
    """A stride_within over several tenths is one line."""
    lines = []
    show = progress.plain_lines([1.0] * 100, 0, lines.append)
    for epoch in (5, 9, 13, 45, 49, 50, 100):
        show(epoch)
    assert [line.split(",")[0] for line in lines] == [f"layout: epoch {epoch} of 100" for epoch in (13, 45, 50, 100)]


def test_quality(digits):
    """Half of the epochs are left out, and the map is about as good."""
    figures = {}
    for tol in (0.0, 0.1):
        model = PrecomputedUMAP(random_state=0, init=digits.start, tol=tol)
        model.fit(knn_indices=digits.knn_indices, knn_dists=digits.knn_dists)
        figures[tol] = judge.judge(digits, model.graph_, model.embedding_)
    assert epochs_run(model) < 300
    assert figures[0.1].trust > 0.983 and figures[0.1].recall15 > 0.49 and figures[0.1].knn5acc > 0.98
    assert figures[0.1].triplet > figures[0.0].triplet - 0.02
    assert figures[0.1].spearman > figures[0.0].spearman - 0.03
    assert figures[0.1].eff < 1.04 * figures[0.0].eff
