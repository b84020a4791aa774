"""
Labels that shape the map
=========================

With `target_metric` the graph knows what `y` says: edges between rows of different labels become weak. Labels may be
missing, and new rows need none.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from umap_sk import EmbeddingDisplay, PrecomputedUMAP

X, new, labels, new_labels = train_test_split(*load_digits(return_X_y=True), test_size=500, random_state=0)
half = np.where(np.random.default_rng(0).random(len(labels)) < 0.5, labels, -1)  # -1: not known

figure, panels = plt.subplots(1, 3, figsize=(16, 5.2), layout="constrained")
for title, y, axes in zip(
    ("without labels", "half of the labels", "all labels"), (None, half, labels), panels, strict=True
):
    umap = PrecomputedUMAP(metric="euclidean", target_metric=None if y is None else "categorical", random_state=0)
    umap.fit(X, y)
    vote = KNeighborsClassifier(5).fit(umap.embedding_, labels)
    title += f": {vote.score(umap.transform(new), new_labels):.3f} of new rows right"
    EmbeddingDisplay.from_estimator(umap, labels=labels, ax=axes, legend=False, title=title)
