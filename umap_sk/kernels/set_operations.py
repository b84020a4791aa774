"""Set operations of fuzzy graphs: two graphs row by row, labels, and rows with a restored largest weight of 1."""

import numpy as np
from numba import prange

from umap_sk.kernels.neighbors import longest
from umap_sk.kernels.numbers import BLOCK_ROWS, exp_minus, f4, log_of
from umap_sk.runtime.compile import kernel, parallel_kernel

UNION, INTERSECTION, DIFFERENCE = 0, 1, 2
MAX_HALVINGS = 32  # of the interval of a row's exponent, as in umap-learn
SUM_TOLERANCE = 1e-5  # of the sum at which they end
UNKNOWN_LABEL = -1


@kernel
def power_below_one(x, exponent):
    """Return x ** exponent for x in (0, 1]. Values above 1 are rounding errors and count as 1."""
    return x if exponent == 1.0 else exp_minus(exponent * log_of(1.0 / min(1.0, x)))


@kernel
def combine_weights(operation, left, right, settings):
    """Return the weight of an edge from its weights in two graphs. A missing edge has weight 0 and gets a small one.

    `settings` are the weights of missing edges of the left and the right graph, the smallest weights that count, and
    the exponents of both. umap-learn keeps the sum if no weight counts.
    """
    first = left if left > 0 else settings[0]
    second = right if right > 0 else settings[1]
    if operation == UNION:
        return first + second - first * second
    if operation == DIFFERENCE and right > 0:
        second = max(0.0, 1.0 - right)
    if first <= settings[2] and second <= settings[3]:
        return left if operation == DIFFERENCE else left + right
    return power_below_one(first, settings[4]) * power_below_one(second, settings[5])


@parallel_kernel
def count_either(left_indptr, left_indices, right_indptr, right_indices, lengths):
    """Count each row's edges that are in at least one of two graphs."""
    for i in prange(lengths.shape[0]):
        p = left_indptr[i]
        q = right_indptr[i]
        both = 0
        while p < left_indptr[i + 1] and q < right_indptr[i + 1]:
            a = np.int64(left_indices[p])
            b = np.int64(right_indices[q])
            both += int(a == b)
            p += int(a <= b)
            q += int(b <= a)
        lengths[i] = left_indptr[i + 1] - left_indptr[i] + right_indptr[i + 1] - right_indptr[i] - both


@parallel_kernel
def merge_graphs(
    left_indptr, left_indices, left_weights, right_indptr, right_indices, right_weights,
    operation, settings, indptr, indices, weights,
):  # fmt: skip
    """Merge the rows of two graphs and combine their weights. A difference has only edges of the left graph."""
    for i in prange(indptr.shape[0] - 1):
        p = left_indptr[i]
        q = right_indptr[i]
        place = indptr[i]
        while place < indptr[i + 1]:
            a = np.int64(left_indices[p]) if p < left_indptr[i + 1] else np.int64(2**62)
            b = np.int64(right_indices[q]) if q < right_indptr[i + 1] else np.int64(2**62)
            left = np.float64(left_weights[p]) if a <= b else 0.0
            right = np.float64(right_weights[q]) if b <= a else 0.0
            p += int(a <= b)
            q += int(b <= a)
            if operation != DIFFERENCE or left > 0:
                indices[place] = min(a, b)
                weights[place] = f4(combine_weights(operation, left, right, settings))
                place += 1


@kernel
def label_factor(one, other, unknown, different):
    """Return the factor of an edge's weight, from the labels of its ends."""
    if one == UNKNOWN_LABEL or other == UNKNOWN_LABEL:
        return unknown
    return 1.0 if one == other else different


@parallel_kernel
def weigh_by_labels(indptr, indices, weights, labels, unknown, different):
    """Multiply each weight by its edge's factor, and scale each row to a largest weight of 1.

    Both happen in float64, before float32 can underflow.
    """
    for i in prange(indptr.shape[0] - 1):
        largest = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            largest = max(
                largest, np.float64(weights[e]) * label_factor(labels[i], labels[indices[e]], unknown, different)
            )
        for e in range(indptr[i], indptr[i + 1]):
            weight = np.float64(weights[e]) * label_factor(labels[i], labels[indices[e]], unknown, different)
            weights[e] = f4(weight / largest if largest > 0 else 0.0)


@kernel
def exponent_of(logs, count, target):
    """Return the exponent for which the powers of a row's weights, given as -log, have the target as sum.

    The steps are those of umap-learn.
    """
    low = 0.0
    high = np.inf
    middle = 1.0
    for _ in range(MAX_HALVINGS):
        total = 0.0
        for q in range(count):
            total += exp_minus(logs[q] * middle)
        if abs(total - target) < SUM_TOLERANCE:
            break
        if total < target:
            high = middle
        else:
            low = middle
        middle = middle * 2.0 if high == np.inf else (low + high) / 2.0
    return middle


@parallel_kernel
def restore_rows(indptr, weights, target):
    """Scale each row to a largest weight of 1. If the target is not 0, change the sum to it by a power."""
    n = indptr.shape[0] - 1
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        low = block * BLOCK_ROWS
        high = min(n, low + BLOCK_ROWS)
        logs = np.empty(longest(indptr, low, high))
        for i in range(low, high):
            first = indptr[i]
            count = indptr[i + 1] - first
            largest = f4(0)
            for q in range(count):
                largest = max(largest, weights[first + q])
            for q in range(count):
                weights[first + q] = weights[first + q] / largest if largest > 0 else f4(0)
            if target > 0 and largest > 0:
                for q in range(count):
                    weight = np.float64(weights[first + q])
                    logs[q] = log_of(1.0 / weight) if weight > 0 else np.inf
                exponent = exponent_of(logs, count, target)
                for q in range(count):
                    weights[first + q] = f4(exp_minus(logs[q] * exponent)) if weights[first + q] > 0 else f4(0)
