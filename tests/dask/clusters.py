"""Neighbors of random points for the tests on clusters."""

import numpy as np
from scipy.spatial import cKDTree

N = 30_000  # enough rows for two levels


def neighbors_of_points(n, k=10, seed=0):
    points = np.random.default_rng(seed).random((n, 3)).astype(np.float32)
    dists, indices = cKDTree(points).query(points, k)
    return indices.astype(np.int32), dists.astype(np.float32)
