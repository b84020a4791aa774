"""
Where a map can be trusted
==========================

No plane holds what had 64 coordinates. Colors tell which rows have kept their neighbors, which have neighbors that are
none, and where the map is stretched.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import EmbeddingDisplay, PrecomputedUMAP, knn_graph

X, labels = load_digits(return_X_y=True)
dists, ids = NearestNeighbors(n_neighbors=60).fit(X).kneighbors(X)
reducer = PrecomputedUMAP(random_state=0).fit(knn_indices=ids, knn_dists=dists)

graph = knn_graph(ids, dists)
figure, panels = plt.subplots(1, 3, figsize=(17, 5), layout="constrained")
for name, axes in zip(("recall", "trustworthiness", "stretch"), panels, strict=True):
    EmbeddingDisplay.diagnostic(graph, reducer, figure=name, ax=axes, title=name)

# %%
# The graph below the points shows what belongs together and lies apart: bundles join groups that the plane had no room
# to put side by side.

EmbeddingDisplay.connectivity(reducer, labels=labels, names=True, legend=False)
