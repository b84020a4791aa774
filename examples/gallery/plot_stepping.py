"""
Watching a layout, epoch by epoch
=================================

``partial_fit`` goes on by as many epochs as one likes, and any way of cutting them ends at the same map.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import EmbeddingDisplay, LossCurveDisplay, PrecomputedUMAP

X, labels = load_digits(return_X_y=True)
dists, ids = NearestNeighbors(n_neighbors=15).fit(X).kneighbors(X)
arrays = {"knn_indices": ids, "knn_dists": dists}

figure, panels = plt.subplots(1, 4, figsize=(16, 4.4), layout="constrained")
umap = PrecomputedUMAP(random_state=0)
for epochs, axes in zip((1, 29, 120, 300), panels, strict=True):
    umap.partial_fit(**arrays, epochs=epochs)
    title = f"epoch {umap.epoch_} of {umap.n_epochs_}"
    EmbeddingDisplay.from_estimator(umap, labels=labels, ax=axes, legend=False, title=title)

# %%
# In one call it is the same, to the last bit:

whole = PrecomputedUMAP(random_state=0).fit(**arrays)
print(np.array_equal(umap.embedding_, whole.embedding_))

# %%
# The loss on the way, of a sample of rows, comes with every fit:

LossCurveDisplay.from_estimator(whole)

# %%
# All of it as a film:

EmbeddingDisplay.epochs(whole, "stepping.gif", labels=labels, frames=40, legend=False, progress=False)
