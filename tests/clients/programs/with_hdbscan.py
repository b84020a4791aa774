"""hdbscan: clusters of a map."""

import hdbscan
import numpy as np
from sklearn.datasets import make_blobs
from umap import UMAP

X, kind = make_blobs(300, 10, centers=3, random_state=0)
places = UMAP(n_components=5, min_dist=0.0, n_epochs=60, random_state=0).fit_transform(X)
found = hdbscan.HDBSCAN(min_cluster_size=30).fit_predict(places)
assert all(len(np.unique(kind[found == cluster])) == 1 for cluster in set(found) - {-1})
assert len(set(found) - {-1}) == 3
