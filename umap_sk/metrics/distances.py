"""How well distances in a map go with those of the features: of random triplets, and of random pairs."""

import functools
from typing import Any

import numpy as np
import scipy.sparse
from scipy.stats import spearmanr
from sklearn.metrics.pairwise import PAIRED_DISTANCES, paired_distances

from umap_sk.layout.spaces import Space, distances_of_pairs, inside, space_of
from umap_sk.neighbors.sparse_structure import check_structure

CHUNK = 20_000  # pairs whose features are in memory at once


def triplet_accuracy(
    X: Any,
    embedding: Any,
    *,
    metric: Any = "euclidean",
    output_metric: Any = "euclidean",
    output_metric_params: dict[str, Any] | None = None,
    n_triplets: int = 100_000,
    random_state: int = 0,
) -> float:
    """Share of random triplets (i, j, k) with d(i, j) < d(i, k) alike in the features and in the map.

    Wang, Huang, Rudin and Shaposhnik, "Understanding how dimension reduction tools work", JMLR 22, 2021: "random
    triplet accuracy". It looks at the map as a whole.

    Parameters
    ----------
    X : array-like or sparse of shape (n, n_features)
        Features.
    embedding : array-like of shape (n, n_components)
        The rows in the map.
    metric : str or callable, default="euclidean"
        Distance of the features, as in :func:`sklearn.metrics.pairwise.paired_distances`.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        Distance in the map, as in the estimator.
    n_triplets : int, default=100_000
        Triplets to draw.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    float
        0 to 1, higher is better; 0.5 by chance.
    """
    X, positions, placed = _rows_of(X, embedding)
    drawn = placed[np.random.RandomState(random_state).randint(0, len(placed), (3, n_triplets))]
    i, j, k = drawn[:, (drawn[0] != drawn[1]) & (drawn[0] != drawn[2]) & (drawn[1] != drawn[2])]
    before = _distances(X, i, j, metric) < _distances(X, i, k, metric)
    space = space_of(output_metric, output_metric_params, positions.shape[1])
    after = _in_map(space, positions, i, j) < _in_map(space, positions, i, k)
    return float((before == after).mean())


def distance_correlation(
    X: Any,
    embedding: Any,
    *,
    metric: Any = "euclidean",
    output_metric: Any = "euclidean",
    output_metric_params: dict[str, Any] | None = None,
    n_pairs: int = 100_000,
    random_state: int = 0,
) -> float:
    """Spearman's correlation between the distances of random pairs in the features and in the map.

    Kobak and Berens 2019 (see :func:`neighbor_recall`): "CPD". It looks at the map as a whole.

    Parameters
    ----------
    X : array-like or sparse of shape (n, n_features)
        Features.
    embedding : array-like of shape (n, n_components)
        The rows in the map.
    metric : str or callable, default="euclidean"
        Distance of the features, as in :func:`sklearn.metrics.pairwise.paired_distances`.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        Distance in the map, as in the estimator.
    n_pairs : int, default=100_000
        Pairs to draw.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    float
        -1 to 1, higher is better; 0 by chance.
    """
    X, positions, placed = _rows_of(X, embedding)
    i, j = placed[np.random.RandomState(random_state).randint(0, len(placed), (2, n_pairs))]
    i, j = i[i != j], j[i != j]
    space = space_of(output_metric, output_metric_params, positions.shape[1])
    return float(spearmanr(_distances(X, i, j, metric), _in_map(space, positions, i, j))[0])


def _rows_of(X: Any, embedding: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Features, positions, and which rows have a place."""
    check_structure(X, "X")
    X = X.tocsr() if scipy.sparse.issparse(X) else np.asarray(X)
    positions = np.asarray(embedding, np.float64)
    if X.shape[0] != len(positions):
        raise ValueError(f"X has {X.shape[0]} rows, but the embedding has {len(positions)}. Give the same rows.")
    placed = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if len(placed) < 3:
        raise ValueError(f"{len(placed)} rows have a place in the map, but at least 3 are needed.")
    return X, positions, placed


def _distances(points: Any, first: np.ndarray, second: np.ndarray, metric: Any = "euclidean") -> np.ndarray:
    """Distances of pairs of rows."""
    parts = [slice(begin, begin + CHUNK) for begin in range(0, len(first), CHUNK)]
    measure = PAIRED_DISTANCES.get(metric) or functools.partial(paired_distances, metric=metric)
    return np.concatenate([measure(points[first[p]], points[second[p]]) for p in parts])


def _in_map(space: Space | None, positions: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distances of pairs of rows in the map."""
    if space is None:
        return _distances(positions, first, second)
    places = inside(space, positions)
    return distances_of_pairs(space, places[first], places[second])
