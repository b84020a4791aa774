"""The placement of new rows in a fitted map, and the inverse, which returns features for places in the map."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array

from umap_sk._typing import Features, FeaturesLike, is_sparse
from umap_sk.graph.radii import compute_map_radii
from umap_sk.layout import transform
from umap_sk.layout.init import MAX_COORDINATE
from umap_sk.layout.inverse import choose_output_dtype, combine_features, index_placed_rows
from umap_sk.neighbors.read import Neighbors, read_neighbors, warn_about, warn_about_equal_distances
from umap_sk.neighbors.rows import NeighborCounts
from umap_sk.neighbors.searchers import find_neighbors
from umap_sk.neighbors.similarities import check_new_values
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.training_rows import get_training_features, match_sparsity
from umap_sk.pipeline.fitted import FittedModel
from umap_sk.pipeline.inputs import check_combination, count_rows, read_new_X
from umap_sk.pipeline.learn import warn_disconnected
from umap_sk.pipeline.settings import Settings, check_flat, replace_curve
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads, limit_threads_by_rows


class NewRows(NamedTuple):
    """The new rows of a call."""

    X: Features | None  # features or distances, after validation
    knn_indices: ArrayLike | None  # among the training rows, None if X contains the neighbors
    knn_dists: ArrayLike | None


def place(
    settings: Settings,
    fitted: FittedModel,
    X: FeaturesLike | None = None,
    *,
    knn_indices: ArrayLike | None = None,
    knn_dists: ArrayLike | None = None,
) -> np.ndarray:
    """Place new rows in the map, which does not change. The place of a row depends only on that row.

    The arguments are those of :meth:`umap_sk.PrecomputedUMAP.transform`. The places have the dtype of X, and are NaN
    for rows without a usable neighbor.
    """
    with limit_threads(settings.n_jobs):
        new_rows = prepare_rows(settings, fitted, X, knn_indices, knn_dists, settings.graph.n_neighbors)
        with limit_threads_by_rows(count_rows(new_rows.X, new_rows.knn_indices)):
            return place_rows(settings, fitted, new_rows)


def place_with_neighbors(
    settings: Settings,
    fitted: FittedModel,
    X: FeaturesLike | None,
    knn_indices: ArrayLike | None,
    knn_dists: ArrayLike | None,
    count: int,
) -> tuple[np.ndarray, Neighbors]:
    """Place new rows, and return the places and the neighbors, of which at least `count` are searched."""
    with limit_threads(settings.n_jobs):
        n_neighbors = max(count, settings.graph.n_neighbors)
        new_rows = prepare_rows(settings, fitted, X, knn_indices, knn_dists, n_neighbors)
        neighbors, _ = select_neighbors(settings, fitted, new_rows, len(fitted.embedding))
        return place_rows(settings, fitted, new_rows), neighbors


def prepare_rows(
    settings: Settings,
    fitted: FittedModel,
    X: FeaturesLike | None,
    knn_indices: ArrayLike | None = None,
    knn_dists: ArrayLike | None = None,
    count: int = 0,
) -> NewRows:
    """Validate X of new rows, and search `count` neighbors of each row unless they are given."""
    if knn_indices is None and knn_dists is None and not settings.takes_distances:
        return NewRows(*search_rows(settings, fitted, X, count))
    check_structure(X, "X")
    neighbors_given = check_combination(X, knn_indices, knn_dists)
    n_samples = len(fitted.embedding)
    values = read_new_X(settings, X, fitted.columns, n_samples, neighbors_given=neighbors_given)
    return NewRows(values, knn_indices, knn_dists)


def search_rows(
    settings: Settings, fitted: FittedModel, X: FeaturesLike | None, count: int
) -> tuple[Features, np.ndarray, np.ndarray]:
    """Validate features of new rows, search `count` neighbors of each, and return features, indices and distances."""
    check_structure(X, "X")
    check_combination(X, None, None)
    if fitted.search is None:
        raise ValueError(
            "The estimator was fitted without features, so it cannot search among them. Pass knn_indices and "
            "knn_dists, or fit with features as X."
        )
    values = read_new_X(settings, X, fitted.columns, len(fitted.embedding), neighbors_given=False)
    assert values is not None  # since X is not None
    rows = match_sparsity(fitted.search, values)
    return rows, *find_neighbors(fitted.search, rows, count, own=False)


def select_neighbors(
    settings: Settings, fitted: FittedModel, new_rows: NewRows, count: int
) -> tuple[Neighbors, NeighborCounts]:
    """Select the nearest neighbors of new rows among the training rows, and return them with counts for warnings."""
    X, knn_indices, knn_dists = new_rows
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


def place_rows(settings: Settings, fitted: FittedModel, new_rows: NewRows) -> np.ndarray:
    """Compute the places of new rows, in the dtype of their features."""
    graph = settings.graph
    neighbors, counts = select_neighbors(settings, fitted, new_rows, graph.n_neighbors)
    warn_about(counts, neighbors.indptr, graph.n_neighbors)
    lengths = None if fitted.manifold is None else fitted.manifold._shared.lengths
    if new_rows.X is not None and new_rows.knn_indices is None:
        if (neighbors.distances[:1] == 1).any():  # as in a graph of connections
            warn_about_equal_distances(neighbors.distances)
        if lengths is not None:
            check_new_values(new_rows.X, lengths, graph.n_neighbors)
    forces = replace_curve(settings, fitted.curve)
    frozen = fitted.cache.get(
        "frozen", lambda: transform.freeze(fitted.embedding, forces, fitted.seed, settings.layout.space)
    )
    places = transform.place_rows(frozen, neighbors, graph.n_neighbors, graph.local_connectivity)
    warn_disconnected(np.isnan(places[:, 0]), "new rows have no usable neighbor", graph.disconnection_distance)
    return places if new_rows.X is None else places.astype(new_rows.X.dtype, copy=False)


def compute_embedding_radii(settings: Settings, fitted: FittedModel) -> np.ndarray:
    """Return the log radii of the current map as a read-only array."""
    with limit_threads(settings.n_jobs), limit_threads_by_rows(len(fitted.embedding)):
        return fitted.cache.get(
            "radii", lambda: as_readonly(compute_map_radii(fitted.embedding, settings.graph.n_neighbors))
        )


def check_invertible(settings: Settings, fitted: FittedModel) -> None:
    """Raise if the map has no inverse, because it is not Euclidean or X was the graph."""
    check_flat(settings, "inverse_transform finds the rows near a place")
    if fitted.X_is_graph:
        raise ValueError(
            "inverse_transform combines the training rows' features, but X was the graph. Give the neighbors as "
            "arrays, or as a manifold, and features as X beside them."
        )


def find_features(
    settings: Settings, fitted: FittedModel, places: ArrayLike, features: FeaturesLike | None = None
) -> np.ndarray:
    """Compute means of the features of the training rows near each place in the map, with NaN for places that are NaN.

    `features` may be other ones of the training rows than those of the fit.
    """
    coordinates = check_places(places, fitted.embedding.shape[1])
    values = check_features(get_features(fitted) if features is None else features, len(fitted.embedding))
    out = np.full((len(coordinates), values.shape[1]), np.nan, choose_output_dtype(values))
    is_known = ~np.isnan(coordinates).any(axis=1)
    with limit_threads(settings.n_jobs) as threads:
        rows = fitted.cache.get("rows", lambda: index_placed_rows(fitted.embedding))
        out[is_known] = combine_features(rows, coordinates[is_known], values, threads)
    return out


def get_features(fitted: FittedModel) -> Features:
    """Return the original features of the training rows, from the model or from its search."""
    features = get_training_features(fitted.search) if fitted.features is None else fitted.features
    if features is None:
        raise ValueError(
            "inverse_transform combines the training rows' features, but this estimator has none: it was fitted "
            "without features as X, or its graph was dropped, or it was loaded from a file, which holds features only "
            "where the metric searches them. Pass them, row for row as in fit: inverse_transform(places, features=...)."
        )
    return features


def check_places(places: ArrayLike, n_components: int) -> np.ndarray:
    """Validate places in a map, which may contain NaN."""
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


def check_features(features: FeaturesLike, n_samples: int) -> Features:
    """Validate features of the training rows. Arrays are neither copied nor read."""
    check_structure(features, "features")
    if isinstance(features, np.ndarray) or is_sparse(features):
        values: Features = features
    else:
        values = check_array(features, dtype="numeric", ensure_all_finite=False, input_name="features")
    if values.ndim != 2 or values.shape[0] != n_samples:
        raise ValueError(
            f"features has shape {values.shape}, but the map was made from {n_samples} rows. Give their features, "
            f"({n_samples}, n_features), row for row as in fit."
        )
    if values.dtype.kind not in "fiub":
        raise TypeError(f"features must be real numbers, but have dtype {values.dtype}.")
    return values.tocsr() if is_sparse(values) else values
