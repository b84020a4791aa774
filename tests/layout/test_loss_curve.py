"""The loss curve follows its formula, and does not depend on the steps of the fit."""

import math

import numpy as np
import pytest

from umap_sk import LossCurveDisplay, PrecomputedUMAP
from umap_sk.layout import coarsen
from umap_sk.layout.curve import Curve
from umap_sk.layout.loss_curve import LossSample, compute_loss, draw_sample
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.run import get_problem
from umap_sk.layout.sell import ArrangedLevel, Slices
from umap_sk.layout.spaces import resolve_space
from umap_sk.metrics import sampled_loss

POINTS = np.random.default_rng(0).normal(size=(400, 4))


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(coarsen.build_levels, "__defaults__", (100,))
    return PrecomputedUMAP(metric="euclidean", n_epochs=40, random_state=3).fit(POINTS)


def naive_loss(level, n_rows, forces, positions):
    """Return the loss per row of a level, over all pairs."""
    (a, b), (starts, indices, weights) = forces.curve, level.slices
    total = 0.0
    for i in range(level.n_vertices):
        for j in range(level.n_vertices):
            if i != j:
                term = a * max(1e-6, sum((positions[i] - positions[j]) ** 2)) ** b
                total += forces.negative_rate / (2 * n_rows) * level.degree[i] * level.mass[j] * math.log1p(1 / term)
        for entry in range(starts[i // 16] + i % 16, starts[i // 16 + 1], 16):
            if weights[entry]:
                term = a * max(1e-6, sum((positions[i] - positions[indices[entry]]) ** 2)) ** b
                total += weights[entry] * math.log1p(term)
    return total / n_rows


def test_the_whole_sample_is_the_loss_of_a_level(model):
    run = PrecomputedUMAP(random_state=3, n_epochs=40).partial_fit(manifold=model.manifold_)._fitted.run.layout
    positions = run.state.positions
    assert 30 < len(positions) < 100
    level = get_problem(run).levels[run.state.depth]
    whole = compute_loss(draw_sample(level, 400, run.forces, len(positions), len(positions)), positions, run.forces)
    assert whole == pytest.approx(naive_loss(level, 400, run.forces, positions), rel=2e-3)


def test_the_last_loss_is_near_that_of_the_map(model):
    curve = model.loss_curve_
    assert curve[0, 0] == 1 and curve[-1, 0] == model.n_epochs_ and curve[-1, 1] == 400 > curve[0, 1]
    loss = sampled_loss(model.manifold_, model.embedding_, a=model.a_, b=model.b_)
    assert curve[-1, 2] == pytest.approx(loss, rel=0.1) and curve[0, 2] > 1.2 * loss


def test_the_curve_does_not_depend_on_how_epochs_are_cut(model):
    stepped = PrecomputedUMAP(metric="euclidean", n_epochs=40, random_state=3).partial_fit(POINTS)
    while stepped.epoch_ < stepped.n_epochs_:
        stepped.partial_fit(epochs=7)
    np.testing.assert_array_equal(stepped.loss_curve_, model.loss_curve_)


def test_a_vertex_alone_has_none():
    none = np.empty(0, np.int32)
    slices = Slices(np.zeros(2, np.int64), none, np.empty(0, np.float32))
    level = ArrangedLevel(slices, np.zeros(1, np.int32), np.ones(1, np.float32), np.full(1, 40.0), none, none)
    forces = Forces(Curve(1.6, 0.9))
    assert compute_loss(draw_sample(level, 40, forces, 48), np.zeros((1, 2), np.float32), forces) == 0


def test_it_is_drawn_by_level(model):
    pytest.importorskip("matplotlib").use("Agg")
    display = LossCurveDisplay.from_estimator(model)
    drawn = np.concatenate([line.get_xydata() for line in display.lines_])
    np.testing.assert_array_equal(drawn, model.loss_curve_[:, [0, 2]])
    assert [line.get_label() for line in display.lines_] == [f"{n:.0f} vertices" for n in np.unique(display.vertices)]
    model.report_.pop("losses")
    with pytest.raises(ValueError, match="no loss to show"):
        LossCurveDisplay.from_estimator(model)


def test_reports_as_html(model):
    model.report_["run"] = "a <b> folder"
    page = model.report_._repr_html_()
    for phase in model.report_["phases"]:
        assert f"<b>{phase['name']}</b>" in page and f"{phase['seconds']:.3f}<" in page
    assert "a &lt;b&gt; folder" in page and page.count("<polyline") == len(np.unique(model.loss_curve_[:, 1]))
    assert "losses" not in str(model.report_) and f"{model.loss_curve_[-1, 2]:.3f} in {model.n_epochs_} epochs" in page
    link = 'href="https://umap-sk.readthedocs.io/en/latest/reference/generated/umap_sk.PrecomputedUMAP.html"'
    assert link in model._repr_html_()
    copied = model.report_.copy()
    copied["losses"].clear()
    assert len(model.loss_curve_)


def test_in_another_space_distances_are_its_own():
    """The loss on a torus uses distances across the seam."""
    level = np.array([[0.1, 1.0], [6.2, 1.0], [3.0, 1.0]], np.float32)
    ends = np.array([[0, 0], [1, 2]])
    sample = LossSample(ends, np.ones(2, np.float32), np.zeros(2, np.float32))
    forces, space = Forces(Curve(1.0, 1.0)), resolve_space("torus", None, 2)
    d = np.array([2 * np.pi - 6.1, 2.9])
    assert compute_loss(sample, level, forces, space) == pytest.approx(np.log(1 + d**2).sum(), rel=1e-5)
