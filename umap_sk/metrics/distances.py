"""Agreement of distances in a map with those of the features, for random triplets and random pairs."""

import functools

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr
from sklearn.metrics.pairwise import PAIRED_DISTANCES, paired_distances

from umap_sk._typing import Features, FeaturesLike, Metric, OutputMetric, Parameters, is_sparse
from umap_sk.layout.spaces import Space, compute_pair_distances, resolve_space, to_positions
from umap_sk.neighbors.sparse_structure import check_structure

PAIRS_AT_ONCE = 20_000  # pairs whose features are in memory at once


def triplet_accuracy(
    X: FeaturesLike,
    embedding: ArrayLike,
    *,
    metric: Metric = "euclidean",
    output_metric: OutputMetric = "euclidean",
    output_metric_params: Parameters | None = None,
    n_triplets: int = 100_000,
    random_state: int = 0,
) -> float:
    """Return the share of random triplets whose comparison d(i, j) < d(i, k) agrees in features and map.

    This is the "random triplet accuracy" of Wang, Huang, Rudin and Shaposhnik, "Understanding how dimension reduction
    tools work", JMLR 22, 2021. It judges the map as a whole.

    Parameters
    ----------
    X : array-like or sparse of shape (n, n_features)
        The features.
    embedding : array-like of shape (n, n_components)
        Positions of the rows in the map.
    metric : str or callable, default="euclidean"
        Metric of the features, as in :func:`sklearn.metrics.pairwise.paired_distances`.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        Metric of the map, as in the estimator.
    n_triplets : int, default=100_000
        Number of triplets to draw.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    float
        A number from 0 to 1, higher is better; 0.5 by chance.
    """
    X, positions, placed = _check_rows(X, embedding)
    drawn = placed[np.random.RandomState(random_state).randint(0, len(placed), (3, n_triplets))]
    i, j, k = drawn[:, (drawn[0] != drawn[1]) & (drawn[0] != drawn[2]) & (drawn[1] != drawn[2])]
    before = _compute_distances(X, i, j, metric) < _compute_distances(X, i, k, metric)
    space = resolve_space(output_metric, output_metric_params, positions.shape[1])
    after = _compute_map_distances(space, positions, i, j) < _compute_map_distances(space, positions, i, k)
    return float((before == after).mean())


def distance_correlation(
    X: FeaturesLike,
    embedding: ArrayLike,
    *,
    metric: Metric = "euclidean",
    output_metric: OutputMetric = "euclidean",
    output_metric_params: Parameters | None = None,
    n_pairs: int = 100_000,
    random_state: int = 0,
) -> float:
    """Return Spearman's correlation between the distances of random pairs in the features and in the map.

    This is the "CPD" of Kobak and Berens 2019 (see :func:`neighbor_recall`). It judges the map as a whole.

    Parameters
    ----------
    X : array-like or sparse of shape (n, n_features)
        The features.
    embedding : array-like of shape (n, n_components)
        Positions of the rows in the map.
    metric : str or callable, default="euclidean"
        Metric of the features, as in :func:`sklearn.metrics.pairwise.paired_distances`.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        Metric of the map, as in the estimator.
    n_pairs : int, default=100_000
        Number of pairs to draw.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    float
        A number from -1 to 1, higher is better; 0 by chance.
    """
    X, positions, placed = _check_rows(X, embedding)
    i, j = placed[np.random.RandomState(random_state).randint(0, len(placed), (2, n_pairs))]
    i, j = i[i != j], j[i != j]
    space = resolve_space(output_metric, output_metric_params, positions.shape[1])
    return float(spearmanr(_compute_distances(X, i, j, metric), _compute_map_distances(space, positions, i, j))[0])


def _check_rows(X: FeaturesLike, embedding: ArrayLike) -> tuple[Features, np.ndarray, np.ndarray]:
    """Return the features, the positions, and the rows that have a position."""
    check_structure(X, "X")
    X = X.tocsr() if is_sparse(X) else np.asarray(X)
    if X.ndim != 2:
        raise TypeError(f"X has {X.ndim} dimensions, but features of shape (n_samples, n_features) are needed.")
    positions = np.asarray(embedding, np.float64)
    if X.shape[0] != len(positions):
        raise ValueError(f"X has {X.shape[0]} rows, but the embedding has {len(positions)}. Pass the same rows.")
    placed = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if len(placed) < 3:
        raise ValueError(f"{len(placed)} rows have a position in the map, but at least 3 are needed.")
    return X, positions, placed


def _compute_distances(
    points: Features, first: np.ndarray, second: np.ndarray, metric: Metric = "euclidean"
) -> np.ndarray:
    """Return the distances of pairs of rows."""
    parts = [slice(begin, begin + PAIRS_AT_ONCE) for begin in range(0, len(first), PAIRS_AT_ONCE)]
    measure = PAIRED_DISTANCES.get(metric) or functools.partial(paired_distances, metric=metric)
    return np.concatenate([measure(points[first[p]], points[second[p]]) for p in parts])


def _compute_map_distances(
    space: Space | None, positions: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Return the distances of pairs of rows in the map."""
    if space is None:
        return _compute_distances(positions, first, second)
    places = to_positions(space, positions)
    return compute_pair_distances(space, places[first], places[second])
