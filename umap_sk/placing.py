"""New rows: what was given of them, and where a fitted map takes them; and places: which rows they stand for."""

from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from umap_sk import inputs, parameters
from umap_sk.graph.radii import compute_map_radii
from umap_sk.layout.curve import Curve
from umap_sk.layout.inverse import PlacedRows, combined, output_dtype, placed_rows
from umap_sk.layout.transform import freeze, place
from umap_sk.learning import warn_of_lost
from umap_sk.neighbors.read import Neighbors, read_neighbors, warn_about
from umap_sk.neighbors.searchers import find_neighbors
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.training_rows import get_training_features, match_sparsity
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.threads import limit_threads, spare_threads


def looked_up(umap: Any, X: Any, knn_indices: Any, knn_dists: Any, count: int) -> tuple[Any, Any, Any]:
    """X validated, and arrays, of `count` neighbors where they are searched."""
    check_structure(X, "X")
    precedence = inputs.check_combination(X, knn_indices, knn_dists)
    searches = not precedence and umap.metric != "precomputed"
    if searches and umap._search is None:
        raise ValueError(
            "The estimator was fitted without features, so it cannot search among them. Pass knn_indices and "
            "knn_dists, or fit with features as X."
        )
    values = None if X is None else inputs.validated(umap, X, neighbors_given=precedence, reset=False)
    if searches:
        values = match_sparsity(umap._search, values)
        knn_indices, knn_dists = find_neighbors(umap._search, values, count, own=False)
    return values, knn_indices, knn_dists


def read_new(umap: Any, values: Any, knn_indices: Any, knn_dists: Any, count: int) -> Any:
    """The nearest neighbors of new rows among the training rows, and what was counted."""
    return read_neighbors(
        values if knn_indices is None else None,
        knn_indices=knn_indices,
        knn_dists=knn_dists,
        n_neighbors=count,
        n_rows=None if values is None else _num_samples(values),
        n_columns=len(umap.embedding_),
        drop_self=False,
        disconnection_distance=cut_of(umap),
    )


def cut_of(umap: Any) -> float:
    """The distance from which on neighbors are dropped."""
    return parameters.graph_parameters(umap)["disconnection_distance"]


def placed(umap: Any, values: Any, knn_indices: Any, knn_dists: Any) -> np.ndarray:
    """Coordinates of new rows, of the dtype of their features."""
    neighbors, counts = read_new(umap, values, knn_indices, knn_dists, umap.n_neighbors)
    warn_about(counts, neighbors.indptr, umap.n_neighbors)
    forces = parameters.forces_of(umap, Curve(umap.a_, umap.b_))
    space = parameters.output_space(umap)
    frozen = umap._map.get("frozen", lambda: freeze(umap.embedding_, forces, umap.seed_, space))
    coordinates = place(frozen, neighbors, umap.n_neighbors, umap.local_connectivity)
    warn_of_lost(np.isnan(coordinates[:, 0]), "new rows have no usable neighbor", cut_of(umap))
    return coordinates if values is None else coordinates.astype(values.dtype, copy=False)


def radii_in_map(umap: Any) -> np.ndarray:
    """Log radii of the map as it stands, read-only."""
    with limit_threads(umap.n_jobs), spare_threads(len(umap.embedding_)):
        return umap._map.get("radii", lambda: readonly(compute_map_radii(umap.embedding_, umap.n_neighbors)))


def transformed(umap: Any, X: Any, knn_indices: Any, knn_dists: Any) -> np.ndarray:
    """What transform gives."""
    with limit_threads(umap.n_jobs):
        values, indices, dists = looked_up(umap, X, knn_indices, knn_dists, umap.n_neighbors)
        with spare_threads(inputs.n_rows(values, indices)):
            return placed(umap, values, indices, dists)


def placed_with_neighbors(
    umap: Any, X: Any, knn_indices: Any, knn_dists: Any, count: int
) -> tuple[np.ndarray, Neighbors]:
    """Coordinates of new rows, and all their neighbors: those given, or at least `count` where they are searched."""
    with limit_threads(umap.n_jobs):
        values, indices, dists = looked_up(umap, X, knn_indices, knn_dists, max(count, umap.n_neighbors))
        neighbors, _ = read_new(umap, values, indices, dists, len(umap.embedding_))
        return placed(umap, values, indices, dists), neighbors


def check_way_back(umap: Any) -> bool:
    """Raise if a fitted estimator has no inverse_transform: its map is not flat, or X was the graph."""
    if not hasattr(umap, "embedding_"):
        return True
    parameters.check_flat(umap, "inverse_transform finds the rows near a place")
    if umap._X_is_graph:
        raise ValueError(
            "inverse_transform combines the training rows' features, but X was the graph. Give the neighbors as "
            "arrays, or as a manifold, and features as X beside them."
        )
    return True


def inverse_transformed(umap: Any, places: Any, features: Any) -> np.ndarray:
    """What inverse_transform gives; NaN where a place is NaN."""
    places = inputs.check_places(places, umap.embedding_.shape[1])
    if features is None:
        features = features_of_fit(umap)
    features = inputs.check_features(features, len(umap.embedding_))
    out = np.full((len(places), features.shape[1]), np.nan, output_dtype(features))
    known = ~np.isnan(places).any(axis=1)
    with limit_threads(umap.n_jobs) as threads:
        rows: PlacedRows = umap._map.get("rows", lambda: placed_rows(umap.embedding_))
        out[known] = combined(rows, places[known], features, threads)
    return out


def features_of_fit(umap: Any) -> Any:
    """The features of the training rows as they were given, from where they are kept."""
    found = get_training_features(umap._search) if umap._features is None else umap._features
    if found is None:
        raise ValueError(
            "inverse_transform combines the training rows' features, but this estimator has none: it was fitted "
            "without features as X, or its graph was dropped, or it was loaded from a file, which holds features only "
            "where the metric searches them. Pass them, row for row as in fit: inverse_transform(places, features=...)."
        )
    return found
