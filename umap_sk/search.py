"""Neighbors of features, by scikit-learn's search, with distances whose bits do not depend on the batch."""

from typing import Any

import numpy as np
import scipy.sparse
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import PAIRWISE_BOOLEAN_FUNCTIONS
from sklearn.neighbors import NearestNeighbors

EXTRA = 4  # more neighbors than are needed, so that rounding in the search does not decide who is in

CDIST_NAMES = {"l2": "euclidean", "l1": "cityblock", "manhattan": "cityblock"} | {
    name: name for name in ("euclidean", "sqeuclidean", "cityblock", "cosine", "correlation", "chebyshev", "canberra")
}


def build_search(
    features: Any, metric: Any, metric_params: dict[str, Any] | None, n_jobs: int | None
) -> NearestNeighbors:
    """Fit scikit-learn's search on the training rows.

    Parameters
    ----------
    features : ndarray or sparse matrix of shape (n, n_features)
        The training rows.
    metric : str or callable
        As in :class:`sklearn.neighbors.NearestNeighbors`.
    metric_params : dict or None
        Further arguments of the metric.
    n_jobs : int or None
        Processors of the search.

    Returns
    -------
    NearestNeighbors
        The fitted search.
    """
    parameters = dict(metric_params or {})
    power = parameters.pop("p", 2)
    search = NearestNeighbors(metric=metric, p=power, metric_params=parameters or None, n_jobs=n_jobs)
    return search.fit(as_metric_wants(features, metric))


def as_metric_wants(features: Any, metric: Any) -> Any:
    """Features as booleans where the metric is one of sets, so that they are not converted row by row."""
    return features.astype(bool) if metric in PAIRWISE_BOOLEAN_FUNCTIONS else features


def find_neighbors(
    search: NearestNeighbors, features: Any, n_neighbors: int, *, own: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest training rows of every row, by distance and then by index, whatever batch the row comes in.

    Parameters
    ----------
    search : NearestNeighbors
        From :func:`build_search`.
    features : ndarray or sparse matrix of shape (n_rows, n_features)
        The rows.
    n_neighbors : int
        How many, or all training rows if these are fewer.
    own : bool
        The rows are the training rows: a row is not its own neighbor.

    Returns
    -------
    indices : ndarray of shape (n_rows, k), int64
        Training rows.
    dists : ndarray of shape (n_rows, k), float64
        Their distances, computed row by row.
    """
    count = search.n_samples_fit_ - own
    wanted = min(n_neighbors, count)
    asked = min(wanted + EXTRA, count)
    features = as_metric_wants(features, search.metric)
    found = search.kneighbors(None if own else features, asked, return_distance=False)
    indices, dists = np.empty((len(found), wanted), np.int64), np.empty((len(found), wanted))
    training = search._fit_X
    for i in range(len(found)):
        row = features[i : i + 1]
        names, values = nearest_first(found[i], distances_to(search, row, training[np.sort(found[i])]))
        if asked < count and values[wanted - 1] >= values[-1]:  # a tie that the search may have cut anywhere
            everything = distances_to(search, row, training)
            if own:
                everything[i] = np.inf
            names, values = nearest_first(np.arange(len(everything)), everything)
        indices[i], dists[i] = names[:wanted], values[:wanted]
    return indices, dists


def nearest_first(names: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Names in ascending order with their values, sorted by value and then by name."""
    names = np.sort(names)
    order = np.argsort(values, kind="stable")
    return names[order], values[order]


def distances_to(search: NearestNeighbors, row: Any, others: Any) -> np.ndarray:
    """Distances of one row to others, each computed on its own.

    Parameters
    ----------
    search : NearestNeighbors
        Names the metric.
    row : ndarray or sparse matrix of shape (1, n_features)
        The row.
    others : ndarray or sparse matrix of shape (n_others, n_features)
        The others.

    Returns
    -------
    ndarray of shape (n_others,), float64
        The distances.
    """
    name = CDIST_NAMES.get(search.metric) if isinstance(search.metric, str) else None
    if name and not scipy.sparse.issparse(others) and not search.metric_params:
        return cdist(row, others, name)[0]
    parameters = dict(search.metric_params or {}, **({"p": search.p} if search.metric == "minkowski" else {}))
    return pairwise_distances(row, others, metric=search.metric, **parameters)[0].astype(np.float64)
