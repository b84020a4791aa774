"""Searches of features: the choice between the package and scikit-learn."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.sparse
from sklearn.base import clone
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from umap_sk._typing import Features, Metric, Parameters, is_sparse
from umap_sk.neighbors import distances
from umap_sk.neighbors.all_pairs import search_all_pairs
from umap_sk.neighbors.differences import (
    DifferenceMetric,
    find_difference_metric,
    prefers_trees,
    search_differences,
)
from umap_sk.neighbors.euclidean import is_euclidean
from umap_sk.neighbors.functions import Comparison, compute_all, make_comparison
from umap_sk.neighbors.metric_checks import check_distances, check_values
from umap_sk.neighbors.missing_values import compute_nan_euclidean
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.sets import MAX_COLUMNS, SET_FORMULAS, search_sets
from umap_sk.neighbors.sparse_rows import compute_sparse_distances

EXTRA_NEIGHBORS = 4  # additional neighbors, so that rounding errors do not decide the selection
ROWS_PER_CALL = 50_000  # rows per call, so that progress can be shown
MAX_QUERIED = 1024  # neighbors that are queried for a row with ties, before it is compared with all rows

SPARSE_POWERS = {"l1": 1, "cityblock": 1, "manhattan": 1, "l2": 2, "euclidean": 2}  # for sparse rows


class SklearnSearch(NamedTuple):
    """A search among training rows by scikit-learn, with a metric and arguments from `resolve_metric`."""

    metric: Metric
    parameters: Parameters
    nearest: NearestNeighbors  # fitted to features from `prepare_features`

    @property
    def n_rows(self) -> int:
        """Return the number of training rows."""
        return int(self.nearest.n_samples_fit_)

    @property
    def features(self) -> Features:
        """Return the training rows as they are searched."""
        return self.nearest._fit_X

    @property
    def differences(self) -> DifferenceMetric | None:
        """The metric, if it is one of differences and the rows are dense."""
        return None if is_sparse(self.features) else find_difference_metric(self.metric, self.parameters)

    @property
    def uses_tree(self) -> bool:
        """Whether scikit-learn searches by a tree."""
        return bool(self.nearest._fit_method != "brute")


class NoSearch(NamedTuple):
    """Placeholder for a search if features were passed with neighbors and, for a `reason`, cannot be searched."""

    reason: str


def build_search(
    features: Features,
    metric: Metric,
    metric_params: Parameters | None,
    n_jobs: int | None,
    *,
    exact: bool = True,
) -> SklearnSearch | RowSearch:
    """Build a search of the training rows, by "hellinger" or a metric of scikit-learn's `NearestNeighbors`.

    The package searches if the metric is a function of Euclidean distances. `exact` only affects the package's search.
    """
    name, parameters = distances.resolve_metric(metric, metric_params, features)
    check_values(features, name, parameters)
    if is_euclidean(name) and not parameters:
        return RowSearch(features, name, exact=exact)
    if not isinstance(name, str):
        return SklearnSearch(name, parameters, NearestNeighbors(algorithm="brute").fit(features))
    others = {key: value for key, value in parameters.items() if key != "p"}
    if name == "mahalanobis":
        n_jobs = 1  # the threads of scikit-learn's trees share one buffer for its differences
    differences = None if is_sparse(features) else find_difference_metric(name, parameters)
    nearest = NearestNeighbors(
        algorithm="brute" if differences and not prefers_trees(differences, *features.shape) else "auto",
        metric=name,
        p=distances.get_power(parameters),
        n_jobs=n_jobs,
        metric_params=others or None,
    )
    try:
        return SklearnSearch(name, parameters, nearest.fit(distances.prepare_features(features, name)))
    except TypeError as error:
        raise ValueError(f"metric={metric!r} does not support metric_params={metric_params!r}: {error}.") from error


def extend_search(search: SklearnSearch | RowSearch, features: Features) -> SklearnSearch | RowSearch:
    """Return a search among the training rows and more rows, with the same metric."""
    if isinstance(search, RowSearch):
        check_values(features, search.metric, {})
        return RowSearch(stack_rows(search.features, features), search.metric, exact=search.exact)
    check_values(features, search.metric, search.parameters)
    together = stack_rows(search.features, distances.prepare_features(features, search.metric))
    return search._replace(nearest=clone(search.nearest).fit(together))


def stack_rows(features: Features, more: Features) -> Features:
    """Stack rows of features, dense or sparse."""
    if is_sparse(features) or is_sparse(more):
        return scipy.sparse.vstack([features, more], "csr")
    return np.concatenate([features, more])


def find_neighbors(
    search: SklearnSearch | RowSearch | NoSearch,
    features: Features | None,
    n_neighbors: int,
    *,
    own: bool,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest training rows of each row, by distance and then by index, independently of other rows.

    Indices (int64) and distances (float64) have shape (n_rows, n_neighbors), or fewer columns if there are fewer
    training rows. With `own`, the rows are the training rows (or None), and no row is its own neighbor.
    """
    if isinstance(search, NoSearch):
        raise ValueError(
            f"The features of fit cannot be searched: {search.reason} Pass knn_indices and knn_dists of the new rows."
        )
    wanted = min(n_neighbors, search.n_rows - own)
    if not own:
        assert features is not None
        check_values(features, search.metric, getattr(search, "parameters", {}))
    with np.errstate(over="ignore", invalid="ignore"):  # check_distances reports this better
        if isinstance(search, RowSearch):
            indices, dists = search.find_neighbors(None if own else features, wanted, progress=progress)
        else:
            indices, dists = _search_by_sklearn(search, None if own else features, wanted, progress)
    check_distances(search.metric, dists, indices)
    return indices, dists


def _search_by_sklearn(
    search: SklearnSearch, features: Features | None, wanted: int, progress: Callable[[int, int], object] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Search by scikit-learn. Rows whose last distance may be tied query more neighbors, and then all rows.

    A function compares all rows, since the triangle inequality, which trees rely on, may not hold for it.
    """
    own = features is None
    rows = search.features if features is None else distances.prepare_features(features, search.metric)
    n, name = rows.shape[0], search.metric
    if not isinstance(name, str) or (search.differences and not (search.uses_tree or is_sparse(rows))):
        return _compare_with_all(search, rows, wanted, np.arange(n) if own else None, progress)
    if name in SET_FORMULAS and not search.parameters and rows.shape[1] <= MAX_COLUMNS:
        return search_sets(name, np.asarray(search.features), None if own else np.asarray(rows), wanted, progress)
    indices, dists = np.empty((n, wanted), np.int64), np.empty((n, wanted))
    for start in range(0, n, ROWS_PER_CALL):
        end = min(start + ROWS_PER_CALL, n)
        tied, n_queried = np.arange(start, end), wanted + EXTRA_NEIGHBORS
        while len(tied) and n_queried <= MAX_QUERIED:
            tied = _query_rows(search, rows, tied, min(n_queried, search.n_rows - own), own, (indices, dists))
            n_queried = 4 * n_queried
        if len(tied):
            indices[tied], dists[tied] = _compare_with_all(search, rows[tied], wanted, tied if own else None)
        if progress:
            progress(end, n)
    return indices, dists


def _query_rows(
    search: SklearnSearch,
    rows: Features,
    numbers: np.ndarray,
    n_queried: int,
    own: bool,
    out: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Query neighbors of some rows, and return the rows whose last neighbor may be tied."""
    wanted, size, tied = out[0].shape[1], max(1, ROWS_PER_CALL * EXTRA_NEIGHBORS // n_queried), [numbers[:0]]
    for part in np.split(numbers, range(size, len(numbers), size)):
        values, names = _query_block(search, rows, part, n_queried, own)
        if search.metric == "nan_euclidean":
            values = compute_nan_euclidean(np.asarray(rows)[part], np.asarray(search.features), names)
        order = np.lexsort((names, values), axis=1)[:, :wanted]
        out[0][part], out[1][part] = np.take_along_axis(names, order, 1), np.take_along_axis(values, order, 1)
        if n_queried < search.n_rows - own:
            tied.append(part[out[1][part, -1] >= values.max(axis=1)])
    return np.concatenate(tied)


def _query_block(
    search: SklearnSearch, rows: Features, part: np.ndarray, n_queried: int, own: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances and indices of the neighbors of some rows; with `own`, without each row itself."""
    if not own:
        return search.nearest.kneighbors(rows[part], n_queried)
    if len(part) == rows.shape[0]:
        return search.nearest.kneighbors(None, n_queried)
    return drop_itself(part, *search.nearest.kneighbors(rows[part], n_queried + 1))


def drop_itself(rows: np.ndarray, values: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop each row from its own neighbors. If a row is not among its duplicates, the last neighbor is dropped."""
    others = names != rows[:, None]
    others[others.all(axis=1), -1] = False
    shape = len(rows), names.shape[1] - 1
    return values[others].reshape(shape), names[others].reshape(shape)


def _compare_with_all(
    search: SklearnSearch,
    rows: Features,
    wanted: int,
    numbers: np.ndarray | None,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest rows of some rows after a comparison with all training rows.

    `numbers` are those of the rows among the training rows, or None.
    """
    if search.differences and not is_sparse(rows):
        pair = np.asarray(search.features), np.asarray(rows)
        return search_differences(search.differences, *pair, wanted, numbers=numbers, progress=progress)
    compare: Comparison = partial(compute_distances, search)
    if not isinstance(search.metric, str):
        compare = make_comparison(search.metric, search.parameters)
    compute = partial(compute_all, compare, others=search.features)
    shape = (rows.shape[0], search.n_rows)
    return search_all_pairs(lambda block: compute(rows[block]), shape, wanted, numbers=numbers, progress=progress)


def compute_distances(search: SklearnSearch, row: Features, others: Features) -> np.ndarray:
    """Return float64 distances of one prepared row to others, each independent of the others."""
    name = search.metric
    assert isinstance(name, str)  # functions compare all rows
    if is_sparse(row) and is_sparse(others) and name in SPARSE_POWERS:
        return compute_sparse_distances(row, others, SPARSE_POWERS[name])
    if name == "nan_euclidean":
        return compute_nan_euclidean(np.asarray(row), np.asarray(others), np.arange(others.shape[0])[None])[0]
    return pairwise_distances(row, others, metric=name, **search.parameters)[0].astype(np.float64)
