"""Search by brute force, for rows that no other search accepts.

These are rows with a metric that scikit-learn does not have, texts, and rows that may contain NaN and infinity.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.utils.validation import check_array

from umap_sk._typing import FeaturesLike, Metric
from umap_sk.compatible.distances import METRICS, TEXT_METRICS, generate_distances
from umap_sk.compatible.translation import NO_FEATURES_MESSAGE, convert_metric
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.neighbors.all_pairs import find_smallest
from umap_sk.neighbors.functions import make_comparison
from umap_sk.pipeline.place import get_features

if TYPE_CHECKING:
    from umap_sk.compatible.umap import UMAP


class HasMetric(Protocol):
    """An object with umap-learn's parameters of the metric."""

    @property
    def metric(self) -> Metric:
        """The metric."""
        ...

    @property
    def metric_kwds(self) -> dict[str, object] | None:
        """Its arguments."""
        ...


def needs_brute_force(umap: HasMetric, ensure_all_finite: bool | str) -> bool:
    """Return whether each row must be compared with all rows."""
    if not isinstance(ensure_all_finite, bool) and ensure_all_finite != "allow-nan":
        raise ValueError(f"ensure_all_finite={ensure_all_finite!r}, but True, False or 'allow-nan' is needed.")
    if isinstance(umap.metric, str) and umap.metric in METRICS:
        return True
    accepts_nan = callable(umap.metric) or umap.metric == "nan_euclidean"
    return ensure_all_finite is not True and accepts_nan


def find_fit_neighbors(umap: "UMAP", X: FeaturesLike | None, ensure_all_finite: bool | str) -> dict[str, np.ndarray]:
    """Find the neighbors of training rows, as arrays for a fit."""
    rows = check_rows(umap, X, ensure_all_finite)
    return select_nearest(compute_distances(umap, rows, rows), umap.n_neighbors - 1, len(rows), itself=0)


def find_new_neighbors(
    umap: "UMAP", estimator: PrecomputedUMAP, X: FeaturesLike | None, ensure_all_finite: bool | str
) -> dict[str, np.ndarray]:
    """Find the neighbors of new rows among the training rows."""
    rows = check_rows(umap, X, ensure_all_finite)
    return select_nearest(
        compute_distances(umap, rows, get_training_rows(umap, estimator)), estimator.n_neighbors, len(rows)
    )


def find_update_neighbors(
    umap: "UMAP", estimator: PrecomputedUMAP, X: FeaturesLike | None, ensure_all_finite: bool | str
) -> dict[str, np.ndarray]:
    """Find the neighbors of rows that are added to the map, among the training rows and each other."""
    rows, known = check_rows(umap, X, ensure_all_finite), get_training_rows(umap, estimator)
    dists = compute_distances(umap, rows, stack_rows(known, rows))
    return select_nearest(dists, estimator.n_neighbors - 1, len(rows), itself=len(known))


def get_training_rows(umap: "UMAP", estimator: PrecomputedUMAP) -> np.ndarray:
    """Return the rows of the fit."""
    if compares_texts(umap) and umap._words is not None:
        return umap._words
    try:
        return np.asarray(get_features(estimator._get_fitted()))
    except ValueError as error:
        raise ValueError(NO_FEATURES_MESSAGE) from error


def compares_texts(umap: HasMetric) -> bool:
    """Return whether the metric compares texts."""
    return isinstance(umap.metric, str) and umap.metric in TEXT_METRICS


def check_rows(umap: HasMetric, X: FeaturesLike | None, ensure_all_finite: bool | str) -> np.ndarray:
    """Return valid rows of numbers. Texts become rows of their letters."""
    if compares_texts(umap):
        return encode_texts(X)
    if isinstance(umap.metric, str) and umap.metric in METRICS:
        return check_array(X, dtype=np.float64)
    return check_array(X, dtype=[np.float64, np.float32], ensure_all_finite=ensure_all_finite)


def encode_texts(X: FeaturesLike | None) -> np.ndarray:
    """Encode each text as a row of letters. A letter is a number, and NaN fills the row up to the longest text."""
    texts = np.asarray(X, dtype=object)
    if texts.ndim == 2 and texts.shape[1] == 1:
        texts = texts[:, 0]
    invalid = next((text for text in texts.ravel() if not isinstance(text, str)), None)
    if texts.ndim != 1 or invalid is not None:
        raise ValueError(
            f"metric='string' compares texts, but X is of shape {texts.shape}"
            f"{'' if invalid is None else f' and has {invalid!r}'}. Give a list of str, or one column of them."
        )
    letters = np.full((len(texts), max(map(len, texts), default=0)), np.nan)
    for row, text in zip(letters, texts, strict=True):
        row[: len(text)] = [ord(letter) for letter in text]
    return letters


def stack_rows(known: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Stack new rows below the known ones. NaN fills the shorter rows."""
    width = max(known.shape[1], rows.shape[1])
    padded = [np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=np.nan) for part in (known, rows)]
    return np.vstack(padded)


def compute_distances(umap: HasMetric, rows: np.ndarray, others: np.ndarray) -> Iterable[np.ndarray]:
    """Yield the distances from each row to the others. Distances that are NaN become infinite."""
    if isinstance(umap.metric, str) and umap.metric in METRICS:
        rows_of_distances: Iterable[np.ndarray] = generate_distances(umap.metric, rows, others, umap.metric_kwds or {})
    elif isinstance(umap.metric, str):
        rows_of_distances = (nan_euclidean_distances(row[None], others)[0] for row in rows)
    else:
        metric, parameters = convert_metric(umap.metric, umap.metric_kwds)
        assert not isinstance(metric, str)  # as the given one is a function
        compare = make_comparison(metric, parameters or {})
        rows_of_distances = (compare(row[None], others) for row in rows)
    return (np.where(np.isnan(dists), np.inf, dists) for dists in rows_of_distances)


def select_nearest(dists: Iterable[np.ndarray], count: int, n: int, itself: int | None = None) -> dict[str, np.ndarray]:
    """Select the nearest of all rows for each of n rows. Equal distances are ordered by row number.

    A neighbor at an infinite distance has the index -1. If `itself` is given, the n rows are also among all rows, from
    this number on, and no row is its own neighbor.
    """
    indices, smallest = [], []
    for row, values in enumerate(dists):
        if itself is not None:
            values[itself + row] = np.inf
        order = find_smallest(values, count)
        indices.append(order)
        smallest.append(values[order])
    knn_indices, knn_dists = np.array(indices).reshape(n, -1), np.array(smallest).reshape(n, -1)
    far = np.isinf(knn_dists)
    return {"knn_indices": np.where(far, -1, knn_indices), "knn_dists": np.where(far, 0.0, knn_dists)}
