"""Neighbors of features, by scikit-learn's search, with distances whose bits do not depend on the batch."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from umap_sk.monitor.units import duration
from umap_sk.neighbors import distances
from umap_sk.neighbors.sparse_rows import sparse_distances, sparse_products

EXTRA = 4  # more neighbors than are needed, so that rounding in the search does not decide who is in
BLOCK = 50_000  # rows that are searched at once, so that what is left can be told
LARGEST_DISTANCE = float(np.finfo(np.float32).max)  # distance that a graph can hold

SMALLER = "Scale the features down, for example by X / np.abs(X).max()."

CDIST_NAMES = {"l2": "euclidean", "l1": "cityblock", "manhattan": "cityblock"} | {
    name: name for name in ("euclidean", "sqeuclidean", "cityblock", "chebyshev", "canberra")
}
POWER_OF = {"l1": 1, "cityblock": 1, "manhattan": 1, "l2": 2, "euclidean": 2}  # metrics of sparse rows


class Search(NamedTuple):
    """What neighbors among the training rows are searched by.

    Attributes
    ----------
    metric : str or callable
        From :func:`umap_sk.neighbors.distances.resolved`.
    parameters : dict
        Its arguments.
    nearest : NearestNeighbors
        The fitted search, of features as :func:`umap_sk.neighbors.distances.prepared` leaves them.
    """

    metric: Any
    parameters: dict[str, Any]
    nearest: NearestNeighbors


class NoSearch(NamedTuple):
    """What takes its place where features came beside neighbors, and cannot be searched.

    Attributes
    ----------
    reason : str
        Why they cannot.
    """

    reason: str


def build_search(
    features: Any, metric: Any, metric_params: dict[str, Any] | None, n_jobs: int | None, algorithm: str = "auto"
) -> Search:
    """Fit scikit-learn's search on the training rows, by any metric of its `NearestNeighbors` or by "hellinger"."""
    name, parameters = distances.resolved(metric, metric_params, features)
    searched = "euclidean" if isinstance(name, str) and name in distances.ANGULAR else name
    others = {key: value for key, value in parameters.items() if key != "p"}
    if "p" in parameters and name != "minkowski":
        raise ValueError(f"metric={metric!r} takes no power p, but metric_params={metric_params!r}. Use 'minkowski'.")
    nearest = NearestNeighbors(algorithm=algorithm, metric=searched, p=parameters.get("p", 2), n_jobs=n_jobs)
    nearest.set_params(metric_params=others or None)
    try:
        return Search(name, parameters, nearest.fit(ready(features, name, parameters)))
    except TypeError as error:
        raise ValueError(f"metric={metric!r} does not take metric_params={metric_params!r}: {error}.") from error


def search_beside(
    features: Any, metric: Any, metric_params: dict[str, Any] | None, n_jobs: int | None
) -> Search | NoSearch:
    """The same where neighbors take precedence, so that features need not be searchable before there are new rows."""
    try:
        return build_search(features, metric, metric_params, n_jobs)
    except ValueError as error:
        return NoSearch(str(error).splitlines()[0])


def extended(search: Search, features: Any) -> Search:
    """The search among the training rows and more, by the metric with the arguments that it has."""
    together = stacked(search.nearest._fit_X, ready(features, search.metric, search.parameters))
    return search._replace(nearest=clone(search.nearest).fit(together))


def stacked(features: Any, more: Any) -> Any:
    """Rows of features, dense or sparse, and more rows below them."""
    sparse = scipy.sparse.issparse(features) or scipy.sparse.issparse(more)
    return scipy.sparse.vstack([features, more], "csr") if sparse else np.concatenate([features, more])


def find_neighbors(
    search: Search | NoSearch,
    features: Any,
    n_neighbors: int,
    *,
    own: bool,
    tell: Callable[[str], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest training rows of every row, by distance and then by index, whatever batch the row comes in.

    Indices (int64) and distances (float64) are of shape (n_rows, n_neighbors), or narrower where there are fewer
    training rows. With `own` the rows are the training rows (also None for them), and none is its own neighbor.
    """
    if isinstance(search, NoSearch):
        raise ValueError(
            f"The features of fit cannot be searched: {search.reason} Pass knn_indices and knn_dists of the new rows."
        )
    count = search.nearest.n_samples_fit_ - own
    wanted = min(n_neighbors, count)
    asked = min(wanted + EXTRA, count)
    features = search.nearest._fit_X if features is None else ready(features, search.metric, search.parameters)
    n, began = features.shape[0], time.perf_counter()
    indices, dists = np.empty((n, wanted), np.int64), np.empty((n, wanted))
    with np.errstate(over="ignore", invalid="ignore"):  # check_distances says it better
        for start in range(0, n, BLOCK):
            end = min(start + BLOCK, n)
            found = candidates(search, features, start, end, asked, own)
            for i in range(start, end):
                row = nearest_of(search, features[i : i + 1], found[i - start], wanted, count, i if own else None)
                indices[i], dists[i] = row
            if tell and n > BLOCK:
                left = (time.perf_counter() - began) * (n - end) / end
                tell(f"search: {end:,} of {n:,} rows, about {duration(left)} left")
    check_distances(search.metric, dists, indices)
    return indices, dists


def candidates(search: Search, features: Any, start: int, end: int, asked: int, own: bool) -> np.ndarray:
    """Names of at least as many nearest training rows as are asked for, of each row of a block; with `own` not itself.

    Where a row is beyond its like, the last one is left out in its place: a tie, which is told from distances.
    """
    nearest = search.nearest
    if not own or features.shape[0] <= BLOCK:
        return nearest.kneighbors(None if own else features[start:end], asked, return_distance=False)
    found = nearest.kneighbors(features[start:end], asked + 1, return_distance=False)
    others = found != np.arange(start, end)[:, None]
    others[others.all(axis=1), -1] = False
    return found[others].reshape(end - start, asked)


def nearest_of(
    search: Search, row: Any, found: np.ndarray, wanted: int, count: int, itself: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of a row's candidates with their distances, or of all rows, where a tie was cut."""
    training = search.nearest._fit_X
    names, values = nearest_first(found, distances_to(search, row, training[np.sort(found)]))
    if len(found) < count and values[wanted - 1] >= values[-1]:  # a tie that the search may have cut anywhere
        everything = distances_to(search, row, training)
        if itself is not None:
            everything[itself] = np.inf
        names, values = nearest_first(np.arange(len(everything)), everything)
    return names[:wanted], values[:wanted]


def ready(features: Any, metric: Any, parameters: dict[str, Any]) -> Any:
    """Features from :func:`umap_sk.neighbors.distances.prepared`, if their powers are finite."""
    features = distances.prepared(features, metric)
    stored = features.data if scipy.sparse.issparse(features) else features
    if isinstance(metric, str) and metric != "nan_euclidean" and stored.size:
        limit = 1e300 ** (1 / max(2, parameters.get("p", 2)))
        largest = max(-float(stored.min()), float(stored.max()))
        if np.isnan(largest):
            raise ValueError(f"Input X contains NaN, which metric={metric!r} does not take.")
        if largest >= limit:
            raise ValueError(
                f"X goes up to {largest:.2g}, but metric={metric!r} takes features below {limit:.0e}. {SMALLER}"
            )
    return features


def check_distances(metric: Any, dists: np.ndarray, indices: np.ndarray) -> None:
    """Raise if features are so large that distances overflow, or the metric is not defined for them."""
    bad = np.argwhere(~(dists <= LARGEST_DISTANCE))
    if len(bad):
        row, place = bad[0]
        value, cure = dists[row, place], "Use another metric, or leave such rows out."
        if not np.isnan(value) or (isinstance(metric, str) and metric in ("minkowski", *CDIST_NAMES)):
            cure = SMALLER
        raise ValueError(
            f"By metric={metric!r}, row {row} of X is at distance {value} from training row {indices[row, place]}, but "
            f"distances up to {LARGEST_DISTANCE:.1e} are needed. {cure}"
        )


def nearest_first(names: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Names in ascending order with their values, sorted by value and then by name."""
    names = np.sort(names)
    order = np.argsort(values, kind="stable")
    return names[order], values[order]


def distances_to(search: Search, row: Any, others: Any) -> np.ndarray:
    """Distances of one row to others, all prepared, each computed by itself; float64."""
    metric, sparse = search.metric, scipy.sparse.issparse(others)
    name = metric if isinstance(metric, str) else ""
    if name in distances.ANGULAR:
        products = sparse_products(row, others) if sparse else (others * row).sum(axis=1)
        between = sparse_distances(row, others, 2) if sparse else cdist(row, others)[0]
        return distances.from_units(products, between, name)
    if sparse and name in POWER_OF:
        return sparse_distances(row, others, POWER_OF[name])
    if name in CDIST_NAMES and not sparse and not search.parameters:
        return cdist(row, others, CDIST_NAMES[name])[0]
    return pairwise_distances(row, others, metric=metric, **search.parameters)[0].astype(np.float64)
