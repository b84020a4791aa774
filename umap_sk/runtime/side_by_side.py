"""numpy operations on blocks of rows in several threads, since numpy releases the interpreter lock."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numba
import numpy as np

Item = TypeVar("Item")
Part = TypeVar("Part")
ROWS_AT_ONCE = 2**17  # with fewer rows, starting a second thread costs as much as it saves


def map_blocks(work: Callable[[slice], Item], n_rows: int) -> list[Item]:
    """Apply a function to each block of rows, on as many threads as kernels use, and return the results in order."""
    blocks = [slice(first, min(n_rows, first + ROWS_AT_ONCE)) for first in range(0, n_rows, ROWS_AT_ONCE)]
    return list(map_in_order(work, blocks))


def map_in_order(work: Callable[[Part], Item], parts: Sequence[Part]) -> Iterator[Item]:
    """Yield a function's result of each part in order, computed on as many threads as kernels use."""
    threads = min(numba.get_num_threads(), len(parts))
    if threads < 2:
        yield from map(work, parts)
        return
    with ThreadPoolExecutor(threads) as side_by_side:
        yield from side_by_side.map(work, parts)


def take_rows(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Copy `values[rows]` in several threads."""
    out = np.empty((len(rows), *values.shape[1:]), values.dtype)

    def take(block: slice) -> None:
        out[block] = values.take(rows[block], axis=0)  # several times as fast as values[rows]

    map_blocks(take, len(rows))
    return out


def put_rows(values: np.ndarray, rows: np.ndarray, out: np.ndarray) -> None:
    """Set `out[rows] = values` by several threads. No row may occur twice."""
    whole = np.dtype((np.void, out.dtype.itemsize * int(np.prod(out.shape[1:], dtype=np.int64))))  # a row as one item
    to, items = out.view(whole).reshape(-1), np.ascontiguousarray(values, out.dtype).view(whole).reshape(-1)
    map_blocks(lambda block: np.put(to, rows[block], items[block]), len(rows))


def compute_prefix_sums(lengths: np.ndarray, dtype: type[np.integer] | np.dtype = np.int64) -> np.ndarray:
    """Return the sum of all numbers before each one, and at the end the sum of all."""
    out = np.zeros(len(lengths) + 1, dtype)
    np.cumsum(lengths, dtype=dtype, out=out[1:])
    return out
