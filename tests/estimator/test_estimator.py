"""Tests of fit, fit_transform, transform and learn_manifold with any form of data."""

import copy
import pickle

import joblib
import numba
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors
from sklearn.pipeline import make_pipeline

from umap_sk import UMAP, DisconnectedWarning, Manifold, PrecomputedUMAP, knn_graph
from umap_sk.pipeline import targets

SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}


@pytest.fixture
def fitted(arrays):
    """Return a model of the ring."""
    return PrecomputedUMAP(**SETTINGS).fit(**arrays)


def test_same_neighbors_in_any_form_give_the_same_map(ring, arrays):
    """Arrays, graphs, distance matrices, manifolds and features give the same map, with or without another X."""
    indices, dists, points = ring
    graph = knn_graph(indices, dists)
    matrix = np.sqrt(((points[:, None] - points) ** 2).sum(-1))
    manifold = PrecomputedUMAP(5).learn_manifold(**arrays)
    ways = [
        {"X": graph},
        {"X": scipy.sparse.coo_matrix(graph)},
        {"X": matrix},
        {"X": points, **arrays},
        {"X": graph, **arrays},
        {"manifold": manifold},
        {"X": points, "manifold": manifold},
        {"manifold": Manifold.from_graph(manifold.graph)},
    ]
    settings = {**SETTINGS, "init": "spectral"}  # needs neither features nor distances
    expected = PrecomputedUMAP(**settings).fit(**arrays).embedding_
    for way in ways:
        assert np.array_equal(PrecomputedUMAP(**settings).fit(**way).embedding_, expected), list(way)
    features = PrecomputedUMAP(**settings, metric="euclidean").fit(points)
    assert np.array_equal(features.embedding_, expected)


def test_fit_returns_self_and_fit_transform_the_embedding(ring, arrays, fitted):
    """The embedding is float32, and the output of fit_transform has the dtype of X."""
    assert PrecomputedUMAP(**SETTINGS).fit(**arrays).embedding_.dtype == np.float32
    for X, dtype in [(None, np.float32), (ring[2], np.float64), (ring[2].astype(np.float32), np.float32)]:
        out = PrecomputedUMAP(**SETTINGS, init="pivot_mds").fit_transform(X, **arrays)
        assert out.dtype == dtype
        assert np.array_equal(out, fitted.embedding_)


def test_output_may_be_written_to(arrays):
    """The output of fit_transform is a copy. Writing to it does not change the embedding."""
    model = PrecomputedUMAP(**SETTINGS)
    out = model.fit_transform(**arrays)
    out[:] = 0
    assert model.embedding_.any()


def test_attributes(arrays, fitted):
    """A fitted model has the documented public attributes and no others."""
    names = [name for name in dir(type(fitted)) if name.endswith("_") and not name.startswith("_")]
    found = ["embedding_", "manifold_", "graph_", "n_epochs_", "epoch_", "a_", "b_", "seed_", "report_", "loss_curve_"]
    assert {name for name in names if hasattr(fitted, name)} == {*found, "rad_emb_", "n_features_in_"}
    assert not any(hasattr(PrecomputedUMAP(), name) for name in names)
    assert (fitted.epoch_, fitted.n_epochs_, fitted.seed_, fitted.n_features_in_) == (20, 20, 0, 60)
    assert fitted.graph_.shape == (60, 60) and (fitted.graph_ != fitted.graph_.T).nnz == 0
    assert list(fitted.get_feature_names_out()) == ["precomputedumap0", "precomputedumap1"]
    assert PrecomputedUMAP(**SETTINGS, symmetrize=False).fit(**arrays).graph_.nnz == 60 * 4


def test_names_of_an_earlier_fit_are_gone(ring, arrays):
    """A fit without X forgets the column names and the search index of the previous fit."""
    model = PrecomputedUMAP(**SETTINGS, metric="euclidean").fit(pd.DataFrame(ring[2], columns=["x", "y"]))
    assert list(model.feature_names_in_) == ["x", "y"]
    model.fit(manifold=model.manifold_)
    assert not hasattr(model, "feature_names_in_") and model.n_features_in_ == 60
    with pytest.raises(ValueError, match="fitted without features, so it cannot search among them"):
        model.transform(ring[2][:3])


def test_search_follows_the_last_fit(ring):
    """transform searches the features that were passed together with a manifold."""
    model = PrecomputedUMAP(**SETTINGS, metric="euclidean").fit(ring[2])
    turned = ring[2] @ np.array([[0, 1], [-1, 0]])
    model.fit(turned, manifold=model.manifold_)
    assert np.array_equal(model.transform(turned), model.embedding_)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({}, "Nothing to work on: give X"),
        ({"knn_indices": [[1], [0]]}, "knn_indices was given without knn_dists"),
        ({"knn_dists": [[1.0], [1.0]]}, "knn_dists was given without knn_indices"),
        ({"X": np.ones((60, 3))}, "square matrix. If X contains features, set metric"),
        ({"X": -np.ones((60, 60))}, "negative distance .* If X contains features, set metric"),
        ({"knn_indices": [[1], [0]], "knn_dists": [[1.0], [np.nan]]}, "NaN is no distance"),
    ],
)
@pytest.mark.parametrize("half_done", [False, True])
def test_failed_fit_changes_nothing(arrays, bad, message, half_done):
    """A failed fit changes neither an unfitted estimator nor a finished or partially fitted model."""
    model = PrecomputedUMAP(**SETTINGS)
    before = dict(vars(model))
    for call in ("fit", "fit_transform"):
        with pytest.raises(ValueError, match=message):
            getattr(model, call)(**bad)
    assert vars(model) == before and not hasattr(model, "embedding_")
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=10 if half_done else 20)
    before, embedding = joblib.hash(model), model.embedding_
    for call in ("fit", "fit_transform"):
        with pytest.raises(ValueError, match=message):
            getattr(model, call)(**bad)
    assert joblib.hash(model) == before and model.embedding_ is embedding
    if half_done:
        expected = PrecomputedUMAP(**SETTINGS).fit_transform(**arrays)
        assert np.array_equal(model.partial_fit(epochs=10).embedding_, expected)


@pytest.mark.parametrize("call", ["fit", "fit_transform", "partial_fit", "learn_manifold"])
@pytest.mark.filterwarnings("error::umap_sk.IgnoredTargetWarning")
def test_neighbors_by_position_are_refused(ring, call, monkeypatch):
    """Neighbor arrays as X and y, or as a sequence in the place of X, are refused without a warning about y."""
    monkeypatch.setattr(targets, "_warned", set())
    indices, dists, _ = ring
    call = getattr(PrecomputedUMAP(**SETTINGS), call)
    for X, y in [(indices, dists), (dists, indices)]:
        with pytest.raises(ValueError, match=r"not taken by position.*fit\(knn_indices=ids, knn_dists=dists\)"):
            call(X, y)
    for X in [(indices, dists), [dists, indices], (indices, dists, None), (indices, dists, dists)]:
        with pytest.raises(ValueError, match=rf"X is a .* of {len(X)} parts.*fit\(knn_indices=ids, knn_dists=dists\)"):
            call(X)


@pytest.mark.parametrize("estimator", [PrecomputedUMAP(), UMAP()])
def test_a_fitted_search_is_no_data(ring, estimator):
    found = NearestNeighbors(n_neighbors=5).fit(ring[2])
    with pytest.raises(TypeError, match=r"X is a NearestNeighbors.*X.kneighbors\(\)"):
        estimator.fit(found)


def test_pairs_of_new_rows_are_refused(ring, fitted):
    with pytest.raises(ValueError, match="X is a tuple of 2 parts.*knn_indices=ids, knn_dists=dists"):
        fitted.transform(ring[:2])


def test_whole_features_and_as_many_targets_are_no_neighbors(ring, arrays):
    """Integer features with a target of the same shape are accepted with neighbors, a manifold or a metric."""
    X, y = np.round(100 * ring[2]).astype(int), ring[2]
    settings = SETTINGS | {"target_metric": "euclidean"}
    beside = PrecomputedUMAP(**settings).fit(X, y, **arrays)
    assert np.array_equal(beside.embedding_, PrecomputedUMAP(**settings).fit(X.astype(float), y, **arrays).embedding_)
    model = PrecomputedUMAP(**settings, metric="euclidean").fit(X, y)
    again = PrecomputedUMAP(**settings).fit(X, y, manifold=model.manifold_)
    assert np.array_equal(again.embedding_, model.embedding_)


def test_callers_arrays_are_never_written_to(ring):
    """Writable arrays, graphs, initial layouts and features have the same bits after fit and transform."""
    indices, dists, points = (array.copy() for array in ring)
    indices[3, 4] = -1
    indices, dists = (np.asfortranarray(array[:, [3, 1, 0, 2, 6, 5, 4, 7]]) for array in (indices, dists))
    graph = knn_graph(indices, dists)[:, ::-1][::-1]
    start = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    given = [indices, dists, points, graph.data, graph.indices, graph.indptr, start]
    before = joblib.hash(given)
    model = PrecomputedUMAP(**SETTINGS, rescale_init=False)
    model.fit(points, knn_indices=indices, knn_dists=dists, init=start)
    model.transform(points, knn_indices=indices, knn_dists=dists)
    model.fit(graph, init=start)
    model.transform(graph)
    manifold = Manifold.from_graph(graph)
    model.fit(manifold=manifold, init=start)
    assert joblib.hash(given) == before


def test_threads_are_restored(arrays):
    """The number of threads is restored after success and after failure, and the report contains the number used."""
    before = numba.config.NUMBA_NUM_THREADS
    numba.set_num_threads(before)
    model = PrecomputedUMAP(**SETTINGS, n_jobs=1).fit(**arrays)
    assert numba.get_num_threads() == before and model.report_["threads"] == 1
    model.transform(**arrays)
    with pytest.raises(ValueError):
        model.fit(knn_indices=[[0]], knn_dists=[[0.0]])
    assert numba.get_num_threads() == before
    assert PrecomputedUMAP(**SETTINGS).fit(**arrays).report_["threads"] == before


def test_seed(arrays, fitted):
    """The seed that a fit draws reproduces its map, and a generator gives each fit another seed."""
    drawn = PrecomputedUMAP(**SETTINGS | {"random_state": None}).fit(**arrays)
    again = PrecomputedUMAP(**SETTINGS | {"random_state": drawn.seed_}).fit(**arrays)
    assert np.array_equal(drawn.embedding_, again.embedding_)
    assert not np.array_equal(drawn.embedding_, fitted.embedding_)
    for make in (np.random.RandomState, np.random.default_rng):
        state = make(3)
        seeds = [PrecomputedUMAP(**SETTINGS | {"random_state": state}).fit(**arrays).seed_ for _ in range(2)]
        assert seeds[0] != seeds[1]
        same = PrecomputedUMAP(**SETTINGS | {"random_state": make(3)}).fit(**arrays)
        assert same.seed_ == seeds[0]
    generator = np.random.RandomState(0)
    drawn = PrecomputedUMAP(**SETTINGS | {"random_state": generator}).fit(**arrays).seed_
    assert drawn == np.random.RandomState(0).randint(2**31) != 0
    assert all("``RandomState(0)`` gives another map than 0" in cls.__doc__ for cls in (PrecomputedUMAP, UMAP))


def test_warm_start_is_taken_as_it_is(arrays, fitted):
    """With rescale_init=False, a given embedding is used as it is. By default it is rescaled."""
    settings = {**SETTINGS, "n_epochs": 1, "learning_rate": 1e-12}
    kept = PrecomputedUMAP(**settings, rescale_init=False).fit(**arrays, init=fitted.embedding_)
    assert np.array_equal(kept.embedding_, fitted.embedding_)
    moved = PrecomputedUMAP(**settings).fit(**arrays, init=fitted.embedding_)
    assert np.abs(moved.embedding_ - fitted.embedding_).max() > 0.1


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
def test_disconnected_rows_do_not_spread(ring):
    """Disconnected rows are NaN, and the other rows have the positions of a fit without them."""
    others = np.setdiff1d(np.arange(60), [7, 30])
    number = np.full(60, -1)
    number[others] = np.arange(58)
    indices = np.where(np.isin(ring[0], others), ring[0], -1)
    indices[[7, 30]] = -1
    model = PrecomputedUMAP(**SETTINGS)
    with pytest.warns(DisconnectedWarning, match="2 of 60 rows have no neighbor, the first is row 7; they are NaN"):
        model.fit(knn_indices=indices, knn_dists=ring[1])
    assert np.flatnonzero(np.isnan(model.embedding_).any(axis=1)).tolist() == [7, 30]
    alone = PrecomputedUMAP(**SETTINGS).fit(
        knn_indices=np.where(indices >= 0, number[indices], -1)[others], knn_dists=ring[1][others]
    )
    assert np.array_equal(model.embedding_[others], alone.embedding_)
    near_lost = {"knn_indices": ring[0][6:9], "knn_dists": ring[1][6:9] + 0.01}
    assert np.isfinite(model.transform(**near_lost)).all()
    with pytest.warns(DisconnectedWarning, match="1 of 1 new rows have no usable neighbor"):
        assert np.isnan(model.transform(knn_indices=[[7, 30]], knn_dists=[[0.1, 0.2]])).all()


def test_transform_of_fitted_rows_and_batches(ring, arrays, fitted):
    """Fitted rows keep their positions. The position of a new row does not depend on the other rows of the call."""
    assert np.array_equal(fitted.transform(**arrays), fitted.embedding_)
    assert np.array_equal(fitted.transform(knn_graph(*ring[:2])), fitted.embedding_)
    indices, dists = ring[0][:, 1:], ring[1][:, 1:]
    together = fitted.transform(knn_indices=indices, knn_dists=dists)
    assert not np.array_equal(together, fitted.embedding_)
    alone = [fitted.transform(knn_indices=indices[i : i + 1], knn_dists=dists[i : i + 1]) for i in range(60)]
    assert np.array_equal(together, np.concatenate(alone))
    turned = fitted.transform(knn_indices=indices[::-1], knn_dists=dists[::-1])
    assert np.array_equal(together, turned[::-1])


def test_transform_is_refused_with_the_cure(ring, arrays, fitted):
    """If transform cannot use its arguments, the error says which ones it needs."""
    with pytest.raises(NotFittedError):
        PrecomputedUMAP().transform(**arrays)
    with pytest.raises(ValueError, match="X has 2 features.*If X contains features, pass knn_indices and knn_dists"):
        fitted.transform(ring[2])
    with pytest.raises(ValueError, match="Nothing to work on"):
        fitted.transform()
    with pytest.raises(ValueError, match=r"knn_indices\[1, 0\] .* is 60, but indices from 0 to 59 are needed"):
        fitted.transform(knn_indices=[[0], [60]], knn_dists=[[0.1], [0.1]])
    with pytest.raises(ValueError, match="knn_indices has 60 rows, but 3 are needed"):
        fitted.transform(ring[2][:3], **arrays)


def test_features_beside_neighbors_are_asked_for_little(ring, arrays, fitted):
    """Features together with arrays may contain NaN, and in transform they may have any number of columns."""
    gaps = np.where(ring[2] > 0.9, np.nan, ring[2])
    model = PrecomputedUMAP(**SETTINGS).fit(gaps, **arrays)
    assert np.array_equal(model.embedding_, fitted.embedding_) and model.n_features_in_ == 2
    assert np.array_equal(fitted.transform(np.ones((60, 7)), **arrays), fitted.embedding_)
    assert np.array_equal(model.transform(knn_graph(*ring[:2])), fitted.embedding_)
    with pytest.raises(
        ValueError, match="X has 2 columns, but 60 are needed.*If X contains features, pass knn_indices"
    ):
        model.transform(ring[2])


def test_frames_in_and_out(ring, arrays):
    """Data frames provide the feature names. With set_output, the output is a data frame with or without X."""
    frame = pd.DataFrame(ring[2], columns=["x", "y"], index=[f"row {i}" for i in range(60)])
    model = PrecomputedUMAP(**SETTINGS, init="pca").set_output(transform="pandas")
    out = model.fit_transform(frame, **arrays)
    assert list(model.feature_names_in_) == ["x", "y"]
    assert out.index.equals(frame.index) and list(out.columns) == ["precomputedumap0", "precomputedumap1"]
    assert np.array_equal(out, model.embedding_)
    assert isinstance(model.transform(**arrays), pd.DataFrame)
    assert np.array_equal(model.fit_transform(frame, knn_indices=pd.DataFrame(ring[0]), knn_dists=ring[1]), out)


def test_after_a_neighbors_transformer(ring, fitted):
    """Behind a KNeighborsTransformer, fit leaves the row itself out of its list, and transform uses all neighbors."""
    pipeline = make_pipeline(KNeighborsTransformer(n_neighbors=7, mode="distance"), PrecomputedUMAP(**SETTINGS))
    out = pipeline.fit_transform(ring[2])
    assert np.array_equal(out, fitted.embedding_)
    new = ring[2][:5] * 1.1
    dists = np.sqrt(((new[:, None] - ring[2]) ** 2).sum(-1))
    indices = np.argsort(dists, axis=1)[:, :5]
    expected = fitted.transform(knn_indices=indices, knn_dists=np.take_along_axis(dists, indices, axis=1))
    assert np.allclose(pipeline.transform(new), expected, atol=1e-4)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_place_new_rows_alike(ring, fitted, copied):
    """A copied or pickled model places new rows like the original, and a clone is not fitted."""
    new = {"knn_indices": ring[0][:, 1:], "knn_dists": ring[1][:, 1:]}
    expected = fitted.transform(**new)
    assert np.array_equal(copied(fitted).transform(**new), expected)
    assert not hasattr(clone(fitted), "embedding_")


def test_memory_mapped_model(ring, fitted, tmp_path):
    """A model in a read-only memory map places new rows, and its manifold can be used in a new fit."""
    joblib.dump(fitted, tmp_path / "model.joblib")
    model = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    new = {"knn_indices": ring[0][:, 1:], "knn_dists": ring[1][:, 1:]}
    assert isinstance(model.embedding_, np.memmap)
    assert np.array_equal(model.transform(**new), fitted.transform(**new))
    assert np.array_equal(PrecomputedUMAP(**SETTINGS).fit_transform(manifold=model.manifold_), fitted.embedding_)


def test_report(ring):
    """The report lists the phases in order, with seconds, counts and bytes, and can be printed."""
    indices = np.where(np.arange(60)[:, None] == 4, -1, ring[0])
    indices[4, :5] = ring[0][4, :5]
    model = PrecomputedUMAP(**SETTINGS).fit(knn_indices=indices, knn_dists=ring[1])
    report = model.report_
    assert [phase["name"] for phase in report["phases"]] == ["neighbors", "graph", "start", "layout"]
    assert all(phase["seconds"] > 0 for phase in report["phases"])
    neighbors, graph, start, layout = report["phases"]
    assert (neighbors["rows"], neighbors["edges"], neighbors["sentinels"]) == (60, 240, 3)
    assert graph["edges"] == model.graph_.nnz and graph["disconnected_rows"] == 0
    assert graph["bytes"] == sum(array.nbytes for array in model.manifold_.arrays())
    assert start["levels"] == [60] and layout["epochs"] == 20
    assert "edges=240" in str(report) and "epochs=20" in str(report) and "threads=" in str(report)
    searched = PrecomputedUMAP(**SETTINGS, metric="euclidean").fit(ring[2]).report_
    assert [phase["name"] for phase in searched["phases"]] == ["search", "neighbors", "graph", "start", "layout"]
    assert searched.seconds("search") > 0 == searched.seconds("nothing")


def test_graph_places_rows_of_a_model_without_its_own(ring, fitted):
    """After drop_graph, transform still accepts a graph of new rows and gives the same positions."""
    new = knn_graph(ring[0][:, 1:], ring[1][:, 1:], n_columns=60)
    expected = fitted.transform(new)
    assert np.array_equal(copy.deepcopy(fitted).drop_graph().transform(new), expected)
