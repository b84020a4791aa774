"""Tests of the neighbors of features: exact, independent of the batch, and with ties by index."""

import warnings

import numba
import numpy as np
import pytest
import scipy.sparse
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.neighbors import VALID_METRICS_SPARSE

from umap_sk import UMAP, PrecomputedUMAP
from umap_sk.neighbors import few_rows
from umap_sk.neighbors.all_pairs import find_smallest
from umap_sk.neighbors.differences import search_differences
from umap_sk.neighbors.distances import SEARCHABLE
from umap_sk.neighbors.search import build_search, find_neighbors
from umap_sk.runtime.threads import limit_threads

METRICS = [
    ("euclidean", None),
    ("l1", None),
    ("cosine", None),
    ("chebyshev", None),
    ("minkowski", {"p": 3}),
    ("minkowski", None),
]


def names_of(metric, parameters):
    """Return scipy's name of a metric, and its arguments."""
    return {"l1": "cityblock"}.get(metric, metric), parameters or {}


@pytest.fixture
def points():
    """Return 200 rows of small whole numbers with many ties."""
    return np.random.default_rng(0).integers(0, 4, (200, 6)).astype(float)


def naive(new, points, k, own, metric="euclidean", **parameters):
    """Return the nearest rows and their distances, by distance and then by index."""
    dists = cdist(new, points, metric, **parameters)
    if own:
        np.fill_diagonal(dists, np.inf)
    order = np.array([sorted(range(len(points)), key=lambda j: (row[j], j))[:k] for row in dists])
    return order, np.take_along_axis(dists, order, axis=1)


@pytest.mark.parametrize("metric, parameters", METRICS)
@pytest.mark.parametrize("own", [True, False])
def test_equals_the_naive_search(points, metric, parameters, own):
    """The indices and distances equal those of the naive search, without any warning."""
    points = points + 1  # cosine needs rows other than 0
    new = points if own else points[:50] + 0.25
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = build_search(points, metric, parameters, None)
        indices, dists = find_neighbors(search, new, 9, own=own)
    name, arguments = names_of(metric, parameters)
    expected, expected_dists = naive(new, points, 9, own, name, **arguments)
    assert np.allclose(dists, expected_dists, rtol=1e-12, atol=1e-12)
    if metric in ("euclidean", "l1", "chebyshev"):  # distances of ties are equal to the last bit
        assert np.array_equal(indices, expected)


def test_metrics_of_sets(points):
    """Numbers are converted for metrics of sets without a warning for every row."""
    rows = points > 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = build_search(rows.astype(float), "jaccard", None, None)
        _, dists = find_neighbors(search, rows.astype(float), 9, own=True)
    assert np.allclose(dists, naive(rows, rows, 9, True, "jaccard")[1])


@pytest.mark.parametrize("metric", ["jaccard", "dice", "rogerstanimoto", "russellrao", "sokalsneath", "yule"])
@pytest.mark.parametrize("share", [0.3, 0.02])
def test_sets_have_the_distances_of_scipy(metric, share):
    """Distances of sets have scipy's bits, and ties are in the order of the rows, for dense and sparse products."""
    rng = np.random.default_rng(0)
    rows, new = rng.random((200, 150)) < share, rng.random((30, 150)) < share
    search = build_search(rows.astype(float), metric, None, None)
    for queried in (rows, new):
        own = queried is rows
        indices, dists = find_neighbors(search, queried.astype(float), 9, own=own)
        with np.errstate(invalid="ignore"):  # for scipy, 0 / 0 is no number
            everything = np.nan_to_num(cdist(queried, rows, metric))
        if own:
            np.fill_diagonal(everything, np.inf)
        expected = np.argsort(everything, axis=1, kind="stable")[:, :9]
        assert np.array_equal(indices, expected)
        assert np.array_equal(dists, np.take_along_axis(everything, expected, axis=1))


@pytest.mark.parametrize("count", [1, 3, 5, 7, 9])
def test_smallest_values(count):
    """Ties are in the order of their indices, and NaN is last."""
    values = np.array([2.0, np.nan, 1.0, 2.0, 1.0, 3.0, np.nan, 2.0])
    assert find_smallest(values, count).tolist() == [2, 4, 0, 3, 7, 5, 1, 6][:count]


@pytest.mark.parametrize("metric", ["euclidean", "cosine", lambda a, b: np.abs(a - b).max()])
def test_bits_do_not_depend_on_the_batch(metric):
    """The neighbors of a row have the same bits alone and in a batch."""
    rng = np.random.default_rng(0)
    points, new = rng.normal(size=(150, 20)), rng.normal(size=(40, 20))
    search = build_search(points, metric, None, None)
    indices, dists = find_neighbors(search, new, 7, own=False)
    for i in range(40):
        alone = find_neighbors(search, new[i : i + 1], 7, own=False)
        assert np.array_equal(indices[i], alone[0][0]) and np.array_equal(dists[i], alone[1][0])


def test_copies_of_a_point():
    """Among too many copies of a row, those with the lowest index are its neighbors, and never the row itself."""
    points = np.repeat(np.arange(3.0), 20)[:, None]
    search = build_search(points, "euclidean", None, None)
    indices, dists = find_neighbors(search, points, 5, own=True)
    assert not dists.any()
    assert indices[0].tolist() == [1, 2, 3, 4, 5] and indices[19].tolist() == [0, 1, 2, 3, 4]
    assert indices[45].tolist() == [40, 41, 42, 43, 44]


def test_fewer_rows_than_neighbors(points):
    """If there are fewer rows than requested neighbors, all of them are found."""
    search = build_search(points[:5], "euclidean", None, None)
    assert find_neighbors(search, points[:5], 9, own=True)[0].shape == (5, 4)
    assert find_neighbors(search, points[:2], 9, own=False)[0].shape == (2, 5)


def test_sparse_features(points):
    """Sparse features have the same distances to their neighbors as dense ones."""
    sparse = scipy.sparse.csr_matrix(points)
    dense = find_neighbors(build_search(points, "euclidean", None, None), points, 9, own=True)
    found = find_neighbors(build_search(sparse, "euclidean", None, None), sparse, 9, own=True)
    assert np.allclose(found[1], dense[1], atol=1e-6)


def test_the_estimator_searches(points):
    """Fit and transform of features equal fit and transform of their neighbors."""
    settings = {"init": "pivot_mds", "n_neighbors": 6, "n_epochs": 10, "random_state": 0}
    model = PrecomputedUMAP(**settings, metric="manhattan").fit(points)
    indices, dists = naive(points, points, 5, True, "cityblock")
    given = PrecomputedUMAP(**settings).fit(knn_indices=indices, knn_dists=dists)
    assert np.array_equal(model.embedding_, given.embedding_)
    new = points[:20] + 0.25
    indices, dists = naive(new, points, 6, False, "cityblock")
    assert np.array_equal(model.transform(new), given.transform(knn_indices=indices, knn_dists=dists))


# ------------------------------------------------------------------------------------------------- metrics by name


def naive_hellinger(x, y):
    """Return sqrt(1 - sum sqrt(x y) / sqrt(sum x sum y)). Rows of zeros are equal."""
    if not x.any() or not y.any():
        return float(x.any() != y.any())
    return np.sqrt(max(0.0, 1 - np.sqrt(x * y).sum() / np.sqrt(x.sum() * y.sum())))


def naive_cosine(x, y):
    """Return the cosine distance. A row without direction has distance 1 to all others."""
    if not x.any() or not y.any():
        return float(x.any() != y.any())
    return 1 - x @ y / np.sqrt((x @ x) * (y @ y))


def naive_correlation(x, y):
    """Return the cosine distance of the centered rows."""
    return naive_cosine(x - x.mean(), y - y.mean())


ANGULAR = {"hellinger": naive_hellinger, "cosine": naive_cosine, "correlation": naive_correlation}


@pytest.mark.parametrize("metric", ANGULAR)
@pytest.mark.parametrize("sparse", [False, True])
def test_metrics_of_angles(points, metric, sparse):
    """The distances equal the formula's for zero and constant rows, copies, multiples and disjoint rows."""
    points = np.r_[points, np.zeros((2, 6)), np.full((2, 6), 3.0), points[:3] * 3, np.eye(6), points[:3] / 7]
    if sparse and metric == "correlation":
        with pytest.raises(ValueError, match="correlation' does not support sparse features.*toarray"):
            build_search(scipy.sparse.csr_array(points), metric, None, None)
        return
    features = scipy.sparse.csr_array(points) if sparse else points
    search = build_search(features, metric, None, None)
    expected = np.array([[ANGULAR[metric](x, y) for y in points] for x in points])
    indices, dists = find_neighbors(search, features, len(points), own=False)
    by_index = np.empty_like(dists)
    np.put_along_axis(by_index, indices, dists, axis=1)
    np.testing.assert_allclose(by_index, expected, rtol=0, atol=3e-8 if metric == "hellinger" else 1e-14)
    assert not np.diagonal(by_index).any()
    assert (by_index[expected < 1e-15] == 0).all()
    if metric != "correlation":
        apart = points @ points.T == 0
        apart[~points.any(axis=1)] &= points.any(axis=1)
        assert apart.sum() > 300 and (by_index[apart] == 1).all()


@pytest.mark.parametrize("metric", ["cosine", "correlation", "hellinger"])
@pytest.mark.parametrize("columns", [2, 3, 50])
def test_fitted_rows_keep_their_places(metric, columns):
    """The transform of training rows, or of their multiples, returns their positions in the map."""
    rows = np.random.default_rng(0).normal(size=(300, columns))
    rows = np.abs(rows) if metric == "hellinger" or columns == 2 else rows
    if metric == "correlation":
        rows = np.c_[rows, rows[:, 0] ** 2]
    model = PrecomputedUMAP(metric=metric, n_epochs=10, random_state=0).fit(rows)
    np.testing.assert_array_equal(model.transform(rows), model.embedding_)
    np.testing.assert_array_equal(model.transform(rows[::-1] * 4), model.embedding_[::-1])


@pytest.mark.parametrize("metric", ["cosine", "correlation", "hellinger"])
def test_rows_of_zeros(metric):
    """Rows of zeros have a position and are neighbors of each other, as in scikit-learn and umap-learn."""
    rows = np.abs(np.random.default_rng(0).normal(size=(100, 4)))
    rows[[7, 70]] = 0
    model = PrecomputedUMAP(5, metric=metric, n_epochs=5, random_state=0, disconnection_distance=np.inf).fit(rows)
    assert np.isfinite(model.embedding_).all()
    assert model.graph_[7, 70] == 1


@pytest.mark.parametrize(
    "metric, parameters, name, arguments",
    [
        ("infinity", None, "chebyshev", {}),
        ("p", {"p": 3}, "minkowski", {"p": 3}),
        ("minkowski", {"p": 1}, "cityblock", {}),
        ("minkowski", {"p": np.inf}, "chebyshev", {}),
        ("minkowski", {"p": 3, "w": np.arange(1.0, 7)}, "minkowski", {"p": 3, "w": np.arange(1.0, 7)}),
        ("mahalanobis", {"V": np.diag([1.0, 2, 3, 4, 5, 6])}, "seuclidean", {"V": np.arange(1.0, 7)}),
        ("mahalanobis", {"VI": np.eye(6)}, "euclidean", {}),
        ("seuclidean", {"V": np.arange(1.0, 7)}, "seuclidean", {"V": np.arange(1.0, 7)}),
        ("pyfunc", {"func": lambda x, y: np.abs(x - y).sum()}, "cityblock", {}),
    ],
)
def test_names_of_the_trees(points, metric, parameters, name, arguments):
    """Every metric of NearestNeighbors is accepted with its arguments."""
    search = build_search(points, metric, parameters, None)
    _, dists = find_neighbors(search, points, 9, own=True)
    np.testing.assert_allclose(dists, naive(points, points, 9, True, name, **arguments)[1], rtol=1e-12, atol=1e-12)
    new = points[:20] + 0.25
    _, dists = find_neighbors(search, new, 9, own=False)
    np.testing.assert_allclose(dists, naive(new, points, 9, False, name, **arguments)[1], rtol=1e-12, atol=1e-12)


def test_mahalanobis_on_several_threads():
    """The threads of scikit-learn's trees would overwrite each other's differences."""
    rows = np.random.default_rng(0).normal(size=(2000, 8))
    inverse = np.linalg.inv(np.cov(rows.T))
    expected = np.sort(cdist(rows, rows, "mahalanobis", VI=inverse), axis=1)[:, 1:10]
    for _ in range(3):
        _, dists = find_neighbors(build_search(rows, "mahalanobis", {"VI": inverse}, 2), rows, 9, own=True)
        np.testing.assert_allclose(dists, expected, rtol=1e-10)


@pytest.mark.parametrize("power", ["a", None])
def test_powers_that_are_no_numbers(points, power):
    with pytest.raises(TypeError, match="The power p in metric_params is .*a number of at least 1 is needed"):
        PrecomputedUMAP(metric="minkowski", metric_params={"p": power}).fit(points)


ARGUMENTS = {
    "mahalanobis": {"VI": np.diag(np.arange(1.0, 7))},
    "seuclidean": {"V": np.arange(1.0, 7)},
    "minkowski": {"p": 3},
    "p": {"p": 3},
}


@pytest.mark.filterwarnings("ignore:Data was converted to boolean:sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("metric", sorted(SEARCHABLE - {"precomputed", "pyfunc"}))
def test_threads_and_batches_change_no_bit(metric):
    """Every metric gives the same bits on one thread, on two, and for new rows one by one."""
    rows = np.abs(np.random.default_rng(0).normal(size=(400, 2 if metric == "haversine" else 6)))
    searches = [build_search(rows, metric, ARGUMENTS.get(metric), n_jobs) for n_jobs in (1, 2)]
    found = [find_neighbors(search, rows, 9, own=True) for search in searches for _ in range(2)]
    for others in found[1:]:
        np.testing.assert_array_equal(found[0], others)
    new = rows[:30] * 1.25
    together = find_neighbors(searches[1], new, 9, own=False)
    apart = [find_neighbors(searches[0], new[i : i + 1], 9, own=False) for i in range(len(new))]
    np.testing.assert_array_equal(together, np.concatenate(apart, axis=1))


def test_missing_values_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    rows = np.where(random.random((300, 6)) < 0.2, np.nan, random.normal(size=(300, 6)))
    rows[:, 0] = random.normal(size=300)
    expected = nan_euclidean_distances(rows)
    np.fill_diagonal(expected, np.inf)
    indices, dists = find_neighbors(build_search(rows, "nan_euclidean", None, None), rows, 9, own=True)
    np.testing.assert_allclose(dists, np.sort(expected, axis=1)[:, :9], rtol=1e-9)
    np.testing.assert_allclose(np.take_along_axis(expected, indices, axis=1), dists, rtol=1e-9)


def test_sokalmichener(points):
    """The distance is twice the number of differing features, divided by that number plus the number of features."""
    rows = points > 1
    differing = (rows[:, None] != rows).sum(axis=2)
    expected = 2 * differing / (6 + differing)
    np.fill_diagonal(expected, np.inf)
    _, dists = find_neighbors(build_search(rows, "sokalmichener", None, None), rows, 9, own=True)
    np.testing.assert_allclose(dists, np.sort(expected, axis=1)[:, :9], rtol=1e-12)


@pytest.mark.parametrize("metric", [*sorted(VALID_METRICS_SPARSE["brute"]), "hellinger", "minkowski"])
@pytest.mark.parametrize("wide", [False, True])
def test_metrics_of_sparse_features(points, metric, wide):
    """For every metric, sparse features have the distances of dense ones. Copies have distance 0."""
    if metric == "precomputed":
        return
    sparse = scipy.sparse.csr_array(points)
    if wide:
        sparse.indices, sparse.indptr = sparse.indices.astype(np.int64), sparse.indptr.astype(np.int64)
    expected = find_neighbors(build_search(points, metric, None, None), points, 9, own=False)
    indices, dists = find_neighbors(build_search(sparse, metric, None, None), sparse, 9, own=False)
    np.testing.assert_allclose(dists, expected[1], rtol=1e-12, atol=1e-15)
    assert not dists[:, 0].any() and np.array_equal(indices[:, 0], expected[0][:, 0])


def test_sparse_features_with_entries_twice(points):
    """Repeated entries of sparse features are summed, as everywhere in scipy."""
    sparse = scipy.sparse.csr_array(points)
    halves = scipy.sparse.csr_array(
        (np.repeat(sparse.data / 2, 2), np.repeat(sparse.indices, 2), sparse.indptr * 2), shape=sparse.shape
    )
    expected = find_neighbors(build_search(sparse, "manhattan", None, None), sparse, 9, own=False)
    found = find_neighbors(build_search(halves, "manhattan", None, None), halves, 9, own=False)
    np.testing.assert_array_equal(found, expected)
    assert halves.nnz == 2 * sparse.nnz


def with_argument(x, y, X=1, Y=1, n_jobs=1):
    return np.abs(x - y).sum() * X * Y * n_jobs


@pytest.mark.parametrize(
    "metric, parameters, message",
    [
        ("mahalanobis", None, r"needs metric_params=\{'V': ...\}: the covariance .*np.cov"),
        ("seuclidean", None, r"needs metric_params=\{'V': ...\}: the variances .*np.var"),
        ("pyfunc", None, r"needs metric_params=\{'func': ...\}"),
        ("euclidean", {"p": 3}, "has no power p.*'minkowski'"),
        ("euclidean", {"q": 3}, r"does not support metric_params=\{'q': 3\}"),
        (with_argument, {"q": 3}, "with_argument cannot be called with two rows.*unexpected keyword argument 'q'"),
        ("pyfunc", {"func": with_argument, "q": 3}, "with_argument cannot be called with two rows"),
        ("hellinger", {"q": 3}, r"does not support metric_params=\{'q': 3\}: its arguments are none. Leave 'q' out"),
        ("cosine", {"w": [1]}, r"does not support metric_params=\{'w': \[1\]\}: its arguments are none"),
        ("minkowski", {"q": 3}, "its arguments are p and w. Leave 'q' out"),
        ("mahalanobis", {"VI": np.eye(5)}, r"has VI of shape \(5, 5\).*shape \(6, 6\) are needed.*linalg.inv"),
        ("mahalanobis", {"VI": np.eye(7)}, r"has VI of shape \(7, 7\).*shape \(6, 6\) are needed.*linalg.inv"),
        ("mahalanobis", {"V": np.eye(7)}, r"has V of shape \(7, 7\).*shape \(6, 6\) are needed.*np.cov"),
        ("mahalanobis", {"V": np.ones((6, 6))}, "a V in metric_params without an inverse.*np.linalg.pinv"),
        (lambda x, y: -float(x @ y), None, "lambda>, row 0 of X is at distance -.*1 - similarity"),
        (lambda x, y: np.nan, None, "lambda>, row 0 of X is at distance nan.*must return a distance for all pairs"),
        ("wasserstein_1d", None, "cannot be searched here.*knn_indices and knn_dists"),
    ],
)
def test_arguments_of_metrics(points, metric, parameters, message):
    """Missing or superfluous arguments of a metric are refused."""
    with pytest.raises(ValueError, match=message):
        PrecomputedUMAP(metric=metric, metric_params=parameters).fit(points)


def compare_squares(x, y, factor=1.0):
    """Return squared distances, for which the triangle inequality does not hold, and a gradient."""
    return factor * np.sum((x - y) ** 2), x - y


@pytest.mark.parametrize("function", [compare_squares, numba.njit(compare_squares)])
@pytest.mark.parametrize("kind", ["PrecomputedUMAP", "UMAP"])
def test_functions_compare_all_rows(function, kind):
    """The neighbors by a function, compiled or not, equal those of the naive search, in both classes."""
    rows = np.random.default_rng(0).normal(size=(400, 4))
    expected, dists = naive(rows, rows, 7, True, "sqeuclidean")
    if kind == "UMAP":
        model = UMAP(8, metric=function, metric_kwds={"factor": 3.0}, n_epochs=1).fit(rows)
        graph = model.graph_
        reference = PrecomputedUMAP(8, n_epochs=1).fit(knn_indices=expected, knn_dists=3 * dists).graph_
        assert np.array_equal(graph.indices, reference.indices)
        assert np.allclose(graph.data, reference.data, rtol=1e-5)
        return
    search = build_search(rows, function, {"factor": 3.0}, None)
    indices, found = find_neighbors(search, None, 7, own=True)
    assert np.array_equal(indices, expected)
    assert np.allclose(found, 3 * dists, rtol=1e-12)


def test_a_function_cannot_change_rows(points):
    """A function that writes into its rows changes neither the features nor the neighbors."""

    def destroy(x, y):
        dist = np.abs(x - y).sum()
        x[:], y[:] = 0, 0
        return dist

    before = points.copy()
    for function in (destroy, numba.njit(destroy)):
        indices, _ = find_neighbors(build_search(points, function, None, None), None, 5, own=True)
        assert np.array_equal(indices, naive(points, points, 5, True, "cityblock")[0])
        assert np.array_equal(points, before)


@pytest.mark.parametrize(
    "metric, nearest", [("nope", "cosine"), ("euclidian", "euclidean"), ("Hamming", "hamming"), ("cos", "cosine")]
)
def test_metric_that_nobody_knows(ring, metric, nearest):
    """An unknown metric is refused with the nearest name, also if no search is needed."""
    model = PrecomputedUMAP(5, metric=metric)
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    for call in (model.fit, model.fit_transform, model.partial_fit, model.learn_manifold):
        for given in (arrays, {"X": ring[2]}, {"X": ring[2], **arrays}):
            with pytest.raises(ValueError, match=f"metric='{metric}' is unknown; the nearest name is '{nearest}'"):
                call(**given)


@pytest.mark.filterwarnings("ignore::umap_sk.UMAPWarning")
@pytest.mark.parametrize(
    "metric, features, reason",
    [
        ("hellinger", "negative", "'hellinger', which compares frequencies"),
        ("ll_dirichlet", "plain", "cannot be searched here"),
        ("euclidean", "missing", "X contains NaN"),
        ("mahalanobis", "plain", "needs metric_params"),
        ("jaccard", "sparse", "does not support sparse features"),
    ],
)
def test_features_beside_neighbors_need_not_be_searched(ring, metric, features, reason):
    """Unsearchable features are accepted with neighbors.

    Only new rows without neighbors are refused, with the reason.
    """
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1] / 4}
    X = np.where(ring[2] > 1, np.nan, ring[2]) if features == "missing" else ring[2]
    X = scipy.sparse.csr_array(X) if features == "sparse" else X
    settings = {"init": "pivot_mds", "n_neighbors": 5, "n_epochs": 3, "random_state": 0, "metric": metric}
    model = PrecomputedUMAP(**settings).fit(X, **arrays)
    np.testing.assert_array_equal(model.embedding_, PrecomputedUMAP(**settings).fit(**arrays).embedding_)
    with pytest.raises(ValueError, match=f"features of fit cannot be searched: .*{reason}.*Pass knn_indices"):
        model.transform(ring[2])
    np.testing.assert_array_equal(model.transform(**arrays), model.embedding_)


@pytest.mark.parametrize("searcher", ["auto", "exact"])
def test_angles_in_degrees(searcher):
    """Latitudes and longitudes in degrees are refused with the function that converts them. Radians are accepted."""
    degrees = np.random.default_rng(0).uniform([-90, 0], [90, 360], (60, 2))
    model = PrecomputedUMAP(5, metric="haversine", searcher=searcher, n_epochs=2)
    with pytest.raises(ValueError, match=r"X goes up to 35\d\.\d, but metric='haversine' .* np\.radians"):
        model.fit(degrees)
    with pytest.raises(ValueError, match=r"np\.radians"):
        model.fit(np.radians(degrees)).transform(degrees)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("metric", ["euclidean", "l1", "chebyshev", "sqeuclidean", "minkowski", "canberra"])
def test_features_too_large(points, metric):
    """Features whose distances exceed float32 are refused with a message about X, without a warning of numpy."""
    model = PrecomputedUMAP(metric=metric, metric_params={"p": 3} if metric == "minkowski" else None)
    with pytest.raises(ValueError, match=f"X goes up to 3e.300, but metric='{metric}' requires features below.*Scale"):
        model.fit(points * 1e300)
    if metric != "canberra":
        with pytest.raises(ValueError, match=r"row 0 of X is at distance .* from training row .*Scale the features"):
            model.fit(points[np.unique(points, axis=0, return_index=True)[1]][::9] * 1e60)


@pytest.mark.parametrize("metric", ["euclidean", *ANGULAR])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_rows_are_ranked_alike_by_numpy_and_by_a_kernel(metric, dtype, monkeypatch):
    """Both give the same bits, with copies, multiples and rows of zeros."""
    rows = np.abs(np.random.default_rng(0).normal(size=(60, 33))).astype(dtype)
    rows[5], rows[7:9], rows[9] = rows[4], 0, 2 * rows[4]
    search = build_search(rows, metric, None, None)
    for new in (None, rows[3:10]):
        found = []
        for limit in (0, 2**40):
            monkeypatch.setattr(few_rows, "NUMPY_NUMBERS", limit)
            found.append(search.find_neighbors(new, 9))
        np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("metric", ["cosine", "correlation", "hellinger"])
@pytest.mark.parametrize("factor", [1e300, 1e-300])
def test_size_does_not_matter_to_angles(points, metric, factor):
    """Very large and very small rows have the right angles."""
    expected = find_neighbors(build_search(points, metric, None, None), points, 9, own=True)
    found = find_neighbors(build_search(points * factor, metric, None, None), points * factor, 9, own=True)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_empty_sparse_rows_among_themselves(metric):
    """Rows without entries are at distance 0 from each other."""
    X = scipy.sparse.csr_array(np.vstack([np.zeros((12, 3)), np.eye(3)]))
    indices, dists = find_neighbors(build_search(X, metric, None, None), X, 3, own=True)
    assert (dists[:12] == 0).all()
    assert (indices[:12] < 12).all()


def test_many_ties_need_no_comparison_with_all_rows(monkeypatch):
    """For rows with 40 copies each, the search asks for more neighbors until the tie ends."""
    rows = np.tile(np.random.default_rng(0).normal(size=(30, 3)), (40, 1))
    search = build_search(rows, "manhattan", None, None)
    monkeypatch.setattr("umap_sk.neighbors.search._compare_with_all", lambda *arguments: pytest.fail("all rows"))
    for new in (None, rows[:7]):
        indices, dists = find_neighbors(search, rows if new is None else new, 9, own=new is None)
        assert not dists.any()
        for i, names in enumerate(indices):
            copies = [j for j in range(i % 30, len(rows), 30) if new is not None or j != i]
            np.testing.assert_array_equal(names, copies[:9])


def divide(a, b):
    """Divide numbers, with x / 0 = 0 as in umap-learn."""
    return a / b if b else 0.0


DIFFERENCES = {
    "manhattan": lambda x, y: sum(abs(a - b) for a, b in zip(x, y, strict=True)),
    "chebyshev": lambda x, y: max(abs(a - b) for a, b in zip(x, y, strict=True)),
    "hamming": lambda x, y: sum(a != b for a, b in zip(x, y, strict=True)) / len(x),
    "canberra": lambda x, y: sum(abs(a - b) / (abs(a) + abs(b) or 1) for a, b in zip(x, y, strict=True)),
    "braycurtis": lambda x, y: divide(DIFFERENCES["manhattan"](x, y), DIFFERENCES["manhattan"](x, [-b for b in y])),
    "minkowski": lambda x, y: sum(abs(a - b) * abs(a - b) * abs(a - b) for a, b in zip(x, y, strict=True)) ** (1 / 3),
}


TREE_METRICS = ("manhattan", "chebyshev", "minkowski")  # the others are no metrics, or trees are slow


@pytest.mark.parametrize("metric", DIFFERENCES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metrics_of_differences(metric, dtype):
    """The search equals the formula for numbers of Python, also for copies and rows of zeros."""
    rows = np.random.default_rng(0).normal(size=(150, 7)).astype(dtype)
    rows[100:120], rows[:, 3], rows[140:] = rows[:20], np.round(rows[:, 3]), 0
    parameters = {"p": 3} if metric == "minkowski" else {}
    search = build_search(rows, metric, parameters, None)
    assert search.differences and not search.uses_tree
    assert build_search(rows[:, :3], metric, parameters, None).uses_tree == (metric in TREE_METRICS)
    expected = np.array([[DIFFERENCES[metric](x, y) for y in rows.tolist()] for x in rows.tolist()])
    for numbers in (np.arange(150), np.arange(40, 50), None):
        chosen = np.arange(150) if numbers is None else numbers
        found = search_differences(search.differences, rows, rows[chosen], 9, numbers=numbers)
        for i, names, dists in zip(chosen, *found, strict=True):
            others = [j for j in np.argsort(expected[i], kind="stable") if numbers is None or j != i][:9]
            np.testing.assert_array_equal(names, others)
            np.testing.assert_allclose(dists, expected[i, others], rtol=1e-15 if metric == "minkowski" else 0)
    for threads in (1, 2):
        with limit_threads(threads):
            np.testing.assert_array_equal(find_neighbors(search, None, 9, own=True)[0], find_own(expected, 9))


def find_own(distances, count):
    """Return the nearest other rows of each row, by distance and then by index."""
    return [[j for j in np.argsort(row, kind="stable") if j != i][:count] for i, row in enumerate(distances)]


@pytest.mark.parametrize("metric", ["chebyshev", "canberra"])
@pytest.mark.parametrize("new", [False, True])
def test_ties_beyond_the_query_are_ordered_by_index(metric, new):
    """With 20 columns of zeros and ones, scikit-learn compares all rows, and most distances are tied."""
    rows = (np.random.default_rng(0).random((300, 20)) < 0.3).astype(float)
    queries = rows[:40] if new else rows
    indices, dists = find_neighbors(build_search(rows, metric, None, None), queries, 9, own=not new)
    for i, values in enumerate(cdist(queries, rows, metric)):
        others = [j for j in np.argsort(values, kind="stable") if new or j != i]
        np.testing.assert_array_equal(indices[i], others[:9])
        np.testing.assert_array_equal(dists[i], values[others[:9]])
