"""Tests of scikit-learn's callbacks around each epoch, in versions of scikit-learn that have them."""

import io
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors
from sklearn.pipeline import make_pipeline

from umap_sk import PrecomputedUMAP, knn_graph, metrics

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")

X, LABELS = make_blobs(80, 4, random_state=0)
DISTS, INDICES = NearestNeighbors(n_neighbors=10).fit(X).kneighbors(X)
GRAPH = knn_graph(INDICES, DISTS)
SETTINGS = {"n_neighbors": 10, "n_epochs": 12, "random_state": 0}
EPOCHS = 12


@pytest.fixture(scope="module")
def whole():
    return PrecomputedUMAP(**SETTINGS).fit(GRAPH)


class Recorder:
    """A callback that records its calls and each epoch's map, and that can stop the fit or raise an error."""

    def __init__(self, stop_after=None, error=None):
        self.calls, self.maps, self.fitted = [], [], []
        self.stop_after, self.error = stop_after, error

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, metadata=None):
        self.calls.append(f"begin {context.task_name}")
        self.given = X, metadata

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.calls.append(f"end {context.task_name}")
        if context.task_name != "epoch":
            return False
        assert context.parent.task_name == "layout" and context.task_id == len(self.maps)
        self.planned = context.parent.max_subtasks
        self.maps.append(fitted_estimator.embedding_)
        self.fitted.append(fitted_estimator)
        if self.error is not None and len(self.maps) == self.stop_after:
            raise self.error
        return len(self.maps) == self.stop_after


def test_calls_in_order(whole):
    """Callbacks are called for the setup, the graph, each epoch and the teardown. They do not change the map."""
    recorder = Recorder()
    model = PrecomputedUMAP(**SETTINGS).set_callbacks(recorder).fit(GRAPH)
    epochs = ["begin epoch", "end epoch"] * EPOCHS
    graph = ["setup", "begin fit", "begin graph", "end graph", "begin layout"]
    assert recorder.calls == [*graph, *epochs, "end layout", "end fit", "teardown"]
    assert recorder.planned == EPOCHS and recorder.given == (GRAPH, {})
    np.testing.assert_array_equal(model.embedding_, whole.embedding_)


def test_every_epoch_is_a_usable_model(whole):
    """The estimator that a hook receives is fitted up to this epoch, keeps its map, and can resume from there."""
    recorder = Recorder()
    PrecomputedUMAP(**SETTINGS).set_callbacks(recorder).fit(knn_indices=INDICES, knn_dists=DISTS)
    assert recorder.given[0] is None and list(recorder.given[1]) == ["knn_indices", "knn_dists"]
    stepped = PrecomputedUMAP(**SETTINGS)
    for epoch, (positions, fitted) in enumerate(zip(recorder.maps, recorder.fitted, strict=True), start=1):
        stepped.partial_fit(GRAPH, epochs=1)
        np.testing.assert_array_equal(positions, stepped.embedding_)
        assert fitted.epoch_ == epoch
    early = recorder.fitted[4].set_callbacks()
    np.testing.assert_array_equal(early.transform(GRAPH), recorder.maps[4])
    np.testing.assert_array_equal(early.partial_fit(epochs=7).embedding_, whole.embedding_)
    with pytest.raises(ValueError, match=f"All {EPOCHS} epochs"):
        recorder.fitted[-1].partial_fit()


@pytest.mark.parametrize("method", ["fit", "fit_transform", "partial_fit"])
def test_true_stops_early(whole, method):
    """A callback that returns True stops the fit. The model is usable and resumes with the bits of a whole fit."""
    recorder = Recorder(stop_after=5)
    model = PrecomputedUMAP(**SETTINGS).set_callbacks(recorder)
    getattr(model, method)(GRAPH, **({"epochs": EPOCHS} if method == "partial_fit" else {}))
    assert (model.epoch_, model.n_epochs_) == (5, EPOCHS)
    assert recorder.calls[-4:] == ["end epoch", "end layout", "end fit", "teardown"]
    np.testing.assert_array_equal(model.embedding_, recorder.maps[-1])
    np.testing.assert_array_equal(model.transform(GRAPH), model.embedding_)
    np.testing.assert_array_equal(model.set_callbacks().partial_fit(epochs=7).embedding_, whole.embedding_)


def test_interrupt_in_a_callback(whole):
    """After Ctrl-C, the last whole epoch is kept, callbacks are torn down, and `partial_fit` resumes the fit."""
    recorder = Recorder(stop_after=7, error=KeyboardInterrupt())
    model = PrecomputedUMAP(**SETTINGS).set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt):
        model.fit(GRAPH)
    assert model.epoch_ == 7 and recorder.calls[-1] == "teardown"
    np.testing.assert_array_equal(model.embedding_, recorder.maps[-1])
    np.testing.assert_array_equal(model.set_callbacks().partial_fit(GRAPH, epochs=9).embedding_, whole.embedding_)


def test_error_in_a_callback(whole):
    """Any other error leaves the estimator unchanged, and the callbacks are torn down."""
    recorder = Recorder(stop_after=7, error=RuntimeError("mine"))
    model = PrecomputedUMAP(**SETTINGS).fit(GRAPH).set_callbacks(recorder)
    before = set(vars(model))
    with pytest.raises(RuntimeError, match="mine"):
        model.set_params(min_dist=0.9).fit(GRAPH)
    assert recorder.calls[-1] == "teardown" and set(vars(model)) == before
    np.testing.assert_array_equal(model.embedding_, whole.embedding_)


def test_partial_fit_tells_what_it_runs():
    """Only the first call of `partial_fit` has a task for the graph. The layout is as long as the call."""
    recorder = Recorder()
    model = PrecomputedUMAP(**SETTINGS).set_callbacks(recorder).partial_fit(GRAPH, epochs=5)
    assert recorder.planned == 5 and "begin graph" in recorder.calls
    recorder.calls.clear()
    recorder.maps.clear()
    model.partial_fit(epochs=99)
    assert recorder.planned == EPOCHS - 5
    assert recorder.calls[:4] == ["setup", "begin fit", "begin layout", "begin epoch"]


class Storing(Recorder):
    """A callback that pickles the estimator during its fit, and its copy for hooks, after four epochs."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        stop = super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)
        if context.task_name == "epoch" and len(self.maps) == 4:
            assert "_callback_fit_ctx" in vars(estimator)
            self.stored = [pickle.dumps(one) for one in (estimator, fitted_estimator)]
        return stop


def test_nothing_of_a_run_is_stored(whole):
    """An estimator that is stored during a fit, or a copy for hooks, has its callbacks, but nothing else of the run.

    After their removal, models and copies have no trace of callbacks. Clones keep their callbacks.
    """
    recorder = Storing()
    model = PrecomputedUMAP(**SETTINGS).set_callbacks(recorder).fit(GRAPH)
    for loaded in map(pickle.loads, recorder.stored):
        assert vars(loaded).keys() == {*loaded.get_params(), "_fitted", "_skl_callbacks"}
        assert [type(callback) for callback in loaded._skl_callbacks] == [Storing] and loaded.epoch_ == 4
        np.testing.assert_array_equal(loaded.set_callbacks().partial_fit(epochs=8).embedding_, whole.embedding_)
    assert clone(model)._skl_callbacks == [recorder]
    for fitted in (model, recorder.fitted[3]):
        file = io.BytesIO()
        joblib.dump(fitted.set_callbacks(), file)
        file.seek(0)
        loaded = joblib.load(file)
        assert not {name for name in vars(loaded) if "callback" in name}
        np.testing.assert_array_equal(loaded.embedding_, fitted.embedding_)


def test_progress_bar(whole):
    """The progress bar of scikit-learn works, and does not change the map."""
    pytest.importorskip("rich")
    model = PrecomputedUMAP(**SETTINGS).set_callbacks(callback.ProgressBar()).fit(GRAPH)
    np.testing.assert_array_equal(model.embedding_, whole.embedding_)


def test_scoring_monitor():
    """The scoring monitor scores each epoch if `y` is given, whatever its values. Without `y`, it records no score."""
    monitor = callback.ScoringMonitor(scoring={"recall": metrics.neighbor_recall_scorer})
    model = PrecomputedUMAP(**SETTINGS).set_callbacks(monitor)
    stepped, expected = PrecomputedUMAP(**SETTINGS), []
    for _ in range(EPOCHS):
        expected.append(stepped.partial_fit(GRAPH, epochs=1).score(GRAPH))
    model.fit(GRAPH, LABELS)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert [row["recall"] for row in rows] == expected
    model.fit(knn_indices=INDICES, knn_dists=DISTS)
    assert not any("recall" in row for row in monitor.get_logs().data)


def test_in_pipeline_and_grid_search():
    """All fits of a pipeline and of a grid search run the callbacks of the original estimator."""
    recorder = Recorder()
    model = PrecomputedUMAP(**SETTINGS).set_callbacks(recorder)
    pipeline = make_pipeline(KNeighborsTransformer(n_neighbors=10, mode="distance"), model).fit(X)
    assert recorder.calls.count("end epoch") == EPOCHS
    assert pipeline[-1].epoch_ == EPOCHS
    short = Recorder()
    search = GridSearchCV(
        PrecomputedUMAP(**SETTINGS).set_callbacks(short),
        {"min_dist": [0.1, 0.5]},
        cv=[(np.arange(80), np.arange(80))],
        scoring=metrics.sampled_loss_scorer,
    )
    short.on_fit_task_end = lambda estimator, context: context.task_name == "epoch"  # stop at once
    search.fit(GRAPH)
    assert short.calls.count("begin epoch") == short.calls.count("teardown") == 3
    assert search.best_estimator_.epoch_ == 1
