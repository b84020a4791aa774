"""Lists of each row's neighbors in the input and in the map, which the metrics compare."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from umap_sk.layout.spaces import Space, find_nearest_in_space
from umap_sk.neighbors.read import Neighbors


class NeighborLists(NamedTuple):
    """The neighbors of some rows in the input and in the map, nearest first, without the rows themselves."""

    found: np.ndarray  # in the input, (n_rows, widest), int64, padded with -1
    lengths: np.ndarray  # numbers of neighbors in the input
    others: np.ndarray  # numbers of training rows that could be neighbors
    mapped: np.ndarray  # in the map, (n_rows, k), int64; only -1 for rows without a position


def list_neighbors(
    neighbors: Neighbors,
    places: np.ndarray,
    training: np.ndarray,
    k: int,
    own: np.ndarray | None = None,
    space: Space | None = None,
) -> NeighborLists:
    """List the neighbors in the input and the `k` nearest rows in the map.

    `places` (n_rows, d) are the positions of the rows, and `training` (n, d) those of possible neighbors. `own` are the
    indices of the rows among these. Without `own`, entries at distance 0 are the row itself. The map lies in `space`.
    """
    n, n_rows = len(training), len(places)
    row = np.repeat(np.arange(n_rows), np.diff(neighbors.indptr))
    index = neighbors.indices.astype(np.int64)
    itself = neighbors.distances == 0 if own is None else index == own[row]
    lengths = np.bincount(row[~itself], minlength=n_rows)
    found = _pad_lists(row[~itself], index[~itself], lengths, int(lengths.max(initial=0)))
    if own is None:
        left_out, own_keys = np.bincount(row[itself], minlength=n_rows), row[itself] * n + index[itself]
    else:
        left_out, own_keys = np.ones(n_rows, np.int64), np.arange(n_rows) * n + own
    more = int(left_out.max(initial=0))
    return NeighborLists(found, lengths, n - left_out, _find_nearest_in_map(places, training, k, more, own_keys, space))


def are_training_rows(neighbors: Neighbors) -> bool:
    """Return whether the rows are the training rows: they have the same number, and most list themselves first."""
    starts, filled = neighbors.indptr[:-1], np.diff(neighbors.indptr) > 0
    rows = np.flatnonzero(filled)
    return len(starts) == neighbors.n_columns and 2 * np.sum(neighbors.indices[starts[filled]] == rows) > len(starts)


def select_rows(neighbors: Neighbors, rows: np.ndarray) -> Neighbors:
    """Return the neighbors of some rows, or the same object for all rows."""
    starts, lengths = neighbors.indptr[rows], np.diff(neighbors.indptr)[rows]
    if len(rows) == len(neighbors.indptr) - 1:
        return neighbors
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    entries = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
    return Neighbors(indptr, neighbors.indices[entries], neighbors.distances[entries], neighbors.n_columns)


def find_ranks(chosen: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """Return the position of each entry of `chosen` (n_rows, k) in its row of `lists`, or their width if missing."""
    span = max(lists.max(initial=0), chosen.max(initial=0)) + 2
    rows, widest = np.arange(len(lists))[:, None], lists.shape[1]
    keys = (rows * span + lists).ravel()
    order = np.argsort(keys, kind="stable")
    wanted = rows * span + chosen
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    hit = (chosen >= 0) & (keys[order[at]] == wanted) if len(keys) else np.zeros(chosen.shape, bool)
    return np.where(hit, order[at] % widest if widest else 0, widest)


def _pad_lists(row: np.ndarray, values: np.ndarray, lengths: np.ndarray, width: int) -> np.ndarray:
    """Return values of ascending rows as an array of a given width, padded with -1."""
    out = np.full((len(lengths), width), -1, np.int64)
    out[row, np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)] = values
    return out


def _find_nearest_in_map(
    places: np.ndarray, training: np.ndarray, k: int, more: int, own_keys: np.ndarray, space: Space | None
) -> np.ndarray:
    """Return the k nearest training rows of each position, without entries whose key is in `own_keys`."""
    n, out = len(training), np.full((len(places), k), -1, np.int64)
    placed = np.flatnonzero(np.isfinite(training).all(axis=1))
    rows = np.flatnonzero(np.isfinite(places).all(axis=1))
    n_queried = min(k + more, len(placed))
    if not len(rows) or not n_queried:
        return out
    if space is None:
        tree = cKDTree(np.asarray(training[placed], np.float64))
        near = placed[tree.query(np.asarray(places[rows], np.float64), np.arange(1, n_queried + 1))[1]]
    else:
        near = placed[find_nearest_in_space(space, places[rows], training[placed], n_queried)]
    kept = ~np.isin(rows[:, None] * n + near, own_keys)
    kept &= np.cumsum(kept, axis=1) <= k
    out[rows] = _pad_lists(np.nonzero(kept)[0], near[kept], kept.sum(axis=1), k)
    return out
