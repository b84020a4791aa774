"""Anchors: springs that pull rows towards positions."""

from numba import prange

from umap_sk.kernels.forces import CLIP
from umap_sk.runtime.compile import parallel_kernel


@parallel_kernel
def pull_to_anchors(positions, anchors, strengths, share, out):
    """Add the pull of the anchors to the field: strength times difference, clipped as in UMAP, times `share`."""
    n, d = out.shape
    for i in prange(n):
        for k in range(d):
            difference = max(-CLIP, min(CLIP, anchors[i, k] - positions[i, k]))
            out[i, k] += share * strengths[i] * difference
