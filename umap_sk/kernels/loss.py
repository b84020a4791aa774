"""The expected loss (Damrich, Hamprecht 2021, theorem 3.1) of a sample of rows."""

import numpy as np
from numba import prange

from umap_sk.kernels.forces import CLOSEST
from umap_sk.kernels.numbers import f4, log_of, power
from umap_sk.kernels.sell import SLICE
from umap_sk.runtime.compile import parallel_kernel

ATTRACTION_STRIDE = 4  # One row of this number is sampled for the attraction of scales.


@parallel_kernel
def scale_losses(
    positions, starts, indices, weights, degree, mass, stride, opposite_stride, powers, a, b, attracted, repelled
):
    """Write the expected losses of scale * positions, with powers = scale ** 2b, from a sample of the rows.

    Part p has the rows [p * stride, (p + 1) * stride), and the repulsion of the first of them. It is repelled by every
    opposite_stride-th row, from a first one that differs between parts. These rows represent all others.
    """
    n, d = positions.shape
    for part in prange(attracted.shape[0]):
        for i in range(part * stride, min(n, (part + 1) * stride), ATTRACTION_STRIDE):
            slice_ = i // SLICE
            for e in range(starts[slice_] + i % SLICE, starts[slice_ + 1], SLICE):
                d2 = CLOSEST
                for k in range(d):
                    difference = positions[i, k] - positions[indices[e], k]
                    d2 += difference * difference
                term = a * power(d2, b)
                for g in range(powers.shape[0]):
                    attracted[part, g] += weights[e] * log_of(1.0 + term * powers[g])
        i = part * stride
        first = part % opposite_stride
        count = (n - first + opposite_stride - 1) // opposite_stride
        pair = np.empty(count, f4)
        share, terms = np.empty(count, np.float64), np.empty(count, np.float64)
        whole = 0.0
        for j in range(n):
            whole += np.float64(mass[j])
        seen = 0.0
        for q in range(count):
            j = first + q * opposite_stride
            d2 = f4(0)
            for k in range(d):
                difference = positions[i, k] - positions[j, k]
                d2 += difference * difference
            pair[q] = a * power(max(d2, f4(1e-9)), b)
            share[q] = mass[j] if j != i else f4(0)
            seen += share[q]
        for g in range(powers.shape[0]):
            total = 0.0
            for q in range(count):
                terms[q] = share[q] * log_of(1.0 + 1.0 / (pair[q] * powers[g]))
            for q in range(count):
                total += terms[q]
            repelled[part, g] = total * ((whole - mass[i]) / seen) * degree[i]
