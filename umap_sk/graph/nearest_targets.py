"""Nearest rows by numeric targets, with a rule for ties that does not depend on the order of rows."""

from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.neighbors.read import Neighbors
from umap_sk.neighbors.search import build_search, find_neighbors
from umap_sk.runtime.compile import as_readonly

LINE_METRICS = ("euclidean", "l2", "manhattan", "l1", "cityblock", "chebyshev", "infinity", "minkowski", "p")
"""Metrics that equal the difference of two numbers."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio, whose multiples are spread evenly
LINE_DISTANCES = 2**20  # distances along a line that are in memory at once


class Groups(NamedTuple):
    """Groups of rows with equal targets."""

    values: np.ndarray  # (n_groups, n_targets) float64, in ascending order
    starts: np.ndarray  # int64 start of each group in `members`
    members: np.ndarray  # rows of each group, in ascending order of their keys
    group_of: np.ndarray  # group of each row


def compute_row_keys(neighbors: Neighbors) -> np.ndarray:
    """Compute 64 bits for each row from its distances to its neighbors, independently of its number.

    Rows with exactly equal distances, such as copies, are distinguished by their numbers.
    """
    keys = np.empty(len(neighbors.indptr) - 1, np.uint64)
    kernels.row_keys(as_readonly(neighbors.indptr), as_readonly(neighbors.distances), keys)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    number = np.arange(len(keys)) - np.repeat(first, np.diff(np.append(first, len(keys))))
    keys[order] = ordered + number.astype(np.uint64) * GOLDEN
    return keys


def find_nearest_targets(
    values: np.ndarray, metric: str, count: int, graph: FuzzyGraph, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest other rows of each row by targets. Returns arrays of shape (n_rows, count).

    If more rows are equally near than needed, and some of them have equal targets, a row takes its strongest neighbors
    in the `graph` of the data first. The others are drawn by `keys`. So the order of rows has no influence, except for
    rows whose keys contain their number.
    """
    groups = group_rows(values, keys)
    near, away = find_nearest_groups(groups.values, metric, count)
    chosen = np.empty((len(values), count), groups.members.dtype)
    dists = np.empty((len(values), count))
    arrays = (*graph, *groups[1:], keys, near, away)
    kernels.nearest_among_groups(*map(as_readonly, arrays), chosen, dists)
    return chosen, dists


def group_rows(values: np.ndarray, keys: np.ndarray) -> Groups:
    """Group rows with equal targets."""
    order = np.lexsort(values.T[::-1])
    ordered = values[order]
    begins = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    dtype = choose_index_dtype(len(values))
    group_of = np.empty(len(values), dtype)
    group_of[order] = np.cumsum(begins) - 1
    starts = np.append(np.flatnonzero(begins), len(values))
    return Groups(ordered[begins], starts, np.lexsort((keys, group_of)).astype(dtype), group_of)


def find_nearest_groups(values: np.ndarray, metric: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest distinct values of each value, including itself, and their distances in ascending order.

    There is one more than needed, so that along a line both of two equally near values are included.
    """
    n = len(values)
    width = min(count + 2, n)
    near, away = np.empty((n, width), choose_index_dtype(n)), np.zeros((n, width))
    near[:, 0] = np.arange(n)
    if values.shape[1] == 1 and metric in LINE_METRICS:
        find_nearest_on_line(values[:, 0], near, away)
    elif width > 1:
        near[:, 1:], away[:, 1:] = find_neighbors(build_search(values, metric, None, None), values, width - 1, own=True)
    return near, away


def find_nearest_on_line(values: np.ndarray, near: np.ndarray, away: np.ndarray) -> None:
    """Find the nearest of distinct ascending numbers for each, including itself, and their distances.

    Of two equally near numbers, the one with fewer numbers between comes first, and then the larger one. All nearest
    numbers are among the ``near.shape[1] - 1`` numbers before and after.
    """
    n, width = near.shape
    steps = np.array([0] + [step for size in range(1, width) for step in (size, -size)])
    rows = LINE_DISTANCES // len(steps) + 1
    for first in range(0, n, rows):
        places = np.arange(first, min(n, first + rows))
        beside = places[:, None] + steps
        inside = (beside >= 0) & (beside < n)
        distances = np.where(inside, np.abs(values[beside.clip(0, n - 1)] - values[places][:, None]), np.inf)
        chosen = np.argsort(distances, axis=1, kind="stable")[:, :width]
        near[places] = np.take_along_axis(beside, chosen, 1)
        away[places] = np.take_along_axis(distances, chosen, 1)


def choose_index_dtype(n: int) -> np.dtype:
    """Return the integer dtype for this number of rows."""
    return np.dtype(np.int32 if n <= 2**31 else np.int64)
