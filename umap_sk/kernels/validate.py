"""Checks of graphs and other sparse arrays that were stored or given."""

import numpy as np
from numba import uint64

from umap_sk.kernels.neighbors import OUT_OF_RANGE
from umap_sk.kernels.numbers import f4, mix
from umap_sk.runtime.compile import kernel, serial_kernel

BAD_BOUNDS, UNSORTED, OWN_ROW, BAD_WEIGHT = 5, 6, 7, 8


@kernel
def entry_problem(row, before, j, weight, n, largest):
    """Return the code of the problem with an entry of a graph's row whose last neighbor is `before`, or 0."""
    if j < 0 or j >= n:
        return OUT_OF_RANGE
    if j <= before:
        return UNSORTED
    if j == row:
        return OWN_ROW
    return 0 if 0.0 < weight <= largest else BAD_WEIGHT  # also for NaN


@serial_kernel
def check_rows(indptr, indices, weights, first, last, largest, problem):
    """Check the rows [first, last) of a fuzzy graph, without reading beyond its arrays.

    Returns a sum of 64 bits per edge that depend on both ends and the weight. Edges to smaller rows are subtracted.
    Over all rows, the sum is 0 for a symmetric graph, and hardly ever for another one.
    """
    n = indptr.shape[0] - 1
    total = uint64(0)
    for i in range(first, last):
        start = indptr[i]
        stop = indptr[i + 1]
        if start < 0 or stop < start or stop > indices.shape[0]:
            problem[0], problem[1], problem[2] = BAD_BOUNDS, i, 0
            return total
        before = np.int64(-1)
        for e in range(start, stop):
            j = np.int64(indices[e])
            code = entry_problem(i, before, j, weights[e], n, largest)
            if code != 0:
                problem[0], problem[1], problem[2] = code, i, e
                return total
            low, high = (i, j) if i < j else (j, i)
            bits = mix((uint64(low) << uint64(32)) | uint64(high)) ^ uint64(f4(weights[e]).view(np.uint32))
            total += mix(bits) if i < j else uint64(0) - mix(bits)
            before = j
    return total
