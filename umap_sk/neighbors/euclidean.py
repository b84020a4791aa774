"""Metrics that are a function of Euclidean distances between rows or unit vectors."""

from typing import NamedTuple, TypeGuard

import numpy as np

from umap_sk import kernels
from umap_sk._typing import Features, Metric, is_sparse
from umap_sk.runtime.compile import as_readonly

UNSCALED = ("euclidean", "l2", "sqeuclidean")
ANGULAR = ("cosine", "correlation", "hellinger")
SAFE_MAGNITUDE = 2.0**30  # features between this and its inverse are not scaled


class AffineRows(NamedTuple):
    """Rows whose Euclidean distances represent a metric: ``features[i] * affine[i, 0] - affine[i, 1]`` for row i."""

    features: np.ndarray  # (n, d), float32 or float64
    affine: np.ndarray  # (n, 2)


def is_euclidean(metric: Metric) -> TypeGuard[str]:
    """Return whether a metric is a function of Euclidean distances."""
    return isinstance(metric, str) and metric in (*UNSCALED, *ANGULAR)


def scale_rows(features: np.ndarray, metric: str, exponent: int) -> AffineRows:
    """Return dense rows whose distances represent a metric. Rows of unscaled metrics are divided by 2**exponent."""
    affine = np.zeros((len(features), 2))
    features = np.ascontiguousarray(features)
    if metric not in ANGULAR:
        affine[:, 0] = 2.0**-exponent
        return AffineRows(features, affine)
    if metric == "hellinger":
        features = np.sqrt(features)
    kernels.unit_lengths(len(features), as_readonly(features), metric == "correlation", affine)
    return AffineRows(features, affine)


def choose_exponent(features: Features) -> int:
    """Return the power of 2 by which to divide features, so that their squares neither overflow nor underflow."""
    values = features.data if is_sparse(features) else features
    largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
    return 0 if largest == 0 or 1 / SAFE_MAGNITUDE <= largest <= SAFE_MAGNITUDE else int(np.frexp(largest)[1])


def compute_half_squares(rows: np.ndarray) -> np.ndarray:
    """Return half the squared length of each row, in float64."""
    return np.asarray(np.einsum("ij,ij->i", rows, rows, dtype=np.float64) / 2)


def convert_ranks(ranks: np.ndarray, metric: str, exponent: int) -> np.ndarray:
    """Convert ranks, which are half the squared distances of scaled rows, into distances in place."""
    if metric in ("cosine", "correlation"):
        return ranks
    if metric == "hellinger":
        return np.sqrt(ranks, out=ranks)
    ranks *= 2
    if metric == "sqeuclidean":
        return np.ldexp(ranks, 2 * exponent, out=ranks) if exponent else ranks
    np.sqrt(ranks, out=ranks)
    return np.ldexp(ranks, exponent, out=ranks) if exponent else ranks
