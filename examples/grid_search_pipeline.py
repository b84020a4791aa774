"""Tune a map between features and a classifier; neighbors are searched once a fold, not once a candidate."""

from tempfile import TemporaryDirectory

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import Pipeline

from umap_sk import PrecomputedUMAP

X, labels = load_digits(return_X_y=True)
# Larger data: pynndescent.PyNNDescentTransformer(n_neighbors=20) finds the neighbors approximately.
neighbors = KNeighborsTransformer(n_neighbors=20, mode="distance")
steps = [
    ("neighbors", neighbors),
    ("umap", PrecomputedUMAP(n_epochs=100, random_state=0)),
    ("vote", KNeighborsClassifier(5)),
]
with TemporaryDirectory() as folder:
    pipeline = Pipeline(steps, memory=folder)
    grid = {"umap__n_neighbors": [5, 20], "umap__min_dist": [0.0, 0.1, 0.5]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, labels)

for parameters, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
    print(f"{parameters}: accuracy {score:.3f}")
print(f"best: {search.best_params_}")
