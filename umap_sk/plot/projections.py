"""The diagnostics of umap.plot: linear projections of features, local dimensions, and preserved neighbors."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, FastICA
from sklearn.utils import check_array

from umap_sk._typing import Features
from umap_sk.appearance.positions import check_row_count, get_embedding, get_last_step
from umap_sk.neighbors.read import knn_graph
from umap_sk.pipeline.inputs import count_rows
from umap_sk.pipeline.place import get_features, search_rows
from umap_sk.plot.figures import compute_figure

TITLES = {
    "pca": "Principal components",
    "ica": "Independent components",
    "vq": "Distances to three centers",
    "local_dim": "Local dimension",
    "neighborhood": "Jaccard index of neighborhoods",
}
"""The diagnostics and their titles. The first three are red, green and blue of each row."""
NUMBERS_AT_ONCE = 2**22
"""Numbers in the neighborhoods whose components are computed at once."""


def compute_diagnostic(kind: str, fitted: BaseEstimator, nhood_size: int, threshold: float) -> np.ndarray:
    """Compute a diagnostic of all rows: colors of shape (n, 3) from 0 to 1, or numbers of shape (n,)."""
    if not isinstance(nhood_size, int | np.integer) or nhood_size < 2:
        raise ValueError(f"nhood_size={nhood_size!r}, but a whole number of at least 2 is needed.")
    estimator = get_last_step(fitted)
    features = _get_features(estimator)
    check_row_count(count_rows(features, None), estimator)
    if kind == "neighborhood":
        return compute_jaccard(*_get_neighbors(estimator, features, nhood_size), np.asarray(get_embedding(estimator)))
    if issparse(features):
        raise TypeError(
            f"diagnostic_type={kind!r} needs an array, but the features are sparse. Fit a model to X.toarray(), or "
            "choose 'neighborhood'."
        )
    features = check_array(features)
    if kind == "local_dim":
        return compute_local_dimension(
            features, _get_neighbors(estimator, features, estimator.n_neighbors)[0], threshold
        )
    found = {
        "pca": PCA(n_components=3, random_state=0).fit_transform,
        "ica": FastICA(n_components=3, random_state=0).fit_transform,
        "vq": KMeans(n_clusters=3, n_init=1, random_state=0).fit_transform,
    }[kind](features)
    found -= found.min(axis=0)
    return found / np.maximum(found.max(axis=0), np.finfo(np.float64).tiny)


def compute_jaccard(indices: np.ndarray, dists: np.ndarray, embedding: np.ndarray) -> np.ndarray:
    """Return the Jaccard index of each row's neighborhoods in features and map, which include the row itself."""
    size = indices.shape[1]
    kept, _, _ = compute_figure(knn_graph(indices, dists), embedding, "recall", size - 1)
    shared = kept * (size - 1) + 1
    return shared / (2 * size - shared)


def compute_local_dimension(features: np.ndarray, indices: np.ndarray, threshold: float) -> np.ndarray:
    """Return the number of principal components that explain a share of the variance of each row's neighbors."""
    found = np.empty(len(indices), np.int64)
    step = max(1, NUMBERS_AT_ONCE // (indices.shape[1] * features.shape[1]))
    for start in range(0, len(indices), step):
        near = features[indices[start : start + step]]
        variance = np.linalg.svd(near - near.mean(axis=1, keepdims=True), compute_uv=False) ** 2
        share = np.cumsum(variance, axis=1) / np.maximum(variance.sum(axis=1, keepdims=True), 1e-300)
        found[start : start + step] = np.minimum((share <= threshold).sum(axis=1) + 1, share.shape[1])
    return found


def _get_features(estimator: BaseEstimator) -> Features:
    """Return the features to which an estimator was fitted."""
    try:
        return estimator._raw_data if hasattr(estimator, "_raw_data") else get_features(estimator._get_fitted())
    except (AttributeError, ValueError):
        raise ValueError(
            f"This diagnostic compares the map to its features, but the {type(estimator).__name__} has none. Fit it to "
            "features, or pass neighbors to EmbeddingDisplay.diagnostic(graph, embedding)."
        ) from None


def _get_neighbors(estimator: BaseEstimator, features: Features, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest rows of every row, including itself, by the search of its fit."""
    if hasattr(estimator, "_knn_search_index"):
        return estimator._knn_search_index.query(features, k=count)
    _, indices, dists = search_rows(estimator._get_settings(), estimator._get_fitted(), features, count)
    return indices, dists
