"""Tune a map over neighbors that you have: scikit-learn cuts a kNN graph right, rows and columns alike.

List about twice as many neighbors as the largest n_neighbors of the grid, since each fold takes some away.
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, knn_graph
from umap_sk.metrics import neighbor_recall_scorer, trustworthiness_scorer

X = load_digits().data
dists, ids = NearestNeighbors(n_neighbors=50).fit(X).kneighbors(X)  # or faiss, hnswlib, pynndescent, ...

search = GridSearchCV(
    PrecomputedUMAP(n_epochs=100, random_state=0),
    {"n_neighbors": [5, 10, 20], "min_dist": [0.1, 0.5]},
    cv=KFold(3, shuffle=True, random_state=0),
    scoring={"recall": neighbor_recall_scorer, "trust": trustworthiness_scorer},
    refit="trust",
)
search.fit(knn_graph(ids, dists))

results = search.cv_results_
for parameters, recall, trust in zip(
    results["params"], results["mean_test_recall"], results["mean_test_trust"], strict=True
):
    print(f"{parameters}: recall of held-out rows {recall:.3f}, trustworthiness {trust:.3f}")
print(f"best: {search.best_params_}, a map of {len(search.best_estimator_.embedding_)} rows")
