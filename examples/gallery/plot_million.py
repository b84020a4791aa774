"""
A million points
================

1,000,000 places on five tori that are linked like a chain, with the exact neighbors that a tree finds in three
dimensions.
"""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from umap_sk import EmbeddingDisplay, PrecomputedUMAP

rng = np.random.default_rng(0)
ring = rng.integers(5, size=1_000_000)
around, along = 2 * np.pi * rng.random((2, len(ring)))
radius = 1 + 0.25 * np.cos(along)
flat = np.column_stack([radius * np.cos(around), radius * np.sin(around), 0.25 * np.sin(along)])
points = np.where((ring % 2 == 1)[:, None], flat[:, [0, 2, 1]], flat) + np.outer(1.35 * ring, [1, 0, 0])
points = (points + rng.normal(scale=0.01, size=points.shape)).astype(np.float32)

dists, ids = NearestNeighbors(n_neighbors=15, algorithm="kd_tree", n_jobs=-1).fit(points).kneighbors(points)

# %%
# What it will take is known before it is begun:

reducer = PrecomputedUMAP(random_state=0)
print(reducer.plan(knn_indices=ids))
reducer.fit(points, knn_indices=ids, knn_dists=dists)
print(reducer.report_)

# %%
# More than 50,000 points are a raster: pixels have the mean color of their points.

EmbeddingDisplay.from_estimator(reducer, labels=ring + 1, title="Five linked tori")
