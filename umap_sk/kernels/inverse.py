"""Rows of features for positions in a map."""

import numpy as np
from numba import prange

from umap_sk.kernels.numbers import exp_minus
from umap_sk.runtime.compile import kernel, parallel_kernel


@kernel
def gaussian_weights(distances, width, weights):
    """Write Gaussian weights with sum 1. The standard deviation is the `width`-th of the ascending distances."""
    deviation = distances[width - 1]
    total = 0.0
    for j in range(len(distances)):
        if deviation > 0:
            ratio = distances[j] / deviation
            weights[j] = exp_minus(0.5 * ratio * ratio)
        else:
            weights[j] = 1.0 if distances[j] == 0 else 0.0
        total += weights[j]
    for j in range(len(distances)):
        weights[j] /= total


@parallel_kernel
def combine_rows(near, distances, width, rows, out):
    """Write the sums of the rows near each position, weighted by a Gaussian of their distances, in their order."""
    for i in prange(near.shape[0]):
        weights = np.empty(near.shape[1])
        gaussian_weights(distances[i], width, weights)
        total = np.zeros(rows.shape[1])
        for j in range(near.shape[1]):
            row = near[i, j]
            for c in range(rows.shape[1]):
                total[c] += weights[j] * rows[row, c]
        for c in range(rows.shape[1]):
            out[i, c] = total[c]
