"""Edges that are sent between pieces equal those of dense matrices."""

import numpy as np
import pytest
from graphs import dense, random_graph

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, compute_fuzzy_union
from umap_sk.runtime.compile import as_readonly

N = 1_500


def rows_between(graph, first, last):
    indptr = graph.indptr[first : last + 1] - graph.indptr[first]
    edges = slice(graph.indptr[first], graph.indptr[last])
    return FuzzyGraph(indptr, graph.indices[edges].copy(), graph.weights[edges].copy())


def read_only(graph):
    return tuple(as_readonly(array) for array in graph)


def sent(graph, first_row, first, last):
    counts = np.zeros(last - first, np.int64)
    kernels.count_sent(*read_only(graph)[:2], first, counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    sources, weights = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
    kernels.fill_sent(*read_only(graph), first_row, first, starts[:-1].copy(), sources, weights)
    return FuzzyGraph(starts, sources, weights)


@pytest.mark.parametrize("first, last", [(0, N), (300, 701), (1_499, N)])
def test_edges_are_sent_to_their_targets(first, last):
    graph = random_graph(0, n=N, symmetric=False)
    whole = dense(graph)
    for rows in ((0, N), (400, 1_100)):
        found = sent(rows_between(graph, *rows), rows[0], first, last)
        expected = np.zeros_like(whole)
        expected[rows[0] : rows[1]] = whole[rows[0] : rows[1]]
        for target in range(first, last):
            row = slice(*found.indptr[target - first : target - first + 2])
            sources = np.flatnonzero(expected[:, target])
            np.testing.assert_array_equal(found.indices[row], sources)
            np.testing.assert_array_equal(found.weights[row], expected[sources, target].astype(np.float32))


@pytest.mark.parametrize("ratio", [1.0, 0.4, 0.0])
def test_rows_and_what_was_sent_make_the_union(ratio):
    """The bits are those of the union in one piece, also with weights of 0."""
    graph = random_graph(1, n=N, symmetric=False)
    graph.weights[::7] = 0
    expected = compute_fuzzy_union(graph._replace(weights=graph.weights.copy()), ratio)
    first, last = 256, 1_300
    own, more = rows_between(graph, first, last), sent(graph, 0, first, last)
    room = own.indptr + more.indptr
    indices, weights = np.empty(room[-1], np.int32), np.empty(room[-1], np.float32)
    lengths = np.empty(last - first, np.int64)
    kernels.unite_rows(*read_only(own), *read_only(more), np.float32(ratio), indices, weights, lengths)
    for row in range(last - first):
        found = slice(room[row], room[row] + lengths[row])
        wanted = slice(*expected.indptr[first + row : first + row + 2])
        np.testing.assert_array_equal(indices[found], expected.indices[wanted])
        np.testing.assert_array_equal(weights[found], expected.weights[wanted])


def test_rows_are_copied_and_appended():
    graph = random_graph(2, n=N)
    rows = np.array([700, 3, 3, 17, 1_499])
    lengths = np.diff(graph.indptr)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    out = FuzzyGraph(starts, np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32))
    kernels.copy_rows(*read_only(graph), rows, as_readonly(starts), out.indices, out.weights)
    wanted = np.concatenate([np.arange(graph.indptr[row], graph.indptr[row + 1]) for row in rows])
    np.testing.assert_array_equal(out.indices, graph.indices[wanted])
    np.testing.assert_array_equal(out.weights, graph.weights[wanted])
    twice = FuzzyGraph(2 * starts, np.zeros(2 * starts[-1], np.int32), np.zeros(2 * starts[-1], np.float32))
    for shift in (np.zeros_like(lengths), lengths):
        places = as_readonly(twice.indptr[:-1] + shift)
        kernels.copy_rows(*read_only(out), np.arange(len(rows)), places, twice.indices, twice.weights)
    pairs = np.concatenate([np.tile(np.arange(*starts[k : k + 2]), 2) for k in range(len(rows))])
    np.testing.assert_array_equal(twice.indices, out.indices[pairs])
    np.testing.assert_array_equal(twice.weights, out.weights[pairs])
