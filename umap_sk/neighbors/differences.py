"""Exact search by metrics of the differences of rows in each column, such as the Manhattan distance."""

from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np

from umap_sk import kernels
from umap_sk._typing import Metric, Parameters
from umap_sk.neighbors.distances import get_power
from umap_sk.runtime.compile import as_readonly

CODES = {
    "manhattan": kernels.MANHATTAN,
    "cityblock": kernels.MANHATTAN,
    "l1": kernels.MANHATTAN,
    "chebyshev": kernels.CHEBYSHEV,
    "hamming": kernels.HAMMING,
    "canberra": kernels.CANBERRA,
    "braycurtis": kernels.BRAY_CURTIS,
}
"""Metrics without arguments, by the names of scikit-learn."""

TREE_CODES = kernels.MANHATTAN, kernels.CHEBYSHEV, kernels.MINKOWSKI
TREE_COLUMNS = 5  # up to this many columns, trees are fast for any number of rows
COMPARED_ROWS = 100_000  # up to this many rows of more columns, comparing all is faster than trees
MAX_POWER = 16  # of Minkowski metrics; powers up to this one are products
NUMBERS_PER_CALL = 2**30  # numbers that a thread compares at once, in some tenths of a second, to show progress
BLOCKS_PER_CALL = 4  # blocks of rows for each thread, at least


class DifferenceMetric(NamedTuple):
    """A metric of the differences in each column."""

    code: int
    power: int = 1  # of a Minkowski metric


def find_difference_metric(metric: Metric, parameters: Parameters) -> DifferenceMetric | None:
    """Return the metric of a name and its arguments, or None for other metrics."""
    if not isinstance(metric, str):
        return None
    if metric in CODES and not parameters:
        return DifferenceMetric(CODES[metric])
    power = get_power(parameters)
    if metric != "minkowski" or parameters.keys() != {"p"} or power not in range(1, MAX_POWER + 1):
        return None
    return DifferenceMetric(kernels.MINKOWSKI, int(power))


def prefers_trees(metric: DifferenceMetric, n_training: int, columns: int) -> bool:
    """Return whether trees find the nearest neighbors, and faster than a comparison with all training rows.

    The triangle inequality does not hold for the Bray-Curtis distance. For Hamming and Canberra, trees are slow.
    """
    return metric.code in TREE_CODES and (columns <= TREE_COLUMNS or n_training > COMPARED_ROWS)


def search_differences(
    metric: DifferenceMetric,
    training: np.ndarray,
    rows: np.ndarray,
    wanted: int,
    *,
    numbers: np.ndarray | None,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest training rows of each row, by distance and then by index.

    `numbers` are those of the rows among the training rows, so that no row is its own neighbor, or None for new rows.
    """
    n, width = rows.shape
    tiles = as_readonly(make_tiles(training))
    numbers = np.full(n, -1) if numbers is None else numbers.astype(np.int64)
    indices, dists = np.empty((n, wanted), np.int64), np.empty((n, wanted))
    size = max(BLOCKS_PER_CALL * kernels.SEARCHED_ROWS, NUMBERS_PER_CALL // (len(training) * width))
    size *= numba.get_num_threads()
    for start in range(0, n, size):
        part = slice(start, min(n, start + size))
        given = as_readonly(np.ascontiguousarray(rows[part], np.float64)), as_readonly(numbers[part])
        kernels.nearest_by_differences(
            part.stop - start, *metric, *given, tiles, len(training), indices[part], dists[part]
        )
        if progress:
            progress(part.stop, n)
    return indices, dists if metric.code != kernels.MINKOWSKI else dists ** (1 / metric.power)


def make_tiles(rows: np.ndarray) -> np.ndarray:
    """Return rows in tiles of shape (columns, rows of a tile). The last tile is filled with zeros."""
    n, width = rows.shape
    tiles = np.zeros((-(-n // kernels.TILED_ROWS), width, kernels.TILED_ROWS), rows.dtype)
    for number, tile in enumerate(tiles):
        part = rows[number * kernels.TILED_ROWS : (number + 1) * kernels.TILED_ROWS]
        tile[:, : len(part)] = part.T
    return tiles
