"""Local scales: rho, sigma and the membership strengths of every row (McInnes, Healy, Melville 2018, section 3.1)."""

import numpy as np
from numba import prange

from umap_sk.kernels.neighbors import longest
from umap_sk.kernels.numbers import BLOCK_ROWS, exp_minus, f4, log_of
from umap_sk.runtime.compile import kernel, parallel_kernel

LANES = 64  # rows whose local scales are solved side by side
LARGEST_SIGMA = 2.0**64  # sigma of rows with fewer neighbors than the sum that is asked for


@kernel
def nearest_nonzero(distances, first, last, local_connectivity):
    """Distance to the `local_connectivity`-th neighbor that is not at distance 0, interpolated between neighbors."""
    while first < last and distances[first] <= 0:
        first += 1
    if first == last:
        return 0.0
    if last - first < local_connectivity:
        return np.float64(distances[last - 1])
    whole = np.int64(np.floor(local_connectivity))
    part = local_connectivity - whole
    if whole == 0:
        return part * distances[first]
    rho = np.float64(distances[first + whole - 1])
    if part > 1e-5:
        rho += part * (np.float64(distances[first + whole]) - rho)
    return rho


@parallel_kernel
def solve_scales(indptr, distances, target, local_connectivity, self_entries, global_mean, rho, sigma, strengths):
    """Local scales of every row: rho, and sigma so that sum_j exp(-max(0, d_j - rho) / sigma) = target.

    Membership strengths exp(-max(0, d - rho) / sigma) are written to `strengths`, unless it is empty; it may be
    `distances`.

    rho is rounded to float32, as the distances are and as umap-learn does. Rows of new points, which are not entries of
    their own (`self_entries` is 0), never look at the mean of all rows.
    """
    n = rho.shape[0]
    for block in prange((n + LANES - 1) // LANES):
        first = block * LANES
        rows = min(LANES, n - first)
        width = longest(indptr, first, first + rows)
        excess = np.zeros((width, LANES))
        lengths = np.zeros(LANES, np.int64)
        for r in range(rows):
            start = indptr[first + r]
            stop = indptr[first + r + 1]
            local = np.float64(f4(nearest_nonzero(distances, start, stop, local_connectivity)))
            rho[first + r] = local
            lengths[r] = stop - start
            for e in range(start, stop):
                excess[e - start, r] = max(0.0, distances[e] - local)
        solved = newton_scales(excess, lengths, target)
        for r in range(rows):
            start = indptr[first + r]
            stop = indptr[first + r + 1]
            mean = global_mean
            if rho[first + r] > 0 or self_entries == 0:
                total = 0.0
                for e in range(start, stop):
                    total += distances[e]
                mean = total / max(1, stop - start + self_entries)
            sigma[first + r] = max(solved[r], 1e-3 * mean)
            if strengths.shape[0] > 0:
                inverse = 1.0 / sigma[first + r] if sigma[first + r] > 0 else 0.0
                for e in range(start, stop):
                    strengths[e] = f4(exp_minus(excess[e - start, r] * inverse))


@parallel_kernel
def sums_of_row_blocks(indptr, values, sums):
    """Sum of all values of every block of rows."""
    n = indptr.shape[0] - 1
    for block in prange(sums.shape[0]):
        total = 0.0
        for e in range(indptr[block * BLOCK_ROWS], indptr[min(n, (block + 1) * BLOCK_ROWS)]):
            total += values[e]
        sums[block] = total


@kernel
def newton_scales(excess, lengths, target):
    """Sigma of LANES rows side by side, so that the sum is the target to 1e-5; rows are filled up with zeros.

    Newton's method on the logarithm of the sum, which is convex in 1 / sigma: from 1 / sigma = 0 it only rises, and
    does not overshoot. Where even an infinite sigma is too small, it is LARGEST_SIGMA; where none is small enough, 0.
    """
    width = excess.shape[0]
    inverse = np.zeros(LANES)
    total = np.empty(LANES)
    slope = np.empty(LANES)
    result = np.full(LANES, LARGEST_SIGMA)
    done = np.ones(LANES, np.bool_)
    for r in range(LANES):
        zeros = 0
        mean = 0.0
        for c in range(lengths[r]):
            zeros += excess[c, r] == 0.0
            mean += excess[c, r] / lengths[r]
        if zeros >= target - 1e-5 and lengths[r] > target:
            result[r] = 0.0
        elif lengths[r] > target:
            inverse[r] = log_of(lengths[r] / target) / mean
            done[r] = False
    for _ in range(64):
        if done.sum() == LANES:
            break
        total[:] = 0.0
        slope[:] = 0.0
        for c in range(width):
            for r in range(LANES):
                term = exp_minus(excess[c, r] * inverse[r])
                total[r] += term
                slope[r] += excess[c, r] * term
        for r in range(LANES):
            if not done[r]:
                value = total[r] - (width - lengths[r])
                done[r] = abs(value - target) < 1e-6  # the step that follows makes it less than 1e-11
                inverse[r] += log_of(max(1.0, value / target)) * value / slope[r]
                result[r] = 1.0 / inverse[r]
    return result
