"""Detection of similarities among the values of neighbors, in whatever order a row lists them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

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


class Sample(NamedTuple):
    """The entries of some rows: the position of each entry's row in `rows`, its neighbor and its value."""

    rows: np.ndarray
    owners: np.ndarray
    names: np.ndarray
    values: np.ndarray

    @property
    def is_own(self) -> np.ndarray:
        """Whether each entry names its own row."""
        return self.names == self.rows[self.owners]


def check_neighbor_values(indices: ArrayLike, dists: ArrayLike) -> None:
    """Raise an error or warn if the values of neighbors in arrays look like similarities.

    Raise if the value of most rows at themselves is among their largest. Warn if values are the larger, the more
    neighbors two rows share.
    """
    all_names = np.asarray(indices)
    n, width = all_names.shape
    rows = sample_rows(n)
    names, values = all_names[rows], np.asarray(dists)[rows].astype(np.float64)
    usable = (names >= 0) & (names < n) & np.isfinite(values)
    sample = Sample(rows, np.nonzero(usable)[0], names[usable].astype(np.int64), values[usable])
    largest = count_largest_own(sample)
    if 2 * largest > len(rows):
        raise ValueError(
            f"knn_dists is larger at a row itself than at most of its neighbors, in {largest} of {len(rows)} sampled "
            f"rows, as similarities are. {SIMILARITIES} If they are distances, set those of rows to themselves to 0."
        )

    def read_lists(others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lists = all_names[others].astype(np.int64)
        is_valid = (lists >= 0) & (lists < n)
        return is_valid.sum(axis=1), lists[is_valid]

    others = sample.values[~sample.is_own]
    if len(others) and 0 < others.min() < others.max():
        rises = correlate_with_shared_neighbors(sample, n, np.full(len(sample.names), width), read_lists)
        if is_correlated(rises):
            warn(
                f"knn_dists has values that are the larger, the more neighbors two rows share (correlation "
                f"{np.mean(rises):.2f}), as similarities do. {SIMILARITIES}",
                DoubtfulDistancesWarning,
            )


def count_largest_own(sample: Sample) -> int:
    """Return the number of rows whose value at themselves is no smaller than most of their others, nor nearly 0."""
    _, owners, _, values = sample
    own, n_rows, is_own = np.full(len(sample.rows), -np.inf), len(sample.rows), sample.is_own
    np.maximum.at(own, owners[is_own], values[is_own])
    owners, values = owners[~is_own], values[~is_own]
    counts = np.bincount(owners, minlength=n_rows)
    means = np.bincount(owners, values, n_rows) / np.maximum(1, counts)
    return sum(
        bool(own[row] >= np.median(values[owners == row]))
        for row in np.flatnonzero((counts > 0) & (own > DIAGONAL * means))
    )


def correlate_with_shared_neighbors(
    sample: Sample, n: int, sizes: np.ndarray, read_lists: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> list[float]:
    """Return, for rows with enough neighbors, the correlation of values with the share of common neighbors.

    `read_lists` returns the lengths of the lists of some of n rows, and the neighbors in them. `sizes` are upper bounds
    of these lengths for the neighbor of each entry.
    """
    is_other = ~sample.is_own
    lengths = np.bincount(sample.owners, minlength=len(sample.rows))
    owners, names, values = (array[is_other] for array in sample[1:])
    shares = np.empty(len(names))
    listed = np.sort(sample.owners * n + sample.names)
    bounds = 1 + np.flatnonzero(np.diff(np.cumsum(sizes[is_other]) // LOOKED_UP_ENTRIES))
    for block in np.split(np.arange(len(names)), bounds) if len(names) else ():
        counts, others = read_lists(names[block])
        candidates = np.repeat(owners[block] * n, counts) + others
        is_listed = listed[np.minimum(np.searchsorted(listed, candidates), len(listed) - 1)] == candidates
        found = np.append(0, np.cumsum(is_listed))
        common = np.diff(found[np.append(0, np.cumsum(counts))])
        shares[block] = common / (counts + lengths[owners[block]] - common)
    counts = np.bincount(owners, minlength=len(sample.rows))
    rises: list[float] = []
    for count in np.unique(counts[counts >= MIN_LENGTH]):
        alike = counts[owners] == count
        rises += correlate_ranks(shares[alike].reshape(-1, count), values[alike].reshape(-1, count))
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


def is_correlated(correlations: list[float]) -> bool:
    """Return whether the values of enough rows grow with the shared neighbors, as those of distances never do."""
    return len(correlations) >= MIN_CORRELATED_ROWS and bool(np.mean(correlations) > MIN_CORRELATION)


def correlate_ranks(first: np.ndarray, second: np.ndarray) -> list[float]:
    """Return Spearman's rank correlation of each row of two arrays, or 0 if all values of either are equal."""
    ranks = (rankdata(values, axis=1) for values in (first, second))
    one, two = (values - values.mean(axis=1, keepdims=True) for values in ranks)
    scale = np.sqrt((one * one).sum(axis=1) * (two * two).sum(axis=1))
    return list(np.where(scale > 0, (one * two).sum(axis=1) / np.where(scale > 0, scale, 1), 0))
