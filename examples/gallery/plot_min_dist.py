"""
How tight is tight: comparing min_dist
======================================

The graph is the expensive half. Learned once, it is laid out as often as one likes.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import EmbeddingDisplay, PrecomputedUMAP, knn_graph
from umap_sk.metrics import neighbor_recall

X, labels = load_digits(return_X_y=True)
dists, ids = NearestNeighbors(n_neighbors=16).fit(X).kneighbors(X)
graph = knn_graph(ids, dists)
manifold = PrecomputedUMAP().learn_manifold(graph)

figure, panels = plt.subplots(1, 4, figsize=(16, 4.4), layout="constrained")
for min_dist, axes in zip((0.0, 0.1, 0.5, 0.99), panels, strict=True):
    umap = PrecomputedUMAP(min_dist=min_dist, random_state=0).fit(X, manifold=manifold)
    title = f"min_dist={min_dist}: recall {neighbor_recall(graph, umap.embedding_):.2f}"
    EmbeddingDisplay.from_estimator(umap, labels=labels, ax=axes, legend=False, title=title)

# %%
# The larger `min_dist`, the more evenly points are spread, and the fewer neighbors are kept.
