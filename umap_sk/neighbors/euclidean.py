"""Metrics that are a function of Euclidean distances, of rows as they are or of unit vectors."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk.runtime.compile import readonly

OF_ROWS = ("euclidean", "l2", "sqeuclidean")
ANGULAR = ("cosine", "correlation", "hellinger")
PLAIN = 2.0**30  # features up to which, and down to the inverse of which, nothing is scaled


class Rows(NamedTuple):
    """Rows whose Euclidean distances stand for a metric.

    Row i is ``features[i] * affine[i, 0] - affine[i, 1]``.

    Attributes
    ----------
    features : ndarray of shape (n, d), float32 or float64, or csr_array
    affine : ndarray of shape (n, 2)
    """

    features: Any
    affine: np.ndarray


def is_euclidean(metric: Any) -> bool:
    """Whether a metric is a function of Euclidean distances."""
    return isinstance(metric, str) and metric in (*OF_ROWS, *ANGULAR)


def scaled_rows(features: np.ndarray, metric: str, exponent: int) -> Rows:
    """Dense rows whose Euclidean distances stand for a metric; those of no angle are divided by ``2**exponent``."""
    affine = np.zeros((len(features), 2))
    features = np.ascontiguousarray(features)
    if metric not in ANGULAR:
        affine[:, 0] = 2.0**-exponent
        return Rows(features, affine)
    if metric == "hellinger":
        features = np.sqrt(features)
    kernels.unit_lengths(len(features), readonly(features), metric == "correlation", affine)
    return Rows(features, affine)


def exponent_of(features: Any) -> int:
    """By which power of 2 features are divided, so that their squares are numbers; 0 where they are so already."""
    values = features.data if scipy.sparse.issparse(features) else features
    largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
    return 0 if largest == 0 or 1 / PLAIN <= largest <= PLAIN else int(np.frexp(largest)[1])


def distances_of(ranks: np.ndarray, metric: str, exponent: int) -> np.ndarray:
    """Distances from ranks, which are half the squared distances of the scaled rows; they take the ranks' memory."""
    if metric in ("cosine", "correlation"):
        return ranks
    if metric == "hellinger":
        return np.sqrt(ranks, out=ranks)
    ranks *= 2
    if metric == "sqeuclidean":
        return np.ldexp(ranks, 2 * exponent, out=ranks) if exponent else ranks
    np.sqrt(ranks, out=ranks)
    return np.ldexp(ranks, exponent, out=ranks) if exponent else ranks
