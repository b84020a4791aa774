"""Search of neighbors with the results of umap-learn's functions: arrays of 32 bits, and a search index."""

import importlib.util
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numba.core.dispatcher import Dispatcher
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array

from umap_sk._typing import Features, FeaturesLike, Metric
from umap_sk.compatible.brute_force import check_rows, compute_distances, select_nearest
from umap_sk.compatible.distances import METRICS
from umap_sk.compatible.translation import convert_metric
from umap_sk.neighbors.functions import order_arguments
from umap_sk.neighbors.searchers import find_neighbors
from umap_sk.neighbors.transformer import NeighborsTransformer
from umap_sk.pipeline.parameters import RandomState

if TYPE_CHECKING:
    from pynndescent import NNDescent


class SearchRequest(NamedTuple):
    """Arguments of a search, under umap-learn's names."""

    metric: Metric
    metric_kwds: dict[str, object] | None
    random_state: RandomState
    n_jobs: int | None
    verbose: bool


class SearchIndex:
    """An index that searches the rows of a fitted NeighborsTransformer."""

    def __init__(self, transformer: NeighborsTransformer):
        self._transformer = transformer

    @property
    def neighbor_graph(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices and distances of the fitted rows' own neighbors."""
        return to_32_bits(*self._transformer.neighbors_)

    def query(self, X: FeaturesLike, k: int = 10, epsilon: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices and distances of the k fitted rows that are nearest to each row of X."""
        rows: Features = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
        return to_32_bits(*find_neighbors(self._transformer._search, rows, k, own=False))


class BruteForceIndex:
    """An index that compares each row with all rows, for metrics that scikit-learn does not have."""

    def __init__(self, request: SearchRequest, rows: np.ndarray):
        self._request, self._rows = request, rows  # the rows are already converted for the metric

    def query(self, X: FeaturesLike, k: int = 10, epsilon: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices and distances of the k fitted rows that are nearest to each row of X."""
        rows = check_rows(self._request, X, True)
        found = select_nearest(compute_distances(self._request, rows, self._rows), k, len(rows))
        return to_32_bits(found["knn_indices"], found["knn_dists"])


FoundNeighbors: TypeAlias = "tuple[np.ndarray, np.ndarray, SearchIndex | BruteForceIndex | NNDescent | None]"
"""Indices and distances of neighbors, and a search index."""


def search_neighbors(X: FeaturesLike, n_neighbors: int, request: SearchRequest) -> FoundNeighbors:
    """Return indices and distances of the neighbors, each row itself first, and a search index or None."""
    if isinstance(request.metric, str) and request.metric == "precomputed":
        return (*select_from_distances(check_array(X, ensure_all_finite=False), n_neighbors), None)
    if isinstance(request.metric, Dispatcher) and importlib.util.find_spec("pynndescent"):
        return search_by_pynndescent(X, n_neighbors, request)
    if isinstance(request.metric, str) and request.metric in METRICS:
        index = BruteForceIndex(request, check_rows(request, X, True))
        return (*index.query(X, n_neighbors), index)
    metric, parameters = convert_metric(request.metric, request.metric_kwds)
    transformer = NeighborsTransformer(
        n_neighbors - 1,
        metric=metric,
        metric_params=parameters,
        random_state=check_random_state(request.random_state),  # umap-learn also accepts the module np.random
        n_jobs=request.n_jobs,
        verbose=request.verbose,
    ).fit(X)
    return (*to_32_bits(*transformer.neighbors_), SearchIndex(transformer))


def select_from_distances(dists: np.ndarray, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Select the nearest rows by all distances. Equal distances are ordered by row number, and infinite ones are -1."""
    indices = np.argsort(dists, axis=1, kind="stable")[:, :n_neighbors]
    nearest = np.take_along_axis(dists, indices, axis=1)
    indices[np.isinf(nearest)] = -1
    return to_32_bits(indices, nearest)


def search_by_pynndescent(X: FeaturesLike, n_neighbors: int, request: SearchRequest) -> FoundNeighbors:
    """Search with PyNNDescent, which calls a compiled metric from compiled code."""
    from pynndescent import NNDescent

    assert isinstance(request.metric, Dispatcher)
    index = NNDescent(
        X,
        n_neighbors=n_neighbors,
        metric=request.metric,
        metric_kwds=order_arguments(request.metric, request.metric_kwds or {}),
        random_state=check_random_state(request.random_state),
        n_jobs=request.n_jobs,
        verbose=request.verbose,
    )
    return (*to_32_bits(*index.neighbor_graph), index)


def to_32_bits(indices: np.ndarray, dists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert indices to int32 and distances to float32, as in umap-learn."""
    return indices.astype(np.int32, copy=False), dists.astype(np.float32, copy=False)
