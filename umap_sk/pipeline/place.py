"""New rows: what was given of them, and where a fitted map takes them; and places: which rows they stand for."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_array

from umap_sk.graph.radii import compute_map_radii
from umap_sk.layout import transform
from umap_sk.layout.init import MAX_COORDINATE
from umap_sk.layout.inverse import choose_output_dtype, combine_features, index_placed_rows
from umap_sk.neighbors.read import Neighbors, read_neighbors, warn_about
from umap_sk.neighbors.rows import NeighborCounts
from umap_sk.neighbors.searchers import find_neighbors
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.training_rows import get_training_features, match_sparsity
from umap_sk.pipeline.fitted import Fitted
from umap_sk.pipeline.given import OWNER, check_combination, n_rows, read_new_X
from umap_sk.pipeline.learn import warn_of_lost
from umap_sk.pipeline.settings import Settings, check_flat, forces_by
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.threads import limit_threads, spare_threads


class NewRows(NamedTuple):
    """New rows as a call has given them.

    Attributes
    ----------
    X : ndarray, sparse matrix or None
        Features or distances as numbers.
    knn_indices, knn_dists : array-like or None
        Neighbors among the training rows; None where X holds them.
    """

    X: Any
    knn_indices: Any
    knn_dists: Any


def place(
    settings: Settings,
    fitted: Fitted,
    X: Any = None,
    *,
    knn_indices: Any = None,
    knn_dists: Any = None,
    owner: str = OWNER,
) -> np.ndarray:
    """Place new rows in the map, which stays as it is. A row's place depends on that row alone.

    Parameters
    ----------
    settings : Settings
        The settings.
    fitted : Fitted
        The map; see :func:`umap_sk.pipeline.lay_out.lay_out`.
    X, knn_indices, knn_dists : array-like, optional
        As in :meth:`umap_sk.PrecomputedUMAP.transform`.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    ndarray of shape (n_new, n_components)
        Places, of the dtype of X; NaN for rows without a usable neighbor.

    Raises
    ------
    ValueError
        If the rows are not of the fit's columns, or have no neighbors and the fit has no features to search.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk.pipeline.given import Arguments, read_given
    >>> from umap_sk.pipeline.lay_out import lay_out
    >>> from umap_sk.pipeline.learn import learn
    >>> from umap_sk.pipeline.settings import settings_of
    >>> X = np.random.default_rng(0).normal(size=(110, 3))
    >>> settings = settings_of({"metric": "euclidean", "random_state": 0})
    >>> learned = learn(settings, read_given(settings, Arguments(X[:100])))
    >>> fitted = lay_out(settings, learned)
    >>> fitted.embedding.shape, place(settings, fitted, X[100:]).shape
    ((100, 2), (10, 2))
    """
    with limit_threads(settings.n_jobs):
        given = look_up(settings, fitted, X, knn_indices, knn_dists, settings.graph.n_neighbors, owner=owner)
        with spare_threads(n_rows(given.X, given.knn_indices)):
            return place_given(settings, fitted, given)


def place_with_neighbors(
    settings: Settings, fitted: Fitted, X: Any, knn_indices: Any, knn_dists: Any, count: int, *, owner: str = OWNER
) -> tuple[np.ndarray, Neighbors]:
    """Places of new rows, and all their neighbors: those given, or at least `count` where they are searched."""
    with limit_threads(settings.n_jobs):
        wanted = max(count, settings.graph.n_neighbors)
        given = look_up(settings, fitted, X, knn_indices, knn_dists, wanted, owner=owner)
        neighbors, _ = read_new(settings, fitted, given, len(fitted.embedding))
        return place_given(settings, fitted, given), neighbors


def look_up(
    settings: Settings,
    fitted: Fitted,
    X: Any,
    knn_indices: Any = None,
    knn_dists: Any = None,
    count: int = 0,
    *,
    owner: str = OWNER,
) -> NewRows:
    """New rows with X validated, and with `count` neighbors of each where these are searched."""
    check_structure(X, "X")
    neighbors_given = check_combination(X, knn_indices, knn_dists)
    searches = not (neighbors_given or settings.takes_distances)
    if searches and fitted.search is None:
        raise ValueError(
            "The estimator was fitted without features, so it cannot search among them. Pass knn_indices and "
            "knn_dists, or fit with features as X."
        )
    n_samples = len(fitted.embedding)
    X = read_new_X(settings, X, fitted.columns, n_samples, neighbors_given=neighbors_given, owner=owner)
    if searches:
        X = match_sparsity(fitted.search, X)
        knn_indices, knn_dists = find_neighbors(fitted.search, X, count, own=False)
    return NewRows(X, knn_indices, knn_dists)


def read_new(settings: Settings, fitted: Fitted, given: NewRows, count: int) -> tuple[Neighbors, NeighborCounts]:
    """The nearest neighbors of new rows among the training rows, and what was counted."""
    X, knn_indices, knn_dists = given
    return read_neighbors(
        X if knn_indices is None else None,
        knn_indices=knn_indices,
        knn_dists=knn_dists,
        n_neighbors=count,
        n_rows=None if X is None else X.shape[0],
        n_columns=len(fitted.embedding),
        drop_self=False,
        disconnection_distance=settings.graph.disconnection_distance,
    )


def place_given(settings: Settings, fitted: Fitted, given: NewRows) -> np.ndarray:
    """Places of new rows, of the dtype of their features."""
    graph = settings.graph
    neighbors, counts = read_new(settings, fitted, given, graph.n_neighbors)
    warn_about(counts, neighbors.indptr, graph.n_neighbors)
    forces = forces_by(settings, fitted.curve)
    frozen = fitted.cache.get(
        "frozen", lambda: transform.freeze(fitted.embedding, forces, fitted.seed, settings.layout.space)
    )
    places = transform.place_rows(frozen, neighbors, graph.n_neighbors, graph.local_connectivity)
    warn_of_lost(np.isnan(places[:, 0]), "new rows have no usable neighbor", graph.disconnection_distance)
    return places if given.X is None else places.astype(given.X.dtype, copy=False)


def radii_in_map(settings: Settings, fitted: Fitted) -> np.ndarray:
    """Log radii of the map as it stands, read-only."""
    with limit_threads(settings.n_jobs), spare_threads(len(fitted.embedding)):
        return fitted.cache.get(
            "radii", lambda: readonly(compute_map_radii(fitted.embedding, settings.graph.n_neighbors))
        )


def check_way_back(settings: Settings, fitted: Fitted) -> None:
    """Raise if no features can be found for places: the map is not flat, or X was the graph."""
    check_flat(settings, "inverse_transform finds the rows near a place")
    if fitted.X_is_graph:
        raise ValueError(
            "inverse_transform combines the training rows' features, but X was the graph. Give the neighbors as "
            "arrays, or as a manifold, and features as X beside them."
        )


def find_features(settings: Settings, fitted: Fitted, places: Any, features: Any = None) -> np.ndarray:
    """Rows of features for places in the map; NaN where a place is NaN.

    Parameters
    ----------
    settings : Settings
        The settings.
    fitted : Fitted
        The map.
    places : array-like of shape (n_places, n_components)
        Places in the map.
    features : array-like or sparse of shape (n_samples, n_features), optional
        What to combine; None for the features of the fit.

    Returns
    -------
    ndarray of shape (n_places, n_features)
        Means of the features of the training rows near each place.
    """
    places = check_places(places, fitted.embedding.shape[1])
    features = check_features(features_of_fit(fitted) if features is None else features, len(fitted.embedding))
    out = np.full((len(places), features.shape[1]), np.nan, choose_output_dtype(features))
    known = ~np.isnan(places).any(axis=1)
    with limit_threads(settings.n_jobs) as threads:
        rows = fitted.cache.get("rows", lambda: index_placed_rows(fitted.embedding))
        out[known] = combine_features(rows, places[known], features, threads)
    return out


def features_of_fit(fitted: Fitted) -> Any:
    """The features of the training rows as they were given, from where they are kept."""
    found = get_training_features(fitted.search) if fitted.features is None else fitted.features
    if found is None:
        raise ValueError(
            "inverse_transform combines the training rows' features, but this estimator has none: it was fitted "
            "without features as X, or its graph was dropped, or it was loaded from a file, which holds features only "
            "where the metric searches them. Pass them, row for row as in fit: inverse_transform(places, features=...)."
        )
    return found


def check_places(places: Any, n_components: int) -> np.ndarray:
    """Places in a map as floats; NaN may be among them."""
    coordinates: np.ndarray = check_array(places, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
    if coordinates.shape[1] != n_components:
        raise ValueError(
            f"Places have {coordinates.shape[1]} coordinates, but the map has n_components={n_components} axes. Give "
            "coordinates as transform returns them."
        )
    farthest = np.nanmax(np.abs(coordinates), initial=0)
    if farthest > MAX_COORDINATE:
        raise ValueError(f"Places go up to {farthest:.2g}; give those within the map's surroundings.")
    return coordinates


def check_features(features: Any, n_samples: int) -> Any:
    """Features of the training rows, an array as it is: neither copied nor read."""
    check_structure(features, "features")
    if not (isinstance(features, np.ndarray) or scipy.sparse.issparse(features)):
        features = check_array(features, dtype="numeric", ensure_all_finite=False, input_name="features")
    if features.ndim != 2 or features.shape[0] != n_samples:
        raise ValueError(
            f"features has shape {features.shape}, but the map was made from {n_samples} rows. Give their features, "
            f"({n_samples}, n_features), row for row as in fit."
        )
    if features.dtype.kind not in "fiub":
        raise TypeError(f"features must be real numbers, but have dtype {features.dtype}.")
    return features.tocsr() if scipy.sparse.issparse(features) else features
