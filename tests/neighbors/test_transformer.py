"""Tests of neighbor arrays and of the transformer from features to a graph."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.neighbors import KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from umap_sk import FewerNeighborsWarning, NeighborsTransformer, PrecomputedUMAP, nearest_neighbors
from umap_sk.neighbors import searchers


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).normal(size=(300, 8))


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
@parametrize_with_checks([NeighborsTransformer(n_neighbors=5)])
def test_estimator_checks(estimator, check):
    """The transformer passes all checks of scikit-learn."""
    check(estimator)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
@pytest.mark.parametrize("sparse", [False, True])
def test_equals_scikit_learn(points, metric, sparse):
    """The graphs of training rows and of new rows equal scikit-learn's."""
    rows = np.where(points > 0.5, points, 0) if sparse else points.copy()
    rows[:, 0] = 1  # a row of zeros is not even at distance 0 from itself in scikit-learn
    rows = scipy.sparse.csr_array(rows) if sparse else rows
    ours, theirs = (
        kind(n_neighbors=7, metric=metric).fit(rows[:250]) for kind in (NeighborsTransformer, KNeighborsTransformer)
    )
    for graph, expected in (
        (ours.fit_transform(rows[:250]), theirs.transform(rows[:250])),
        (ours.transform(rows[250:]), theirs.transform(rows[250:])),
    ):
        assert type(graph) is type(expected)  # scanpy calls methods that sparse arrays lack
        assert graph.shape == expected.shape and (np.diff(graph.indptr) == 8).all()
        np.testing.assert_allclose(graph.data.reshape(-1, 8), np.sort(expected.data.reshape(-1, 8)), atol=1e-7)


def test_the_row_itself_is_first(points):
    """The row itself is its first neighbor, also among copies, and copies follow by index."""
    copies = np.repeat(points[:30], 10, axis=0)
    indices, dists = nearest_neighbors(copies, 4)
    np.testing.assert_array_equal(indices[:, 0], np.arange(300))
    assert not dists.any()
    np.testing.assert_array_equal(indices[5], [5, 0, 1, 2])
    np.testing.assert_array_equal(indices[11], [11, 10, 12, 13])


def test_arrays_alone_need_no_estimate_of_the_recall(points, monkeypatch):
    """The function `nearest_neighbors` measures no recall, since it has no report."""
    calls = []
    monkeypatch.setattr(searchers, "measure_recall", lambda *arguments: calls.append(arguments) or {"recall": 1.0})
    rows = np.tile(points, (50, 1))[:, :4].copy()
    nearest_neighbors(rows, 5, searcher="inverted_file")
    assert not calls
    assert NeighborsTransformer(5, searcher="inverted_file").fit(rows).report_["recall"] == 1 and len(calls) == 1


def test_arrays_make_the_map_of_the_features(points):
    """The neighbor arrays and a pipeline with the transformer lead to the map of the features."""
    settings = {"n_neighbors": 10, "init": "pivot_mds", "n_epochs": 10, "random_state": 0}
    expected = PrecomputedUMAP(metric="euclidean", **settings).fit_transform(points)
    indices, dists = nearest_neighbors(points, 10)
    np.testing.assert_array_equal(
        PrecomputedUMAP(**settings).fit_transform(knn_indices=indices, knn_dists=dists), expected
    )
    pipeline = make_pipeline(NeighborsTransformer(9), PrecomputedUMAP(**settings))
    np.testing.assert_array_equal(pipeline.fit_transform(points), expected)
    np.testing.assert_array_equal(pipeline.transform(points), expected)


def test_few_rows(points):
    """If there are fewer rows than neighbors, all others are neighbors, with a warning."""
    with pytest.warns(FewerNeighborsWarning, match="15 other rows were wanted .* each of 4 rows has 3 others"):
        assert NeighborsTransformer().fit_transform(points[:4]).nnz == 16


def test_refusals(points):
    """Features with NaN, unknown metrics and a single neighbor are refused."""
    with pytest.raises(ValueError, match="contains NaN"):
        nearest_neighbors(np.where(points > 2, np.nan, points))
    with pytest.raises(ValueError, match="metric='euclidian' is unknown; the nearest name is 'euclidean'"):
        nearest_neighbors(points, metric="euclidian")
    with pytest.raises(ValueError, match="n_neighbors is 1, but at least 2"):
        nearest_neighbors(points, 1)
