"""Nearest neighbors without a map: as arrays, or as a graph by a transformer in scikit-learn's style."""

from numbers import Integral
from typing import Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from umap_sk._typing import Features, FeaturesLike, Metric, Parameters
from umap_sk.exceptions import FewerNeighborsWarning, warn
from umap_sk.neighbors import choice, distances
from umap_sk.neighbors.choice import Searcher, SearchSettings
from umap_sk.neighbors.searchers import find_neighbors, search_training
from umap_sk.neighbors.validate import replace_advice
from umap_sk.runtime.spelling import validate_names
from umap_sk.runtime.threads import limit_threads


def nearest_neighbors(
    X: FeaturesLike,
    n_neighbors: int = 15,
    metric: Metric = "euclidean",
    *,
    metric_params: Parameters | None = None,
    searcher: Searcher = "auto",
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest neighbors of each row among all rows.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    n_neighbors : int, default=15
        Number of neighbors of each row, including the row itself.
    metric : str or callable, default="euclidean"
        A metric of :class:`sklearn.neighbors.NearestNeighbors`, or "hellinger".
    metric_params : dict, default=None
        Further arguments of the metric.
    searcher : str or object, default="auto"
        The searcher, as in :class:`umap_sk.PrecomputedUMAP`.
    random_state : int, RandomState or None, default=None
        Seed of searchers that use random numbers. The package's own search does not.
    n_jobs : int, default=None
        Number of threads. None stands for numba's current number.
    verbose : bool, default=False
        Whether to show progress.

    Returns
    -------
    indices : ndarray of shape (n_samples, n_neighbors), int64
        Row numbers, the row itself first, then by distance and by row number.
    distances : ndarray of shape (n_samples, n_neighbors), float64
        Their distances.

    Raises
    ------
    ValueError
        If X has NaN or infinite values or values that the metric does not support, or `n_neighbors` is below 2.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk import nearest_neighbors
    >>> indices, distances = nearest_neighbors(np.array([[0.0], [1.0], [3.0]]), n_neighbors=2)
    >>> indices
    array([[0, 1],
           [1, 0],
           [2, 1]])
    >>> distances
    array([[0., 1.],
           [0., 1.],
           [0., 2.]])
    """
    if isinstance(n_neighbors, int | np.integer) and n_neighbors < 2:
        raise ValueError(f"n_neighbors is {n_neighbors}, but at least 2 is needed: the row itself and another one.")
    transformer = NeighborsTransformer(
        n_neighbors - 1 if isinstance(n_neighbors, int | np.integer) else n_neighbors,
        metric=metric,
        metric_params=metric_params,
        searcher=searcher,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    transformer._validate_params()
    return transformer._fit(X, estimate_recall=bool(verbose)).neighbors_


class NeighborsTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Transform rows into the graph of distances to their nearest neighbors.

    This works like :class:`sklearn.neighbors.KNeighborsTransformer` in mode "distance". It is many times as fast if the
    metric is a function of Euclidean distances, and its result does not depend on the number of threads.

    Parameters
    ----------
    n_neighbors : int, default=15
        Number of neighbors of each row, not counting the row itself.
    metric : str or callable, default="euclidean"
        A metric of :class:`sklearn.neighbors.NearestNeighbors`, or "hellinger".
    metric_params : dict, default=None
        Further arguments of the metric.
    searcher : str or object, default="auto"
        The searcher, as in :class:`umap_sk.PrecomputedUMAP`.
    random_state : int, RandomState or None, default=None
        Seed of searchers that use random numbers. The package's own search does not.
    n_jobs : int, default=None
        Number of threads. None stands for numba's current number.
    verbose : bool, default=False
        Whether to show progress.

    Attributes
    ----------
    neighbors_ : tuple of two ndarrays of shape (n_samples, n_neighbors + 1)
        Indices of the neighbors of each training row, itself first, and their distances.
    report_ : dict
        The searcher and, for an approximate search, the share of a sample's nearest neighbors that was found.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if it has names.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from umap_sk import NeighborsTransformer
    >>> graph = NeighborsTransformer(n_neighbors=5).fit_transform(load_digits().data)
    >>> graph.shape, graph.nnz
    ((1797, 1797), 10782)
    """

    _parameter_constraints: dict[str, list[object]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [str, callable],
        "metric_params": [dict, None],
        "searcher": [StrOptions(set(choice.SEARCHER_NAMES)), HasMethods("kneighbors"), HasMethods("transform")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_neighbors: int = 15,
        *,
        metric: Metric = "euclidean",
        metric_params: Parameters | None = None,
        searcher: Searcher = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ):
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.metric_params = metric_params
        self.searcher = searcher
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _validate_params(self) -> None:
        validate_names(self, super()._validate_params, searcher=choice.SEARCHER_NAMES)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = distances.takes_sparse(self.metric) and choice.takes_sparse(self.searcher)
        tags.input_tags.positive_only = self.metric == "hellinger"
        tags.requires_fit = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.neighbors_[0])

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: FeaturesLike, y: object = None) -> Self:
        """Find the nearest neighbors of the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training rows.
        y : object, default=None
            Not used.

        Returns
        -------
        NeighborsTransformer
            The fitted transformer.
        """
        return self._fit(X, estimate_recall=True)

    def _fit(self, X: FeaturesLike, *, estimate_recall: bool) -> Self:
        with replace_advice():
            features: Features = validate_data(
                self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=2
            )
        distances.check_metric(self.metric)
        count = min(self.n_neighbors, features.shape[0] - 1)
        if count < self.n_neighbors:
            warn(
                f"{self.n_neighbors} other rows were wanted as neighbors of each row, but each of {features.shape[0]} "
                f"rows has {count} others; all are used. Give more rows, or lower n_neighbors.",
                FewerNeighborsWarning,
            )
        seed = int(check_random_state(self.random_state).randint(2**31))
        settings = SearchSettings(self.searcher, self.metric, self.metric_params, self.n_jobs, seed, bool(self.verbose))
        with limit_threads(self.n_jobs):
            self._search, indices, dists, self.report_ = search_training(
                features, settings, count, estimate_recall=estimate_recall
            )
        rows = np.arange(features.shape[0])[:, None]
        self.neighbors_ = np.hstack([rows, indices]), np.hstack([np.zeros(rows.shape), dists])
        return self

    def transform(self, X: FeaturesLike) -> scipy.sparse.csr_matrix:
        """Find the nearest training rows of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        csr_matrix of shape (n_samples, n_samples_fit), float64
            Distances to the ``n_neighbors + 1`` nearest training rows; a training row is one of its own.
        """
        check_is_fitted(self)
        with replace_advice():
            rows: Features = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        with limit_threads(self.n_jobs):
            indices, dists = find_neighbors(self._search, rows, self.neighbors_[0].shape[1], own=False)
        return make_graph(indices, dists, self._n_features_out)

    def fit_transform(self, X: FeaturesLike, y: object = None) -> scipy.sparse.csr_matrix:
        """Find the nearest neighbors of the training rows, and return their graph.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training rows.
        y : object, default=None
            Not used.

        Returns
        -------
        csr_matrix of shape (n_samples, n_samples), float64
            Distances to ``n_neighbors + 1`` training rows, each row itself first.
        """
        indices, dists = self.fit(X, y).neighbors_
        return make_graph(indices, dists, self._n_features_out)


def make_graph(indices: np.ndarray, dists: np.ndarray, n_columns: int) -> scipy.sparse.csr_matrix:
    """Convert arrays to a sparse distance graph, without neighbors that were not found."""
    found = indices >= 0
    starts = np.concatenate([[0], np.cumsum(found.sum(axis=1))])
    return scipy.sparse.csr_matrix((dists[found], indices[found], starts), shape=(len(indices), n_columns))
