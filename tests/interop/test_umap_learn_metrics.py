"""Tests of umap-learn's metrics that scikit-learn lacks, of sparse rows and of special inputs."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.special import gammaln
from scipy.stats import entropy
from sklearn.datasets import load_iris

from umap_sk import UMAP, FewerNeighborsWarning, IgnoredTargetWarning, UnusedParameterWarning
from umap_sk.compatible import translation
from umap_sk.compatible.brute_force import encode_texts
from umap_sk.compatible.distances import generate_distances, make_pair_function
from umap_sk.interop.functions import nearest_neighbors

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(2.0, (60, 12)).astype(float) + np.eye(60, 12)
FEW = {"n_epochs": 2, "random_state": 0}
WORDS = ["cat", "cart", "carts", "at", "dog", "dot", "doge", "", "log", "catalog", "chart", "art", "ärt"]
poincare, symmetric_kl, ll_dirichlet, kulsinski = map(
    make_pair_function, ("poincare", "symmetric_kl", "ll_dirichlet", "kulsinski")
)


def log_beta(a, b):
    """Return the logarithm of the beta function."""
    return gammaln(a) + gammaln(b) - gammaln(a + b)


def test_poincare_is_hyperbolic():
    """A point at radius r has distance 2 artanh(r) from the center, and distances along a diameter add up."""
    assert poincare(np.zeros(2), np.array([0.6, 0.0])) == pytest.approx(2 * np.arctanh(0.6))
    whole = poincare(np.array([-0.3, 0.0]), np.array([0.6, 0.0]))
    assert whole == pytest.approx(2 * np.arctanh(0.3) + 2 * np.arctanh(0.6))


def test_divergence_of_frequencies():
    """The divergence is the mean of scipy's in both directions."""
    x, y = COUNTS[:2]
    expected = (entropy(x + 1e-11, y + 1e-11) + entropy(y + 1e-11, x + 1e-11)) / 2
    assert symmetric_kl(x, y) == pytest.approx(expected) and symmetric_kl(x, x) == 0


def test_likelihood_of_counts():
    """The distance equals a sum over the entries, as in umap-learn."""
    x, y = COUNTS[2:4]
    shared = own_x = own_y = 0.0
    for a, b in zip(x, y, strict=True):
        shared += log_beta(a, b) if a * b > 0.9 else 0
        own_x += log_beta(a, a) if a > 0.9 else 0
        own_y += log_beta(b, b) if b > 0.9 else 0
    n, m = x.sum(), y.sum()
    square = (shared - log_beta(n, m) - (own_y - log_beta(m, m))) / m
    square += (shared - log_beta(m, n) - (own_x - log_beta(n, n))) / n
    assert ll_dirichlet(x, y) == pytest.approx(np.sqrt(square)) and ll_dirichlet(x, x) == pytest.approx(0, abs=1e-6)


def test_sets():
    """The distance of sets follows from the numbers of differing, common and all entries."""
    assert kulsinski(np.array([1, 1, 0, 0, 0]), np.array([0, 1, 1, 0, 0])) == pytest.approx((2 - 1 + 5) / (2 + 5))
    assert kulsinski(np.ones(4), np.ones(4)) == 0


@pytest.mark.parametrize("metric", ["poincare", "symmetric_kl", "ll_dirichlet", "kulsinski"])
def test_maps_by_these_metrics(metric):
    """The graph is that of all distances, new rows have positions, and sparse rows lead to the same map."""
    X = COUNTS / 100 if metric == "poincare" else COUNTS
    function = make_pair_function(metric)
    full = np.array([[function(x, y) for y in X] for x in X])
    model = UMAP(8, metric=metric, **FEW).fit(X)
    expected = UMAP(8, metric="precomputed", **FEW).fit(np.minimum(full, full.T))
    np.testing.assert_allclose(model.graph_.toarray(), expected.graph_.toarray(), atol=1e-4)
    sparse = UMAP(8, metric=metric, **FEW).fit(scipy.sparse.csr_array(X))
    np.testing.assert_array_equal(sparse.embedding_, model.embedding_)
    np.testing.assert_array_equal(sparse.transform(scipy.sparse.csr_array(X[:3])), model.embedding_[:3])
    indices, dists, index = nearest_neighbors(X, 8, metric)
    np.testing.assert_array_equal(dists, np.sort(full, axis=1)[:, :8].astype(np.float32))
    np.testing.assert_array_equal(index.query(X[5:6], 8)[1], dists[5:6])


def edits_of(x, y):
    """Return the smallest number of edits, by Levenshtein's recursion."""
    if not x or not y:
        return len(x) + len(y)
    kept = edits_of(x[1:], y[1:])
    return kept if x[0] == y[0] else 1 + min(kept, edits_of(x[1:], y), edits_of(x, y[1:]))


@pytest.mark.parametrize("transform_mode", ["embedding", "graph"])
def test_maps_of_words(transform_mode):
    """The graph is that of all edit distances, and new words of any length can be placed or added."""
    model = UMAP(4, metric="string", init="random", transform_mode=transform_mode, **FEW).fit(WORDS[:10])
    full = np.array([[edits_of(x, y) for y in WORDS] for x in WORDS], float)
    known = {"metric": "precomputed", "init": "random", "transform_mode": transform_mode}
    expected = UMAP(4, **known, **FEW).fit(full[:10, :10])
    np.testing.assert_array_equal(model.graph_.toarray(), expected.graph_.toarray())
    placed, asked = pickle.loads(pickle.dumps(model)).transform(WORDS[10:]), expected.transform(full[10:, :10])
    if transform_mode == "graph":
        placed, asked = placed.toarray(), asked.toarray()
    np.testing.assert_array_equal(placed, asked)
    assert model.update(np.array(WORDS[10:])[:, None]).graph_.shape == (13, 13)
    assert model.transform(WORDS[12:]).shape[0] == 1
    with pytest.raises(ValueError, match="set_features"):
        model.drop_features().transform(WORDS[12:])
    assert model.set_features(WORDS).transform(WORDS[12:]).shape[0] == 1
    with pytest.raises(ValueError, match=r"metric='string' compares texts, but X is of shape \(10, 2\) and has 0\.0"):
        UMAP(4, metric="string", **FEW).fit(np.zeros((10, 2)))


def test_edit_distances_are_cut_and_scaled():
    """The distances are limited and scaled by umap-learn's arguments."""
    others = encode_texts(["catalog", "at", "cat"])
    found = next(
        iter(generate_distances("string", encode_texts(["cat"]), others, {"max_distance": 3, "normalisation": 2.0}))
    )
    np.testing.assert_array_equal(found, [1.5, 0.5, 0.0])


@pytest.mark.filterwarnings("ignore::umap_sk.UnusedParameterWarning")
@pytest.mark.parametrize("metric", ["ordinal", "count"])
def test_numbers_are_compared_by_differences(metric):
    """The map of numbers is that of their differences, as in umap-learn up to a factor."""
    X = RNG.poisson(5.0, (40, 1)).astype(float) + RNG.normal(0, 0.01, (40, 1))
    model = UMAP(8, metric=metric, metric_kwds={"support_size": 3.0}, **FEW).fit(X)
    np.testing.assert_array_equal(model.embedding_, UMAP(8, metric="manhattan", **FEW).fit_transform(X))


@pytest.mark.parametrize(
    "metric", ["chebyshev", "correlation", "jaccard", "hamming", "canberra", "dice", "sqeuclidean"]
)
def test_sparse_rows_by_all_metrics(metric):
    """Sparse rows have the graph of the same dense rows, and accept new rows and updates."""
    X = (RNG.poisson(0.7, (60, 8)) + np.eye(60, 8)).astype(np.float32)
    sparse = UMAP(8, metric=metric, **FEW).fit(scipy.sparse.csr_matrix(X[:50]))
    dense = UMAP(8, metric=metric, **FEW).fit(X[:50])
    np.testing.assert_allclose(sparse.graph_.toarray(), dense.graph_.toarray(), atol=1e-5)
    new = scipy.sparse.csr_matrix(X[50:])
    assert sparse.transform(new).shape == (10, 2)
    assert sparse.update(new).embedding_.shape == (60, 2)


@pytest.mark.filterwarnings("ignore::umap_sk.UnusedParameterWarning")
@pytest.mark.parametrize("name", ["ordinal", "count", "string"])
def test_metrics_of_targets(name):
    """Target numbers are compared by their differences, and target texts as labels."""
    X, y = load_iris(return_X_y=True)
    other = {"ordinal": "euclidean", "count": "euclidean", "string": "categorical"}[name]
    kwds = {"support_size": 3.0} if name == "ordinal" else None
    targets = np.array(["this", "that", "other"])[y] if name == "string" else y
    ours = UMAP(target_metric=name, target_metric_kwds=kwds, **FEW).fit(X, targets)
    expected = UMAP(target_metric=other, **FEW).fit(X, targets)
    np.testing.assert_array_equal(ours.graph_.toarray(), expected.graph_.toarray())
    assert abs(ours.graph_ - UMAP(**FEW).fit(X).graph_).max() > 0.1


@pytest.mark.parametrize("changed", [{"n_epochs": 0}, {"learning_rate": 0}, {"n_epochs": 0, "init": "random"}])
def test_nothing_moves(changed):
    """Without epochs or with a learning rate of 0, the map is the initial layout. Given positions do not change."""
    X = load_iris().data
    start = UMAP(random_state=0, **changed).fit_transform(X)
    assert np.ptp(start, axis=0).min() > 1
    np.testing.assert_array_equal(start, UMAP(random_state=0, **changed).fit_transform(X))
    places = X[:, :2].astype(np.float32)
    np.testing.assert_array_equal(UMAP(random_state=0, **changed | {"init": places}).fit_transform(X), places)


@pytest.mark.parametrize("dtype", [np.int8, np.float16])
def test_small_numbers_are_searched_as_they_are(dtype):
    """Small dtypes lead to the map of the same numbers in float32, and are stored in float32."""
    X = (load_iris().data * 15).astype(dtype)
    model = UMAP(n_epochs=20, random_state=0).fit(X)
    np.testing.assert_array_equal(
        model.embedding_, UMAP(n_epochs=20, random_state=0).fit_transform(X.astype("float32"))
    )
    assert model._raw_data.dtype == np.float32
    np.testing.assert_array_equal(model.transform(X[:4]), model.embedding_[:4])


def test_batches_are_taken_in():
    """The method partial_fit fits the first batch and updates the model with each further one."""
    X = load_iris().data + RNG.normal(0, 0.01, (150, 4))
    model = UMAP(n_epochs=20, random_state=0).partial_fit(X[:80]).partial_fit(X[80:])
    other = UMAP(n_epochs=20, random_state=0).fit(X[:80]).update(X[80:])
    np.testing.assert_array_equal(model.embedding_, other.embedding_)
    assert model.transform(X[80:]).shape == (70, 2)
    with pytest.warns(IgnoredTargetWarning, match="the batch begins a new one"):
        assert len(model.fit(X, load_iris().target).partial_fit(X[:60]).embedding_) == 60


def test_rows_that_are_not_finite():
    """Rows with NaN are accepted only by a metric that supports them, and have the graph of its distances."""
    X = load_iris().data[::3] + RNG.normal(0, 0.01, (50, 4))
    X[4, 1], X[9, 2], X[9, 3] = np.nan, np.inf, np.nan

    def distance(x, y):
        known = np.isfinite(x) & np.isfinite(y)
        return np.abs(x[known] - y[known]).sum()

    full = np.array([[distance(x, y) for y in X] for x in X])
    model = UMAP(8, metric=distance, **FEW).fit(X[:40], ensure_all_finite=False)
    expected = UMAP(8, metric="precomputed", **FEW).fit(full[:40, :40])
    np.testing.assert_allclose(model.graph_.toarray(), expected.graph_.toarray(), atol=1e-6)
    placed = model.transform(X[40:], ensure_all_finite=False)
    np.testing.assert_array_equal(placed, expected.transform(full[40:, :40]))
    assert model.update(X[40:], ensure_all_finite=False).embedding_.shape == (50, 2)
    missing = np.where(np.isinf(X), np.nan, X)
    assert UMAP(8, metric="nan_euclidean", **FEW).fit(missing, ensure_all_finite="allow-nan").graph_.nnz > 0
    with pytest.raises(ValueError, match="contains infinity"):
        UMAP(8, metric=distance, **FEW).fit(X, ensure_all_finite="allow-nan")
    with pytest.raises(ValueError, match="contains NaN"):
        UMAP(8, **FEW).fit(missing, ensure_all_finite=False)


def test_one_row_lies_in_the_origin():
    """A single row is at the origin, as in umap-learn, and does not place new rows. A later fit replaces it."""
    model = UMAP(**FEW)
    with pytest.warns(FewerNeighborsWarning, match="its place is 0"):
        np.testing.assert_array_equal(model.fit_transform([[1.0, 2.0]]), [[0.0, 0.0]])
    with pytest.raises(ValueError, match="fitted to one row"):
        model.transform([[1.0, 2.0]])
    assert model.fit(load_iris().data).embedding_.shape == (150, 2)


def test_functions_that_write_into_rows():
    """A metric that modifies its arguments gets copies, so that the features and the map do not change."""

    def distance(x, y):
        value = np.abs(x - y).sum()
        x[:] = y[:] = np.nan
        return value

    X = load_iris().data[::5] + RNG.normal(0, 0.01, (30, 4))
    np.testing.assert_array_equal(
        UMAP(8, metric=distance, **FEW).fit_transform(X), UMAP(8, metric="manhattan", **FEW).fit_transform(X)
    )


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "symmetric_kl", "jaccard"])
def test_features_go_and_come_back(metric):
    """A model without its features is small and names them as missing.

    With them it places new rows with the same bits.
    """
    X = RNG.poisson(1.0, (60, 500)).astype(float)
    model = UMAP(8, metric=metric, **FEW).fit(X)
    placed = model.transform(X[:5] + 1)
    stored = pickle.dumps(model.drop_features())
    assert len(stored) < X.nbytes / 2
    model = pickle.loads(stored)
    with pytest.raises(ValueError, match="set_features"):
        model.transform(X[:5] + 1)
    np.testing.assert_array_equal(model.set_features(X).transform(X[:5] + 1), placed)
    with pytest.raises(ValueError, match=r"shape \(59, 500\), but the model was fitted to \(60, 500\)"):
        model.set_features(X[1:])


def test_half_a_curve(monkeypatch):
    """A value of a without b is not used, as in umap-learn, and a warning says so."""
    monkeypatch.setattr(translation, "_warned", set())
    X = load_iris().data[::3]
    with pytest.warns(UnusedParameterWarning, match="a=0.5 and b=None: one without the other is not used"):
        model = UMAP(a=0.5, **FEW).fit(X)
    np.testing.assert_array_equal(model.embedding_, UMAP(**FEW).fit_transform(X))


@pytest.mark.parametrize(
    ("metric", "needed"),
    [("poincare", "norm below 1"), ("symmetric_kl", "must be frequencies"), ("ll_dirichlet", "must be counts")],
)
def test_rows_that_a_metric_does_not_take(metric, needed):
    """The error for an invalid row names the row and the needed values."""
    X = COUNTS / 100 if metric == "poincare" else COUNTS.copy()
    X[7] = np.eye(12)[0] * (2.0 if metric == "poincare" else -1.0)
    with pytest.raises(ValueError, match=f"row 0 of X has a distance that is undefined.*{needed}"):
        UMAP(8, metric=metric, **FEW).fit(X)
    if metric == "poincare":  # whose formula gives numbers if all norms exceed 1
        with pytest.raises(ValueError, match=f"distance that is undefined.*{needed}"):
            UMAP(8, metric=metric, **FEW).fit(COUNTS + 2)


def test_arguments_that_a_metric_does_not_have():
    """The error for an unknown argument of a metric names the arguments that it has."""
    with pytest.raises(ValueError, match=r"'poincare' does not support metric_kwds=\{'q': 1\}: its arguments are none"):
        UMAP(8, metric="poincare", metric_kwds={"q": 1}, **FEW).fit(COUNTS)
    with pytest.raises(ValueError, match="its arguments are normalisation and max_distance. Leave 'q' out"):
        UMAP(metric="string", metric_kwds={"q": 1}, **FEW).fit(["a", "b", "c", "ab"])
    with pytest.raises(ValueError, match=r"metric='euclidean' does not support metric_kwds=\{'q': 1\}"):
        UMAP(8, metric_kwds={"q": 1}, **FEW).fit(COUNTS)
    with pytest.raises(ValueError, match=r"<lambda> cannot be called with two rows and metric_kwds=\{'q': 1\}"):
        UMAP(8, metric=lambda x, y: 1.0, metric_kwds={"q": 1}, **FEW).fit(COUNTS)
