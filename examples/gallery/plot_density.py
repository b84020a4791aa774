"""
Dense stays dense: dens_lambda
==============================

Three clouds of as many points each, of which every one is four times as wide as the one before. A plain map draws them
alike.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neighbors import NearestNeighbors

from umap_sk import EmbeddingDisplay, PrecomputedUMAP

rng = np.random.default_rng(0)
labels = np.repeat(np.arange(3), 600)
X = rng.normal(size=(len(labels), 5)) * 4.0 ** labels[:, None] + 100 * np.eye(3, 5)[labels]
dists, ids = NearestNeighbors(n_neighbors=15).fit(X).kneighbors(X)
manifold = PrecomputedUMAP(dens_lambda=2).learn_manifold(knn_indices=ids, knn_dists=dists)

figure, panels = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
for dens_frac, axes in zip((0.0, 0.3), panels, strict=True):
    umap = PrecomputedUMAP(dens_lambda=2, dens_frac=dens_frac, random_state=0).fit(X, manifold=manifold)
    correlation = np.corrcoef(umap.rad_orig_, umap.rad_emb_)[0, 1]
    title = f"dens_frac={dens_frac}: log radii correlate by {correlation:.2f}"
    EmbeddingDisplay.from_estimator(umap, labels=labels, ax=axes, legend=False, title=title)

# %%
# `dens_frac=0` finds the radii and leaves the map as it is. With 0.3, the default, the last epochs raise their
# correlation with the radii of the map.
