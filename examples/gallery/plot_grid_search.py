"""
Tuning with GridSearchCV
========================

Over `n_neighbors` and `min_dist`, in a pipeline whose last step is what the map is for: a vote among the five nearest
rows. Each fold searches its own neighbors among the rows that it may see.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from umap_sk import PrecomputedUMAP

X, labels = load_digits(return_X_y=True)
steps = [("umap", PrecomputedUMAP(metric="euclidean", n_epochs=100, random_state=0)), ("vote", KNeighborsClassifier(5))]
tried = {"umap__n_neighbors": [5, 15, 50], "umap__min_dist": [0.0, 0.1, 0.5, 0.9]}
search = GridSearchCV(Pipeline(steps), tried, cv=3).fit(X, labels)
print(search.best_params_)

# %%
# `min_dist` is a matter of taste; `n_neighbors` is not.

scores = search.cv_results_["mean_test_score"].reshape(4, 3)
figure, axes = plt.subplots(layout="constrained")
image = axes.imshow(scores, cmap="viridis")
axes.set(xlabel="n_neighbors", ylabel="min_dist", title="accuracy of held-out rows")
axes.set(xticks=range(3), xticklabels=tried["umap__n_neighbors"], yticks=range(4), yticklabels=tried["umap__min_dist"])
for (row, column), score in np.ndenumerate(scores):
    dark = score < scores.mean()
    axes.text(column, row, f"{score:.3f}", ha="center", va="center", color="white" if dark else "black")
figure.colorbar(image)
