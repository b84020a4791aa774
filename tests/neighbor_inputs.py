"""Easy and difficult neighbors to read, and comparisons of the results."""

import naive_neighbors
import numpy as np
import scipy.sparse
from sklearn.neighbors import NearestNeighbors


def hard_arrays(seed, n=41, k=9, n_columns=None):
    """Return unsorted rows with missing and repeated neighbors, ties, zeros and themselves, and an empty row."""
    rng = np.random.default_rng(seed)
    indices = rng.integers(0, n if n_columns is None else n_columns, (n, k))
    dists = rng.integers(0, 12, (n, k)) / 4.0
    dists[9:20] = np.sort(dists[9:20])
    own = rng.random((n, k)) < 0.1
    indices[own] = np.nonzero(own)[0] if n_columns is None else 0
    missing = rng.random((n, k)) < rng.choice([0, 0.2, 0.9], (n, 1))
    indices[missing] = rng.choice([-1, np.iinfo(np.int64).max], missing.sum())
    dists[missing] = rng.choice([-1, np.nan, np.inf, -np.inf, 3], missing.sum())
    indices[7], indices[8], dists[8] = -1, 8, np.nan  # an empty row, and one with only itself
    return indices, dists


def sliced_rows(result):
    """Return the rows of a Neighbors as lists of (index, distance)."""
    ends = result.indptr
    pairs = list(zip(result.indices.tolist(), result.distances.tolist(), strict=True))
    return [pairs[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]


def assert_equal(given, wanted):
    """Check that bits and dtypes are equal."""
    for a, b in zip(given[0][:3], wanted[0][:3], strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()
    assert given[0].n_columns == wanted[0].n_columns
    assert given[1] == wanted[1]


def assert_like_twin(result, rows, **rules):
    found, counts = result
    expected, expected_counts = naive_neighbors.read(rows, **rules)
    assert sliced_rows(found) == [[(j, float(np.float32(d))) for j, d in row] for row in expected]
    assert {name: getattr(counts, name) for name in naive_neighbors.COUNTS} == expected_counts
    assert (counts.rows, counts.edges) == (len(rows), sum(map(len, expected)))
    assert (found.indptr.dtype, found.indices.dtype, found.distances.dtype) == (np.int64, np.int32, np.float32)
    assert found.indptr[0] == 0
    assert found.indptr[-1] == len(found.indices) == len(found.distances)


def clean_arrays(seed=0, n=60, k=8, dtype=np.float32):
    """Return the exact neighbors of random points, each point itself first."""
    points = np.random.default_rng(seed).normal(size=(n, 4))
    dists, indices = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(points)
    return indices.astype(np.int32), dists.astype(dtype)


def sparse_of(indices, dists, n_columns=None):
    """Return a CSR graph with the entries of the arrays in their order."""
    n, k = indices.shape
    parts = (dists.ravel(), indices.ravel().astype(np.int32), np.arange(n + 1, dtype=np.int32) * k)
    return scipy.sparse.csr_array(parts, shape=(n, n_columns or n))
