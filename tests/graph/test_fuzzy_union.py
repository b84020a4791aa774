"""Tests of the fuzzy graph, which must equal that of its naive twin and that of umap-learn."""

import naive_graph as naive
import naive_neighbors
import numpy as np
import pytest
import scipy.sparse
from compiled import compiled
from graphs import N, random_graph
from neighbor_inputs import hard_arrays
from umap.umap_ import fuzzy_simplicial_set

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, compute_fuzzy_union, drop_zeros, fuzzy_graph
from umap_sk.neighbors.read import Neighbors, read_neighbors
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads


def graph_of(indices, dists, n_neighbors, **options):
    neighbors, _ = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=n_neighbors)
    return fuzzy_graph(neighbors, n_neighbors, **options)


def dense(graph):
    n = len(graph.indptr) - 1
    return scipy.sparse.csr_array((graph.weights, graph.indices, graph.indptr), (n, n)).toarray()


def assert_canonical(graph):
    """Check that rows are sorted without repetitions, weights are in (0, 1], and dtypes are the documented ones."""
    assert (graph.indptr.dtype, graph.indices.dtype, graph.weights.dtype) == (np.int64, np.int32, np.float32)
    assert graph.indptr[0] == 0
    assert graph.indptr[-1] == len(graph.indices) == len(graph.weights)
    for first, last in zip(graph.indptr[:-1], graph.indptr[1:], strict=True):
        assert (np.diff(graph.indices[first:last]) > 0).all()
    assert 0 < graph.weights.min() <= graph.weights.max() <= 1


@pytest.mark.parametrize("mix_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("local_connectivity", [0.0, 1.0, 1.75])
@pytest.mark.parametrize("seed", range(3))
def test_graph_is_the_twins(seed, local_connectivity, mix_ratio):
    """The graph equals the twin's with missing and repeated neighbors, ties, zeros and empty rows."""
    indices, dists = hard_arrays(seed)
    rows, counts = naive_neighbors.read(naive_neighbors.rows_of_arrays(indices, dists), wanted=7, n_columns=41)
    assert min(counts["sentinels"], counts["duplicates"], counts["self_entries"], counts["empty_rows"]) > 0
    for symmetrize in (True, False):
        options = {"local_connectivity": local_connectivity, "symmetrize": symmetrize}
        graph = graph_of(indices, dists, 8, set_op_mix_ratio=mix_ratio, **options)
        expected = naive.fuzzy_graph(rows, 8, mix_ratio=mix_ratio, **options)
        assert_canonical(graph)
        np.testing.assert_allclose(dense(graph), expected, atol=1e-6)
        assert ((dense(graph) > 0) == (expected.astype(np.float32) > 0)).all()
        if symmetrize:
            assert (dense(graph) == dense(graph).T).all()


def hub_arrays(n=3000, k=6):
    """Return neighbors of more rows than a kernel's block. All other rows list row 0, which lists the last rows."""
    rng = np.random.default_rng(4)
    indices = np.array([rng.choice(n - 1, k, replace=False) for _ in range(n)])
    indices += indices >= np.arange(n)[:, None]
    indices[1:, 0], indices[0] = 0, np.arange(n - k, n)
    return indices, np.sort(rng.uniform(1, 2, (n, k)), axis=1).astype(np.float32)


def test_graph_of_many_rows_is_the_twins():
    indices, dists = hub_arrays()
    rows, _ = naive_neighbors.read(naive_neighbors.rows_of_arrays(indices, dists), wanted=6, n_columns=3000)
    graph = graph_of(indices, dists, 7)
    assert np.diff(graph.indptr).max() > 2900
    np.testing.assert_allclose(dense(graph), naive.fuzzy_graph(rows, 7), atol=1e-6)


def test_graph_does_not_depend_on_threads():
    graphs = []
    for threads in (1, 2):
        with limit_threads(threads):
            graphs.append(graph_of(*hub_arrays(), 7, set_op_mix_ratio=0.5))
    for a, b in zip(*graphs, strict=True):
        assert a.tobytes() == b.tobytes()


def assert_like_umap_learn(data, local_connectivity, mix_ratio):
    indices, dists = data.knn_indices, data.knn_dists
    options = {"local_connectivity": local_connectivity, "set_op_mix_ratio": mix_ratio}
    theirs, _, _ = fuzzy_simplicial_set(
        data.features, 15, 0, "euclidean", knn_indices=indices, knn_dists=dists, **options
    )
    theirs = scipy.sparse.csr_array(theirs)
    theirs.sort_indices()
    ours = graph_of(indices, dists, 15, **options)
    assert np.array_equal(ours.indptr, theirs.indptr)
    assert np.array_equal(ours.indices, theirs.indices)
    assert np.abs(ours.weights - theirs.data).max() < 1e-5


@pytest.mark.parametrize("mix_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("local_connectivity", [1.0, 1.75])
def test_graph_is_umap_learns_on_digits(digits, local_connectivity, mix_ratio):
    assert_like_umap_learn(digits, local_connectivity, mix_ratio)


@pytest.mark.parametrize("mix_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("local_connectivity", [1.0, 1.75])
def test_graph_is_umap_learns_on_images(images, local_connectivity, mix_ratio):
    assert_like_umap_learn(images, local_connectivity, mix_ratio)


def test_graph_is_umap_learns_where_neighbors_are_missing(digits):
    indices, dists = digits.knn_indices.copy(), digits.knn_dists.copy()
    missing = np.random.default_rng(5).integers(9, 16, len(indices))
    absent = np.arange(15) >= missing[:, None]
    indices[absent], dists[absent] = -1, 1000  # umap-learn counts these, but at this distance they add nothing
    assert_like_umap_learn(digits._replace(knn_indices=indices, knn_dists=dists), 1.0, 1.0)


def test_missing_neighbors_leave_no_trace(digits):
    """The graph of short rows equals that of the same rows padded with sentinels, at any distance."""
    indices, dists = digits.knn_indices[:, :10], digits.knn_dists[:, :10]
    short = graph_of(indices, dists, 15)
    for sentinel, distance in ((-1, np.nan), (-1, 0.0), (2**31 - 1, np.inf)):
        filler = np.full((len(indices), 5), sentinel, np.int32), np.full((len(indices), 5), distance, np.float32)
        filled = graph_of(np.hstack([filler[0], indices]), np.hstack([filler[1], dists]), 15)
        for a, b in zip(short, filled, strict=True):
            assert a.tobytes() == b.tobytes()


def test_union_of_weights_that_vanish():
    """The union has no edge of weight 0, nor one whose weight is too small for float32."""
    indptr, indices = np.array([0, 2, 4, 5, 6, 7, 8]), np.array([1, 2, 0, 3, 3, 2, 5, 4], np.int32)
    weights = np.array([0.5, 0.0, 0.25, 1.0, 0.5, 1e-30, 1e-30, 1e-30], np.float32)
    for mix_ratio in (0.0, 0.25, 1.0):
        directed = FuzzyGraph(indptr, indices, weights.copy())
        expected = naive.fuzzy_union(dense(directed).astype(float), mix_ratio).astype(np.float32)
        assert (expected[4, 5] > 0) == (mix_ratio > 0)
        union = compute_fuzzy_union(directed, mix_ratio)
        assert_canonical(union)
        np.testing.assert_allclose(dense(union), expected, rtol=1e-6)
        assert ((dense(union) > 0) == (expected > 0)).all()


def ragged(seed, n=2600):
    """Return a directed graph with about half of its edges mutual and a fifth of its weights 0.

    Most rows are short. Some are longer than a block or than the number of edges that are looked up at once. Most
    others list row 900, which lists half of them. The first and the last rows are empty, and some others list the last
    ones.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 6, n)
    lengths[[40, 700]], lengths[1500] = 2 * kernels.LOOKED_UP_EDGES, 2 * kernels.BLOCK_ROWS
    lengths[:3] = lengths[-20:] = 0
    rows = np.repeat(np.arange(n), lengths)
    columns = rng.integers(3, n, len(rows))
    columns[np.flatnonzero(np.diff(rows, prepend=-1))] = 900
    back = (rng.random(len(rows)) < 0.5) & (columns < n - 20)
    ends = np.unique(np.stack([np.append(rows, columns[back]), np.append(columns, rows[back])]), axis=1)
    rows, columns = ends[:, ends[0] != ends[1]]
    weights = rng.uniform(0.01, 1, len(rows)).astype(np.float32)
    weights[rng.random(len(rows)) < 0.2] = 0
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))])
    return FuzzyGraph(indptr, columns.astype(np.int32), weights)


@pytest.mark.parametrize("mix_ratio", [0.0, pytest.param(0.3, marks=pytest.mark.long), 1.0])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_union_of_ragged_rows_is_the_twins(seed, mix_ratio):
    """The union equals the twin's, with the same bits on one thread and on two, and with indices of both dtypes."""
    directed = ragged(seed)
    lengths, listed = np.diff(directed.indptr), np.bincount(directed.indices, minlength=2600)
    assert np.sort(lengths)[-4] > kernels.LOOKED_UP_EDGES and lengths[1500] > kernels.BLOCK_ROWS
    assert listed[900] > 2 * kernels.BLOCK_ROWS and not lengths[:3].any() and not listed[:3].any()
    assert not lengths[-20:].any() and listed[-20:].any()
    expected = naive.fuzzy_union(dense(directed).astype(float), mix_ratio)
    found = []
    for threads in (1, 2):
        for dtype in (np.int32, np.uint32):
            with limit_threads(threads):
                used_up = directed._replace(indices=directed.indices.astype(dtype), weights=directed.weights.copy())
                found.append(compute_fuzzy_union(used_up, mix_ratio))
            assert found[-1].indices.dtype == dtype
    assert_canonical(found[0])
    np.testing.assert_allclose(dense(found[0]), expected, rtol=1e-6, atol=1e-7)
    assert ((dense(found[0]) > 0) == (expected > 0)).all()
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("dtype", [np.int32, np.uint32])
def test_rows_are_sorted_by_index(dtype):
    """Rows of any length are sorted by index, and the values move with their indices."""
    rng = np.random.default_rng(8)
    lengths = np.append(rng.integers(0, 30, 1500), [0, 1500, 8, 7, 0])
    rows = [rng.choice(np.iinfo(dtype).max, count, replace=False).astype(dtype) for count in lengths]
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate(rows)
    values = rng.random(len(indices)).astype(np.float32)
    expected = [np.argsort(row) + first for row, first in zip(rows, indptr[:-1], strict=True)]
    order = np.concatenate(expected)
    ordered = indices[order], values[order]
    kernels.sort_rows(as_readonly(indptr), indices, values)
    assert indices.tolist() == ordered[0].tolist()
    assert values.tolist() == ordered[1].tolist()


def test_without_zeros():
    graph = random_graph(0)
    weights = np.where(np.random.default_rng(1).random(len(graph.weights)) < 0.3, np.float32(0), graph.weights)
    weights[graph.indptr[1024] : graph.indptr[1030]] = 0
    expected = scipy.sparse.csr_array((weights, graph.indices, graph.indptr), (N, N), copy=True)
    expected.eliminate_zeros()
    kept = drop_zeros(graph._replace(weights=weights))
    assert_canonical(kept)
    assert kept.indptr.tolist() == expected.indptr.tolist()
    assert kept.indices.tolist() == expected.indices.tolist()
    assert kept.weights.tolist() == expected.data.tolist()
    assert drop_zeros(kept) is kept


@pytest.mark.parametrize("symmetrize", [True, False])
def test_wide_indices_make_the_same_graph(symmetrize):
    neighbors, _ = read_neighbors(knn_indices=hub_arrays()[0], knn_dists=hub_arrays()[1], n_neighbors=7)
    wide = neighbors._replace(indices=neighbors.indices.astype(np.uint32), distances=neighbors.distances.copy())
    expected = fuzzy_graph(neighbors, 7, symmetrize=symmetrize)
    graph = fuzzy_graph(wide, 7, symmetrize=symmetrize)
    assert graph.indices.dtype == np.uint32
    assert graph.indices.tolist() == expected.indices.tolist()
    assert graph.weights.tobytes() == expected.weights.tobytes()


def wide_rows(n_rows=50, most=40):
    """Return unsorted rows of distinct indices between 0 and 2^32."""
    rng = np.random.default_rng(6)
    rows = [rng.choice(2**32 - 1, rng.integers(0, most), replace=False).astype(np.uint32) for _ in range(n_rows)]
    return np.concatenate([[0], np.cumsum([len(row) for row in rows])]), rows


def test_indices_beyond_int32_in_directed_graphs():
    indptr, rows = wide_rows()
    indices = np.concatenate(rows)
    assert indices.max() > 2**31
    distances = np.concatenate([np.sort(np.random.default_rng(7).uniform(1, 2, len(row))) for row in rows])
    distances = distances.astype(np.float32)
    graph = fuzzy_graph(Neighbors(indptr, indices.copy(), distances.copy(), 2**32 - 1), 15, symmetrize=False)
    assert graph.indices.dtype == np.uint32
    scales = naive.local_scales([d.tolist() for d in np.split(distances, indptr[1:-1])], 15)
    for i, row in enumerate(rows):
        own = slice(indptr[i], indptr[i + 1])
        strengths = naive.memberships(distances[own].tolist(), *scales[i])
        expected = sorted(zip(row.tolist(), strengths, strict=True))
        assert graph.indices[own].tolist() == [j for j, _ in expected]
        np.testing.assert_allclose(graph.weights[own], [s for _, s in expected], rtol=1e-6)


def test_places_beyond_int32_are_found():
    _, rows = wide_rows()
    row = np.sort(np.concatenate(rows))
    for place in (0, 1, len(row) // 2, len(row) - 1):
        assert compiled("place_of")(row, 0, len(row), np.int64(row[place])) == place
        assert compiled("place_of")(row, 0, place, np.int64(row[place])) == place  # an entry after the end is not found
        assert compiled("place_of")(row, 0, len(row), np.int64(row[place]) + 1) == place + 1  # where it belongs
    assert compiled("place_of")(row, 0, len(row), np.int64(2**32 - 1)) == len(row)
