"""Shortest paths for pivot MDS, and linear algebra for spectral layouts with a fixed order of sums."""

import numpy as np
from numba import prange, uint32

from umap_sk.kernels.numbers import f4
from umap_sk.runtime.compile import kernel, parallel_kernel, serial_kernel

PIVOTS = 16  # vertices whose shortest paths are computed side by side
PATH_BLOCK_ROWS = 256  # rows whose paths one thread shortens in turn
MAX_SWEEPS = 40  # of Jacobi's rotations, far more than needed


@parallel_kernel
def relax_paths(indptr, indices, lengths, backwards, distances, changed):
    """Shorten paths from PIVOTS sources in place, as in the Bellman-Ford algorithm. Each edge has a length.

    Edges are processed four at a time, since a store after each edge would delay the next load. If there are fewer, the
    last one is repeated. Rows may read what other threads have just written. The caller repeats this until nothing
    changes. A sum of floats only falls with its terms, so the result is the greatest fixed point in any order (Tarski
    1955).
    """
    n = distances.shape[0]
    for block in prange(changed.shape[0]):
        low = block * PATH_BLOCK_ROWS
        high = min(n, low + PATH_BLOCK_ROWS)
        best = np.empty(PIVOTS, f4)
        changed[block] = 0
        for step in range(high - low):
            i = high - 1 - step if backwards else low + step
            for lane in range(PIVOTS):
                best[lane] = distances[i, lane]
            last = indptr[i + 1] - 1
            for e in range(indptr[i], last + 1, 4):
                e1, e2, e3 = min(e + 1, last), min(e + 2, last), min(e + 3, last)
                j, j1, j2, j3 = uint32(indices[e]), uint32(indices[e1]), uint32(indices[e2]), uint32(indices[e3])
                length, length1, length2, length3 = lengths[e], lengths[e1], lengths[e2], lengths[e3]
                for lane in range(PIVOTS):
                    one = min(distances[j, lane] + length, distances[j1, lane] + length1)
                    other = min(distances[j2, lane] + length2, distances[j3, lane] + length3)
                    best[lane] = min(best[lane], min(one, other))
            for lane in range(PIVOTS):
                if best[lane] < distances[i, lane]:
                    distances[i, lane] = best[lane]
                    changed[block] = 1


@serial_kernel
def filter_step(indptr, indices, weights, now, before, center, factor, share, out):
    """Write factor * (A @ now - center * now) - share * before for all columns of a block."""
    n, width = now.shape
    for i in range(n):
        for k in range(width):
            out[i, k] = -center * now[i, k]
        for e in range(indptr[i], indptr[i + 1]):
            for k in range(width):
                out[i, k] += weights[e] * now[indices[e], k]
        for k in range(width):
            out[i, k] = factor * out[i, k] - share * before[i, k]


@serial_kernel
def inner_products(left, right, out):
    """Write left.T @ right, row by row."""
    out[:] = 0.0
    for i in range(left.shape[0]):
        for j in range(left.shape[1]):
            for k in range(right.shape[1]):
                out[j, k] += left[i, j] * right[i, k]


@kernel
def rotate(rows, p, q, c, s):
    """Rotate two rows of a matrix."""
    for k in range(rows.shape[1]):
        x = rows[p, k]
        y = rows[q, k]
        rows[p, k] = c * x - s * y
        rows[q, k] = s * x + c * y


@serial_kernel
def diagonalize(matrix, vectors):
    """Rotate a symmetric matrix of norm about 1 until it is diagonal, by Jacobi's method.

    The rows of `vectors` are rotated with it. If they are the identity at first, they become the eigenvectors. Row k
    belongs to matrix[k, k].
    """
    n = matrix.shape[0]
    for _sweep in range(MAX_SWEEPS):
        still = True
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(matrix[p, q]) > 1e-15:
                    still = False
                    slope = (matrix[q, q] - matrix[p, p]) / (2.0 * matrix[p, q])
                    tangent = (1.0 if slope >= 0.0 else -1.0) / (abs(slope) + np.sqrt(slope * slope + 1.0))
                    c = 1.0 / np.sqrt(tangent * tangent + 1.0)
                    s = tangent * c
                    rotate(matrix, p, q, c, s)
                    rotate(matrix.T, p, q, c, s)
                    rotate(vectors, p, q, c, s)
        if still:
            break
