"""Weighted graphs for the tests of levels, initial layouts and epochs."""

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.layout import coarsen, sell

N = 2500  # more than two blocks of every kernel


def random_graph(seed, n=N, edges=5, hub=True, symmetric=True, ties=True):
    """Return a sparse graph with ties, a hub, distant pairs and disconnected vertices."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(0, n, (2, n * edges // 2))
    near = rng.random(len(rows)) < 0.7
    columns[near] = (rows[near] + rng.integers(1, 5, near.sum())) % n
    if hub:
        rows[: n // 5] = 17
    keep = (rows != columns) & (rows % 50 > 0) & (columns % 50 > 0)
    weights = rng.integers(1, 33, keep.sum()) / np.float32(64)
    if not ties:
        weights = rng.uniform(0.01, 0.37, keep.sum())
    matrix = scipy.sparse.coo_array((weights, (rows[keep], columns[keep])), (n, n)).tocsr()
    if symmetric:
        matrix = (matrix + matrix.T).tocsr()
    matrix.data = np.minimum(matrix.data, np.float32(0.75))
    return FuzzyGraph(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.float32))


def dense(graph, scale=1.0):
    n = len(graph.indptr) - 1
    matrix = scipy.sparse.csr_array((graph.weights, graph.indices, graph.indptr), (n, n))
    return matrix.toarray().astype(float) * scale


def level_of(seed, **options):
    return coarsen.make_finest_level(random_graph(seed, **options))


def alone(level):
    """Return a level that is arranged by itself."""
    return sell.arrange((level,), 0)[0]


def rows_of_slices(laid):
    """Return the row of every entry of the slices."""
    starts = laid.starts
    slice_ = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return slice_ * kernels.SLICE + (np.arange(starts[-1]) - starts[slice_]) % kernels.SLICE


def dense_slices(level):
    """Return the weights of an arranged level as a dense matrix, in its own order."""
    n, weights = level.n_vertices, level.slices.weights.astype(float)
    real = weights > 0
    matrix = np.zeros((n, n))
    np.add.at(matrix, (rows_of_slices(level.slices)[real], level.slices.indices[real].astype(int)), weights[real])
    return matrix


def with_star(graph):
    """Return the graph with weak edges from vertex 17 to all others, so that its row exceeds a chunk of pairs."""
    n = len(graph.indptr) - 1
    matrix = scipy.sparse.csr_array((graph.weights, graph.indices, graph.indptr), (n, n))
    ends = np.delete(np.arange(n), 17)
    star = scipy.sparse.coo_array((np.full(n - 1, 0.01, np.float32), (np.full(n - 1, 17), ends)), (n, n))
    whole = (matrix + star + star.T).tocsr()
    return FuzzyGraph(whole.indptr.astype(np.int64), whole.indices.astype(np.int32), whole.data)


def level_of_matrix(matrix):
    """Return the finest level of a sparse matrix."""
    return coarsen.make_finest_level(
        FuzzyGraph(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
    )


def ring_level(n=400):
    """Return a ring with edges to the two next vertices on either side."""
    weights = scipy.sparse.diags_array([1.0] * 4, offsets=[-2, -1, 1, 2], shape=(n, n), dtype=np.float32).tocsr()
    corner = np.zeros((n, n), np.float32)
    corner[[0, 0, 1, n - 1, n - 2, n - 1], [n - 1, n - 2, n - 1, 0, 0, 1]] = 1
    matrix = scipy.sparse.csr_array(weights + scipy.sparse.csr_array(corner))
    return level_of_matrix(matrix)


def clusters_level():
    """Return three groups without edges between them, with 300, 120 and 2 vertices."""
    rng = np.random.default_rng(3)
    sizes = (300, 120, 2)
    blocks = []
    for size in sizes:
        block = np.zeros((size, size), np.float32)
        steps = np.arange(size)
        block[steps, (steps + 1) % size] = rng.uniform(0.5, 1, size)
        block[steps, (steps + 3) % size] = rng.uniform(0.1, 0.5, size)
        block = np.maximum(block, block.T)
        np.fill_diagonal(block, 0)
        blocks.append(block)
    matrix = scipy.sparse.block_diag(blocks, format="csr")
    return level_of_matrix(matrix)
