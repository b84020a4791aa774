"""Two lists of neighbors for every row, those that were found and those in the map, as the metrics compare them."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from umap_sk.layout.spaces import Space, nearest_in_space
from umap_sk.neighbors.read import Neighbors


class Listed(NamedTuple):
    """Neighbors of some rows, found and mapped, without the rows themselves.

    Attributes
    ----------
    found : ndarray of shape (n_rows, widest), int64
        The neighbors that were found, nearest first, then -1.
    lengths : ndarray of shape (n_rows,), int64
        How many were found.
    others : ndarray of shape (n_rows,), int64
        Training rows that could have been, the row itself not among them.
    mapped : ndarray of shape (n_rows, k), int64
        The k nearest in the map, nearest first; -1 where there are fewer and for rows without a place.
    """

    found: np.ndarray
    lengths: np.ndarray
    others: np.ndarray
    mapped: np.ndarray


def listed(
    neighbors: Neighbors,
    places: np.ndarray,
    training: np.ndarray,
    k: int,
    own: np.ndarray | None = None,
    space: Space | None = None,
) -> Listed:
    """Lists of the neighbors that were found and of the `k` nearest in the map.

    `places` (n_rows, d) are the rows in the map and `training` (n, d) those that can be neighbors; `own` are the rows'
    numbers among these. Without them a row is what it has at distance 0. The map lies in `space`.
    """
    n, n_rows = len(training), len(places)
    row = np.repeat(np.arange(n_rows), np.diff(neighbors.indptr))
    index = neighbors.indices.astype(np.int64)
    itself = neighbors.distances == 0 if own is None else index == own[row]
    lengths = np.bincount(row[~itself], minlength=n_rows)
    found = _padded(row[~itself], index[~itself], lengths)
    if own is None:
        left_out, own_keys = np.bincount(row[itself], minlength=n_rows), row[itself] * n + index[itself]
    else:
        left_out, own_keys = np.ones(n_rows, np.int64), np.arange(n_rows) * n + own
    more = int(left_out.max(initial=0))
    return Listed(found, lengths, n - left_out, _nearest(places, training, k, more, own_keys, space))


def list_themselves(neighbors: Neighbors) -> bool:
    """Whether rows and columns are the same rows: as many, and most rows list themselves first."""
    starts, filled = neighbors.indptr[:-1], np.diff(neighbors.indptr) > 0
    rows = np.flatnonzero(filled)
    return len(starts) == neighbors.n_columns and 2 * np.sum(neighbors.indices[starts[filled]] == rows) > len(starts)


def rows_of(neighbors: Neighbors, rows: np.ndarray) -> Neighbors:
    """Neighbors of some rows; the same object for all of them."""
    starts, lengths = neighbors.indptr[rows], np.diff(neighbors.indptr)[rows]
    if len(rows) == len(neighbors.indptr) - 1:
        return neighbors
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    entries = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
    return Neighbors(indptr, neighbors.indices[entries], neighbors.distances[entries], neighbors.n_columns)


def positions_of(chosen: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """Where each entry of `chosen` (n_rows, k) stands in its row of `lists`: 0 for the first, their width for none."""
    span = max(lists.max(initial=0), chosen.max(initial=0)) + 2
    rows, widest = np.arange(len(lists))[:, None], lists.shape[1]
    keys = (rows * span + lists).ravel()
    order = np.argsort(keys, kind="stable")
    wanted = rows * span + chosen
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    hit = (chosen >= 0) & (keys[order[at]] == wanted) if len(keys) else np.zeros(chosen.shape, bool)
    return np.where(hit, order[at] % widest if widest else 0, widest)


def _padded(row: np.ndarray, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Values of ascending rows side by side, -1 behind."""
    out = np.full((len(lengths), int(lengths.max(initial=0))), -1, np.int64)
    out[row, np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)] = values
    return out


def _nearest(
    places: np.ndarray, training: np.ndarray, k: int, more: int, own_keys: np.ndarray, space: Space | None
) -> np.ndarray:
    """The k nearest training rows of each place that has one, without those whose key is the row's own."""
    n, out = len(training), np.full((len(places), k), -1, np.int64)
    placed = np.flatnonzero(np.isfinite(training).all(axis=1))
    rows = np.flatnonzero(np.isfinite(places).all(axis=1))
    asked = min(k + more, len(placed))
    if not len(rows) or not asked:
        return out
    if space is None:
        tree = cKDTree(np.asarray(training[placed], np.float64))
        near = placed[tree.query(np.asarray(places[rows], np.float64), np.arange(1, asked + 1))[1]]
    else:
        near = placed[nearest_in_space(space, places[rows], training[placed], asked)]
    kept = ~np.isin(rows[:, None] * n + near, own_keys)
    kept &= np.cumsum(kept, axis=1) <= k
    out[rows] = _padded_to(k, np.nonzero(kept)[0], near[kept], kept.sum(axis=1))
    return out


def _padded_to(width: int, row: np.ndarray, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """As :func:`_padded`, of a given width."""
    padded = _padded(row, values, lengths)
    return np.pad(padded, ((0, 0), (0, width - padded.shape[1])), constant_values=-1)
