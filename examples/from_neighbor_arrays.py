"""A map from nothing but two arrays of neighbors, as faiss, hnswlib, usearch, cuML or a database returns them."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP

points = load_digits().data.astype(np.float32)
search = NearestNeighbors(n_neighbors=15).fit(points)  # stands in for your index
dists, ids = search.kneighbors(points)

reducer = PrecomputedUMAP(n_neighbors=15, random_state=0)
embedding = reducer.fit_transform(knn_indices=ids, knn_dists=dists)  # no features needed
print(reducer.report_)

new_dists, new_ids = search.kneighbors(points[:5] + 1)
print(reducer.transform(knn_indices=new_ids, knn_dists=new_dists))
