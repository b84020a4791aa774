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
    rows_of_values = zip(is_own, others, values, strict=True)
    largest = sum(is_among_largest(row_values[own], row_values[other]) for own, other, row_values in rows_of_values)
    if 2 * largest > len(rows):
        raise ValueError(
            f"knn_dists is larger at a row itself than at most of its neighbors, in {largest} of {len(rows)} sampled "
            f"rows, as similarities are. {SIMILARITIES} If they are distances, set those of rows to themselves to 0."
        )
    if are_different(values[others]):
        rises = []
        for row in np.flatnonzero(others.sum(axis=1) >= MIN_LENGTH):
            lists = all_names[names[row][others[row]]]
            listed = np.isin(lists, names[row][usable[row]])
            lengths = ((lists >= 0) & (lists < n)).sum(axis=1)
            share = compute_share(listed.sum(axis=1), lengths, int(usable[row].sum()))
            rises.append(correlate_ranks(share, values[row][others[row]]))
        if is_correlated(rises):
            warn(
                f"knn_dists has values that are the larger, the more neighbors two rows share (correlation "
                f"{np.mean(rises):.2f}), as similarities do. {SIMILARITIES}",
                DoubtfulDistancesWarning,
            )


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


def compute_share(common: np.ndarray, lengths: np.ndarray, own_length: int) -> np.ndarray:
    """Return the share of common neighbors, of lists of some lengths and of a row's own list."""
    return np.asarray(common / (lengths + own_length - common))


def correlate_ranks(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation, or 0 if all values of either are equal. scipy's takes ten times as long."""
    centered = []
    for values in (first, second):
        ordered = np.sort(values)
        ranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
        centered.append(ranks - ranks.mean())
    scale = np.sqrt((centered[0] @ centered[0]) * (centered[1] @ centered[1]))
    return float(centered[0] @ centered[1] / scale) if scale > 0 else 0.0
