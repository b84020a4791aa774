"""An epoch reads rows whose numbers exceed 32 bits with a sign."""

import naive_layout as naive
import numpy as np
from layouts import FORCES

from umap_sk import kernels
from umap_sk.layout import optimizer
from umap_sk.runtime.compile import as_readonly


def test_positions_beyond_int32_are_read(tmp_path):
    """An epoch of one block of rows is correct if the numbers of its neighbors are above 2^31, in a sparse file."""
    n = 2**31 + 5000
    positions = np.memmap(tmp_path / "positions", np.float32, "w+", shape=(n, 2))
    rng = np.random.default_rng(9)
    near = rng.uniform(0, 3, (kernels.BLOCK_ROWS, 2)).astype(np.float32)
    positions[: kernels.BLOCK_ROWS], positions[n - kernels.BLOCK_ROWS :] = near, near[::-1] + 1
    indices = (n - 1 - rng.integers(0, kernels.BLOCK_ROWS, (kernels.BLOCK_ROWS, 4))).astype(np.uint32)
    settings = np.zeros(1, optimizer.SETTINGS_DTYPE).view(np.recarray)
    settings.a, settings.b = FORCES.curve
    settings.attraction, settings.correction1, settings.correction2 = 4, 1, 1
    settings.gamma, settings.negative_rate, settings.negatives = 1, 5, kernels.RUN_LENGTH
    settings.n_rows, pick = 300, (n - 1 - np.arange(300)).astype(np.uint32)
    moments = np.zeros((2, kernels.BLOCK_ROWS, 2), np.float32)
    out, out_moments = np.empty_like(near), np.empty_like(moments)
    starts = 4 * np.arange(0, kernels.BLOCK_ROWS + 1, kernels.SLICE)
    beside = indices.reshape(-1, kernels.SLICE, 4).transpose(0, 2, 1).ravel()
    edges = as_readonly(starts), as_readonly(beside), as_readonly(np.full(len(beside), 0.5, np.float32))
    degree = np.full(kernels.BLOCK_ROWS, 2, np.float32)
    before = as_readonly(positions), optimizer.pack_positions(positions), as_readonly(moments)
    positions, places, moments = before
    sums = np.empty((0, 2), np.int64), *np.empty((2, 0, kernels.SLICE, 2), np.float32)
    vertices = degree, np.empty(0, np.float32), pick
    kernels.euclidean_step(positions, places, 0, moments, *edges, sums, *vertices, None, settings, out, out_moments)
    f = naive.forces(a=FORCES.curve.a, b=FORCES.curve.b)
    far = np.asarray(positions[n - kernels.BLOCK_ROWS :], float)
    ends = far[indices.astype(int) - (n - kernels.BLOCK_ROWS)]
    pull = 0.5 * naive.attract(ends - near[:, None], f).sum(1)
    local = np.concatenate([near, far])  # the same rows under small numbers
    rules = kernels.RUN_LENGTH, kernels.BLOCK_ROWS, kernels.POOL_SIZE, f
    picked = len(local) - 1 - np.arange(300)
    push = naive.sampled_repulsion(local, np.full(len(local), 2.0), picked, 0, 0, *rules)[: kernels.BLOCK_ROWS]
    np.testing.assert_allclose(2 * out_moments[0], pull + push, rtol=1e-3, atol=1e-3)
