"""Tests of estimators that a callback or another thread stores during a fit, and that resume to the same bits."""

import copy
import functools
import pickle
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP
from umap_sk.layout import coarsen, readers
from umap_sk.monitor import progress
from umap_sk.pipeline import lay_out

SETTINGS = {"n_neighbors": 10, "n_epochs": 60, "random_state": 0}
POINTS = np.random.default_rng(0).random((2000, 3))
DISTS, INDICES = NearestNeighbors(n_neighbors=10).fit(POINTS).kneighbors(POINTS)
ARRAYS = {"knn_indices": INDICES, "knn_dists": DISTS}


@pytest.fixture(scope="module", autouse=True)
def levels():
    """Let small graphs have coarse levels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=200))
        yield


@pytest.fixture(scope="module")
def whole():
    model = PrecomputedUMAP(**SETTINGS).fit(**ARRAYS)
    assert len(model.report_["phases"][-2]["levels"]) > 1
    return model


def stored(model):
    """Return a pickle and its arrays, which share the model's memory and so show any later change."""
    buffers = []
    return pickle.dumps(model, protocol=5, buffer_callback=buffers.append), buffers


def loaded(content):
    """Return the estimator from the result of `stored`."""
    return pickle.loads(content[0], buffers=content[1])


def after_each_epoch(act):
    """Call `act` after every epoch of the fits in the block, with any version of scikit-learn."""
    return progress.set_watcher(lambda costs, done: lambda epoch: act(epoch) and None)


@pytest.mark.parametrize("store", [stored, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("method", ["fit", pytest.param("partial_fit", marks=pytest.mark.long)])
def test_after_every_epoch(method, store):
    """Every stored estimator has the map of one epoch, and resumes to the bits of the whole fit."""
    settings = SETTINGS | {"n_epochs": 40}
    model, kept = PrecomputedUMAP(**settings), []
    with after_each_epoch(lambda epoch: kept.append((epoch, store(model)))):
        getattr(model, method)(**ARRAYS, **({"epochs": 1000} if method == "partial_fit" else {}))
    assert model.epoch_ == model.n_epochs_ and len(kept) == model.report_["phases"][-1]["epochs"]
    stepped = PrecomputedUMAP(**settings)
    for epoch, content in kept:
        again = loaded(content) if store is stored else content
        stepped.partial_fit(**ARRAYS)
        assert again.epoch_ == epoch == stepped.epoch_ and again.n_epochs_ == model.n_epochs_
        np.testing.assert_array_equal(again.embedding_, stepped.embedding_)
        if epoch < model.n_epochs_:
            again.partial_fit(epochs=1000)
        np.testing.assert_array_equal(again.embedding_, model.embedding_)


def test_what_is_read_is_of_one_moment():
    """The layout that a reader uses stays protected, even if the fit continues with another one."""
    states = [SimpleNamespace(positions=np.zeros(1)) for _ in range(2)]
    before, after = (SimpleNamespace(layout=SimpleNamespace(state=state)) for state in states)
    attributes = {"_fitted": SimpleNamespace(run=before)}
    with readers.hold_attributes(lambda: attributes) as read:
        attributes["_fitted"] = SimpleNamespace(run=after)
        assert read["_fitted"].run is before
        assert readers.is_read(before.layout.state) and not readers.is_read(after.layout.state)
    assert not readers.is_read(before.layout.state)


def test_from_another_thread(whole):
    """Estimators that another thread stores at arbitrary times resume to the bits of the whole fit."""
    model, kept, over = PrecomputedUMAP(**SETTINGS), [], threading.Event()

    def storing():
        while not over.wait(0.002) and len(kept) < 80:
            kept.append(stored(model))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    storer = threading.Thread(target=storing)
    storer.start()
    try:
        for _ in range(3):
            model.fit(**ARRAYS)
    finally:
        over.set()
        storer.join()
        sys.setswitchinterval(interval)
    np.testing.assert_array_equal(model.embedding_, whole.embedding_)
    models = [loaded(content) for content in kept]
    inside = [again for again in models if hasattr(again, "embedding_") and 0 < again.epoch_ < again.n_epochs_]
    assert len(inside) >= 10
    for again in models:
        if not hasattr(again, "embedding_") or again.epoch_ < again.n_epochs_:
            again.partial_fit(**ARRAYS, epochs=1000)
        np.testing.assert_array_equal(again.embedding_, whole.embedding_)


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
def test_while_the_next_graph_is_learned(whole, monkeypatch):
    """Until the new layout starts, the estimator is stored with the graph and the map of its previous fit."""
    model = PrecomputedUMAP(**SETTINGS).fit(knn_indices=INDICES[:, :5], knn_dists=DISTS[:, :5])
    before, kept = model.embedding_, []
    start = lay_out.begin

    def storing(*arguments, **options):
        kept.append(stored(model))
        return start(*arguments, **options)

    monkeypatch.setattr(lay_out, "begin", storing)
    model.fit(**ARRAYS)
    monkeypatch.undo()
    np.testing.assert_array_equal(model.embedding_, whole.embedding_)
    again = loaded(kept[0])
    assert again.epoch_ == again.n_epochs_ and again.manifold_.n_edges < model.manifold_.n_edges
    np.testing.assert_array_equal(again.embedding_, before)
    np.testing.assert_array_equal(again.transform(**ARRAYS), before)
    np.testing.assert_array_equal(again.fit(**ARRAYS).embedding_, whole.embedding_)


def test_a_report_that_is_being_written(whole):
    """The report that is stored during a fit is a copy, which later phases do not change."""
    model, kept = PrecomputedUMAP(**SETTINGS), []
    with after_each_epoch(lambda epoch: kept.append(model.__getstate__()["_fitted"]["report"])):
        model.fit(**ARRAYS)
    assert [phase["name"] for phase in kept[0]["phases"]] == ["neighbors", "graph", "start"]
    assert kept[0] is not model.report_ and kept[0]["phases"][0] is not model.report_["phases"][0]
    assert type(kept[0]) is type(model.report_) and kept[0]["threads"] == model.report_["threads"]
