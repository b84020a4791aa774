"""Neighbors of features: which search finds them, what is refused, and scikit-learn's search for other metrics."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from umap_sk.neighbors import distances
from umap_sk.neighbors.euclidean import is_euclidean
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.sparse_rows import sparse_distances

EXTRA = 4  # more neighbors than are needed, so that rounding in the search does not decide who is in
BLOCK = 50_000  # rows that are searched at once, so that the time left can be shown
MOST_ASKED = 1024  # neighbors of a row that is tied, before it is compared with all rows
LARGEST_DISTANCE = float(np.finfo(np.float32).max)  # distance that a graph can have

SMALLER = "Scale the features down, for example by X / np.abs(X).max()."

CDIST_NAMES = {"l2": "euclidean", "l1": "cityblock", "manhattan": "cityblock"} | {
    name: name for name in ("euclidean", "sqeuclidean", "cityblock", "chebyshev", "canberra")
}
POWER_OF = {"l1": 1, "cityblock": 1, "manhattan": 1, "l2": 2, "euclidean": 2}  # metrics of sparse rows


class Search(NamedTuple):
    """Scikit-learn's search among the training rows.

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

    @property
    def n_rows(self) -> int:
        """How many training rows there are."""
        return int(self.nearest.n_samples_fit_)

    @property
    def features(self) -> Any:
        """The training rows, as they are searched."""
        return self.nearest._fit_X


class NoSearch(NamedTuple):
    """What takes its place where features came beside neighbors, and cannot be searched.

    Attributes
    ----------
    reason : str
        Why they cannot.
    """

    reason: str


def build_search(
    features: Any,
    metric: Any,
    metric_params: dict[str, Any] | None,
    n_jobs: int | None,
    *,
    exact: bool = True,
) -> Search | RowSearch:
    """A search of the training rows, by any metric of scikit-learn's `NearestNeighbors` or by "hellinger".

    It is the package's own where the metric is a function of Euclidean distances. `exact` says whether that one finds
    all neighbors; scikit-learn's always does.
    """
    name, parameters = distances.resolved(metric, metric_params, features)
    if "p" in parameters and name != "minkowski":
        raise ValueError(f"metric={metric!r} takes no power p, but metric_params={metric_params!r}. Use 'minkowski'.")
    check_values(features, name, parameters)
    if is_euclidean(name) and not parameters:
        return RowSearch(features, name, exact=exact)
    others = {key: value for key, value in parameters.items() if key != "p"}
    nearest = NearestNeighbors(metric=name, p=parameters.get("p", 2), n_jobs=n_jobs, metric_params=others or None)
    try:
        return Search(name, parameters, nearest.fit(distances.prepared(features, name)))
    except TypeError as error:
        raise ValueError(f"metric={metric!r} does not take metric_params={metric_params!r}: {error}.") from error


def search_beside(
    features: Any, metric: Any, metric_params: dict[str, Any] | None, n_jobs: int | None, *, exact: bool
) -> Search | RowSearch | NoSearch:
    """The same where neighbors take precedence, so that features need not be searchable before there are new rows."""
    try:
        return build_search(features, metric, metric_params, n_jobs, exact=exact)
    except ValueError as error:
        return NoSearch(str(error).splitlines()[0])


def extended(search: Search | RowSearch, features: Any) -> Search | RowSearch:
    """The search among the training rows and more, by the metric with the arguments that it has."""
    if isinstance(search, RowSearch):
        check_values(features, search.metric, {})
        return RowSearch(stacked(search.features, features), search.metric, exact=search.exact)
    check_values(features, search.metric, search.parameters)
    together = stacked(search.features, distances.prepared(features, search.metric))
    return search._replace(nearest=clone(search.nearest).fit(together))


def stacked(features: Any, more: Any) -> Any:
    """Rows of features, dense or sparse, and more rows below them."""
    sparse = scipy.sparse.issparse(features) or scipy.sparse.issparse(more)
    return scipy.sparse.vstack([features, more], "csr") if sparse else np.concatenate([features, more])


def find_neighbors(
    search: Search | RowSearch | NoSearch,
    features: Any,
    n_neighbors: int,
    *,
    own: bool,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest training rows of every row, by distance and then by index, whatever batch the row comes in.

    Indices (int64) and distances (float64) are of shape (n_rows, n_neighbors), or narrower where there are fewer
    training rows. With `own` the rows are the training rows (also None for them), and none is its own neighbor.
    """
    if isinstance(search, NoSearch):
        raise ValueError(
            f"The features of fit cannot be searched: {search.reason} Pass knn_indices and knn_dists of the new rows."
        )
    wanted = min(n_neighbors, search.n_rows - own)
    if not own:
        check_values(features, search.metric, getattr(search, "parameters", {}))
    with np.errstate(over="ignore", invalid="ignore"):  # check_distances says it better
        if isinstance(search, RowSearch):
            indices, dists = search.neighbors(None if own else features, wanted, progress=progress)
        else:
            indices, dists = _by_scikit_learn(search, None if own else features, wanted, progress)
    check_distances(search.metric, dists, indices)
    return indices, dists


def _by_scikit_learn(
    search: Search, features: Any, wanted: int, progress: Callable[[int, int], object] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Neighbors by scikit-learn; where it may have cut a tie anywhere, the row is compared with all rows."""
    own = features is None
    rows = search.features if own else distances.prepared(features, search.metric)
    n = rows.shape[0]
    indices, dists = np.empty((n, wanted), np.int64), np.empty((n, wanted))
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        tied, asked = np.arange(start, end), wanted + EXTRA
        while len(tied) and asked <= MOST_ASKED:
            tied = _search_rows(search, rows, tied, min(asked, search.n_rows - own), own, (indices, dists))
            asked *= 4
        for row in tied:
            indices[row], dists[row] = _among_all(search, rows[row : row + 1], wanted, row if own else None)
        if progress:
            progress(end, n)
    return indices, dists


def _search_rows(
    search: Search, rows: Any, numbers: np.ndarray, asked: int, own: bool, out: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Search some of the rows for so many neighbors, and return those whose last one may have equals beyond them."""
    wanted, size, tied = out[0].shape[1], max(1, BLOCK * EXTRA // asked), [numbers[:0]]
    for part in np.split(numbers, range(size, len(numbers), size)):
        values, names = _nearest(search, rows, part, asked, own)
        order = np.lexsort((names, values), axis=1)[:, :wanted]
        out[0][part], out[1][part] = np.take_along_axis(names, order, 1), np.take_along_axis(values, order, 1)
        if asked < search.n_rows - own:
            tied.append(part[out[1][part, -1] >= values.max(axis=1)])
    return np.concatenate(tied)


def _nearest(search: Search, rows: Any, part: np.ndarray, asked: int, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """Distances and names of the nearest of some rows, with `own` without the row itself."""
    if not own:
        return search.nearest.kneighbors(rows[part], asked)
    if len(part) == rows.shape[0]:
        return search.nearest.kneighbors(None, asked)
    values, names = search.nearest.kneighbors(rows[part], asked + 1)
    others = names != part[:, None]
    others[others.all(axis=1), -1] = False  # the row is beyond its like: one of these is left out
    shape = len(part), asked
    return values[others].reshape(shape), names[others].reshape(shape)


def _among_all(search: Search, row: Any, wanted: int, itself: Any) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of all training rows but the row itself."""
    values = distances_to(search, row, search.features)
    if itself is not None:
        values[itself] = np.inf
    order = np.argsort(values, kind="stable")[:wanted]
    return order, values[order]


def check_values(features: Any, metric: Any, parameters: dict[str, Any]) -> None:
    """Raise if the powers of features are not finite, or frequencies are negative."""
    stored = features.data if scipy.sparse.issparse(features) else features
    if not isinstance(metric, str) or metric == "nan_euclidean" or not stored.size:
        return
    low, high = float(stored.min()), float(stored.max())
    if np.isnan(low) or np.isnan(high):
        raise ValueError(f"Input X contains NaN, which metric={metric!r} does not take.")
    limit = 1e300 ** (1 / max(2, parameters.get("p", 2)))
    if max(-low, high) >= limit and metric not in ("cosine", "correlation", "hellinger"):
        raise ValueError(
            f"X goes up to {max(-low, high):.2g}, but metric={metric!r} takes features below {limit:.0e}. {SMALLER}"
        )
    if metric == "hellinger" and low < 0:
        raise ValueError(
            f"Negative values in data passed to metric='hellinger', which compares frequencies: X goes down to {low}. "
            "Give counts or shares, or use another metric."
        )


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


def distances_to(search: Search, row: Any, others: Any) -> np.ndarray:
    """Distances of one row to others, all prepared, each computed by itself; float64."""
    metric, sparse = search.metric, scipy.sparse.issparse(others)
    name = metric if isinstance(metric, str) else ""
    if sparse and name in POWER_OF:
        return sparse_distances(row, others, POWER_OF[name])
    if name in CDIST_NAMES and not sparse and not search.parameters:
        return cdist(row, others, CDIST_NAMES[name])[0]
    return pairwise_distances(row, others, metric=metric, **search.parameters)[0].astype(np.float64)
