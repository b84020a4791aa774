"""Tests that rows along a line keep their order, so that neighbors do not end up far from each other."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from umap_sk import PrecomputedUMAP

N = 20_000
FAR = 0.1  # as a share of the map's wider axis
UMAP_LEARN = 0.00027  # share of such edges in umap-learn 0.5.12's map of the line, from the same neighbors


def points(shape):
    """Return a line or a helix with 6 turns, both with a little noise, or a strip 40 times as long as wide."""
    rng = np.random.default_rng(5)
    along = np.sort(rng.uniform(0, 1, N))
    if shape == "strip":
        return np.c_[40 * along, rng.uniform(0, 1, N)].astype(np.float32)
    turns = [np.sin(40 * along), np.cos(40 * along)] if shape == "helix" else [0 * along, 0 * along]
    return (np.c_[100 * along, turns[0], turns[1]] + 0.01 * rng.normal(size=(N, 3))).astype(np.float32)


@pytest.mark.parametrize("with_features", [False, True])
@pytest.mark.parametrize("shape", ["line", "helix", "strip"])
def test_few_neighbors_lie_far(shape, with_features):
    features = points(shape)
    dists, indices = cKDTree(features).query(features, 15)
    model = PrecomputedUMAP(random_state=0)
    found = model.fit_transform(features if with_features else None, knn_indices=indices, knn_dists=dists)
    lengths = np.linalg.norm(found[indices[:, 1:6]] - found[:, None], axis=2)
    assert np.mean(lengths > FAR * np.ptp(found, axis=0).max()) < UMAP_LEARN


def test_more_axes_than_pivots():
    """Pivot MDS finds at most 64 axes, and the others of the start are random."""
    points = np.random.default_rng(0).normal(size=(400, 70))
    model = PrecomputedUMAP(metric="euclidean", init="pivot_mds", n_components=66, n_epochs=2, random_state=0).fit(
        points
    )
    assert np.isfinite(model.embedding_).all() and (model.embedding_.std(axis=0) > 0).all()
