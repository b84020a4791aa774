"""Rows of features from places in a map."""

import numpy as np
from numba import prange

from umap_sk.kernels.numbers import exp_minus
from umap_sk.runtime.compile import kernel, parallel_kernel


@kernel
def gaussian_weights(distances, width, weights):
    """Weights that sum to 1, of a Gaussian whose deviation is the `width`-th of the distances, which ascend."""
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
    """Sums of the rows near each place, weighted by a Gaussian of their distances from it, in their order."""
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
