"""
Placing new rows
================

A new row needs its neighbors among the rows of the map. Where it comes to lie depends on them alone, not on the batch
that it comes in.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from umap_sk import EmbeddingDisplay, PrecomputedUMAP

X, new, labels, new_labels = train_test_split(*load_digits(return_X_y=True), test_size=500, random_state=0)
search = NearestNeighbors(n_neighbors=15).fit(X)
dists, ids = search.kneighbors(X)
reducer = PrecomputedUMAP(random_state=0).fit(knn_indices=ids, knn_dists=dists)

new_dists, new_ids = search.kneighbors(new)
placed = reducer.transform(knn_indices=new_ids, knn_dists=new_dists)
alone = reducer.transform(knn_indices=new_ids[:1], knn_dists=new_dists[:1])
print("the first one by itself:", np.array_equal(alone, placed[:1]))

figure, panels = plt.subplots(1, 2, figsize=(12, 6), layout="constrained", sharex=True, sharey=True)
EmbeddingDisplay.from_estimator(reducer, labels=labels, ax=panels[0], legend=False, title="the map")
EmbeddingDisplay.from_embedding(placed, labels=new_labels, ax=panels[1], title="500 new rows")
