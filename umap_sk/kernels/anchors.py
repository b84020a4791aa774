"""Anchors: the pull of rows to places, and sampled repulsion in the form of a field, to which the pull is added."""

import numpy as np
from numba import prange

from umap_sk.kernels.forces import CLIP, repel_block
from umap_sk.kernels.numbers import BLOCK, f4
from umap_sk.runtime.compile import parallel_kernel


@parallel_kernel
def sample_field(positions, units, pick, settings, first_block, last_block, out):
    """Write the mean push of sampled vertices on the rows of some blocks, as for degrees of 1 (`units`)."""
    n, d = positions.shape
    for block in prange(first_block, last_block):
        low = block * BLOCK
        high = min(n, low + BLOCK)
        gradient = np.zeros((BLOCK, d), f4)
        repel_block(low, high, positions, units, pick, settings[0], gradient)
        for i in range(low, high):
            for k in range(d):
                out[i, k] = gradient[i - low, k] / settings[0].negative_rate


@parallel_kernel
def pull_to_anchors(positions, anchors, strengths, share, first_block, last_block, out):
    """Add strength times difference, clipped as in UMAP, times `share`, to the field at the rows of some blocks."""
    n, d = positions.shape
    for block in prange(first_block, last_block):
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            for k in range(d):
                difference = max(-CLIP, min(CLIP, anchors[i, k] - positions[i, k]))
                out[i, k] += share * strengths[i] * difference
