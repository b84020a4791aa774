"""Lengths of coarse edges equal those of their naive twin: the shortest paths between roots."""

import naive_paths as naive
import numpy as np
import pytest
import scipy.sparse
from graphs import level_of, random_graph

from umap_sk.layout import coarsen
from umap_sk.layout.edge_lengths import (
    EdgeLengths,
    coarsen_lengths,
    coarsen_to_last_level,
    compute_end_lengths,
    make_finest_lengths,
)
from umap_sk.layout.pivot_mds import make_path_graph
from umap_sk.runtime.threads import limit_threads

N = 900


def distances_of(n, seed=0):
    return 10 ** np.random.default_rng(seed).uniform(-2, 1, n).astype(np.float32)


def dense_lengths(lengths):
    """Return lengths of edges as a matrix, with infinity for missing edges."""
    n = len(lengths.ends)
    rows = np.repeat(np.arange(n), np.diff(lengths.indptr))
    out = np.full((n, n), np.inf)
    out[rows, lengths.indices] = lengths.ends[rows] + lengths.ends[lengths.indices] + lengths.between
    return out


def dense_weights(level):
    return scipy.sparse.csr_array((level.weights, level.indices, level.indptr), (level.n_vertices,) * 2).toarray()


def test_finest_edges_are_as_long_as_the_mean_of_their_ends():
    """The edges are those of the graph. The unit is the longest mean distance."""
    level, distances = level_of(0, n=N), distances_of(N)
    lengths = make_finest_lengths(level, distances)
    assert np.shares_memory(lengths.indices, level.indices) and lengths.between.shape == (1,)
    expected = naive.edge_lengths(dense_weights(level), distances / distances.max())
    np.testing.assert_allclose(dense_lengths(lengths), expected, rtol=1e-6)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("depth", [1, 2])
def test_coarser_lengths_are_the_twins(depth, symmetric):
    """All edges between two groups count, also those that are too weak for the level."""
    graph = random_graph(4, n=N, symmetric=symmetric, ties=False)
    built = coarsen.build_levels(graph, 3, largest=1)[: depth + 1]
    finer = coarsen_to_last_level(built[:-1], make_finest_lengths(built[0], distances_of(N)))
    level = built[-1]
    lengths = coarsen_lengths(finer, level)
    expected = naive.coarser_lengths(dense_lengths(finer), level.owner, level.root)
    np.testing.assert_allclose(dense_lengths(lengths), expected, rtol=1e-6)
    assert lengths.between.dtype == np.float32 and not lengths.ends.any()
    assert np.isfinite(expected[dense_weights(level) > 0]).all()
    assert len(lengths.indices) > len(level.indices)


def test_lengths_along_a_path_are_the_differences_of_roots():
    """On each level of a path, the length of an edge is the distance between roots, for groups of any size."""
    n = 5000
    matrix = scipy.sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n), format="csr").astype(np.float32)
    graph = coarsen.FuzzyGraph(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
    built = coarsen.build_levels(graph, 0, largest=100)
    assert len(built) > 3
    lengths, roots = make_finest_lengths(built[0], np.ones(n, np.float32)), np.arange(n)
    for level in built[1:]:
        lengths, roots = coarsen_lengths(lengths, level), roots[level.root]
        found = dense_lengths(lengths)
        edges = np.isfinite(found)
        assert np.array_equal(found[edges], np.abs(roots[:, None] - roots)[edges])


def test_parts_and_threads_make_the_same_bits(monkeypatch):
    levels = coarsen.build_levels(random_graph(12, n=N), 0, largest=1)[:3]
    found = set()
    for threads, at_once in ((1, 2**21), (2, 2**21), (2, 100)):
        monkeypatch.setattr(coarsen, "EDGES_PER_MERGE", at_once)
        with limit_threads(threads):
            lengths = coarsen_to_last_level(levels, make_finest_lengths(levels[0], distances_of(N)))
        found.add(b"".join(array.tobytes() for array in lengths))
    assert len(found) == 1


def test_paths_lead_both_ways_by_the_shorter_of_two_edges():
    """Paths use an edge in both directions with its smaller length, also if one end lists it or its length is 0."""
    between = np.array([5, 2, 3, 0, 0], np.float32)
    indptr, indices = np.array([0, 1, 4, 5]), np.array([1, 0, 2, 3, 1], np.int32)
    indptr = np.append(indptr, 5)
    paths = make_path_graph(EdgeLengths(indptr, indices, between, np.zeros(4, np.float32)), np.ones(4, np.float32))
    rows = np.repeat(np.arange(4), np.diff(paths.indptr))
    found = {(i, j): length for i, j, length in zip(rows.tolist(), paths.indices.tolist(), paths.lengths, strict=True)}
    assert found == {(0, 1): 2, (1, 0): 2, (1, 2): 0, (2, 1): 0, (1, 3): 0, (3, 1): 0}
    assert len(set(paths.component.tolist())) == 1


@pytest.mark.parametrize("unit", [1e-44, 1e-20, 1e37, 3e38])
def test_ends_at_the_ends_of_float32(unit):
    ends = compute_end_lengths(np.float32(unit) * np.array([0, 1], np.float32))
    assert ends.dtype == np.float32 and ends.tolist() == [0, 0.5]
    assert compute_end_lengths(np.zeros(2, np.float32)).tolist() == [0, 0]
