"""Nearest rows among targets that are numbers, by a rule for ties that does not depend on the order of rows."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.neighbors.read import Neighbors
from umap_sk.neighbors.search import build_search, find_neighbors
from umap_sk.runtime.compile import readonly

OF_A_LINE = ("euclidean", "l2", "manhattan", "l1", "cityblock", "chebyshev", "infinity", "minkowski", "p")
"""Metrics that are the plain difference of two numbers."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: its multiples spread evenly
AT_ONCE = 2**20  # distances along a line that are in memory at once


class Groups(NamedTuple):
    """Rows whose targets are equal.

    Attributes
    ----------
    values : ndarray of shape (n_groups, n_targets), float64
        The targets of each group, in ascending order.
    starts : ndarray of shape (n_groups + 1,), int64
        Where each group begins in `members`.
    members : ndarray of shape (n_rows,), int32 or int64
        The rows of each group, in ascending order of their keys.
    group_of : ndarray of shape (n_rows,), int32 or int64
        The group of each row.
    """

    values: np.ndarray
    starts: np.ndarray
    members: np.ndarray
    group_of: np.ndarray


def keys_of(neighbors: Neighbors) -> np.ndarray:
    """64 bits for each row that its distances to its neighbors decide, and not its number.

    Rows at exactly the same distances from their neighbors, such as copies, differ by their number among themselves.
    """
    keys = np.empty(len(neighbors.indptr) - 1, np.uint64)
    kernels.row_keys(readonly(neighbors.indptr), readonly(neighbors.distances), keys)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    number = np.arange(len(keys)) - np.repeat(first, np.diff(np.append(first, len(keys))))
    keys[order] = ordered + number.astype(np.uint64) * GOLDEN
    return keys


def nearest_targets(
    values: np.ndarray, metric: str, count: int, graph: FuzzyGraph, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest other rows of each row by their targets: indices and distances of shape (n_rows, count).

    Where more rows are equally near than there is room for, and some of them are equal, a row takes its strongest
    neighbors in the `graph` of the data first. The others are drawn by `keys`. So the rows' order has no influence, but
    for rows whose keys are made from it.
    """
    groups = grouped(values, keys)
    near, away = nearest_groups(groups.values, metric, count)
    chosen = np.empty((len(values), count), groups.members.dtype)
    dists = np.empty((len(values), count))
    arrays = (*graph, *groups[1:], keys, near, away)
    kernels.nearest_among_groups(*map(readonly, arrays), chosen, dists)
    return chosen, dists


def grouped(values: np.ndarray, keys: np.ndarray) -> Groups:
    """Groups of rows whose targets are equal."""
    order = np.lexsort(values.T[::-1])
    ordered = values[order]
    begins = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    dtype = index_dtype(len(values))
    group_of = np.empty(len(values), dtype)
    group_of[order] = np.cumsum(begins) - 1
    starts = np.append(np.flatnonzero(begins), len(values))
    return Groups(ordered[begins], starts, np.lexsort((keys, group_of)).astype(dtype), group_of)


def nearest_groups(values: np.ndarray, metric: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of different values for each, itself first, and their distances, in ascending order.

    There is one more than so many rows can need, so that along a line both of two that are equally near are there.
    """
    n = len(values)
    width = min(count + 2, n)
    near, away = np.empty((n, width), index_dtype(n)), np.zeros((n, width))
    near[:, 0] = np.arange(n)
    if values.shape[1] == 1 and metric in OF_A_LINE:
        nearest_on_a_line(values[:, 0], near, away)
    elif width > 1:
        near[:, 1:], away[:, 1:] = find_neighbors(build_search(values, metric, None, None), values, width - 1, own=True)
    return near, away


def nearest_on_a_line(values: np.ndarray, near: np.ndarray, away: np.ndarray) -> None:
    """Write the nearest of different numbers in ascending order for each, itself first, and their distances.

    Of two that are equally near, the one with fewer numbers between comes first, and then the larger. Whatever is
    nearest is among the ``near.shape[1] - 1`` numbers before and behind.
    """
    n, width = near.shape
    steps = np.array([0] + [step for size in range(1, width) for step in (size, -size)])
    rows = AT_ONCE // len(steps) + 1
    for first in range(0, n, rows):
        places = np.arange(first, min(n, first + rows))
        beside = places[:, None] + steps
        inside = (beside >= 0) & (beside < n)
        distances = np.where(inside, np.abs(values[beside.clip(0, n - 1)] - values[places][:, None]), np.inf)
        chosen = np.argsort(distances, axis=1, kind="stable")[:, :width]
        near[places] = np.take_along_axis(beside, chosen, 1)
        away[places] = np.take_along_axis(distances, chosen, 1)


def index_dtype(n: int) -> np.dtype[Any]:
    """The integers that number so many rows."""
    return np.dtype(np.int32 if n <= 2**31 else np.int64)
