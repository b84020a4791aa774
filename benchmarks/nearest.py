"""Nearest neighbors for the benchmark data sets: exact ones where that is affordable, nearly exact ones with their
recall elsewhere.

Searches return ``(indices, distances)``, int32 and float32 of shape (n, k), each row sorted by distance.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit, prange
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_limits

ROWS, COLUMNS = 512, 4096  # a tile of products that stays in the cache
MARGIN = 10  # candidates kept beyond k, because float32 products round


@njit(nogil=True)
def _keep_nearest(products, square_norms, first_row, first_column, among_themselves, values, candidates):
    """Insert a tile's columns into each row's list of candidates, which is sorted by value."""
    width = values.shape[1]
    for r in range(products.shape[0]):
        row = first_row + r
        for c in range(products.shape[1]):
            value = square_norms[first_column + c] - np.float32(2) * products[r, c]
            if value < values[row, width - 1] and not (among_themselves and first_column + c == row):
                slot = width - 1
                while slot > 0 and values[row, slot - 1] > value:
                    values[row, slot] = values[row, slot - 1]
                    candidates[row, slot] = candidates[row, slot - 1]
                    slot -= 1
                values[row, slot] = value
                candidates[row, slot] = first_column + c


@njit(parallel=True)
def _exact_rows(queries, features, candidates, indices, distances):
    """Distances to the candidates in float64, the nearest kept in the order (distance, index)."""
    for i in prange(len(queries)):
        square = np.empty(candidates.shape[1])
        for c in range(len(square)):
            j = candidates[i, c]
            square[c] = 0.0 if j >= 0 else np.inf
            for f in range(features.shape[1] if j >= 0 else 0):
                difference = np.float64(queries[i, f]) - np.float64(features[j, f])
                square[c] += difference * difference
        for slot in range(indices.shape[1]):
            best = 0
            for c in range(1, len(square)):
                if square[c] < square[best] or (square[c] == square[best] and candidates[i, c] < candidates[i, best]):
                    best = c
            indices[i, slot], distances[i, slot] = candidates[i, best], np.sqrt(square[best])
            square[best] = np.inf


def _ranked(queries, features, candidates, k):
    indices = np.empty((len(candidates), k), np.int32)
    distances = np.empty((len(candidates), k), np.float32)
    _exact_rows(queries, features, candidates, indices, distances)
    return indices, distances


def _with_itself(indices, distances):
    rows = np.arange(len(indices), dtype=np.int32)
    return np.c_[rows, indices], np.c_[np.zeros(len(rows), np.float32), distances]


def between(queries, features, k, among_themselves=False, threads=2):
    """Exact neighbors of the queries among the features: float32 products, then exact distances of the nearest.

    ``among_themselves``: queries and features are the same, and no point is its own neighbor.
    """
    width = min(len(features) - among_themselves, k + MARGIN)
    mean = features.mean(0, dtype=np.float64).astype(np.float32)
    centered = np.ascontiguousarray(features - mean, np.float32)
    square_norms = np.einsum("ij,ij->i", centered, centered)
    values = np.full((len(queries), width), np.inf, np.float32)
    candidates = np.full((len(queries), width), -1, np.int32)

    def search(row):
        block = np.ascontiguousarray(queries[row : row + ROWS] - mean, np.float32)
        for column in range(0, len(features), COLUMNS):
            products = block @ centered[column : column + COLUMNS].T
            _keep_nearest(products, square_norms, row, column, among_themselves, values, candidates)

    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        list(pool.map(search, range(0, len(queries), ROWS)))
    return _ranked(queries, features, candidates, k)


def brute_force(features, k):
    """Exact neighbors of every point, the point itself first."""
    return _with_itself(*between(features, features, k - 1, among_themselves=True))


def tree_search(features, k, chunk=200_000):
    """Exact neighbors of low-dimensional points by a KD-tree, the point itself first."""
    tree = cKDTree(features)
    indices = np.empty((len(features), k), np.int32)
    distances = np.empty((len(features), k), np.float32)
    for begin in range(0, len(features), chunk):
        rows = slice(begin, min(begin + chunk, len(features)))
        distances[rows], indices[rows] = tree.query(features[rows], k, workers=2)
        _self_first(indices[rows], distances[rows], np.arange(rows.start, rows.stop))
    return indices, distances


def _self_first(indices, distances, rows):
    """Puts each row's own index first where a copy of the point was listed before it, in place."""
    for r in np.flatnonzero(indices[:, 0] != rows):
        own = np.flatnonzero(indices[r] == rows[r])
        last = own[0] if len(own) else indices.shape[1] - 1
        indices[r, 1 : last + 1] = indices[r, :last].copy()
        distances[r, 1 : last + 1] = distances[r, :last].copy()
        indices[r, 0], distances[r, 0] = rows[r], 0


@njit(parallel=True)
def _neighbors_of_neighbors(features, indices, candidates):
    """Replace each row's list of candidates by its best ones among its neighbors and their neighbors."""
    n, k = indices.shape
    width = candidates.shape[1]
    for i in prange(n):
        values = np.full(width, np.inf, np.float32)
        kept = np.full(width, -1, np.int32)
        for a in range(1, k):
            if indices[i, a] < 0:
                continue
            for b in range(k):
                j = indices[indices[i, a], b]
                if j < 0 or j == i:
                    continue
                value = np.float32(0)
                for f in range(features.shape[1]):
                    difference = features[i, f] - features[j, f]
                    value += difference * difference
                if value >= values[width - 1] or _listed(kept, j):
                    continue
                slot = width - 1
                while slot > 0 and values[slot - 1] > value:
                    values[slot], kept[slot] = values[slot - 1], kept[slot - 1]
                    slot -= 1
                values[slot], kept[slot] = value, j
        candidates[i] = kept


@njit
def _listed(kept, j):
    for other in kept:
        if other == j:
            return True
    return False


def descent(features, k, seed=0):
    """Nearly exact neighbors: PyNNDescent's, then two passes over their neighbors; the point itself first."""
    from pynndescent import NNDescent

    index = NNDescent(features, n_neighbors=k + 5, n_trees=12, random_state=seed, n_jobs=2, low_memory=True)
    indices = np.ascontiguousarray(index.neighbor_graph[0], np.int32)
    candidates = np.empty((len(features), k + MARGIN), np.int32)
    _neighbors_of_neighbors(features, indices, candidates)
    indices = np.c_[np.arange(len(features), dtype=np.int32), candidates]
    _neighbors_of_neighbors(features, indices, candidates)
    return _with_itself(*_ranked(features, features, candidates, k - 1))


def sampled_recall(features, others, sample=1000, seed=0):
    """Share of the true neighbors of ``sample`` random rows that are listed in ``others``, which leave out the point.

    A listed neighbor that is as near as the last true one counts, so that ties do not.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(features), min(sample, len(features)), replace=False))
    k = others.shape[1]
    found = 0
    for i in rows:
        square = ((features - features[i]).astype(np.float64) ** 2).sum(1)
        square[i] = -1.0
        limit = np.partition(square, k)[k]
        found += (square[others[i]] <= limit * (1 + 1e-6)).sum()
    return float(found / (len(rows) * k))
