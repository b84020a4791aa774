"""Neighbors as umap-learn's functions return them: narrow arrays, and an index that can be asked."""

import importlib.util
from typing import Any, NamedTuple

import numpy as np
from numba.core.dispatcher import Dispatcher
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array

from umap_sk.compatible.compared import all_distances, checked, nearest
from umap_sk.compatible.distances import METRICS
from umap_sk.compatible.translation import called_metric
from umap_sk.neighbors.searchers import find_neighbors
from umap_sk.neighbors.transformer import NeighborsTransformer


class Found(NamedTuple):
    """How neighbors are to be found, in umap-learn's words."""

    metric: Any
    metric_kwds: dict[str, Any] | None
    random_state: Any
    n_jobs: int | None
    verbose: bool


class SearchIndex:
    """Rows that have been searched, and that others can be searched among.

    Parameters
    ----------
    transformer : NeighborsTransformer
        The fitted search.
    """

    def __init__(self, transformer: NeighborsTransformer):
        self._transformer = transformer

    @property
    def neighbor_graph(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices and distances of the neighbors of the rows themselves."""
        return narrowed(*self._transformer.neighbors_)

    def query(self, X: Any, k: int = 10, epsilon: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
        """Indices and distances of the nearest rows of other rows."""
        X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
        return narrowed(*find_neighbors(self._transformer._search, X, k, own=False))


class AllRows:
    """Rows that others are compared with one by one, by a metric that scikit-learn has not.

    Parameters
    ----------
    asked : Found
        The metric.
    rows : ndarray
        The rows as it takes them.
    """

    def __init__(self, asked: Found, rows: np.ndarray):
        self._asked, self._rows = asked, rows

    def query(self, X: Any, k: int = 10, epsilon: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
        """Indices and distances of the nearest rows of other rows."""
        rows = checked(self._asked, X, True)
        found = nearest(all_distances(self._asked, rows, self._rows), k, len(rows))
        return narrowed(found["knn_indices"], found["knn_dists"])


def found_neighbors(X: Any, n_neighbors: int, asked: Found) -> tuple[np.ndarray, np.ndarray, Any]:
    """Neighbors of rows, themselves first, and what finds those of others."""
    if isinstance(asked.metric, str) and asked.metric == "precomputed":
        return (*nearest_of_all(check_array(X, ensure_all_finite=False), n_neighbors), None)
    if isinstance(asked.metric, Dispatcher) and importlib.util.find_spec("pynndescent"):
        return by_pynndescent(X, n_neighbors, asked)
    if isinstance(asked.metric, str) and asked.metric in METRICS:
        index = AllRows(asked, checked(asked, X, True))
        return (*index.query(X, n_neighbors), index)
    metric, parameters = called_metric(asked.metric, asked.metric_kwds)
    transformer = NeighborsTransformer(
        n_neighbors - 1,
        metric=metric,
        metric_params=parameters,
        random_state=check_random_state(asked.random_state),  # which may be the module np.random
        n_jobs=asked.n_jobs,
        verbose=asked.verbose,
    ).fit(X)
    return (*narrowed(*transformer.neighbors_), SearchIndex(transformer))


def nearest_of_all(dists: np.ndarray, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """The smallest distances of each row, ties by row number; -1 for a neighbor at infinite distance."""
    indices = np.argsort(dists, axis=1, kind="stable")[:, :n_neighbors]
    nearest = np.take_along_axis(dists, indices, axis=1)
    indices[np.isinf(nearest)] = -1
    return narrowed(indices, nearest)


def by_pynndescent(X: Any, n_neighbors: int, asked: Found) -> tuple[np.ndarray, np.ndarray, Any]:
    """Neighbors by a compiled function, which PyNNDescent calls from compiled code."""
    from pynndescent import NNDescent

    index = NNDescent(
        X,
        n_neighbors=n_neighbors,
        metric=asked.metric,
        metric_kwds=asked.metric_kwds,
        random_state=check_random_state(asked.random_state),
        n_jobs=asked.n_jobs,
        verbose=asked.verbose,
    )
    return (*narrowed(*index.neighbor_graph), index)


def narrowed(indices: np.ndarray, dists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices and distances as umap-learn has them, in 32 bits."""
    return indices.astype(np.int32, copy=False), dists.astype(np.float32, copy=False)
