"""Tests of plans of fits with targets or many components: the planned memory compared with a measurement."""

import tracemalloc

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sklearn.base import clone

from umap_sk import PrecomputedUMAP

N = 20_000


@pytest.mark.parametrize("metric", ["categorical", "euclidean"])
def test_measured(metric):
    """The planned memory is at least the measured peak, and at most 1.5 times as large."""
    points = np.random.default_rng(0).random((N, 3))
    dists, indices = cKDTree(points).query(points, 10)
    arrays = {"knn_indices": indices.astype(np.int32), "knn_dists": dists.astype(np.float32)}
    model = PrecomputedUMAP(10, target_metric=metric, target_n_neighbors=8, n_jobs=1)
    y = (10 * points[:, 0]).astype(int) if metric == "categorical" else points[:, 0]
    made = model.plan(knn_indices=arrays["knn_indices"], timed=False)
    model.learn_manifold(y=y, **arrays)  # loads modules and kernels
    tracemalloc.start()
    manifold = model.learn_manifold(y=y, **arrays)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    planned = max(phase.bytes for phase in made.phases[:2])
    assert peak <= planned <= 1.5 * peak, (peak, planned)
    assert manifold.n_edges <= made.edges * 1.05 and made.edges_known == (metric == "categorical")
    plain = PrecomputedUMAP(10, n_jobs=1).plan(knn_indices=arrays["knn_indices"], timed=False)
    assert plain.phases[1].bytes < planned


@pytest.mark.parametrize("n_components", [3, 10])
def test_components(n_components):
    """A fit of many components needs the planned memory within 15 %."""
    points = np.random.default_rng(0).random((3 * N, 3))
    dists, indices = cKDTree(points).query(points, 10)
    arrays = {"knn_indices": indices.astype(np.int32), "knn_dists": dists.astype(np.float32)}
    start = np.random.default_rng(1).random((3 * N, n_components), np.float32)
    model = PrecomputedUMAP(10, n_components=n_components, init=start, n_epochs=12, n_jobs=1)
    planned = max(phase.bytes for phase in model.plan(**arrays, timed=False).phases)
    clone(model).fit(**arrays)  # loads modules and kernels
    tracemalloc.start()
    model.fit(**arrays)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert abs(planned - peak) <= 0.15 * peak, (peak, planned)
