"""Detection of similarities among the values of neighbors, in whatever order a row lists them."""

import numpy as np
from numpy.typing import ArrayLike

from umap_sk._typing import Features, is_sparse
from umap_sk.exceptions import DoubtfulDistancesWarning, warn
from umap_sk.neighbors.formats import as_csr, get_row
from umap_sk.neighbors.validate import SIMILARITIES, sample_rows

DIAGONAL = 0.1  # value of a row itself, relative to the mean of its others, that rounding explains
MIN_LENGTH = 8  # neighbors that a row needs for the correlation
MIN_CORRELATED_ROWS = 20
LOOKED_UP_ENTRIES = 2**14  # entries of neighbors' lists that are in memory at the same time
ROUNDING = 1e-6  # of values up to 1
MIN_CORRELATION = 0.2  # correlation of values with shared neighbors: below 0 for distances, 0.3 to 0.9 for memberships


def check_neighbor_values(indices: ArrayLike, dists: ArrayLike) -> None:
    """Raise an error or warn if the values of neighbors in arrays look like similarities.

    Raise if the value of most rows at themselves is among their largest. Warn if values are the larger, the more
    neighbors two rows share.
    """
    all_names = np.asarray(indices)
    n = len(all_names)
    rows = sample_rows(n)
    names, values = all_names[rows], np.asarray(dists)[rows].astype(np.float64)
    usable = (names >= 0) & (names < n) & np.isfinite(values)
    is_own = usable & (names == rows[:, None])
    others = usable & ~is_own
    largest = count_largest_own(values, is_own, others)
    if 2 * largest > len(rows):
        raise ValueError(
            f"knn_dists is larger at a row itself than at most of its neighbors, in {largest} of {len(rows)} sampled "
            f"rows, as similarities are. {SIMILARITIES} If they are distances, set those of rows to themselves to 0."
        )
    if are_different(values[others]):
        rises = correlate_with_common(all_names, np.where(usable, names, -1).astype(np.int64), values, others)
        if is_correlated(rises):
            warn(
                f"knn_dists has values that are the larger, the more neighbors two rows share (correlation "
                f"{np.mean(rises):.2f}), as similarities do. {SIMILARITIES}",
                DoubtfulDistancesWarning,
            )


def count_largest_own(values: np.ndarray, is_own: np.ndarray, others: np.ndarray) -> int:
    """Return the number of rows whose own value is among their largest."""
    own = np.where(is_own, values, -np.inf).max(axis=1, initial=-np.inf)
    means = np.where(others, values, 0).sum(axis=1) / np.maximum(1, others.sum(axis=1))
    rows = np.flatnonzero(own > DIAGONAL * means)
    return sum(is_among_largest(values[row][is_own[row]], values[row][others[row]]) for row in rows)


def correlate_with_common(
    all_names: np.ndarray, names: np.ndarray, values: np.ndarray, others: np.ndarray
) -> list[float]:
    """Return, for rows with enough neighbors, the correlation of values with the share of common neighbors.

    `names` (n_sampled, n_neighbors) are neighbors of sampled rows, or -1, and `others` tells which of them are used.
    """
    n, width = all_names.shape
    counts = others.sum(axis=1)
    rises: list[float] = []
    for count in np.unique(counts[counts >= MIN_LENGTH]):
        alike = np.flatnonzero(counts == count)
        at_once = max(1, LOOKED_UP_ENTRIES // (int(count) * width))
        for first in range(0, len(alike), at_once):
            rows = alike[first : first + at_once]
            lists = all_names[names[rows][others[rows]].reshape(-1, count)].astype(np.int64)
            is_valid = (lists >= 0) & (lists < n)
            row_keys = np.arange(len(rows)) * n  # so that one search serves all rows
            own = (row_keys[:, None] + names[rows])[names[rows] >= 0]
            is_common = is_valid & np.isin(row_keys[:, None, None] + lists, own)
            lengths = (names[rows] >= 0).sum(axis=1, keepdims=True)
            share = compute_share(is_common.sum(axis=2), is_valid.sum(axis=2), lengths)
            rises.extend(correlate_ranks(share, values[rows][others[rows]].reshape(-1, count)))
    return rises


def check_new_values(X: Features, lengths: np.ndarray, count: int) -> None:
    """Warn if 1 - X, but not X, has the distances of new rows that the training rows have.

    `lengths` are the mean distances of the training rows to their neighbors, and `count` is the number of neighbors.
    """
    smallest, largest = [], []
    rows = as_csr(X) if is_sparse(X) else X
    for row in sample_rows(X.shape[0]):
        values = get_row(rows, row)[1] if is_sparse(rows) else rows[row]
        if len(values) >= 2 * count and np.abs(values).max() <= 1 + ROUNDING:
            ordered = np.sort(values)
            smallest.append(ordered[:count].mean())
            largest.append(ordered[-count:].mean())
    usual = np.median(lengths[lengths > 0]) if smallest and (lengths > 0).any() else np.inf
    if smallest and usual / 2 < 1 - np.median(largest) < 2 * usual < np.median(smallest):
        warn(
            f"The {count} smallest values of new rows are {np.median(smallest):.2g} in the median, and distances to "
            f"neighbors were {usual:.2g} in the fit, which suits 1 - X. {SIMILARITIES}",
            DoubtfulDistancesWarning,
        )


def is_among_largest(own: np.ndarray, others: np.ndarray) -> bool:
    """Return whether the value of a row at itself, if there is one, is no smaller than most others, nor nearly 0."""
    if not len(own) or not len(others):
        return False
    return bool(own.max() >= np.median(others) and own.max() > DIAGONAL * others.mean())


def are_different(values: np.ndarray) -> bool:
    """Return whether values are different ones above 0."""
    return bool(len(values) and 0 < values.min() < values.max())


def is_correlated(correlations: list[float]) -> bool:
    """Return whether the values of enough rows grow with the shared neighbors, as those of distances never do."""
    return len(correlations) >= MIN_CORRELATED_ROWS and bool(np.mean(correlations) > MIN_CORRELATION)


def compute_share(common: np.ndarray, lengths: np.ndarray, own_length: int | np.ndarray) -> np.ndarray:
    """Return the share of common neighbors, of lists of some lengths and of a row's own list."""
    return np.asarray(common / (lengths + own_length - common))


def correlate_ranks(first: np.ndarray, second: np.ndarray) -> list[float]:
    """Return Spearman's rank correlation of each row of two arrays, or 0 if all values of either are equal."""
    one, two = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in map(rank_rows, (first, second)))
    scale = np.sqrt((one * one).sum(axis=1) * (two * two).sum(axis=1))
    return list(np.where(scale > 0, (one * two).sum(axis=1) / np.where(scale > 0, scale, 1), 0))


def rank_rows(values: np.ndarray) -> np.ndarray:
    """Return twice the rank of each value in its row. Equal values have their mean rank."""
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    length = values.shape[1]
    positions = np.arange(length)
    is_new = np.ones((len(values), length + 1), bool)
    is_new[:, 1:-1] = ordered[:, 1:] != ordered[:, :-1]
    firsts = np.maximum.accumulate(np.where(is_new[:, :-1], positions, 0), axis=1)
    lasts = np.minimum.accumulate(np.where(is_new[:, 1:], positions, length)[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, firsts + lasts, axis=1)
    return ranks
