"""The directions along which rows vary most, from a sample of them."""

from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from umap_sk.linear_algebra.eigenpairs import orthonormal_rows
from umap_sk.linear_algebra.principal_directions import centered_rows, covariance_times, turned

SAMPLE, NUMBERS = 2500, 2**25  # rows of the sample at most, and numbers of these
FEW_COLUMNS = 128  # up to which rows are taken as they are
SHARE = 0.93  # of the variance, that the directions have
MOST_AXES = 192
SLICE = 16  # directions whose numbers are stored together, see umap_sk.kernels.products


class Axes(NamedTuple):
    """Where rows are measured from, and along which directions.

    Attributes
    ----------
    mean : ndarray of shape (n_columns,)
    directions : ndarray of shape (n_axes, n_columns), float32, or None
        Orthonormal; None for the columns themselves.
    """

    mean: np.ndarray
    directions: np.ndarray | None


def principal_axes(features: Any, affine: np.ndarray) -> Axes:
    """Axes of rows that are scaled and shifted, a multiple of a slice of them, by subspace iteration.

    Every orthonormal basis keeps the distances: the axes decide how fast a search is, and not which rows are nearest.

    References
    ----------
    N. Halko, P. G. Martinsson, J. A. Tropp, "Finding structure with randomness", SIAM Review 53, 2011, section 4.5.
    """
    n, columns = features.shape
    random = np.random.default_rng(0)
    rows = np.sort(random.choice(n, sampled_rows(n, columns), replace=False))
    sample = np.asarray(features[rows], np.float64) * affine[rows, :1] - affine[rows, 1:]
    mean = sample.mean(axis=0)
    if columns <= FEW_COLUMNS:
        return Axes(mean, None)
    centered = centered_rows(sample)
    lengths = sample - mean
    lengths /= centered.scale
    total = float(np.square(lengths, out=lengths).sum())
    vectors = random.random((min(columns, MOST_AXES + SLICE), columns)) - 0.5
    with threadpool_limits(limits=1, user_api="blas"):
        once = covariance_times(centered, vectors)  # and once more, since the directions need not be exact
        vectors = orthonormal_rows(covariance_times(centered, once / max(np.abs(once).max(), 1e-300)))
        found = turned(centered, vectors)
    directions, shares = found.vectors.astype(np.float32), np.cumsum(found.squares) / max(total, np.finfo(float).tiny)
    wanted = 1 + int(np.searchsorted(shares[:MOST_AXES], SHARE))
    count = min(MOST_AXES, -(-wanted // SLICE) * SLICE)
    return Axes(mean, directions[:count] if count + SLICE < columns else None)


def sampled_rows(n: int, columns: int) -> int:
    """How many rows the axes are found by."""
    return min(n, SAMPLE, max(1000, NUMBERS // columns))
