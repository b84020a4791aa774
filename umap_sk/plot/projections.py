"""What umap.plot's diagnostics color rows by: linear projections of their features, dimensions, and kept neighbors."""

from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, FastICA
from sklearn.utils import check_array

from umap_sk import placing
from umap_sk.appearance.positions import get_embedding, get_last_step
from umap_sk.neighbors.read import knn_graph
from umap_sk.plot.figures import figure_by_row

TITLES = {
    "pca": "Principal components",
    "ica": "Independent components",
    "vq": "Distances to three centers",
    "local_dim": "Local dimension",
    "neighborhood": "Jaccard index of neighborhoods",
}
"""The diagnostics and what stands above them. The first three are red, green and blue of each row."""
AT_ONCE = 2**22
"""Numbers in the neighborhoods whose components are computed together."""


def diagnostic_data(kind: str, fitted: Any, nhood_size: int, threshold: float) -> np.ndarray:
    """A diagnostic of every row: of shape (n, 3) from 0 to 1 for colors, or (n,)."""
    estimator = get_last_step(fitted)
    features = _features_of(estimator)
    if kind == "neighborhood":
        return jaccard_by_row(*_neighbors_of(estimator, features, nhood_size), get_embedding(estimator))
    features = check_array(features)
    if kind == "local_dim":
        return local_dimension(features, _neighbors_of(estimator, features, estimator.n_neighbors)[0], threshold)
    found = {
        "pca": PCA(n_components=3, random_state=0).fit_transform,
        "ica": FastICA(n_components=3, random_state=0).fit_transform,
        "vq": KMeans(n_clusters=3, n_init=1, random_state=0).fit_transform,
    }[kind](features)
    found -= found.min(axis=0)
    return found / np.maximum(found.max(axis=0), np.finfo(np.float64).tiny)


def jaccard_by_row(indices: np.ndarray, dists: np.ndarray, embedding: Any) -> np.ndarray:
    """Jaccard index of each row's neighborhoods among the features and in the map, the row itself in both."""
    size = indices.shape[1]
    kept, _, _ = figure_by_row(knn_graph(indices, dists), np.asarray(embedding), "recall", size - 1)
    shared = kept * (size - 1) + 1
    return shared / (2 * size - shared)


def local_dimension(features: np.ndarray, indices: np.ndarray, threshold: float) -> np.ndarray:
    """How many principal components of a row's neighbors have more than a share of their variance."""
    found = np.empty(len(indices), np.int64)
    step = max(1, AT_ONCE // (indices.shape[1] * features.shape[1]))
    for start in range(0, len(indices), step):
        near = features[indices[start : start + step]]
        variance = np.linalg.svd(near - near.mean(axis=1, keepdims=True), compute_uv=False) ** 2
        share = np.cumsum(variance, axis=1) / np.maximum(variance.sum(axis=1, keepdims=True), 1e-300)
        found[start : start + step] = np.minimum((share <= threshold).sum(axis=1) + 1, share.shape[1])
    return found


def _features_of(estimator: Any) -> Any:
    """The features that an estimator was fitted to."""
    try:
        return estimator._raw_data if hasattr(estimator, "_raw_data") else placing.features_of_fit(estimator)
    except (AttributeError, ValueError):
        raise ValueError(
            f"This diagnostic compares the map to its features, but the {type(estimator).__name__} has none. Fit it to "
            "features, or give neighbors to EmbeddingDisplay.diagnostic(graph, embedding)."
        ) from None


def _neighbors_of(estimator: Any, features: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest rows of every row, itself included, by the search of its fit."""
    if hasattr(estimator, "_knn_search_index"):
        return estimator._knn_search_index.query(features, k=count)
    _, indices, dists = placing.looked_up(estimator, features, None, None, count)
    return indices, dists
