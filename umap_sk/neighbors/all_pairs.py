"""Exact search that compares each row with all training rows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from threadpoolctl import threadpool_limits

BLOCK_PAIRS = 2**22  # pairs of rows that are compared at once


def search_all_pairs(
    compute: Callable[[slice], np.ndarray],
    shape: tuple[int, int],
    wanted: int,
    *,
    numbers: np.ndarray | None,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest training rows of each row, by distance and then by index.

    `compute` returns the distances of some rows to all training rows. `shape` contains the number of rows and of
    training rows. `numbers` are those of the rows among the training rows, so that no row is its own neighbor, or None
    for new rows.
    """
    (n, n_training), threads = shape, numba.get_num_threads()
    indices, dists = np.empty((n, wanted), np.int64), np.empty((n, wanted))
    size = max(1, min(BLOCK_PAIRS // n_training, -(-n // (4 * threads))))

    def search(start: int) -> int:
        block = slice(start, min(start + size, n))
        distances = compute(block)
        if numbers is not None:
            distances[np.arange(len(distances)), numbers[block]] = np.nan  # sorted last
        for place, values in enumerate(distances, block.start):
            indices[place] = find_smallest(values, wanted)
            dists[place] = values[indices[place]]
        return block.stop

    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as side_by_side:
        for done in side_by_side.map(search, range(0, n, size)):
            if progress:
                progress(done, n)
    return indices, dists


def find_smallest(values: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the smallest values in ascending order. Equal values are ordered by index, NaN is last."""
    limit = np.partition(values, count - 1)[count - 1] if count < len(values) else np.nan
    if np.isnan(limit):
        return np.argsort(values, kind="stable")[:count]
    below = np.flatnonzero(values < limit)
    nearest = below[np.argsort(values[below], kind="stable")]
    return np.concatenate([nearest, np.flatnonzero(values == limit)[: count - len(below)]])
