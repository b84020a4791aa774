"""Local scales: rho, sigma and the membership strengths of each row (McInnes, Healy, Melville 2018, section 3.1)."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.lanes import prefer_wide_vectors
from umap_sk.kernels.neighbors import longest
from umap_sk.kernels.numbers import BLOCK_ROWS, exp_minus, f4, log_of
from umap_sk.runtime.compile import kernel, parallel_kernel

LANES = 64  # rows whose local scales are computed side by side
LARGEST_SIGMA = 2.0**64  # of rows with fewer neighbors than the target sum
MAX_ERROR = 1e-9  # estimated error of the sum's logarithm
SMALLEST_SUM = 1e-12  # smallest sum whose logarithm is taken, because rounding may leave none


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
        lanes = np.zeros((width, LANES))
        lengths = np.zeros(LANES, np.int64)
        local = np.zeros(LANES)
        for r in range(rows):
            start = indptr[first + r]
            stop = indptr[first + r + 1]
            local[r] = np.float64(f4(nearest_nonzero(distances, start, stop, local_connectivity)))
            rho[first + r] = local[r]
            lengths[r] = stop - start
            for e in range(lengths[r]):
                lanes[e, r] = distances[uint64(start + e)]
        means = subtract_local(lanes, local, lengths, self_entries)
        solved = solve_sigma(lanes, lengths, target)
        for r in range(rows):
            mean = means[r] if local[r] > 0 or self_entries == 0 else global_mean
            solved[r] = max(solved[r], 1e-3 * mean)
            sigma[first + r] = solved[r]
        if strengths.shape[0] > 0:
            turn_into_strengths(lanes, solved)
            for r in range(rows):
                start = indptr[first + r]
                for e in range(lengths[r]):
                    strengths[uint64(start + e)] = lanes[e, r]


@kernel
def subtract_local(lanes, local, lengths, self_entries):
    """Replace the distances of rows, one in each lane, by what they exceed `local`. Return the rows' mean distances."""
    prefer_wide_vectors()
    means = np.zeros(LANES)
    for c in range(lanes.shape[0]):
        for r in range(LANES):
            means[r] += lanes[c, r]
            lanes[c, r] = max(0.0, lanes[c, r] - local[r])
    for r in range(LANES):
        means[r] /= max(1, lengths[r] + self_entries)
    return means


@kernel
def turn_into_strengths(lanes, sigma):
    """Replace excess distances by membership strengths."""
    prefer_wide_vectors()
    inverse = np.empty(LANES)
    for r in range(LANES):
        inverse[r] = 1.0 / sigma[r] if sigma[r] > 0 else 0.0
    for c in range(lanes.shape[0]):
        for r in range(LANES):
            lanes[c, r] = exp_minus(lanes[c, r] * inverse[r])


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
def begin_sigma(excess, lengths, target):
    """Return the sigma of rows that need no iteration, the first value of 1 / sigma, and which rows are done.

    If even an infinite sigma is too small, it is LARGEST_SIGMA. If none is small enough, it is 0. The first value of
    1 / sigma is the nearer root of the quadratic expansion of the sum's logarithm at 0, or else its vertex.
    """
    prefer_wide_vectors()
    width = excess.shape[0]
    zeros = np.zeros(LANES)
    mean = np.zeros(LANES)
    square = np.zeros(LANES)
    for c in range(width):
        for r in range(LANES):
            zeros[r] += 1.0 if excess[c, r] == 0.0 else 0.0
            mean[r] += excess[c, r]
            square[r] += excess[c, r] * excess[c, r]
    result = np.full(LANES, LARGEST_SIGMA)
    inverse = np.zeros(LANES)
    done = np.ones(LANES, np.bool_)
    for r in range(LANES):
        if lengths[r] > target:
            if zeros[r] - (width - lengths[r]) >= target - 1e-5:
                result[r] = 0.0
                continue
            middle = mean[r] / lengths[r]
            variance = max(0.0, square[r] / lengths[r] - middle * middle)
            wanted = log_of(lengths[r] / target)
            inverse[r] = 2 * wanted / (middle + np.sqrt(max(0.0, middle * middle - 2 * variance * wanted)))
            done[r] = False
    return result, inverse, done


@kernel
def improve_inverse(inverse, low, value, slope, curvature, target):
    """Return 1 / sigma after a step of Halley's method, the largest known value below the root, and an error.

    The method is applied to the logarithm of a sum, which is convex and falls. `value`, `slope` and `curvature` are the
    sums of the terms, times powers 0, 1 and 2 of the excess distances. A step below `low` is replaced by bisection. The
    estimated error of the logarithm after the step is cubic in that before it.
    """
    value = max(value, SMALLEST_SUM)
    ratio = value / target
    height = log_of(ratio if ratio >= 1.0 else 1.0 / ratio)
    sign = 1.0 if ratio >= 1.0 else -1.0
    low = inverse if ratio >= 1.0 else low
    fall = slope / value
    square = fall * fall
    bend = max(0.0, curvature / value - square)
    improved = inverse + 2 * sign * height * fall / max(2 * square - sign * height * bend, square)
    improved = improved if (ratio >= 1.0) | (improved > low) else (low + inverse) / 2
    bend = max(1.0, bend / square)
    return improved, low, height * height * height * bend * bend


@kernel
def solve_sigma(excess, lengths, target):
    """Return sigma of LANES rows side by side, so that the sum is the target up to 1e-6. Rows are padded with zeros.

    Halley's method takes two or three steps, where Newton's takes five.
    """
    prefer_wide_vectors()
    width = excess.shape[0]
    result, inverse, done = begin_sigma(excess, lengths, target)
    low = np.zeros(LANES)
    total = np.empty(LANES)
    slope = np.empty(LANES)
    curvature = np.empty(LANES)
    for _ in range(64):
        if done.sum() == LANES:
            break
        total[:] = 0.0
        slope[:] = 0.0
        curvature[:] = 0.0
        for c in range(width):
            for r in range(LANES):
                term = exp_minus(excess[c, r] * inverse[r])
                moment = excess[c, r] * term
                total[r] += term
                slope[r] += moment
                curvature[r] += excess[c, r] * moment
        for r in range(LANES):
            value = total[r] - (width - lengths[r])
            improved, low[r], error = improve_inverse(inverse[r], low[r], value, slope[r], curvature[r], target)
            inverse[r] = inverse[r] if done[r] else improved
            result[r] = result[r] if done[r] else 1.0 / improved
            done[r] = done[r] | (error < MAX_ERROR)
    return result
