"""Principal axes of rows, estimated from a sample."""

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from umap_sk.kernels.products import TILE_COLUMNS
from umap_sk.linear_algebra.eigenpairs import orthonormalize_rows
from umap_sk.linear_algebra.principal_directions import apply_rayleigh_ritz, center_rows, multiply_by_covariance

AXES_SAMPLE, AXES_SAMPLE_NUMBERS = 2500, 2**25  # largest sample in rows and in numbers
UNPROJECTED_COLUMNS = 128  # up to this many columns, rows are not projected
VARIANCE_SHARE = 0.93  # share of the variance along the directions
MAX_AXES = 192


class Axes(NamedTuple):
    """The origin and the directions of coordinates.

    Attributes
    ----------
    mean : ndarray of shape (n_columns,)
    directions : ndarray of shape (n_axes, n_columns), float32, or None
        Orthonormal directions; None for the columns themselves.
    """

    mean: np.ndarray
    directions: np.ndarray | None


def find_principal_axes(features: np.ndarray, affine: np.ndarray) -> Axes:
    """Find axes of rows that are scaled and shifted by subspace iteration. Their number is a multiple of TILE_COLUMNS.

    Every orthonormal basis preserves the distances. So the axes affect the speed of a search, but not its result.

    References
    ----------
    N. Halko, P. G. Martinsson, J. A. Tropp, "Finding structure with randomness", SIAM Review 53, 2011, section 4.5.
    """
    n, columns = features.shape
    random = np.random.default_rng(0)
    rows = np.sort(random.choice(n, count_sampled_rows(n, columns), replace=False))
    sample = np.asarray(features[rows], np.float64) * affine[rows, :1] - affine[rows, 1:]
    mean = sample.mean(axis=0)
    if columns <= UNPROJECTED_COLUMNS:
        return Axes(mean, None)
    centered = center_rows(sample)
    lengths = sample - mean
    lengths /= centered.scale
    total = float(np.square(lengths, out=lengths).sum())
    vectors = random.random((min(columns, MAX_AXES + TILE_COLUMNS), columns)) - 0.5
    with threadpool_limits(limits=1, user_api="blas"):
        once = multiply_by_covariance(centered, vectors)  # and once more, since the directions need not be exact
        vectors = orthonormalize_rows(multiply_by_covariance(centered, once / max(np.abs(once).max(), 1e-300)))
        found = apply_rayleigh_ritz(centered, vectors)
    directions, shares = found.vectors.astype(np.float32), np.cumsum(found.squares) / max(total, np.finfo(float).tiny)
    wanted = 1 + int(np.searchsorted(shares[:MAX_AXES], VARIANCE_SHARE))
    count = min(MAX_AXES, -(-wanted // TILE_COLUMNS) * TILE_COLUMNS)
    return Axes(mean, directions[:count] if count + TILE_COLUMNS < columns else None)


def count_sampled_rows(n: int, columns: int) -> int:
    """Return the number of rows from which the axes are estimated."""
    return min(n, AXES_SAMPLE, max(1000, AXES_SAMPLE_NUMBERS // columns))
