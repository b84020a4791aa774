"""What is wrong with a graph, or with another sparse array, that was stored or given."""

import numpy as np
from numba import uint64

from umap_sk.kernels.neighbors import OUT_OF_RANGE
from umap_sk.kernels.numbers import f4, mix
from umap_sk.runtime.compile import kernel, serial_kernel

BAD_BOUNDS, UNSORTED, OWN_ROW, BAD_WEIGHT = 5, 6, 7, 8


@kernel
def entry_problem(row, before, j, weight, n, largest):
    """Code of what is wrong with an entry of a graph's row whose last neighbor is `before`, or 0."""
    if j < 0 or j >= n:
        return OUT_OF_RANGE
    if j <= before:
        return UNSORTED
    if j == row:
        return OWN_ROW
    return 0 if 0.0 < weight <= largest else BAD_WEIGHT  # as is NaN


@serial_kernel
def look_at_rows(indptr, indices, weights, first, last, largest, problem):
    """Look for what no fuzzy graph has in the rows [first, last), reading nothing that is not there.

    Returns a sum over the edges of 64 bits that both ends and the weight decide, those of edges to smaller rows
    subtracted: over all rows of a symmetric graph they come to 0, over those of another hardly ever.
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


@serial_kernel
def first_outside(places, limit):
    """Number of the first place that is not in [0, limit); -1 if there is none."""
    for e in range(places.shape[0]):
        if places[e] < 0 or places[e] >= limit:
            return e
    return -1
