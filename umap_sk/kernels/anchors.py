"""Anchors: the pull of rows to places."""

from numba import prange

from umap_sk.kernels.forces import CLIP
from umap_sk.kernels.numbers import BLOCK
from umap_sk.runtime.compile import parallel_kernel


@parallel_kernel
def pull_to_anchors(positions, anchors, strengths, share, first_block, last_block, out):
    """Add strength times difference, clipped as in UMAP, times `share`, to the field at the rows of some blocks."""
    n, d = positions.shape
    for block in prange(first_block, last_block):
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            for k in range(d):
                difference = max(-CLIP, min(CLIP, anchors[i, k] - positions[i, k]))
                out[i, k] += share * strengths[i] * difference
