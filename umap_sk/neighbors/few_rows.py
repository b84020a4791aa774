"""All distances of few rows in numpy, which needs no compiled code."""

import numpy as np

from umap_sk.kernels.lanes import sum_by_lanes
from umap_sk.kernels.ranks import SAME
from umap_sk.neighbors.euclidean import Rows

MOST = 4096  # rows
EXTRA = 4  # candidates beyond the neighbors that are wanted
NUMBERS = 2**22  # that are in memory at once
EPSILON = 2.0**-51  # share of the squared lengths by which a product of rows may be off, for each column


def search_few(rows: Rows, new: Rows | None, n_neighbors: int, angular: bool) -> tuple[np.ndarray, np.ndarray]:
    """Nearest rows of new ones, or of all rows themselves (None), by rank and then by index: indices and ranks."""
    training, queries = dense(rows), dense(rows if new is None else new)
    mean = training.mean(axis=0)
    centered, halves = training - mean, half_squares(training - mean)
    rounding = EPSILON * (16 + training.shape[1])
    indices = np.empty((len(queries), n_neighbors), np.int64)
    ranks = np.empty((len(queries), n_neighbors))
    at_once = max(1, NUMBERS // max(len(training), (n_neighbors + EXTRA) * training.shape[1]))
    for first in range(0, len(queries), at_once):
        block = slice(first, min(first + at_once, len(queries)))
        here = queries[block] - mean
        half = half_squares(here)
        estimates = half[:, None] + halves - here @ centered.T
        if new is None:
            estimates[np.arange(len(here)), np.arange(block.start, block.stop)] = np.inf
        slack = rounding * (half + halves.max())
        found = nearest_of(estimates, slack, queries[block], training, n_neighbors, angular)
        indices[block], ranks[block] = found
    return indices, ranks


def dense(rows: Rows) -> np.ndarray:
    """Rows as they are compared, and a last column for those without a direction."""
    scaled = rows.features.astype(np.float64) * rows.affine[:, :1] - rows.affine[:, 1:]
    return np.column_stack([scaled, rows.affine[:, 0] == 0])


def half_squares(rows: np.ndarray) -> np.ndarray:
    """Half the squared lengths of rows."""
    return np.asarray(np.einsum("ij,ij->i", rows, rows) / 2)


def nearest_of(
    estimates: np.ndarray, slack: np.ndarray, rows: np.ndarray, training: np.ndarray, wanted: int, angular: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of each row by exact ranks, of so many candidates that no other one can be as near.

    Estimates may be off by the slack of their row.
    """
    n, count = estimates.shape
    kept = min(wanted + EXTRA, count)
    candidates = np.argpartition(estimates, kept - 1, axis=1)[:, :kept] if kept < count else tiled(n, count)
    names, ranks = ranked(rows, training, candidates, estimates, angular)
    limits = np.take_along_axis(estimates, candidates, 1).max(axis=1) - slack
    for row in np.flatnonzero(limits <= ranks[:, wanted - 1]) if kept < count else ():
        near = np.flatnonzero(estimates[row] <= ranks[row, wanted - 1] + slack[row])
        one, best = ranked(rows[[row]], training, near[None], estimates[[row]], angular)
        names[row, :wanted], ranks[row, :wanted] = one[0, :wanted], best[0, :wanted]
    return names[:, :wanted], ranks[:, :wanted]


def tiled(n: int, count: int) -> np.ndarray:
    """All rows as candidates of each."""
    return np.tile(np.arange(count), (n, 1))


def ranked(
    rows: np.ndarray, training: np.ndarray, candidates: np.ndarray, estimates: np.ndarray, angular: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates of each row by exact rank and then by index, what is no candidate last; and the ranks."""
    others, here = training[candidates], rows[:, None]
    between = sum_by_lanes((here[..., :-1] - others[..., :-1]) ** 2)
    ranks = between / 2
    if angular:
        ranks = np.where(between <= SAME * SAME, 0, ranks)
        far = between >= 1
        products = sum_by_lanes(rows[np.nonzero(far)[0], :-1] * others[far][:, :-1])
        ranks[far] = np.where(products <= SAME - 1, 2, 1 - products)
        ranks[others[..., -1] != here[..., -1]] = 1
    ranks[np.isinf(np.take_along_axis(estimates, candidates, 1))] = np.inf
    order = np.lexsort((candidates, ranks), axis=1)
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(ranks, order, 1)
