"""Exact search among few rows by numpy, which needs compiled code only for rows of many columns."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from umap_sk import kernels
from umap_sk.kernels.lanes import sum_by_lanes
from umap_sk.kernels.ranks import SAME_ROWS_DISTANCE
from umap_sk.neighbors.euclidean import AffineRows, compute_half_squares
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import config

MAX_ROWS = 4096  # rows up to which this search is used
EXTRA_CANDIDATES = 4  # candidates beyond the number of neighbors
MATRIX_NUMBERS = 2**22  # numbers in memory at once
NUMPY_NUMBERS = 2**25  # numbers of candidates that numpy ranks faster than a kernel compiles
ROUNDING_SHARE = 2.0**-51  # relative error of a product of rows, per column

Ranking: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A function of row numbers and their candidates, or -1, which sorts the candidates by exact rank and then by index.

It returns the candidates and their ranks. Both variants below return the same bits."""


def search_few(
    rows: AffineRows, new: AffineRows | None, n_neighbors: int, angular: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Search the nearest rows of new rows, or of all rows themselves (None). Returns indices and ranks."""
    training, queries = scale_and_flag(rows), scale_and_flag(rows if new is None else new)
    mean = training.mean(axis=0)
    centered, halves = training - mean, compute_half_squares(training - mean)
    rounding = ROUNDING_SHARE * (16 + training.shape[1])
    rank: Ranking = partial(rank_by_numpy, queries, training, angular)
    width = (n_neighbors + EXTRA_CANDIDATES) * training.shape[1]  # numbers that are compared for a row
    if len(queries) * width > NUMPY_NUMBERS and not config.DISABLE_JIT:
        rank, width = partial(rank_by_kernel, rows if new is None else new, rows, angular), training.shape[1]
    indices = np.empty((len(queries), n_neighbors), np.int64)
    ranks = np.empty((len(queries), n_neighbors))
    at_once = max(1, MATRIX_NUMBERS // max(len(training), width))
    for first in range(0, len(queries), at_once):
        block = slice(first, min(first + at_once, len(queries)))
        here = queries[block] - mean
        half = compute_half_squares(here)
        estimates = half[:, None] + halves - here @ centered.T
        if new is None:
            estimates[np.arange(len(here)), np.arange(block.start, block.stop)] = np.inf
        slack = rounding * (half + halves.max())
        numbers = np.arange(block.start, block.stop)
        indices[block], ranks[block] = select_nearest(estimates, slack, numbers, n_neighbors, rank)
    return indices, ranks


def scale_and_flag(rows: AffineRows) -> np.ndarray:
    """Return the scaled rows as a dense array, with a last column that marks rows without a direction."""
    scaled = rows.features.astype(np.float64) * rows.affine[:, :1] - rows.affine[:, 1:]
    return np.column_stack([scaled, rows.affine[:, 0] == 0])


def select_nearest(
    estimates: np.ndarray, slack: np.ndarray, numbers: np.ndarray, wanted: int, rank: Ranking
) -> tuple[np.ndarray, np.ndarray]:
    """Select each row's nearest rows by exact ranks among enough candidates that no other row can be closer.

    The errors of the estimates are bounded by `slack`. An infinite estimate is no candidate.
    """
    n, count = estimates.shape
    kept = min(wanted + EXTRA_CANDIDATES, count)
    if kept < count:
        candidates = np.argpartition(estimates, kept - 1, axis=1)[:, :kept]
    else:
        candidates = np.tile(np.arange(count), (n, 1))
    near = np.take_along_axis(estimates, candidates, 1)
    names, ranks = rank(numbers, np.where(np.isinf(near), -1, candidates))
    limits = near.max(axis=1) - slack
    for row in np.flatnonzero(limits <= ranks[:, wanted - 1]) if kept < count else ():
        more = np.flatnonzero(estimates[row] <= ranks[row, wanted - 1] + slack[row])
        one, best = rank(numbers[[row]], more[None])
        names[row, :wanted], ranks[row, :wanted] = one[0, :wanted], best[0, :wanted]
    return names[:, :wanted], ranks[:, :wanted]


def rank_by_numpy(
    queries: np.ndarray, training: np.ndarray, angular: bool, numbers: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rank candidates by numpy. The arguments before the numbers are rows with their flags."""
    others, here = training[candidates], queries[numbers][:, None]
    between = sum_by_lanes((here[..., :-1] - others[..., :-1]) ** 2)
    ranks = between / 2
    if angular:
        ranks = np.where(between <= SAME_ROWS_DISTANCE * SAME_ROWS_DISTANCE, 0, ranks)
        far = between >= 1
        products = sum_by_lanes(here[np.nonzero(far)[0], 0, :-1] * others[far][:, :-1])
        ranks[far] = np.where(products <= SAME_ROWS_DISTANCE - 1, 2, 1 - products)
        ranks[others[..., -1] != here[..., -1]] = 1
    ranks[candidates < 0] = np.inf
    order = np.lexsort((candidates, ranks), axis=1)
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(ranks, order, 1)


def rank_by_kernel(
    queries: AffineRows, training: AffineRows, angular: bool, numbers: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rank candidates by a kernel."""
    names, ranks = np.empty(candidates.shape, np.int64), np.empty(candidates.shape)
    here = queries.features[numbers], queries.affine[numbers]
    arrays = map(as_readonly, (*here, *training, candidates.astype(np.int64)))
    kernels.rank_candidates(len(numbers), *arrays, False, angular, names, ranks)
    return names, ranks
