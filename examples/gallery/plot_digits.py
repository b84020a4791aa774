"""
Digits from their neighbors alone
=================================

Two arrays go in, a map comes out. The 1,797 handwritten digits of scikit-learn, each one 8 x 8 pixels.
"""

from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP

digits = load_digits()
dists, ids = NearestNeighbors(n_neighbors=15).fit(digits.data).kneighbors(digits.data)
reducer = PrecomputedUMAP(n_neighbors=15, random_state=0)
embedding = reducer.fit_transform(knn_indices=ids, knn_dists=dists)
print(reducer.report_)

# %%
# Nothing told the map which digit a row is; the colors do.
import matplotlib.pyplot as plt

plt.scatter(*embedding.T, c=digits.target, cmap="tab10", s=3)
plt.gca().set(xticks=[], yticks=[], aspect="equal")
plt.show()
