"""Compare parameters of the drawing alone: the graph is learned once and passed to every candidate whole."""

from functools import partial

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, knn_graph
from umap_sk.metrics import neighbor_recall_scorer

X = load_digits().data
dists, ids = NearestNeighbors(n_neighbors=30).fit(X).kneighbors(X)
graph, rows = knn_graph(ids, dists), np.arange(len(X))

umap = PrecomputedUMAP(n_epochs=100, random_state=0)
manifold = umap.learn_manifold(graph)
search = GridSearchCV(
    umap,
    {"min_dist": [0.0, 0.1, 0.5, 0.9], "spread": [1.0, 2.0]},
    cv=[(rows, rows)],
    scoring={f"k={k}": partial(neighbor_recall_scorer, k=k) for k in (5, 25)},
    refit="k=25",
)
search.fit(graph, manifold=manifold)

results = search.cv_results_
for parameters, near, wide in zip(results["params"], results["mean_test_k=5"], results["mean_test_k=25"], strict=True):
    print(f"{parameters}: recall of the 5 nearest {near:.3f}, of the 25 nearest {wide:.3f}")
print("The larger min_dist, the fewer of the very nearest are kept. Choose it by eye: see gallery/plot_min_dist.py.")
