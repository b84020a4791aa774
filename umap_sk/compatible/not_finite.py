"""Neighbors of rows that may hold NaN and infinity: compared with all rows by a metric that takes them."""

from typing import Any

import numpy as np
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.utils.validation import check_array

from umap_sk import placing
from umap_sk.compatible.translation import called_metric


def takes_all(umap: Any, ensure_all_finite: Any) -> bool:
    """Whether rows are to be handed to the metric as they are, and it is one that takes them."""
    own = callable(umap.metric) or umap.metric == "nan_euclidean"
    return ensure_all_finite is not True and own


def of_fit(umap: Any, X: Any, ensure_all_finite: Any) -> dict[str, np.ndarray]:
    """Neighbors of training rows, as arrays for a fit."""
    rows = checked(X, ensure_all_finite)
    dists = all_distances(umap, rows, rows)
    np.fill_diagonal(dists, np.inf)
    return nearest(dists, umap.n_neighbors - 1)


def of_new(umap: Any, X: Any, ensure_all_finite: Any) -> dict[str, np.ndarray]:
    """Neighbors of new rows among the training rows."""
    return nearest(all_distances(umap, checked(X, ensure_all_finite), training_rows(umap)), umap._n_neighbors)


def of_update(umap: Any, X: Any, ensure_all_finite: Any) -> dict[str, np.ndarray]:
    """Neighbors of rows that are to be added, among the training rows and themselves."""
    rows, known = checked(X, ensure_all_finite), training_rows(umap)
    dists = all_distances(umap, rows, np.vstack([known, rows]))
    np.fill_diagonal(dists[:, len(known) :], np.inf)
    return nearest(dists, umap._n_neighbors - 1)


def training_rows(umap: Any) -> np.ndarray:
    """Features of the fit."""
    return np.asarray(placing.features_of_fit(umap.estimator_))


def checked(X: Any, ensure_all_finite: Any) -> np.ndarray:
    """Rows of numbers, as finite as was asked for."""
    return check_array(X, dtype=[np.float64, np.float32], ensure_all_finite=ensure_all_finite)


def all_distances(umap: Any, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances of rows to others, one by one; those that are NaN are infinite."""
    if isinstance(umap.metric, str):
        dists = nan_euclidean_distances(rows, others)
    else:
        metric, _ = called_metric(umap.metric, umap.metric_kwds)
        dists = np.array([[metric(row, other) for other in others] for row in rows], np.float64)
    dists[np.isnan(dists)] = np.inf
    return dists


def nearest(dists: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """The smallest distances of each row, ties by row number; -1 for a neighbor at infinite distance."""
    indices = np.argsort(dists, axis=1, kind="stable")[:, :count]
    smallest = np.take_along_axis(dists, indices, axis=1)
    far = np.isinf(smallest)
    return {"knn_indices": np.where(far, -1, indices), "knn_dists": np.where(far, 0.0, smallest)}
