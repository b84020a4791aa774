"""Exact search among few rows by numpy, which needs no compiled code."""

import numpy as np

from umap_sk.kernels.lanes import sum_by_lanes
from umap_sk.kernels.ranks import SAME_ROWS_DISTANCE
from umap_sk.neighbors.euclidean import AffineRows, compute_half_squares

MAX_ROWS = 4096  # rows up to which this search is used
EXTRA_CANDIDATES = 4  # candidates beyond the number of neighbors
MATRIX_NUMBERS = 2**22  # numbers in memory at once
ROUNDING_SHARE = 2.0**-51  # relative error of a product of rows, per column


def search_few(
    rows: AffineRows, new: AffineRows | None, n_neighbors: int, angular: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Search the nearest rows of new rows, or of all rows themselves (None). Returns indices and ranks."""
    training, queries = scale_and_flag(rows), scale_and_flag(rows if new is None else new)
    mean = training.mean(axis=0)
    centered, halves = training - mean, compute_half_squares(training - mean)
    rounding = ROUNDING_SHARE * (16 + training.shape[1])
    indices = np.empty((len(queries), n_neighbors), np.int64)
    ranks = np.empty((len(queries), n_neighbors))
    at_once = max(1, MATRIX_NUMBERS // max(len(training), (n_neighbors + EXTRA_CANDIDATES) * training.shape[1]))
    for first in range(0, len(queries), at_once):
        block = slice(first, min(first + at_once, len(queries)))
        here = queries[block] - mean
        half = compute_half_squares(here)
        estimates = half[:, None] + halves - here @ centered.T
        if new is None:
            estimates[np.arange(len(here)), np.arange(block.start, block.stop)] = np.inf
        slack = rounding * (half + halves.max())
        found = select_nearest(estimates, slack, queries[block], training, n_neighbors, angular)
        indices[block], ranks[block] = found
    return indices, ranks


def scale_and_flag(rows: AffineRows) -> np.ndarray:
    """Return the scaled rows as a dense array, with a last column that marks rows without a direction."""
    scaled = rows.features.astype(np.float64) * rows.affine[:, :1] - rows.affine[:, 1:]
    return np.column_stack([scaled, rows.affine[:, 0] == 0])


def select_nearest(
    estimates: np.ndarray, slack: np.ndarray, rows: np.ndarray, training: np.ndarray, wanted: int, angular: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Select each row's nearest rows by exact ranks among enough candidates that no other row can be closer.

    The errors of the estimates are bounded by `slack`.
    """
    n, count = estimates.shape
    kept = min(wanted + EXTRA_CANDIDATES, count)
    if kept < count:
        candidates = np.argpartition(estimates, kept - 1, axis=1)[:, :kept]
    else:
        candidates = np.tile(np.arange(count), (n, 1))
    names, ranks = rank_candidates(rows, training, candidates, estimates, angular)
    limits = np.take_along_axis(estimates, candidates, 1).max(axis=1) - slack
    for row in np.flatnonzero(limits <= ranks[:, wanted - 1]) if kept < count else ():
        near = np.flatnonzero(estimates[row] <= ranks[row, wanted - 1] + slack[row])
        one, best = rank_candidates(rows[[row]], training, near[None], estimates[[row]], angular)
        names[row, :wanted], ranks[row, :wanted] = one[0, :wanted], best[0, :wanted]
    return names[:, :wanted], ranks[:, :wanted]


def rank_candidates(
    rows: np.ndarray, training: np.ndarray, candidates: np.ndarray, estimates: np.ndarray, angular: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Sort each row's candidates by exact rank and then by index. Returns the candidates and their ranks."""
    others, here = training[candidates], rows[:, None]
    between = sum_by_lanes((here[..., :-1] - others[..., :-1]) ** 2)
    ranks = between / 2
    if angular:
        ranks = np.where(between <= SAME_ROWS_DISTANCE * SAME_ROWS_DISTANCE, 0, ranks)
        far = between >= 1
        products = sum_by_lanes(rows[np.nonzero(far)[0], :-1] * others[far][:, :-1])
        ranks[far] = np.where(products <= SAME_ROWS_DISTANCE - 1, 2, 1 - products)
        ranks[others[..., -1] != here[..., -1]] = 1
    ranks[np.isinf(np.take_along_axis(estimates, candidates, 1))] = np.inf
    order = np.lexsort((candidates, ranks), axis=1)
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(ranks, order, 1)
