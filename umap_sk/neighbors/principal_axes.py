"""Principal axes of rows, estimated from a sample."""

from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from umap_sk.kernels.products import SLICE

AXES_SAMPLE, AXES_SAMPLE_NUMBERS = 5000, 2**25  # largest sample in rows and in numbers
UNPROJECTED_COLUMNS = 128  # up to this many columns, rows are not projected
VARIANCE_SHARE = 0.93  # share of the variance along the directions
MAX_AXES = 192
SUBSPACE_ROUNDS = 3  # iterations; the directions need not be exact


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


def find_principal_axes(features: Any, affine: np.ndarray) -> Axes:
    """Find axes of rows that are scaled and shifted by subspace iteration. Their number is a multiple of SLICE.

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
    sample = (sample - mean).astype(np.float32)
    total = float(np.einsum("ij,ij->", sample, sample, dtype=np.float64))
    basis = random.standard_normal((columns, min(columns, MAX_AXES + SLICE)), np.float32)
    with threadpool_limits(limits=1, user_api="blas"):
        for _ in range(SUBSPACE_ROUNDS):
            basis = np.linalg.qr(sample.T @ (sample @ basis))[0]
        coordinates = (sample @ basis).astype(np.float64)
        variances, turns = np.linalg.eigh(coordinates.T @ coordinates)
        directions = np.ascontiguousarray((basis @ turns[:, ::-1].astype(np.float32)).T)
    shares = np.cumsum(variances[::-1]) / max(total, np.finfo(float).tiny)
    wanted = 1 + int(np.searchsorted(shares[:MAX_AXES], VARIANCE_SHARE))
    count = min(MAX_AXES, -(-wanted // SLICE) * SLICE)
    return Axes(mean, directions[:count] if count + SLICE < columns else None)


def count_sampled_rows(n: int, columns: int) -> int:
    """Return the number of rows from which the axes are estimated."""
    return min(n, AXES_SAMPLE, max(1000, AXES_SAMPLE_NUMBERS // columns))
