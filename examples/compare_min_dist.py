"""Maps of several min_dist side by side, from one graph; writes compare_min_dist.png."""

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, knn_graph
from umap_sk.metrics import neighbor_recall

X, labels = load_digits(return_X_y=True)
dists, ids = NearestNeighbors(n_neighbors=16).fit(X).kneighbors(X)
graph = knn_graph(ids, dists)
manifold = PrecomputedUMAP().learn_manifold(graph)

figure, panels = plt.subplots(1, 4, figsize=(16, 4.6), layout="constrained")
for min_dist, axes in zip((0.0, 0.1, 0.5, 0.99), panels, strict=True):
    umap = PrecomputedUMAP(min_dist=min_dist, init="pca", random_state=0)
    embedding = umap.fit_transform(X, manifold=manifold)  # features are for the PCA start alone
    order = np.random.default_rng(0).permutation(len(X))
    axes.scatter(*embedding[order].T, c=labels[order], cmap="tab10", s=3, linewidths=0)
    axes.set(title=f"min_dist={min_dist}: recall {neighbor_recall(graph, embedding):.2f}", xticks=[], yticks=[])
    axes.set_aspect("equal")
figure.suptitle("Digits: the larger min_dist, the more evenly points are spread, and the fewer neighbors are kept")
figure.savefig("compare_min_dist.png", dpi=110)
print("compare_min_dist.png")
