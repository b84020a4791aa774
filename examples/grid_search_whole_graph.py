"""Compare parameters of one map, nothing held out: one graph, one fold that holds every row."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, knn_graph

X = load_digits().data
dists, ids = NearestNeighbors(n_neighbors=30).fit(X).kneighbors(X)
rows = np.arange(len(X))

grid = {"n_neighbors": [5, 10, 20, 30], "negative_sample_rate": [2, 5]}
search = GridSearchCV(PrecomputedUMAP(n_epochs=100, random_state=0), grid, cv=[(rows, rows)])
search.fit(knn_graph(ids, dists))

for parameters, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
    print(f"{parameters}: {score:.3f} of the 15 nearest are still the 15 nearest")
print(f"best: {search.best_params_}")
