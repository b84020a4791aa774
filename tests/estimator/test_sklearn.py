"""Tests with all checks of scikit-learn, and of cases that they do not cover, such as held-out rows."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.impute import SimpleImputer
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks, estimator_html_repr, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from umap_sk import DisconnectedWarning, Manifold, PrecomputedUMAP, UMAPWarning, knn_graph

NEWEST = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9)
FEW = {"n_epochs": 11}  # for the estimators whose epochs the first ones check, too
ESTIMATORS = [
    PrecomputedUMAP(),
    PrecomputedUMAP(metric="euclidean"),
    PrecomputedUMAP(symmetrize=False, **FEW),
    PrecomputedUMAP(n_components=3, **FEW),
    PrecomputedUMAP(metric="euclidean", dens_lambda=2.0, dens_frac=0.5, dens_var_shift=0.2, **FEW),
    PrecomputedUMAP(n_components=1, **FEW),
    PrecomputedUMAP(set_op_mix_ratio=0, **FEW),
    PrecomputedUMAP(metric="cosine", **FEW),
    PrecomputedUMAP(metric="correlation", **FEW),
    PrecomputedUMAP(metric="manhattan", symmetrize=False, **FEW),
    PrecomputedUMAP(metric="hellinger", **FEW),
    PrecomputedUMAP(metric="euclidean", searcher=KNeighborsTransformer(), **FEW),
    PrecomputedUMAP(metric="euclidean", target_metric="categorical", target_weight=0.3, **FEW),
    PrecomputedUMAP(metric="euclidean", output_metric="hyperboloid", **FEW),
    PrecomputedUMAP(output_metric="torus", output_metric_params={"period": 9.0}, **FEW),
]
if not NEWEST:
    del ESTIMATORS[4:]  # these are checked with the newest scikit-learn only
BY_NAME = [
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_param_validation",
    "check_dataframe_column_names_consistency",
    "check_inplace_ensure_writeable",
    "check_estimators_partial_fit_n_features",
]
METRICS = ["precomputed", "euclidean"]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    """All checks pass, and none is skipped. One of them needs SCIPY_ARRAY_API=1, which make test sets."""
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS[:2], ids=METRICS)
@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.filterwarnings("ignore::umap_sk.UMAPWarning")
def test_check_that_is_not_handed_out(name, estimator):
    """The estimators pass the checks that scikit-learn runs on its own estimators only."""
    getattr(estimator_checks, name)("PrecomputedUMAP", clone(estimator))


def test_tags_are_honest():
    """The tags are correct, and none of them makes scikit-learn omit a check."""
    for estimator in ESTIMATORS:
        tags = get_tags(estimator)
        pairwise = estimator.metric == "precomputed"
        assert tags.input_tags.pairwise == pairwise
        assert tags.input_tags.positive_only == (pairwise or estimator.metric == "hellinger")
        assert tags.input_tags.sparse == (estimator.metric != "correlation")
        assert tags.input_tags.two_d_array and not tags.input_tags.allow_nan
        assert not (tags.non_deterministic or tags.no_validation or tags._skip_test)
        assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


@pytest.mark.skipif(not NEWEST, reason="the number of checks is that of scikit-learn 1.9")
def test_number_of_checks():
    """The number of checks for each estimator is that of scikit-learn 1.9."""
    counts = [len(list(estimator_checks.estimator_checks_generator(estimator))) for estimator in ESTIMATORS]
    assert counts == [49, 47, 49, 49, 47, 49, 49, 47, 47, 47, 48, 47, 47, 47, 49]


# ---------------------------------------------------------------------------------------------------- held-out rows


@pytest.fixture(scope="module", params=METRICS)
def fitted(request):
    """Return a map of 1,500 digits and 297 other digits, as a graph of distances or as features."""
    X = load_digits().data
    model = PrecomputedUMAP(metric=request.param, n_epochs=30, random_state=0)
    if request.param == "euclidean":
        return model.fit(X[:1500]), X[1500:]
    search = NearestNeighbors(n_neighbors=20).fit(X[:1500])
    dists, indices = search.kneighbors(X[1500:])
    new = knn_graph(indices, dists, n_columns=1500)
    return model.fit(knn_graph(*search.kneighbors(X[:1500])[::-1])), new


def test_held_out_rows_permuted(fitted):
    """The positions of new rows do not depend on their order."""
    model, new = fitted
    order = np.random.default_rng(0).permutation(new.shape[0])
    np.testing.assert_array_equal(model.transform(new[order]), model.transform(new)[order])


@pytest.mark.parametrize("size", [1, 7, 100])
def test_held_out_rows_in_batches(fitted, size):
    """The position of a new row does not depend on its batch."""
    model, new = fitted
    new = new[: 40 * size]
    places = [model.transform(new[first : first + size]) for first in range(0, new.shape[0], size)]
    np.testing.assert_array_equal(np.concatenate(places), model.transform(new))


def test_held_out_rows_repeated(fitted):
    """Equal new rows get the same position."""
    model, new = fitted
    places = model.transform(new[[3, 5, 3, 3]])
    np.testing.assert_array_equal(places[[0, 0]], places[2:])
    assert (places[0] != places[1]).all()


@pytest.mark.parametrize("layout", ["F", "sliced", "readonly", "frame"])
def test_memory_layout_of_features_does_not_matter(layout):
    """Fortran order, strides, read-only arrays and data frames give the bits of a plain array."""
    X = load_digits().data[:300]
    if layout == "sliced":
        other = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
        assert not (other.flags.c_contiguous or other.flags.f_contiguous)
    elif layout == "frame":
        other = pytest.importorskip("pandas").DataFrame(X)
        other.columns = [f"pixel {i}" for i in range(64)]
    else:
        other = np.asfortranarray(X) if layout == "F" else X.copy()
        other.flags.writeable = layout == "F"
    plain, model = (PrecomputedUMAP(metric="euclidean", n_epochs=5, random_state=0) for _ in range(2))
    np.testing.assert_array_equal(model.fit_transform(other), plain.fit_transform(X))
    np.testing.assert_array_equal(model.transform(other[:40]), plain.transform(X[:40]))
    if layout == "frame":
        assert list(model.feature_names_in_) == list(other.columns)


# ------------------------------------------------------------------------------------------ interface of an estimator


def test_names_go_when_rows_come_without_features():
    """A fit from arrays alone removes the column names and the features of an earlier fit."""
    pandas = pytest.importorskip("pandas")
    X = load_digits().data[:200]
    frame = pandas.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    dists, indices = NearestNeighbors(n_neighbors=15).fit(X).kneighbors(X)
    model = PrecomputedUMAP(metric="euclidean", n_epochs=2, random_state=0).fit(frame)
    assert model.n_features_in_ == 64
    model.fit(knn_indices=indices, knn_dists=dists)
    assert model.n_features_in_ == 200 and not hasattr(model, "feature_names_in_")
    with pytest.raises(ValueError, match="fitted without features"):
        model.transform(X[:3])


def test_search_is_of_the_last_fit():
    """transform searches the features of the last fit, even if that fit used a manifold."""
    X = load_digits().data
    model = PrecomputedUMAP(metric="euclidean", n_epochs=2, random_state=0)
    manifold = model.learn_manifold(X[200:500])
    model.fit(X[:200]).fit(X[200:500], manifold=manifold)
    np.testing.assert_array_equal(model.transform(X[200:260]), model.embedding_[:60])


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_clone_parameters_and_pictures(estimator):
    """Parameters survive clone and set_params, and the HTML diagram names the class before and after fit."""
    parameters = estimator.get_params(deep=False)
    assert str(clone(estimator).get_params(deep=False)) == str(parameters)
    assert PrecomputedUMAP().set_params(**parameters).get_params(deep=False) == parameters
    assert "PrecomputedUMAP" in estimator_html_repr(estimator)
    X = np.random.default_rng(0).uniform(size=(40, 40))
    X = pairwise_distances(X) if estimator.metric == "precomputed" else X
    fitted = (
        clone(estimator).set_params(n_epochs=2).fit(X, None if estimator.target_metric is None else np.arange(40) % 2)
    )
    assert "PrecomputedUMAP" in estimator_html_repr(fitted)
    assert not hasattr(clone(fitted), "embedding_")


def test_set_output_leaves_X_free():
    """With set_output, the output is a data frame with names, even without X."""
    pandas = pytest.importorskip("pandas")
    X = load_digits().data[:100]
    dists, indices = NearestNeighbors(n_neighbors=15).fit(X).kneighbors(X)
    model = PrecomputedUMAP(n_epochs=2, random_state=0).set_output(transform="pandas")
    frame = model.fit_transform(knn_indices=indices, knn_dists=dists)
    assert isinstance(frame, pandas.DataFrame) and list(frame) == ["precomputedumap0", "precomputedumap1"]
    pandas.testing.assert_frame_equal(model.transform(knn_indices=indices, knn_dists=dists), frame)


def test_order_of_the_fitted_rows():
    """The same rows give the same map again, and transform finds them in any order."""
    X = load_digits().data[:300]
    model = PrecomputedUMAP(metric="euclidean", n_epochs=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, again = model.fit_transform(X), model.fit_transform(X.copy())
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(model.transform(X[::-1]), first[::-1])
    assert isinstance(model.manifold_, Manifold)


def test_rows_without_neighbors_before_a_classifier():
    """As documented, an imputer moves disconnected rows to the medians, and its indicator marks them."""
    X, labels = load_digits(return_X_y=True)
    X, labels = X[:300], labels[:300]
    dists, indices = NearestNeighbors(n_neighbors=10).fit(X).kneighbors(X)
    lost = np.where(np.isin(indices, [4, 9]), -1, indices)
    lost[[4, 9]] = -1
    umap = PrecomputedUMAP(n_neighbors=10, n_epochs=10, random_state=0)
    pipeline = make_pipeline(umap, SimpleImputer(strategy="median", add_indicator=True), KNeighborsClassifier(5))
    with pytest.warns(DisconnectedWarning, match="2 of 300 rows"):
        pipeline.fit(X, labels, precomputedumap__knn_indices=lost, precomputedumap__knn_dists=dists)
    embedding = umap.embedding_.astype(np.float64)
    assert np.isnan(embedding[[4, 9]]).all() and np.isfinite(np.delete(embedding, [4, 9], axis=0)).all()
    filled = np.where(np.isnan(embedding), np.nanmedian(embedding, axis=0), embedding)
    by_hand = KNeighborsClassifier(5).fit(np.c_[filled, np.isnan(embedding)], labels)
    assert pipeline[-1].n_features_in_ == 4
    np.testing.assert_array_equal(pipeline[-1]._fit_X, by_hand._fit_X)
    new = knn_graph([[5, 6, -1], [-1, -1, -1]], [[1.0, 2.0, 0], [0, 0, 0]], n_columns=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UMAPWarning)
        places = umap.transform(new).astype(np.float64)
        predicted = pipeline[1:].predict(places)
    assert np.isnan(places[1]).all()
    middle = np.r_[np.nanmedian(embedding, axis=0), 1, 1]
    np.testing.assert_array_equal(predicted[1:], by_hand.predict(middle[None]))
