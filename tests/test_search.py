"""Neighbors of features: exact, the same in any batch, ties by index."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from scipy.spatial.distance import cdist

from umap_sk import PrecomputedUMAP
from umap_sk.search import build_search, find_neighbors

METRICS = [
    ("euclidean", None),
    ("l1", None),
    ("cosine", None),
    ("chebyshev", None),
    ("minkowski", {"p": 3}),
    ("minkowski", None),
]


def names_of(metric, parameters):
    """scipy's name of a metric, and its arguments."""
    return {"l1": "cityblock"}.get(metric, metric), parameters or {}


@pytest.fixture
def points():
    """200 rows of small whole numbers, so that there are many ties."""
    return np.random.default_rng(0).integers(0, 4, (200, 6)).astype(float)


def naive(new, points, k, own, metric="euclidean", **parameters):
    """All distances, sorted by distance and then by index."""
    dists = cdist(new, points, metric, **parameters)
    if own:
        np.fill_diagonal(dists, np.inf)
    order = np.array([sorted(range(len(points)), key=lambda j: (row[j], j))[:k] for row in dists])
    return order, np.take_along_axis(dists, order, axis=1)


@pytest.mark.parametrize("metric, parameters", METRICS)
@pytest.mark.parametrize("own", [True, False])
def test_equals_the_naive_search(points, metric, parameters, own):
    """Indices and distances; no warning on the way."""
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
    """Converted once, without a warning for every row."""
    rows = points > 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = build_search(rows.astype(float), "jaccard", None, None)
        _, dists = find_neighbors(search, rows.astype(float), 9, own=True)
    assert np.allclose(dists, naive(rows, rows, 9, True, "jaccard")[1])


@pytest.mark.parametrize("metric", ["euclidean", "cosine", lambda a, b: np.abs(a - b).max()])
def test_bits_do_not_depend_on_the_batch(metric):
    """One by one, or all at once."""
    rng = np.random.default_rng(0)
    points, new = rng.normal(size=(150, 20)), rng.normal(size=(40, 20))
    search = build_search(points, metric, None, None)
    indices, dists = find_neighbors(search, new, 7, own=False)
    for i in range(40):
        alone = find_neighbors(search, new[i : i + 1], 7, own=False)
        assert np.array_equal(indices[i], alone[0][0]) and np.array_equal(dists[i], alone[1][0])


def test_copies_of_a_point():
    """Of more copies than are asked for, those of the lowest index are taken; a row is not its own neighbor."""
    points = np.repeat(np.arange(3.0), 20)[:, None]
    search = build_search(points, "euclidean", None, None)
    indices, dists = find_neighbors(search, points, 5, own=True)
    assert not dists.any()
    assert indices[0].tolist() == [1, 2, 3, 4, 5] and indices[19].tolist() == [0, 1, 2, 3, 4]
    assert indices[45].tolist() == [40, 41, 42, 43, 44]


def test_fewer_rows_than_neighbors(points):
    """As many as there are."""
    search = build_search(points[:5], "euclidean", None, None)
    assert find_neighbors(search, points[:5], 9, own=True)[0].shape == (5, 4)
    assert find_neighbors(search, points[:2], 9, own=False)[0].shape == (2, 5)


def test_sparse_features(points):
    """The same neighbors as of dense ones."""
    sparse = scipy.sparse.csr_matrix(points)
    dense = find_neighbors(build_search(points, "euclidean", None, None), points, 9, own=True)
    found = find_neighbors(build_search(sparse, "euclidean", None, None), sparse, 9, own=True)
    assert np.allclose(found[1], dense[1], atol=1e-6)


def test_the_estimator_searches(points):
    """Fit and transform of features equal fit and transform of their neighbors."""
    settings = {"n_neighbors": 6, "n_epochs": 10, "random_state": 0}
    model = PrecomputedUMAP(**settings, metric="manhattan").fit(points)
    indices, dists = naive(points, points, 5, True, "cityblock")
    given = PrecomputedUMAP(**settings).fit(knn_indices=indices, knn_dists=dists)
    assert np.array_equal(model.embedding_, given.embedding_)
    new = points[:20] + 0.25
    indices, dists = naive(new, points, 6, False, "cityblock")
    assert np.array_equal(model.transform(new), given.transform(knn_indices=indices, knn_dists=dists))


@pytest.mark.parametrize("metric", ["umap", "hellinger"])
def test_unknown_metric(points, metric):
    """scikit-learn's error comes through."""
    with pytest.raises(ValueError, match=f"Metric '{metric}' not valid"):
        PrecomputedUMAP(metric=metric).fit(points)
