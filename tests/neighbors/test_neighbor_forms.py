"""Tests of the forms, dtypes and memory layouts of the input: each gives the same neighbors and is not modified."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from neighbor_inputs import assert_equal, clean_arrays, hard_arrays, sparse_of

from umap_sk.neighbors.read import knn_graph, read_neighbors

INDEX_DTYPES = ["i2", "i4", "i8", "u2", "u4", "u8", ">i4", ">i8", ">u4"]
DIST_DTYPES = ["f2", "f4", "f8", ">f4", ">f8", "g", "i4", "u8"]
FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr"]


@pytest.mark.parametrize("dtype", INDEX_DTYPES)
def test_index_dtypes(dtype):
    indices, dists = clean_arrays()
    indices[3, 4:] = indices[5, 2] = -1
    wanted = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=6)
    assert wanted[1].sentinels == 5
    given = indices.astype(np.int64)
    given[given == -1] = -1 if dtype == "u8" else np.iinfo(dtype).max
    given = given.astype(dtype)
    assert given[3, 4] == np.iinfo(dtype).max
    assert_equal(read_neighbors(knn_indices=given, knn_dists=dists, n_neighbors=6), wanted)
    if np.dtype(dtype).kind == "i":
        given[3, 5] = -1
        assert_equal(read_neighbors(knn_indices=given, knn_dists=dists, n_neighbors=6), wanted)


@pytest.mark.parametrize("dtype", DIST_DTYPES)
def test_distance_dtypes(dtype):
    indices, dists = clean_arrays()
    dists = np.floor(dists * 64)
    wanted = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=8)
    assert_equal(read_neighbors(knn_indices=indices, knn_dists=dists.astype(dtype), n_neighbors=8), wanted)
    graph, matrix = sparse_of(indices, dists.astype(dtype)), np.full((60, 60), 4000.0)
    matrix[np.arange(60)[:, None], indices] = dists
    if np.dtype(dtype).kind != "f" or dtype in ("f4", "f8"):
        assert_equal(read_neighbors(graph, n_neighbors=8), wanted)
    found, counts = read_neighbors(matrix.astype(dtype), n_neighbors=8)
    assert_equal((found, counts._replace(self_entries=60)), wanted)


@pytest.mark.parametrize(
    "layout", ["fortran", "strided", "reversed", "read-only", "unaligned", "list", "pandas", "polars"]
)
def test_layouts(layout):
    indices, dists = hard_arrays(5)
    wanted = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=6)
    matrix = np.random.default_rng(0).random((41, 41))
    wanted_matrix = read_neighbors(matrix, n_neighbors=6)

    def change(array):
        if layout == "strided":
            wide = np.full((2 * len(array), 3 * array.shape[1]), 99).astype(array.dtype)
            wide[::2, ::3] = array
            return wide[::2, ::3]
        if layout == "unaligned":
            raw = np.zeros(array.nbytes + 1, np.uint8)
            unaligned = raw[1:].view(array.dtype).reshape(array.shape)
            unaligned[...] = array
            return unaligned
        if layout == "read-only":
            array = array.copy()
            array.flags.writeable = False
            return array
        if layout == "reversed":
            return np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]
        makers = {
            "fortran": np.asfortranarray,
            "list": np.ndarray.tolist,
            "pandas": pd.DataFrame,
            "polars": pl.DataFrame,
        }
        return makers[layout](array)

    assert_equal(read_neighbors(knn_indices=change(indices), knn_dists=change(dists), n_neighbors=6), wanted)
    assert_equal(read_neighbors(change(matrix), n_neighbors=6), wanted_matrix)


@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("format", FORMATS)
def test_sparse_formats_keep_explicit_zeros(format, kind):
    indices, dists = clean_arrays()
    dists[:, 1] = 0  # a neighbor at distance 0 besides the row itself
    wanted = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=6)
    rows = np.repeat(np.arange(60), 8)
    graph = getattr(scipy.sparse, f"coo_{kind}")((dists.ravel(), (rows, indices.ravel())), shape=(60, 60))
    graph = graph.tobsr(blocksize=(1, 1)) if format == "bsr" else graph.asformat(format)
    given, counts = read_neighbors(graph, n_neighbors=6)
    assert_equal((given, counts._replace(self_entries=wanted[1].self_entries)), wanted)
    assert counts.self_entries in (60, wanted[1].self_entries)  # dok and lil drop no zeros either
    assert (given.distances == 0).sum() == 60


def test_dia_has_no_zeros_and_is_read_without():
    graph = scipy.sparse.dia_array((np.array([[1.0, 2, 3], [9, 4, 0]]), [-1, 1]), shape=(3, 3))
    found, _ = read_neighbors(graph, n_neighbors=3)
    assert (found.indptr.tolist(), found.indices.tolist(), found.distances.tolist()) == (
        [0, 1, 2, 3],
        [1, 0, 1],
        [4, 1, 2],
    )


@pytest.mark.parametrize("format", ["coo", "csc", "csr"])
def test_sparse_duplicates_are_not_added_up(format):
    rows, columns, dists = [0, 0, 0, 1, 2], [1, 2, 1, 0, 0], [3.0, 4.0, 2.0, 1.0, 1.0]
    if format == "coo":
        graph = scipy.sparse.coo_array((dists, (rows, columns)), shape=(3, 3))
    elif format == "csr":
        graph = scipy.sparse.csr_array((dists, columns, [0, 3, 4, 5]), shape=(3, 3))
    else:
        graph = scipy.sparse.csc_array(([1.0, 1.0, 3.0, 2.0, 4.0], [1, 2, 0, 0, 0], [0, 2, 4, 5]), shape=(3, 3))
    found, counts = read_neighbors(graph, n_neighbors=3)
    assert (found.indices.tolist(), found.distances.tolist()) == ([1, 2, 0, 0], [2, 4, 1, 1])
    assert counts.duplicates == 1


def test_bsr_with_filled_blocks_is_refused_only_where_zeros_are_ambiguous():
    full = scipy.sparse.bsr_array(
        np.array([[1.0, 2, 0, 0], [3, 4, 0, 0], [0, 0, 5, 6], [0, 0, 7, 8]]), blocksize=(2, 2)
    )
    assert read_neighbors(full, n_neighbors=2)[0].distances.tolist() == [2, 3, 6, 7]
    full.data[0, 0, 1] = 0
    with pytest.raises(ValueError, match=r"blocks of \(2, 2\).*CSR"):
        read_neighbors(full, n_neighbors=2)


def test_memory_maps(tmp_path):
    indices, dists = hard_arrays(5)
    wanted = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=6)
    np.save(tmp_path / "i.npy", indices)
    np.save(tmp_path / "d.npy", dists)
    given = {"knn_indices": np.load(tmp_path / "i.npy", "r"), "knn_dists": np.load(tmp_path / "d.npy", "r")}
    assert_equal(read_neighbors(**given, n_neighbors=6), wanted)


def test_inputs_are_left_alone():
    indices, dists = hard_arrays(2)
    graph = sparse_of(*clean_arrays())
    graph.indices[:8] = graph.indices[:8][::-1]
    graph.data[:8] = graph.data[:8][::-1]
    matrix = np.random.default_rng(0).random((30, 30))
    held = [indices, dists, graph.indices, graph.data, graph.indptr, matrix]
    before = [array.copy() for array in held]
    parts = graph.indices, graph.data, graph.indptr
    read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=5)
    read_neighbors(graph, n_neighbors=5)
    read_neighbors(matrix, n_neighbors=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        knn_graph(*clean_arrays())
    assert all(a.tobytes() == b.tobytes() for a, b in zip(held, before, strict=True))
    assert all(a is b for a, b in zip(parts, (graph.indices, graph.data, graph.indptr), strict=True))
