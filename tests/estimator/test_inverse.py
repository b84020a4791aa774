"""Tests of inverse_transform: its agreement with a slow reference implementation, and the source of its features."""

import io
import pickle

import joblib
import naive_inverse
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, make_blobs
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from umap_sk import UMAP, DisconnectedWarning, PrecomputedUMAP
from umap_sk.layout import inverse

X = load_digits().data[:500].astype(np.float32)
DISTS, INDICES = NearestNeighbors(n_neighbors=15).fit(X).kneighbors(X)
ARRAYS = {"knn_indices": INDICES, "knn_dists": DISTS}
SETTINGS = {"n_epochs": 20, "random_state": 0}
PLACES = np.random.default_rng(0).uniform(-15, 15, size=(40, 2))
STORED = "holds features only"


def fitted(features=X, **settings):
    return PrecomputedUMAP(**SETTINGS, **settings).fit(features, **ARRAYS)


@pytest.fixture(scope="module")
def model():
    return fitted()


@pytest.fixture(scope="module")
def rows(model):
    """Return the model's inverse transform of PLACES."""
    return model.inverse_transform(PLACES)


def loaded(model):
    return pickle.loads(pickle.dumps(model))


# ------------------------------------------------------------------------------------------------------- arithmetic


def naive(places, model, features=X):
    return [naive_inverse.combination(place, model.embedding_.astype(float), features) for place in places]


def test_equals_the_twin(model, rows):
    """Results equal those of the reference implementation at free positions, at positions of rows and far outside."""
    places = np.concatenate([model.embedding_[:5], [[1e6, -1e6]]])
    assert_allclose(rows, naive(PLACES, model), rtol=1e-5, atol=1e-5)
    assert_allclose(model.inverse_transform(places), naive(places, model), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_components", [1, 3])
def test_other_numbers_of_axes(n_components):
    model = fitted(n_components=n_components)
    places = model.embedding_[::50] + 0.1
    assert_allclose(model.inverse_transform(places), naive(places, model), rtol=1e-5, atol=1e-5)


def test_rows_on_one_place(model):
    """If seven or more rows lie exactly at the position, they alone count."""
    there = loaded(model)
    there.embedding_[:11] = 3.0
    assert_allclose(there.inverse_transform([[3, 3]], features=X), [X[:11].mean(0)], rtol=1e-6)


def test_fewer_rows_than_are_combined():
    """In a map with few rows, all of them are combined."""
    dists, indices = NearestNeighbors(n_neighbors=5).fit(X[:8]).kneighbors(X[:8])
    model = PrecomputedUMAP(5, **SETTINGS).fit(X[:8], knn_indices=indices, knn_dists=dists)
    assert_allclose(model.inverse_transform(PLACES), naive(PLACES, model), rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore::umap_sk.UMAPWarning")
def test_rows_without_a_place_do_not_count():
    indices = INDICES.copy()
    indices[:7], indices[np.isin(INDICES, np.arange(7))] = -1, -1
    with pytest.warns(DisconnectedWarning):
        model = PrecomputedUMAP(**SETTINGS).fit(X, knn_indices=indices, knn_dists=DISTS)
    found = model.inverse_transform(model.embedding_[:9])
    assert np.isnan(found[:7]).all()  # a position that is NaN has no inverse
    assert_allclose(found[7:], naive(model.embedding_[7:9], model), rtol=1e-5, atol=1e-5)


def test_a_row_depends_on_its_place_alone(model, rows, monkeypatch):
    """A result does not depend on other positions, their order, the threads or the block size of the features."""
    order = np.random.default_rng(1).permutation(len(PLACES))
    assert_array_equal(model.inverse_transform(PLACES[order]), rows[order])
    assert_array_equal(np.concatenate([model.inverse_transform(place[None]) for place in PLACES]), rows)
    for n_jobs in (1, 2):
        assert_array_equal(loaded(model).set_params(n_jobs=n_jobs).inverse_transform(PLACES, features=X), rows)
    monkeypatch.setattr(inverse, "FEATURE_BLOCK_BYTES", 3 * 42 * 64 * 4)
    assert_array_equal(model.inverse_transform(PLACES), rows)


def test_reconstruction_is_better_than_the_mean_of_all():
    """New digits are reconstructed with a root mean square error below 2.8, where pixels range from 0 to 16.

    The mean of all digits has an error of 4.3.
    """
    digits = load_digits().data
    model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(digits[:1500])
    found = model.inverse_transform(model.transform(digits[1500:]))
    assert np.sqrt(((found - digits[1500:]) ** 2).mean()) < 2.8


def test_fitted_rows_keep_their_neighbors():
    """On average, 6.5 of a row's 10 nearest rows in the map are among the 15 nearest to its inverse transform."""
    features = make_blobs(200, 10, centers=4, random_state=42)[0].astype(np.float32)
    model = UMAP(random_state=42).fit(features)
    places = model.embedding_
    in_map = NearestNeighbors(n_neighbors=10).fit(places).kneighbors(places, return_distance=False)
    rows = model.inverse_transform(places)
    nearest = NearestNeighbors(n_neighbors=15).fit(features).kneighbors(rows, return_distance=False)
    assert np.mean([len(np.intersect1d(*pair)) for pair in zip(in_map, nearest, strict=True)]) >= 6.5


# --------------------------------------------------------------------------------------------------------- features


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, np.int64, bool])
def test_dtypes(model, dtype):
    """Features of any dtype except float32 give results of float64."""
    features = X.astype(dtype)
    found = model.inverse_transform(PLACES, features=features)
    assert found.dtype == np.float64
    assert_allclose(found, naive(PLACES, model, features.astype(float)), rtol=1e-12, atol=1e-12)


def test_forms_of_features(model, rows, tmp_path):
    """Strided, Fortran-ordered, memory-mapped and sparse features and data frames give the same bits."""
    assert rows.dtype == np.float32
    np.save(tmp_path / "x.npy", X)
    sparse = [scipy.sparse.csr_array(X), scipy.sparse.coo_matrix(X)]
    for features in (X.repeat(2, 1)[:, ::2], np.asfortranarray(X), np.load(tmp_path / "x.npy", mmap_mode="r"), *sparse):
        assert_array_equal(model.inverse_transform(PLACES, features=features), rows)
    assert_array_equal(model.inverse_transform(pd.DataFrame(PLACES), features=pd.DataFrame(X)), rows)


def test_features_of_another_kind(model):
    """Any array with a row for each training row can be passed as features."""
    found = model.inverse_transform(PLACES, features=np.arange(500)[:, None])
    assert found.shape == (40, 1) and (found >= 0).all() and (found < 500).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "hellinger", "jaccard", "chebyshev"])
def test_searched_features_stay_with_the_model(metric):
    """A model with a search stores the original features, even if it searches others or drops its graph."""
    model = PrecomputedUMAP(**SETTINGS, metric=metric).fit(X)
    found = model.inverse_transform(PLACES)
    assert_allclose(found, naive(PLACES, model), rtol=1e-5, atol=1e-5)
    assert_array_equal(loaded(model).inverse_transform(PLACES), found)
    assert_array_equal(loaded(model).drop_graph().inverse_transform(PLACES), found)


def test_features_beside_neighbors_are_a_reference():
    """Features together with neighbors are stored as a reference, which is lost in a pickle and by drop_graph."""
    whole = X.astype(np.uint8)
    model = fitted(whole)
    assert model._fitted.features is whole
    rows = model.inverse_transform(PLACES)
    assert_allclose(rows, naive(PLACES, model, whole.astype(float)), rtol=1e-12, atol=1e-12)
    without = PrecomputedUMAP(**SETTINGS).fit(**ARRAYS)
    sizes = [len(pickle.dumps(each.drop_graph())) for each in (loaded(model), without)]
    assert abs(sizes[0] - sizes[1]) < 1000
    for other in (loaded(model), model.drop_graph()):
        with pytest.raises(ValueError, match=STORED):
            other.inverse_transform(PLACES)
        assert_array_equal(other.inverse_transform(PLACES, features=whole), rows)


def test_memory_mapped_features_are_not_copied(tmp_path, rows):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = fitted(mapped)
    assert np.shares_memory(model._fitted.features, mapped)
    assert_array_equal(model.inverse_transform(PLACES), rows)
    file = io.BytesIO()
    joblib.dump(model.drop_graph(), file)
    assert len(file.getvalue()) < X.nbytes / 2


def test_features_after_partial_fit_and_beside_a_manifold(model, rows):
    stepped = PrecomputedUMAP(**SETTINGS)
    stepped.partial_fit(X, **ARRAYS, epochs=5)
    stepped.partial_fit(epochs=100)
    assert_array_equal(stepped.inverse_transform(PLACES), rows)
    beside = PrecomputedUMAP(**SETTINGS).fit(X, manifold=model.manifold_)
    assert_array_equal(beside.inverse_transform(PLACES), rows)


def test_graphs_are_no_features():
    """A graph as X, alone or together with arrays, is not used as features."""
    graph = scipy.sparse.csr_array(NearestNeighbors(n_neighbors=14).fit(X).kneighbors_graph(mode="distance"))
    with pytest.raises(ValueError, match="without features as X"):
        PrecomputedUMAP(**SETTINGS).fit(graph, **ARRAYS).inverse_transform(PLACES)
    alone = PrecomputedUMAP(**SETTINGS).fit(graph)
    assert not hasattr(alone, "inverse_transform")
    with pytest.raises(AttributeError) as raised:
        alone.inverse_transform(PLACES)
    assert "X was the graph. Give the neighbors as arrays" in str(raised.value.__cause__)


def test_in_a_pipeline():
    """A pipeline returns to the units of the data before its first step."""
    pipeline = make_pipeline(MinMaxScaler(), PrecomputedUMAP(**SETTINGS, metric="euclidean")).fit(X)
    scaler, umap = (step for _, step in pipeline.steps)
    found = pipeline.inverse_transform(PLACES)
    assert_array_equal(found, scaler.inverse_transform(umap.inverse_transform(PLACES)))
    assert_allclose(found, naive(PLACES, umap), rtol=1e-4, atol=1e-4)


def test_output_is_an_array(model):
    """inverse_transform returns an array even if transform returns data frames, as in scikit-learn."""
    frames = PrecomputedUMAP(**SETTINGS, metric="euclidean").set_output(transform="pandas")
    places = frames.fit_transform(X)
    found = frames.inverse_transform(places)
    assert type(found) is np.ndarray
    assert_array_equal(found, frames.inverse_transform(places.to_numpy()))


# --------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "places, features, message",
    [
        (PLACES[:, :1], X, "1 coordinates, but the map has n_components=2"),
        (PLACES[0], X, "Expected 2D array"),
        ([[np.inf, 0]], X, "infinity"),
        ([[1e30, 0]], X, "Places go up to 1e[+]30"),
        (PLACES, X[:3], r"shape \(3, 64\), but the map was made from 500 rows"),
        (PLACES, X[:, 0], r"shape \(500,\)"),
    ],
)
def test_refusals(model, places, features, message):
    with pytest.raises(ValueError, match=message):
        model.inverse_transform(places, features=features)


def test_features_that_are_no_numbers(model):
    with pytest.raises(TypeError, match="complex64"):
        model.inverse_transform(PLACES, features=X.astype(np.complex64))
