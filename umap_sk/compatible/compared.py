"""Neighbors of rows that no search takes, by comparing them with all rows.

These are rows by metrics that scikit-learn has not, texts, and rows that may hold NaN and infinity.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.utils.validation import check_array

from umap_sk.compatible.distances import METRICS, OF_WORDS, distances_of
from umap_sk.compatible.translation import WITHOUT_FEATURES, called_metric
from umap_sk.pipeline.place import get_features


def compares_all(umap: Any, ensure_all_finite: Any) -> bool:
    """Whether rows are to be compared with all rows."""
    if isinstance(umap.metric, str) and umap.metric in METRICS:
        return True
    own = callable(umap.metric) or umap.metric == "nan_euclidean"
    return ensure_all_finite is not True and own


def of_fit(umap: Any, X: Any, ensure_all_finite: Any) -> dict[str, np.ndarray]:
    """Neighbors of training rows, as arrays for a fit."""
    rows = checked(umap, X, ensure_all_finite)
    return nearest(all_distances(umap, rows, rows), umap.n_neighbors - 1, len(rows), itself=0)


def of_new(umap: Any, estimator: Any, X: Any, ensure_all_finite: Any) -> dict[str, np.ndarray]:
    """Neighbors of new rows among the training rows."""
    rows = checked(umap, X, ensure_all_finite)
    return nearest(all_distances(umap, rows, training_rows(umap, estimator)), estimator.n_neighbors, len(rows))


def of_update(umap: Any, estimator: Any, X: Any, ensure_all_finite: Any) -> dict[str, np.ndarray]:
    """Neighbors of rows that are to be added, among the training rows and themselves."""
    rows, known = checked(umap, X, ensure_all_finite), training_rows(umap, estimator)
    dists = all_distances(umap, rows, stacked(known, rows))
    return nearest(dists, estimator.n_neighbors - 1, len(rows), itself=len(known))


def training_rows(umap: Any, estimator: Any) -> np.ndarray:
    """The rows of the fit."""
    if reads_words(umap) and umap._words is not None:
        return umap._words
    try:
        return np.asarray(get_features(estimator._get_fitted()))
    except ValueError as error:
        raise ValueError(WITHOUT_FEATURES) from error


def reads_words(umap: Any) -> bool:
    """Whether the metric compares texts."""
    return isinstance(umap.metric, str) and umap.metric in OF_WORDS


def checked(umap: Any, X: Any, ensure_all_finite: Any) -> np.ndarray:
    """Rows of numbers, as finite as was asked for; of words their letters."""
    if reads_words(umap):
        return words(X)
    if isinstance(umap.metric, str) and umap.metric in METRICS:
        return check_array(X, dtype=np.float64)
    return check_array(X, dtype=[np.float64, np.float32], ensure_all_finite=ensure_all_finite)


def words(X: Any) -> np.ndarray:
    """Letters of texts as numbers, a row for each text, with NaN up to the length of the longest."""
    texts = np.asarray(X, dtype=object)
    if texts.ndim == 2 and texts.shape[1] == 1:
        texts = texts[:, 0]
    bad = next((text for text in texts.ravel() if not isinstance(text, str)), None)
    if texts.ndim != 1 or bad is not None:
        raise ValueError(
            f"metric='string' compares texts, but X is of shape {texts.shape}"
            f"{'' if bad is None else f' and has {bad!r}'}. Give a list of str, or one column of them."
        )
    letters = np.full((len(texts), max(map(len, texts), default=0)), np.nan)
    for row, text in zip(letters, texts, strict=True):
        row[: len(text)] = [ord(letter) for letter in text]
    return letters


def stacked(known: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows and more rows below them; NaN fills up the shorter ones."""
    width = max(known.shape[1], rows.shape[1])
    filled = [np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=np.nan) for part in (known, rows)]
    return np.vstack(filled)


def all_distances(umap: Any, rows: np.ndarray, others: np.ndarray) -> Iterable[np.ndarray]:
    """Distances of each row to others, one row after the other; those that are NaN are infinite."""
    if isinstance(umap.metric, str) and umap.metric in METRICS:
        found: Iterable[np.ndarray] = distances_of(umap.metric, rows, others, umap.metric_kwds or {})
    elif isinstance(umap.metric, str):
        found = (nan_euclidean_distances(row[None], others)[0] for row in rows)
    else:
        metric, _ = called_metric(umap.metric, umap.metric_kwds)
        found = (np.array([metric(row, other) for other in others], np.float64) for row in rows)
    return (np.where(np.isnan(dists), np.inf, dists) for dists in found)


def nearest(dists: Iterable[np.ndarray], count: int, n: int, itself: int | None = None) -> dict[str, np.ndarray]:
    """The smallest distances of each of n rows, ties by row number; -1 for a neighbor at infinite distance.

    `itself` is the number of the first row among the others, which is none of its own neighbors.
    """
    indices, smallest = [], []
    for row, values in enumerate(dists):
        if itself is not None:
            values[itself + row] = np.inf
        kept = np.arange(len(values))
        if count < len(values):
            kept = np.flatnonzero(values <= np.partition(values, count - 1)[count - 1])
        order = kept[np.argsort(values[kept], kind="stable")][:count]
        indices.append(order)
        smallest.append(values[order])
    names, found = np.array(indices).reshape(n, -1), np.array(smallest).reshape(n, -1)
    far = np.isinf(found)
    return {"knn_indices": np.where(far, -1, names), "knn_dists": np.where(far, 0.0, found)}
