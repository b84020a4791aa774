"""Principal axes of rows, estimated from a sample."""

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from umap_sk.kernels.products import TILE_COLUMNS
from umap_sk.linear_algebra.eigenpairs import orthonormalize_rows
from umap_sk.linear_algebra.principal_directions import (
    CenteredRows,
    Directions,
    apply_rayleigh_ritz,
    center_rows,
    multiply_by_covariance,
)

AXES_SAMPLE = 1800  # rows of the sample
UNPROJECTED_COLUMNS = 128  # up to this many columns, rows are not projected
AXES_NUMBERS = 144, 192  # largest numbers of axes: the second one for rows whose variance is spread over more axes


class Axes(NamedTuple):
    """The origin and the directions of coordinates."""

    mean: np.ndarray
    directions: np.ndarray | None  # (n_axes, n_columns), orthonormal, float32; None for the columns themselves


def find_principal_axes(features: np.ndarray, affine: np.ndarray, variance_share: float) -> Axes:
    """Find axes of scaled and shifted rows by subspace iteration (Halko, Martinsson, Tropp 2011, section 4.5).

    The sample has `variance_share` of its variance along the axes, unless that needs too many of them. Their number is
    a multiple of TILE_COLUMNS. Every orthonormal basis preserves the distances. So the axes affect the speed of a
    search, and the result of an approximate one.
    """
    n, columns = features.shape
    random = np.random.default_rng(0)
    rows = np.sort(random.choice(n, min(n, AXES_SAMPLE), replace=False))
    sample = np.asarray(features[rows], np.float64) * affine[rows, :1] - affine[rows, 1:]
    mean = sample.mean(axis=0)
    if columns <= UNPROJECTED_COLUMNS:
        return Axes(mean, None)
    centered = center_rows(sample)
    lengths = sample - mean
    lengths /= centered.scale
    total = float(np.square(lengths, out=lengths).sum())
    with threadpool_limits(limits=1, user_api="blas"):
        for most in AXES_NUMBERS:
            found = find_directions(centered, random.random((min(columns, most + TILE_COLUMNS), columns)) - 0.5)
            shares = np.cumsum(found.squares[:most]) / max(total, np.finfo(float).tiny)
            if shares[-1] >= variance_share:
                break
    directions, wanted = found.vectors.astype(np.float32), 1 + int(np.searchsorted(shares, variance_share))
    count = min(most, -(-wanted // TILE_COLUMNS) * TILE_COLUMNS)
    return Axes(mean, directions[:count] if count + TILE_COLUMNS < columns else None)


def find_directions(rows: CenteredRows, vectors: np.ndarray) -> Directions:
    """Multiply vectors by the covariance twice, since the directions need not be exact, and order them by variance."""
    once = multiply_by_covariance(rows, vectors)
    vectors = orthonormalize_rows(multiply_by_covariance(rows, once / max(np.abs(once).max(), 1e-300)))
    return apply_rayleigh_ritz(rows, vectors)
