"""
A map to look around in
=======================

One HTML file, which needs no network: point at a digit to see it, click to pin its card, search, draw a lasso around
rows, hide classes by the legend, switch to the ink and drag over its histogram. Below is the page itself.
"""

# sphinx_gallery_thumbnail_path = "pictures/interactive.png"
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, interactive

digits = load_digits()
dists, ids = NearestNeighbors(n_neighbors=15).fit(digits.data).kneighbors(digits.data)
reducer = PrecomputedUMAP(random_state=0).fit(knn_indices=ids, knn_dists=dists)

table = pd.DataFrame({"digit": digits.target, "ink": digits.data.sum(1).astype(int)})
interactive(reducer, table, colour=table, images=digits.images, title="1,797 digits")
