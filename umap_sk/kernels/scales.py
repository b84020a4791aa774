"""Local scales: rho, sigma and the membership strengths of each row (McInnes, Healy, Melville 2018, section 3.1)."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.lanes import prefer_wide_vectors
from umap_sk.kernels.neighbors import longest
from umap_sk.kernels.numbers import BLOCK_ROWS, exp_minus, f4, log_of
from umap_sk.runtime.compile import kernel, parallel_kernel

LANES = 64  # rows whose local scales are computed side by side
LARGEST_SIGMA = 2.0**64  # of rows with fewer neighbors than the target sum


@kernel
def nearest_nonzero(distances, first, last, local_connectivity):
    """Return the distance to the `local_connectivity`-th neighbor with a positive distance.

    It is interpolated between neighbors.
    """
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
    """Solve for each row's rho and sigma, so that sum_j exp(-max(0, d_j - rho) / sigma) = target.

    Membership strengths exp(-max(0, d - rho) / sigma) are written to `strengths` unless it is empty. It can be the same
    array as `distances`.

    rho is rounded to float32, like the distances and as in umap-learn. Rows of new points do not contain themselves
    (`self_entries` is 0), and they never use the mean of all rows.
    """
    n = rho.shape[0]
    for block in prange((n + LANES - 1) // LANES):
        prefer_wide_vectors()
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
                excess[e - start, r] = max(0.0, distances[uint64(e)] - local)
        solved = newton_scales(excess, lengths, target)
        for r in range(rows):
            start = indptr[first + r]
            stop = indptr[first + r + 1]
            mean = global_mean
            if rho[first + r] > 0 or self_entries == 0:
                total = 0.0
                for e in range(start, stop):
                    total += np.float64(distances[uint64(e)])
                mean = total / max(1, stop - start + self_entries)
            sigma[first + r] = max(solved[r], 1e-3 * mean)
            if strengths.shape[0] > 0:
                inverse = 1.0 / sigma[first + r] if sigma[first + r] > 0 else 0.0
                for e in range(start, stop):
                    strengths[uint64(e)] = f4(exp_minus(excess[e - start, r] * inverse))


@parallel_kernel
def sums_of_row_blocks(indptr, values, sums):
    """Write the sum of the values of each block of rows."""
    n = indptr.shape[0] - 1
    for block in prange(sums.shape[0]):
        total = 0.0
        for e in range(indptr[block * BLOCK_ROWS], indptr[min(n, (block + 1) * BLOCK_ROWS)]):
            total += np.float64(values[e])
        sums[block] = total


@kernel
def newton_scales(excess, lengths, target):
    """Return sigma of LANES rows side by side, so that the sum is the target up to 1e-5. Rows are padded with zeros.

    Newton's method is applied to the logarithm of the sum, which is convex in 1 / sigma. From 1 / sigma = 0, it only
    increases and does not overshoot. If even an infinite sigma is too small, it is LARGEST_SIGMA. If none is small
    enough, it is 0.
    """
    prefer_wide_vectors()
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
                done[r] = abs(value - target) < 1e-6  # after the next step, it is below 1e-11
                inverse[r] += log_of(max(1.0, value / target)) * value / slope[r]
                result[r] = 1.0 / inverse[r]
    return result
