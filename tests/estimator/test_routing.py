"""Tests of arguments other than X in scikit-learn's meta-estimators, with metadata routing on and off."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer, NearestNeighbors
from sklearn.pipeline import FeatureUnion, Pipeline

from umap_sk import PrecomputedUMAP, knn_graph, metrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
LABELS = (X[:, 0] > 0).astype(int)
SEARCH = NearestNeighbors(n_neighbors=10).fit(X)
DISTS, INDICES = SEARCH.kneighbors(X)
ARRAYS = {"knn_indices": INDICES, "knn_dists": DISTS}
NEW = RNG.normal(size=(20, 4))
NEW_DISTS, NEW_INDICES = SEARCH.kneighbors(NEW)
NEW_ARRAYS = {"knn_indices": NEW_INDICES, "knn_dists": NEW_DISTS}
START = RNG.normal(size=(120, 2))
SETTINGS = {"n_neighbors": 10, "n_epochs": 10, "random_state": 0}


def umap():
    return PrecomputedUMAP(**SETTINGS)


def requesting(**more):
    """Return an estimator that requests the arrays in every method, and other arguments in fit."""
    model = umap().set_fit_request(knn_indices=True, knn_dists=True, **more)
    model.set_transform_request(knn_indices=True, knn_dists=True)
    return model.set_score_request(knn_indices=True, knn_dists=True)


@pytest.fixture(scope="module")
def model():
    return umap().fit(**ARRAYS, init=START)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def in_pipeline(estimator):
    return Pipeline([("umap", estimator)])


def in_union(estimator):
    return FeatureUnion([("umap", estimator)])


def in_columns(estimator):
    return ColumnTransformer([("umap", estimator, [0, 1, 2, 3])])


# ------------------------------------------------------------------------------------------------------- routing on


@pytest.mark.parametrize("wrap", [in_pipeline, in_union, in_columns])
def test_everything_goes_through(model, routing, wrap):
    """Meta-estimators pass the arrays and the initial layout to fit, fit_transform and transform."""
    wrapped = wrap(requesting(init=True))
    np.testing.assert_array_equal(wrapped.fit_transform(X, **ARRAYS, init=START), model.embedding_)
    wrapped = wrap(requesting(init=True)).fit(X, **ARRAYS, init=START)
    np.testing.assert_array_equal(wrapped.transform(NEW, **NEW_ARRAYS), model.transform(**NEW_ARRAYS))


@pytest.mark.parametrize("wrap", [in_pipeline, in_union, in_columns])
def test_a_manifold_goes_through(model, routing, wrap):
    wrapped = wrap(umap().set_fit_request(manifold=True, init=True))
    np.testing.assert_array_equal(
        wrapped.fit_transform(X, manifold=model.manifold_, init=START).astype(np.float32), model.embedding_
    )


def test_predict_and_score_of_new_rows_from_arrays(model, routing):
    """A classifier behind the map predicts the labels of new rows from their neighbors, and scores them."""
    pipeline = Pipeline([("umap", requesting(init=True)), ("vote", KNeighborsClassifier(5))])
    pipeline.fit(X, LABELS, **ARRAYS, init=START)
    vote = KNeighborsClassifier(5).fit(model.embedding_.astype(np.float64), LABELS)
    places = model.transform(**NEW_ARRAYS).astype(np.float64)
    np.testing.assert_array_equal(pipeline.predict(NEW, **NEW_ARRAYS), vote.predict(places))
    np.testing.assert_array_equal(pipeline.predict_proba(NEW, **NEW_ARRAYS), vote.predict_proba(places))
    labels = (NEW[:, 0] > 0).astype(int)
    assert 0 < pipeline.score(NEW, labels, **NEW_ARRAYS) == vote.score(places, labels) < 1


def test_score_goes_through(model, routing):
    """A grid search passes the arrays to fit and score."""
    rows = np.arange(120)
    search = GridSearchCV(requesting(init=True), {"min_dist": [0.1]}, cv=[(rows, rows)], error_score="raise")
    search.fit(knn_graph(INDICES, DISTS), **ARRAYS, init=START)
    assert search.best_score_ == model.score(**ARRAYS)
    np.testing.assert_array_equal(search.best_estimator_.embedding_, model.embedding_)


def test_scorer_in_place_of_a_pipelines_score(routing):
    """Pipeline.score passes sample_weight, which neither our score nor PCA's accepts. A scorer avoids that."""
    for last in (umap(), PCA(2)):
        with pytest.raises(TypeError, match="sample_weight"):
            in_pipeline(last).fit(knn_graph(INDICES, DISTS)).score(knn_graph(INDICES, DISTS))
    search = GridSearchCV(
        Pipeline([("neighbors", KNeighborsTransformer(n_neighbors=15, mode="distance")), ("umap", umap())]),
        {"umap__min_dist": [0.1]},
        cv=3,
        scoring=metrics.neighbor_recall_scorer,
        error_score="raise",
    ).fit(X)
    assert 0 < search.best_score_ < 1


@pytest.mark.parametrize("wrap", [in_pipeline, in_union, in_columns])
def test_what_nobody_asked_for_is_refused(routing, wrap):
    """Arguments that the estimator does not request cause an error."""
    with pytest.raises(UnsetMetadataPassedError, match="knn_indices, knn_dists"):
        wrap(umap()).fit(X, **ARRAYS)


def test_requests_are_kept_by_clone(routing):
    """All arguments except X and y can be requested in the methods that accept them, and clone keeps the requests."""
    of_fit = dict.fromkeys(("knn_indices", "knn_dists", "init", "manifold", "anchors"), True)
    model = umap().set_partial_fit_request(epochs=True, **of_fit)
    model.set_fit_request(**of_fit)
    model.set_transform_request(knn_indices=True, knn_dists=True)
    model.set_score_request(k=True, knn_indices=True, knn_dists=True)
    requests = clone(model).get_metadata_routing()
    for method in ("fit", "partial_fit", "transform", "score"):
        asked = getattr(requests, method).requests
        assert asked and all(asked.values())
    assert set(requests.partial_fit.requests) == {"epochs", *of_fit}


# ------------------------------------------------------------------------------------------------------ routing off


def test_pipeline_with_prefixes(model):
    """A pipeline accepts the arguments with the name of the step as a prefix."""
    given = {f"umap__{name}": value for name, value in {**ARRAYS, "init": START}.items()}
    np.testing.assert_array_equal(in_pipeline(umap()).fit(X, **given)["umap"].embedding_, model.embedding_)
    np.testing.assert_array_equal(in_pipeline(umap()).fit_transform(X, **given), model.embedding_)
    pipeline = Pipeline([("umap", umap()), ("vote", KNeighborsClassifier(5))]).fit(X, LABELS, **given)
    np.testing.assert_array_equal(pipeline["umap"].embedding_, model.embedding_)
    manifold = in_pipeline(umap()).fit(X, umap__manifold=model.manifold_, umap__init=START)
    np.testing.assert_array_equal(manifold["umap"].embedding_, model.embedding_)


def test_union_without_prefixes(model):
    """A FeatureUnion passes the arguments on without prefixes."""
    np.testing.assert_array_equal(in_union(umap()).fit_transform(X, **ARRAYS, init=START), model.embedding_)


def test_grid_search_hands_on_a_manifold(model):
    """A grid search that cuts nothing passes on a manifold and an initial layout."""
    rows = np.arange(120)
    search = GridSearchCV(umap(), {"min_dist": [0.1]}, cv=[(rows, rows)], error_score="raise")
    search.fit(knn_graph(INDICES, DISTS), manifold=model.manifold_, init=START)
    np.testing.assert_array_equal(search.best_estimator_.embedding_, model.embedding_)


def test_start_that_cross_validation_cuts():
    """Cross-validation cuts an initial layout along with the rows of the graph."""
    graph = knn_graph(*SEARCH.kneighbors(X, n_neighbors=30)[::-1])
    train, test = np.arange(0, 120, 2), np.arange(1, 120, 2)
    found = []
    search = GridSearchCV(
        umap(),
        {"n_neighbors": [4]},
        cv=[(train, test)],
        refit=False,
        scoring=lambda fitted, X, y=None: found.append(fitted.embedding_) or 0.0,
    )
    search.fit(graph, init=START)
    expected = umap().set_params(n_neighbors=4).fit(graph[train][:, train], init=START[train])
    np.testing.assert_array_equal(found[0], expected.embedding_)
