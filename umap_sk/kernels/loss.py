"""The expected loss (Damrich, Hamprecht 2021, theorem 3.1) of some rows."""

import numpy as np
from numba import prange

from umap_sk.kernels.numbers import f4, log_of, power
from umap_sk.kernels.sell import SLICE
from umap_sk.runtime.compile import kernel, parallel_kernel, serial_kernel

ATTRACTION_STRIDE = 4  # of the scales' attraction: of so many rows one is looked at


@parallel_kernel
def scale_losses(
    positions, starts, indices, weights, degree, mass, stride, opposite_stride, powers, a, b, attracted, repelled
):
    """Expected losses of scale * positions, powers = scale ** 2b, from a share of the rows, repulsion from fewer.

    Part p has the rows [p * stride, (p + 1) * stride), and the repulsion of the first of them from every
    opposite_stride-th of all, from a row on that differs from part to part; these stand for all others.
    """
    n, d = positions.shape
    for part in prange(attracted.shape[0]):
        for i in range(part * stride, min(n, (part + 1) * stride), ATTRACTION_STRIDE):
            slice_ = i // SLICE
            for e in range(starts[slice_] + i % SLICE, starts[slice_ + 1], SLICE):
                d2 = f4(1e-12)
                for k in range(d):
                    d2 += (positions[i, k] - positions[indices[e], k]) ** 2
                term = a * power(d2, b)
                for g in range(powers.shape[0]):
                    attracted[part, g] += weights[e] * log_of(1.0 + term * powers[g])
        i = part * stride
        first = part % opposite_stride
        count = (n - first + opposite_stride - 1) // opposite_stride
        pair = np.empty(count, f4)
        share = np.empty(count, np.float64)
        whole = 0.0
        for j in range(n):
            whole += mass[j]
        seen = 0.0
        for q in range(count):
            j = first + q * opposite_stride
            d2 = f4(0)
            for k in range(d):
                d2 += (positions[i, k] - positions[j, k]) ** 2
            pair[q] = a * power(max(d2, f4(1e-9)), b)
            share[q] = mass[j] if j != i else f4(0)
            seen += share[q]
        for g in range(powers.shape[0]):
            total = 0.0
            for q in range(count):
                total += share[q] * log_of(1.0 + 1.0 / (pair[q] * powers[g]))
            repelled[part, g] = total * ((whole - mass[i]) / seen) * degree[i]


@kernel
def add_log_terms(squared, count, repulsive, a, b, terms):
    """Pairs' terms of the loss from squared distances: log(1 + a d^2b) of edges, log(1 + 1 / (a d^2b)) of `apart`."""
    for q in range(count):
        squared[q] = a * power(max(squared[q], f4(1e-9)), b)
    for q in range(count):
        x = np.float64(squared[q])
        terms[q] = log_of(1.0 + (1.0 / x if repulsive else x))


@serial_kernel
def probed_loss(positions, starts, indices, weights, degree, mass, stride, opposite_stride, rate, a, b):
    """Expected loss of every stride-th row, a unit of degree: its edges, and its pairs with every apart-th row.

    The pairs begin at a place that differs from row to row; they stand for all others of the level, by their masses
    (each 1 where `mass` is empty). `rate` is the weight of the repulsion.
    """
    n, d = positions.shape
    size = (n + opposite_stride - 1) // opposite_stride
    for slice_ in range(starts.shape[0] - 1):
        size = max(size, (starts[slice_ + 1] - starts[slice_]) // SLICE)
    squared = np.empty(size, f4)
    terms = np.empty(size, np.float64)
    loss = 0.0
    degrees = 0.0
    for i in range(0, n, stride):
        edge = starts[i // SLICE] + i % SLICE
        count = (starts[i // SLICE + 1] - starts[i // SLICE]) // SLICE
        squared[:count] = f4(0)
        for k in range(d):
            for q in range(count):
                delta = positions[i, k] - positions[indices[edge + q * SLICE], k]
                squared[q] += delta * delta  # a power has other bits in plain Python
        add_log_terms(squared, count, False, a, b, terms)
        for q in range(count):
            loss += weights[edge + q * SLICE] * terms[q]
        first = i // stride % opposite_stride
        count = (n - first + opposite_stride - 1) // opposite_stride
        squared[:count] = f4(0)
        for k in range(d):
            for q in range(count):
                delta = positions[i, k] - positions[first + q * opposite_stride, k]
                squared[q] += delta * delta
        add_log_terms(squared, count, True, a, b, terms)
        total = 0.0
        seen = 0.0
        for q in range(count):
            j = first + q * opposite_stride
            if j != i:
                share = np.float64(mass[j] if mass.shape[0] > 0 else f4(1))
                total += share * terms[q]
                seen += share
        own = np.float64(degree[i])
        loss += rate / 2 * own * total / max(seen, 1e-9)
        degrees += own
    return loss / degrees
