"""Tests of the reading of neighbors, for any blocks, threads and dtypes, and of its warnings."""

import os
import tracemalloc
import warnings

import naive_neighbors
import numba
import numpy as np
import pytest
import scipy.sparse
from compiled import compiled
from neighbor_inputs import assert_equal, assert_like_twin, clean_arrays, hard_arrays, sparse_of
from scipy.spatial import cKDTree

from umap_sk import exceptions
from umap_sk.neighbors import formats
from umap_sk.neighbors import read as neighbors
from umap_sk.neighbors import rows as neighbor_rows
from umap_sk.neighbors.read import read_neighbors, warn_about
from umap_sk.runtime.threads import limit_threads


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("drop_self", [True, False])
def test_hard_arrays_equal_the_twin(seed, drop_self):
    n_neighbors = [2, 4, 7, 10, 30][seed % 5]
    n_columns = [None, 35, 1000][seed % 3] if not drop_self else None
    indices, dists = hard_arrays(seed, n_columns=n_columns)
    if not drop_self:
        dists[8] = 1
    cut = [np.inf, 1.75][seed % 2]
    result = read_neighbors(
        knn_indices=indices,
        knn_dists=dists,
        n_neighbors=n_neighbors,
        n_columns=n_columns or len(indices),
        drop_self=drop_self,
        disconnection_distance=cut,
    )
    rules = {"wanted": n_neighbors - drop_self, "n_columns": n_columns or len(indices), "cut": cut}
    assert_like_twin(
        result, naive_neighbors.rows_of_arrays(indices, dists), own="drop" if drop_self else "neighbor", **rules
    )
    assert all(part.base is None for part in result[0][:3])  # short rows leave no unused memory
    assert result[1].short_rows
    assert result[1].sentinels
    assert result[1].duplicates


@pytest.mark.parametrize("drop_self", [True, False])
def test_more_neighbors_than_any_number_of_rows(drop_self):
    """If n_neighbors exceeds the number of rows, all neighbors are used and every row counts as short."""
    indices, dists = [[1, 2], [0, 2], [1, 0]], [[1.0, 2.0], [1.0, 3.0], [3.0, 2.0]]
    given = {"knn_indices": indices, "knn_dists": dists, "drop_self": drop_self, "n_columns": 3}
    found, counts = read_neighbors(**given, n_neighbors=10**20)
    assert found.indices.tolist() == [1, 2, 0, 2, 0, 1]
    assert counts.short_rows == 3


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("drop_self", [True, False])
def test_ragged_graphs_and_matrices_equal_the_twin(seed, drop_self):
    rng = np.random.default_rng(seed)
    n = 30
    lengths = rng.choice([0, 1, 3, 8, 29], n)
    rows = np.repeat(np.arange(n), lengths)
    columns = rng.integers(0, n, len(rows))
    dists = rng.integers(0, 9, len(rows)) / 8
    graph = scipy.sparse.csr_array((dists, columns, np.concatenate([[0], np.cumsum(lengths)])), shape=(n, n))
    rules = {"wanted": 6 - drop_self, "n_columns": n, "own": "drop" if drop_self else "neighbor", "cut": 0.875}
    result = read_neighbors(graph, n_neighbors=6, drop_self=drop_self, disconnection_distance=0.875)
    assert_like_twin(result, naive_neighbors.rows_of_triples(zip(rows, columns, dists, strict=True), n), **rules)
    assert result[1].duplicates
    matrix = rng.integers(0, 40, (n, n)) / 16
    result = read_neighbors(matrix, n_neighbors=6, drop_self=drop_self, disconnection_distance=0.875)
    assert_like_twin(result, naive_neighbors.rows_of_matrix(matrix), **rules)


@pytest.mark.parametrize("drop_self", [True, False])
@pytest.mark.parametrize("form", ["arrays", "graph", "graph by index"])
def test_few_regular_rows_are_selected_without_the_kernel(monkeypatch, form, drop_self):
    """The selection in numpy equals the kernel's with ties and zeros, and for rows with and without themselves."""
    rng = np.random.default_rng(5)
    indices = np.argsort(rng.random((50, 50)), axis=1)[:, :9]
    dists = np.sort(rng.integers(0, 5, (50, 9)), axis=1) / 4
    given = {"knn_indices": indices, "knn_dists": dists, "n_columns": 50}
    if form != "arrays":
        given = {"X": scipy.sparse.csr_array((dists.ravel(), indices.ravel(), np.arange(51) * 9), shape=(50, 50))}
    if form == "graph by index":
        given["X"].sort_indices()
    with monkeypatch.context() as patched:
        patched.setattr(neighbor_rows, "FEW_ENTRIES", 0)
        expected = read_neighbors(**given, n_neighbors=6, drop_self=drop_self)
    with monkeypatch.context() as patched:
        patched.setattr(neighbor_rows.kernels, "nearest_rows", None)
        found = read_neighbors(**given, n_neighbors=6, drop_self=drop_self)
    assert found[1] == expected[1]
    assert_equal(found, expected)


def test_long_rows_of_repeated_neighbors_equal_the_twin():
    rng = np.random.default_rng(3)
    indices = rng.choice(np.arange(0, 5000, 1024) % 997, (20, 700)) + rng.integers(0, 3, (20, 700))
    dists = rng.random((20, 700)).astype(np.float32)
    rules = {"n_columns": 1000, "own": "neighbor", "wanted": 5}
    result = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=5, n_columns=1000, drop_self=False)
    assert_like_twin(result, naive_neighbors.rows_of_arrays(indices, dists), **rules)


@pytest.mark.parametrize("size, n_keys", [(1024, 500), (4, 3)])
def test_table_of_met_neighbors_equals_a_set(size, n_keys):
    rng = np.random.default_rng(0)
    table = np.zeros(size, np.int64)
    for stamp in range(1, 100):  # one row after the other in the same table
        keys = rng.integers(0, 2**32, n_keys)
        met = set()
        for j in rng.choice(keys, 2 * n_keys):
            assert compiled("is_repeated")(table, stamp, j) == (j in met)
            met.add(j)


def test_order_is_by_float64_distance_then_index():
    close = np.array([[1 + 2e-12, 1 + 1e-12, 1, 1, 0.5, 2]])
    found, _ = read_neighbors(
        knn_indices=[[0, 1, 5, 4, 3, 2]], knn_dists=close, n_neighbors=4, n_columns=9, drop_self=False
    )
    assert found.indices.tolist() == [3, 4, 5, 1]
    assert found.distances.tolist() == [0.5, 1, 1, 1]


def test_repeated_neighbor_keeps_its_smallest_distance():
    pairs = {"knn_indices": [[4, 2, 4, 3, 4, 2]], "knn_dists": [[3.0, 2.0, 1.0, 2.5, 2.0, 0.5]]}
    found, counts = read_neighbors(**pairs, n_neighbors=6, n_columns=9, drop_self=False)
    assert (found.indices.tolist(), found.distances.tolist()) == ([2, 4, 3], [0.5, 1, 2.5])
    assert counts.duplicates == 3


def test_the_row_itself_is_dropped_before_anything_looks_at_it():
    found, counts = read_neighbors(
        knn_indices=[[1, 0, 0], [1, 1, 0], [2, 1, 2]],
        knn_dists=[[2, np.nan, -5], [np.inf, 0, 3], [9, 3, 1e300]],
        n_neighbors=3,
        disconnection_distance=5,
    )
    assert found.indices.tolist() == [1, 0, 1]
    assert (counts.self_entries, counts.duplicates, counts.clipped, counts.cut_by_distance) == (6, 0, 0, 0)


def test_the_largest_number_of_float32_is_a_distance():
    largest = float(np.finfo(np.float32).max)
    given = {"knn_indices": [[1], [0]], "n_neighbors": 2}
    found, _ = read_neighbors(knn_dists=[[largest], [1.0]], **given)
    assert found.distances.tolist() == [largest, 1]
    with pytest.raises(ValueError, match=r"knn_dists\[0, 0\].*values beyond float32"):
        read_neighbors(knn_dists=[[np.nextafter(largest, np.inf)], [1.0]], **given)


def test_negative_zero_becomes_zero():
    found, counts = read_neighbors(knn_indices=[[1, 0], [0, 1]], knn_dists=[[-0.0, 0], [1, 0]], n_neighbors=2)
    assert not np.signbit(found.distances).any()
    assert counts.clipped == 0


@pytest.mark.parametrize("block", [1, 25, 200])
def test_blocks_do_not_show(monkeypatch, block):
    indices, dists = hard_arrays(6)
    graph, matrix = sparse_of(*clean_arrays()), np.random.default_rng(0).random((30, 30))
    graph = scipy.sparse.csr_array(graph - scipy.sparse.diags_array(graph.diagonal()))
    graph.data[graph.data > 1.5] = 0
    graph.eliminate_zeros()  # ragged, with empty rows perhaps

    def read_all():
        return [
            read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=5),
            read_neighbors(graph, n_neighbors=5),
            read_neighbors(matrix, n_neighbors=5),
        ]

    wanted = read_all()
    monkeypatch.setattr(formats, "BLOCK_ENTRIES", block)
    for given, one in zip(read_all(), wanted, strict=True):
        assert_equal(given, one)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one processor")
def test_one_and_two_threads():
    results = []
    for threads in (1, 2):
        with limit_threads(threads):
            indices, dists = hard_arrays(7, n=2000)
            matrix = np.random.default_rng(0).random((300, 300))
            results.append(
                [
                    read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=5),
                    read_neighbors(sparse_of(*clean_arrays()), n_neighbors=5),
                    read_neighbors(matrix, n_neighbors=5),
                ]
            )
    for one, two in zip(*results, strict=True):
        assert_equal(one, two)


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="slow without compiled kernels")
@pytest.mark.parametrize("short", [False, True])
def test_memory_is_eight_bytes_an_edge_and_blocks(tmp_path, monkeypatch, short):
    n, k = 20_000, 15
    rng = np.random.default_rng(0)
    indices = np.lib.format.open_memmap(tmp_path / "i.npy", "w+", ">i8", (n, k))
    dists = np.lib.format.open_memmap(tmp_path / "d.npy", "w+", "f4", (n, k))
    indices[:] = (np.arange(n)[:, None] + np.arange(k)) % n
    dists[:] = np.sort(rng.random((n, k)), axis=1)
    if short:
        indices[::2, 5:] = -1
    indices.flush()
    dists.flush()
    indices, dists = np.load(tmp_path / "i.npy", "r"), np.load(tmp_path / "d.npy", "r")
    monkeypatch.setattr(formats, "BLOCK_ENTRIES", 2**13)
    read_neighbors(knn_indices=indices[:100] % 100, knn_dists=dists[:100], n_neighbors=k)
    graph = sparse_of(np.asarray(indices, np.int64) if not short else abs(np.asarray(indices, np.int64)), dists)
    for given in ({"knn_indices": indices, "knn_dists": dists}, {"X": graph}):
        tracemalloc.start()
        found, counts = read_neighbors(**given, n_neighbors=k)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * n * (k - 1) + 2 * 8 * n + 64 * 2**13
        assert found.indices.nbytes + found.distances.nbytes == 8 * counts.edges


def test_faked_uint32_width_gives_the_same_numbers(monkeypatch):
    indices, dists = hard_arrays(4)
    narrow, counts = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=6)
    monkeypatch.setattr(neighbors, "INT32_LIMIT", 41)
    same, _ = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=6)
    assert same.indices.dtype == np.int32
    monkeypatch.setattr(neighbors, "INT32_LIMIT", 40)
    wide, wide_counts = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=6)
    assert wide.indices.dtype == np.uint32
    assert np.array_equal(wide.indices, narrow.indices)
    assert np.array_equal(wide.distances, narrow.distances)
    assert wide_counts == counts


@pytest.mark.parametrize("dtype", ["u4", "i8", "u8"])
def test_indices_beyond_two_to_the_31(dtype):
    missing = np.iinfo(dtype).max
    far = 3 * 10**9 - 1
    indices = np.array([[far, 2**31, 5, missing], [2**31 - 1, far - 1, far, far]], dtype=dtype)
    found, counts = read_neighbors(
        knn_indices=indices,
        knn_dists=np.array([[3.0, 2, 1, 0], [4, 2, 1, 3]]),
        n_neighbors=4,
        n_columns=3 * 10**9,
        drop_self=False,
    )
    assert found.indices.dtype == np.uint32
    assert found.indices.tolist() == [5, 2**31, far, far, far - 1, 2**31 - 1]
    assert (counts.duplicates, counts.sentinels, found.n_columns) == (1, 1, 3 * 10**9)
    indices[0, 1] = 3 * 10**9
    with pytest.raises(ValueError, match=r"knn_indices\[0, 1\].*is 3000000000, but"):
        read_neighbors(
            knn_indices=indices, knn_dists=np.ones((2, 4)), n_neighbors=4, n_columns=3 * 10**9, drop_self=False
        )


def test_sparse_graph_with_columns_beyond_two_to_the_31():
    graph = scipy.sparse.csr_array(([1.0, 0.5], ([0, 0], [2**31 + 7, 3])), shape=(1, 3 * 10**9))
    found, _ = read_neighbors(graph, n_neighbors=2, drop_self=False)
    assert found.indices.tolist() == [3, 2**31 + 7]


def recorded(counts, found, wanted):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_about(counts, found.indptr, wanted)
    return {record.category: str(record.message) for record in caught}


def test_warnings_say_how_many():
    indices, dists = clean_arrays()
    found, counts = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=8)
    assert recorded(counts, found, 7) == {}
    indices[3, 5:] = indices[9, 1:] = -1
    indices[4, 3] = indices[4, 2]
    dists[5, 1] = -1e-9
    found, counts = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=8)
    assert (counts.short_rows, counts.empty_rows) == (3, 1)
    said = recorded(counts, found, 7)
    assert "3 of 60 rows have fewer than 7 neighbors (the fewest: 0)" in said[exceptions.FewerNeighborsWarning]
    assert said[exceptions.DuplicateNeighborsWarning].startswith("1 entries repeat")
    assert said[exceptions.NegativeDistanceWarning].startswith("1 distances lie below 0")
    assert len(said) == 3
    assert all(issubclass(category, exceptions.UMAPWarning) for category in said)


def test_more_neighbors_than_there_are_rows_is_a_warning():
    found, counts = read_neighbors(np.random.default_rng(0).random((5, 5)), n_neighbors=15)
    assert (counts.edges, counts.short_rows) == (20, 5)
    assert "5 of 5 rows have fewer than 14" in recorded(counts, found, 14)[exceptions.FewerNeighborsWarning]


def test_new_rows_without_a_neighbor_are_no_error():
    found, counts = read_neighbors(
        knn_indices=[[-1, -1]], knn_dists=[[0.0, 1.0]], n_neighbors=2, n_columns=9, drop_self=False
    )
    assert (counts.edges, counts.empty_rows, len(found.indices)) == (0, 1, 0)


def test_missing_neighbors_of_scipy_trees():
    """scipy's trees return the number of points as the index of a missing neighbor, at an infinite distance."""
    points = np.random.default_rng(0).normal(size=(300, 3))
    dists, indices = cKDTree(points).query(points, 9, distance_upper_bound=0.5)
    missing = np.isinf(dists)
    assert missing.any() and (indices[missing] == 300).all()
    found, counts = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=9)
    expected, _ = read_neighbors(knn_indices=np.where(missing, -1, indices), knn_dists=dists, n_neighbors=9)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True)) and counts.sentinels == missing.sum()
    with pytest.raises(ValueError, match="is 300, but indices from 0 to 299 are needed"):
        read_neighbors(knn_indices=indices, knn_dists=np.where(missing, 9.0, dists), n_neighbors=9)
