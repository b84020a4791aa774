"""
Digits from their neighbors alone
=================================

Two arrays go in, a map comes out. The 1,797 handwritten digits of scikit-learn are images of 8 x 8 pixels; the map is
told which are near each other, and nothing else.
"""

from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import EmbeddingDisplay, PrecomputedUMAP

digits = load_digits()
dists, ids = NearestNeighbors(n_neighbors=15).fit(digits.data).kneighbors(digits.data)
reducer = PrecomputedUMAP(n_neighbors=15, random_state=0).fit(knn_indices=ids, knn_dists=dists)
print(reducer.report_)

# %%
# Nobody has told the map which digit a row is; the colors do.

EmbeddingDisplay.from_estimator(reducer, labels=digits.target, names=True, title="1,797 digits")
