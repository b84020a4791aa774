"""Tests of kNN arrays as a graph: its content, and its subsets of rows and columns."""

import naive_neighbors
import numpy as np
import pytest
import scipy.sparse
from neighbor_inputs import assert_equal, assert_like_twin, clean_arrays, hard_arrays, sliced_rows
from sklearn.neighbors import KNeighborsTransformer

from umap_sk import exceptions
from umap_sk.neighbors.read import Neighbors, knn_graph, read_neighbors


@pytest.mark.parametrize("dtype, wanted", [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), (">f8", "f8"), ("i4", "f4")])
def test_graph_dtypes_and_order(dtype, wanted):
    indices, dists = hard_arrays(3)
    dists[indices == np.arange(41)[:, None]] = 7  # the distance of the row itself becomes 0
    dists[(indices == -1) | (indices > 41)] = 2
    with pytest.warns(exceptions.DuplicateNeighborsWarning):
        graph = knn_graph(indices, (4 * dists).astype(dtype))
    rows = naive_neighbors.rows_of_arrays(indices, 4 * dists)
    expected, counts = naive_neighbors.read(rows, wanted=9, n_columns=41, own="zero")
    assert isinstance(graph, scipy.sparse.csr_array)
    assert (graph.dtype, graph.shape, graph.indices.dtype, graph.indptr.dtype) == (wanted, (41, 41), "i4", "i4")
    assert sliced_rows(Neighbors(graph.indptr, graph.indices, graph.data, 41)) == expected
    assert counts["self_entries"] > 0
    assert (graph.data == 0).any()


def test_graph_keeps_all_of_float64():
    graph = knn_graph([[1, 0], [1, 0]], [[0.1, 0.0], [0.0, 1e300]])
    assert graph.data.tolist() == [0, 0.1, 0, 1e300]
    with pytest.raises(ValueError, match=r"\[1, 1\] is 1e\+300.*float32"):
        read_neighbors(knn_indices=[[1, 0], [1, 0]], knn_dists=[[0.1, 0.0], [0.0, 1e300]], n_neighbors=2)


@pytest.mark.parametrize("seed", range(3))
def test_graph_comes_back_as_the_arrays(seed):
    indices, dists = hard_arrays(seed)
    for values in (dists, dists.astype(np.float32)):
        found, counts = read_neighbors(knn_indices=indices, knn_dists=values, n_neighbors=6)
        with pytest.warns(exceptions.DuplicateNeighborsWarning):
            graph = knn_graph(indices, values)
        again, again_counts = read_neighbors(graph, n_neighbors=6)
        assert_equal((again, 0), (found, 0))
        assert (again_counts.short_rows, again_counts.edges) == (counts.short_rows, counts.edges)


def test_graph_of_new_rows():
    with pytest.warns(exceptions.DuplicateNeighborsWarning, match="1 entries"):
        graph = knn_graph([[5, 0, -1], [1, 7, 7]], [[1.0, 2, 0], [0.5, 3, 4]], n_columns=9)
    assert graph.shape == (2, 9)
    assert (graph.indices.tolist(), graph.data.tolist()) == ([5, 0, 1, 7], [1, 2, 0.5, 3])
    wide = knn_graph(np.array([[2**31 + 5, 0]]), [[1.0, 2.0]], n_columns=3 * 10**9)
    assert (wide.indices.dtype, wide.indices.tolist()) == (np.int64, [2**31 + 5, 0])


def test_graph_warns_at_the_caller_and_refuses_as_the_door_does():
    with pytest.warns(exceptions.NegativeDistanceWarning) as caught:
        knn_graph([[1, 2, 0], [0, 2, 1], [1, 0, 2]], [[-1e-9, 1, 0], [1, 2, 0], [1, 2, 0]])
    assert caught[0].filename == __file__
    assert len(caught) == 1
    with pytest.raises(ValueError, match="cross-validation"):
        knn_graph([[1, 99], [0, 1]], [[1.0, 2.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="Give both"):
        knn_graph([[1, 99], [0, 1]], None)


@pytest.mark.parametrize("seed", range(3))
def test_graph_is_cut_right_by_rows_and_columns(seed):
    indices, dists = clean_arrays(seed)
    train = np.random.default_rng(seed).permutation(60)[:40]
    new_name = {int(old): new for new, old in enumerate(train)}
    graph = knn_graph(indices, dists)
    for cut in (graph[train][:, train], graph[np.ix_(train, train)]):
        whole = naive_neighbors.rows_of_arrays(indices, dists)
        rows = [[(new_name[j], d) for j, d in row if j in new_name] for row in whole]
        rows = [rows[old] for old in train]
        result = read_neighbors(cut, n_neighbors=6)
        assert_like_twin(result, rows, wanted=5, n_columns=40)
        assert result[1].self_entries == 40
    with pytest.raises(ValueError, match="cross-validation"):
        read_neighbors(knn_indices=indices[train], knn_dists=dists[train], n_neighbors=6)


def test_scikit_learns_graphs():
    points = np.random.default_rng(0).normal(size=(80, 5))
    transformer = KNeighborsTransformer(mode="distance", n_neighbors=7).fit(points[:60])
    dists, indices = transformer.kneighbors()
    found, counts = read_neighbors(transformer.transform(points[:60]), n_neighbors=8)
    assert np.array_equal(found.indices.reshape(60, 7), indices)
    assert np.array_equal(found.distances.reshape(60, 7), dists.astype(np.float32))
    assert (counts.self_entries, counts.short_rows) == (60, 0)
    dists, indices = transformer.kneighbors(points[60:], n_neighbors=8)
    found, counts = read_neighbors(transformer.transform(points[60:]), n_neighbors=8, drop_self=False, n_columns=60)
    assert np.array_equal(found.indices.reshape(20, 8), indices)
    assert counts.short_rows == 0


def test_cure_of_arrays_of_held_out_rows():
    """The error for indices beyond the rows names n_columns, and not the function that was called."""
    with pytest.raises(ValueError, match="need n_columns, the number of training rows") as error:
        knn_graph([[7, 0], [1, 8]], [[1.0, 2.0], [0.5, 3.0]])
    assert "umap_sk.knn_graph" not in str(error.value)
