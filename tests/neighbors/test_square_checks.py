"""Tests of a square X: other matrices than distances cause an error or a warning, and distances of every kind pass."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import cosine_similarity, linear_kernel, rbf_kernel
from sklearn.neighbors import NearestNeighbors, kneighbors_graph

from umap_sk import DoubtfulDistancesWarning, EqualDistancesWarning, Manifold, PrecomputedUMAP, knn_graph
from umap_sk.neighbors.square import check_square

DIGITS = load_digits().data[:700]
UNEVEN = np.random.default_rng(0).uniform(1, 1.1, (700, 700))
FEATURES = np.random.default_rng(0).uniform(size=(64, 64))
SETTINGS = {"n_epochs": 2, "random_state": 0}
FUZZING = settings(derandomize=True, deadline=None, max_examples=80)
seeds, columns = st.integers(0, 2**32 - 1), st.integers(1, 30)


def points_of(seed, columns, kind="normal", n=150):
    """Return rows of one kind, none of them 0."""
    rng = np.random.default_rng(seed)
    if kind == "copies":
        return np.repeat(rng.normal(size=(n // 10, columns)), 10, axis=0)
    if kind == "whole":
        return rng.integers(1, 4, (n, columns)).astype(float)
    if kind == "clusters":
        return rng.normal(size=(n, columns)) + 20 * rng.integers(0, 3, (n, 1))
    return rng.normal(size=(n, columns)) + 0.1


def memberships(points, k, **parameters):
    """Return the memberships that scanpy stores as obsp["connectivities"]."""
    return PrecomputedUMAP(k, metric="euclidean", **parameters).learn_manifold(points).graph


def passes(X):
    """Check that a matrix causes neither an error nor a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_square(X)


@pytest.mark.parametrize(
    "X, message",
    [
        (cosine_similarity(DIGITS), r"symmetric, but its values fall away from the diagonal \(the first is 1.*1 - X"),
        (rbf_kernel(DIGITS, gamma=1e-3), "fall away from the diagonal.*Manifold.from_graph.*np.fill_diagonal"),
        (linear_kernel(DIGITS), "fall away from the diagonal"),
        (
            np.random.default_rng(0).uniform(size=(64, 64)),
            r"9\d% of its diagonal are not 0, and X\[i, j\] differs.*metric",
        ),
        (np.random.default_rng(0).integers(0, 2, (200, 200)).astype(float), "of its diagonal are not 0"),
        (
            memberships(DIGITS, 15),
            r"the more neighbors two rows share \(correlation 0\..*Manifold.from_graph",
        ),
        (memberships(DIGITS, 15, symmetrize=False), "the more neighbors two rows share.*knn_indices and knn_dists"),
        (scipy.sparse.csr_array(cosine_similarity(DIGITS[:99])), "largest values on the diagonal.*1 - X"),
        (kneighbors_graph(DIGITS, 9, include_self=True), "largest values on the diagonal"),
    ],
)
def test_no_distances(X, message):
    """A matrix of similarities, features or memberships is refused with a solution, unless neighbors are given."""
    model = PrecomputedUMAP(**SETTINGS)
    for call in (model.fit, model.fit_transform, model.partial_fit, model.learn_manifold):
        with pytest.raises(ValueError, match=message):
            call(X)
    assert not hasattr(model, "embedding_")
    indices, dists = knn_graph_arrays(DIGITS[: X.shape[0]])
    assert np.isfinite(PrecomputedUMAP(9, **SETTINGS).fit_transform(X, knn_indices=indices, knn_dists=dists)).all()


def knn_graph_arrays(points):
    """Return neighbor arrays to pass together with a square X."""
    dists = pairwise_distances(points)
    indices = np.argsort(dists, axis=1)[:, :9]
    return indices, np.take_along_axis(dists, indices, axis=1)


@pytest.mark.parametrize(
    "X, message, cure",
    [
        (
            pairwise_distances(DIGITS) * UNEVEN,
            "differs from",
            "transposed",
        ),
        (pairwise_distances(DIGITS) + np.eye(700) * 9, "the diagonal of X is not 0.*fill_diagonal", "diagonal"),
    ],
)
def test_doubtful_distances(X, message, cure):
    """The warning for doubtful distances disappears if its advice is followed."""
    with pytest.warns(DoubtfulDistancesWarning, match=message):
        PrecomputedUMAP(**SETTINGS).fit(X)
    X = (X + X.T) / 2 if cure == "transposed" else X - np.diag(X.diagonal())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PrecomputedUMAP(**SETTINGS).fit(X)


@FUZZING
@given(
    seeds,
    columns,
    st.sampled_from(["normal", "copies", "whole", "clusters"]),
    st.sampled_from(["euclidean", "cosine", "manhattan", "sqeuclidean", "chebyshev", "hamming"]),
    st.sampled_from([np.float64, np.float32]),
    st.sampled_from([1e-9, 1, 1e9]),
)
def test_distance_matrices_pass(seed, columns, kind, metric, dtype, factor):
    """Distance matrices of any scale pass, also with rounding errors on the diagonal and between the directions."""
    points = points_of(seed, columns, kind).astype(dtype)
    dists = np.maximum(pairwise_distances(points, points.copy(), metric=metric), 0).astype(dtype)
    if metric == "euclidean":
        squares = (points * points).sum(axis=1)
        dists = np.sqrt(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    passes(dists * dtype(factor))


@FUZZING
@given(
    seeds,
    columns,
    st.sampled_from(["normal", "copies", "whole", "clusters"]),
    st.sampled_from(["euclidean", "cosine", "manhattan"]),
    st.integers(1, 60),
    st.sampled_from(["as it is", "up to 1", "both directions", "cut", "with itself", "whole"]),
)
def test_distance_graphs_pass(seed, columns, kind, metric, k, form):
    """Graphs of distances pass, directed or not, also if they are cut by cross-validation or complete."""
    points = points_of(seed, columns, kind, n=200)
    graph = kneighbors_graph(points, k, mode="distance", metric=metric, include_self=form == "with itself")
    graph.data = np.maximum(graph.data, 0)
    if form != "as it is":
        graph.data /= max(graph.data.max(), 1e-30)
    if form == "both directions":
        graph = graph.maximum(graph.T)
    if form == "cut":
        graph = graph[::2][:, ::2]
    if form == "whole":
        graph = pairwise_distances(points, metric=metric)
        graph /= max(graph.max(), 1e-30)
    passes(scipy.sparse.csr_array(graph))


@FUZZING
@given(seeds, st.integers(1, 8), st.sampled_from(["normal", "clusters"]), st.integers(12, 40), st.booleans())
def test_memberships_do_not(seed, columns, kind, k, symmetrize):
    """Memberships are refused for any data if the rows have enough neighbors."""
    with pytest.raises(ValueError, match="the more neighbors two rows share"):
        check_square(memberships(points_of(seed, columns, kind), k, symmetrize=symmetrize))


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_rows(n):
    """Distances between a few rows pass, and similarities do not."""
    points = np.arange(n)[:, None] ** 2.0
    passes(pairwise_distances(points))
    with pytest.raises(ValueError, match="fall away from the diagonal"):
        check_square(rbf_kernel(points))


@pytest.mark.filterwarnings("error::umap_sk.DoubtfulDistancesWarning")
def test_given_neighbors_are_not_looked_at():
    """Square features are accepted with a metric or beside neighbors or a manifold, and so are their kNN distances."""
    distances = pairwise_distances(FEATURES)
    indices = np.argsort(distances, axis=1)[:, :15]
    arrays = {"knn_indices": indices, "knn_dists": np.take_along_axis(distances, indices, axis=1)}
    model = PrecomputedUMAP(**SETTINGS)
    with pytest.raises(ValueError, match="contains no distances"):
        model.fit(FEATURES)
    expected = PrecomputedUMAP(metric="euclidean", **SETTINGS).fit_transform(FEATURES)
    for beside in (arrays, {"manifold": model.learn_manifold(**arrays)}):
        np.testing.assert_array_equal(model.fit_transform(FEATURES, **beside), expected)
    assert np.isfinite(model.fit_transform(knn_graph(*arrays.values()))).all()


def test_connectivity_names_the_mode():
    """Graphs without distances, which scikit-learn makes by default, name the argument that is missing."""
    with pytest.raises(ValueError, match="largest values on the diagonal.*set mode='distance'"):
        PrecomputedUMAP(**SETTINGS).fit(kneighbors_graph(DIGITS, 15, include_self=True))
    with pytest.warns(EqualDistancesWarning, match="distances are 1, .*with mode='distance'"):
        PrecomputedUMAP(**SETTINGS).fit(kneighbors_graph(DIGITS, 15))
    model = PrecomputedUMAP(**SETTINGS).fit(kneighbors_graph(DIGITS, 15, mode="distance"))
    new = NearestNeighbors(n_neighbors=15).fit(DIGITS).kneighbors_graph(DIGITS[:9] + 0.1)
    with pytest.warns(EqualDistancesWarning, match="distances are 1, .*with mode='distance'"):
        model.transform(new)


def test_a_dense_neighbor_graph():
    """Zeros that mean no neighbor are distances of 0 in a dense matrix, which a warning explains."""
    graph = kneighbors_graph(DIGITS, 15, mode="distance")
    with pytest.warns(DoubtfulDistancesWarning, match="differs from.*pass it as a sparse"):
        check_square(graph.toarray())
    with pytest.warns(DoubtfulDistancesWarning, match=r"9\d% of it are zeros off the diagonal.*csr_array"):
        check_square(graph.maximum(graph.T).toarray())


def test_inner_products_without_a_diagonal():
    """Similarities above 1 are doubtful, too."""
    products = DIGITS @ DIGITS.T
    np.fill_diagonal(products, 0)
    products[products < np.sort(products, axis=1)[:, [-40]]] = 0
    with pytest.warns(DoubtfulDistancesWarning, match="the larger, the more neighbors two rows share.*Convert"):
        check_square(scipy.sparse.csr_array(products))


def test_distances_as_memberships():
    """Manifold.from_graph warns of distances up to 1, and not of memberships."""
    distances = kneighbors_graph(DIGITS, 30, mode="distance", metric="cosine")
    with pytest.warns(DoubtfulDistancesWarning, match="weights .* the smaller, the more neighbors.*as X to fit"):
        Manifold.from_graph(distances)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Manifold.from_graph(memberships(DIGITS, 15))


def test_distances_as_features():
    """A distance matrix that another metric reads as features causes a warning, and a square X of features does not."""
    distances = pairwise_distances(DIGITS[:100])
    with pytest.warns(DoubtfulDistancesWarning, match="metric='euclidean' reads it as features.*'precomputed'"):
        PrecomputedUMAP(metric="euclidean", **SETTINGS).fit(distances)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for features in (FEATURES, FEATURES + FEATURES.T, (FEATURES > 0.5).astype(float), distances[:, :50]):
            PrecomputedUMAP(metric="euclidean", **SETTINGS).fit(features)
