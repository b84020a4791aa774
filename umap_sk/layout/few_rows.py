"""The layout of few rows in numpy, except for its epochs.

The functions return the same bits as the kernels of the same names.
"""

import numpy as np
from numba import uint64

from umap_sk import kernels
from umap_sk.runtime.compile import get_python_function

mix = get_python_function(kernels.mix)


def longest_first(indptr: np.ndarray, order: np.ndarray) -> None:
    """Sort the rows of each block by length in descending order. Rows of the same length keep their order."""
    lengths = np.minimum(kernels.BLOCK_ROWS, np.diff(indptr)[order])
    order[:] = order[np.lexsort((-lengths, np.arange(len(order)) // kernels.BLOCK_ROWS))]


def fill_slices(
    indptr: np.ndarray,
    values: np.ndarray,
    names: np.ndarray,
    order: np.ndarray,
    first_row: int,
    starts: np.ndarray,
    out: np.ndarray,
) -> None:
    """Store the values of the edges slice by slice, with the rows of a slice interleaved."""
    slices = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    lanes = (np.arange(len(out)) - starts[slices]) % kernels.SLICE
    out[:] = first_row + np.minimum(len(order) - 1, slices * kernels.SLICE + lanes) if len(names) else 0
    lengths = np.diff(indptr)[order]
    rows = np.repeat(np.arange(len(order)), lengths)
    places = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    gathered = values[indptr[order[rows]] + places]
    to = starts[rows // kernels.SLICE] + rows % kernels.SLICE + kernels.SLICE * places
    out[to] = names[gathered] if len(names) else gathered


def jitter(positions: np.ndarray, first_row: int, amount: np.float32) -> None:
    """Move each row by up to `amount` along each axis."""
    numbers = first_row * positions.shape[1] + np.arange(positions.size)
    drawn = (mix(numbers.astype(np.uint64)) >> uint64(40)).astype(np.int64).astype(np.float32)
    share = drawn * np.float32(2 / 16777216) - np.float32(1)
    positions += amount * share.reshape(positions.shape)


@np.errstate(all="ignore")
def smooth(
    positions: np.ndarray,
    first_row: int,
    out: np.ndarray,
    starts: np.ndarray,
    indices: np.ndarray,
    weights: np.ndarray,
    inner: np.ndarray,
    share: np.float32,
) -> None:
    """Write `share` of the weighted mean of the neighbors plus the rest of the row itself."""
    rows = np.arange(len(out))
    own = positions[first_row : first_row + len(out)]
    total = inner.copy() if len(inner) else np.zeros(len(out), np.float32)
    values = total[:, None] * own if len(inner) else np.zeros_like(own)
    slices = rows // kernels.SLICE
    lengths = (np.diff(starts) // kernels.SLICE)[slices]
    for step in range(int(lengths.max(initial=0))):
        here = rows[lengths > step]
        edges = starts[slices[here]] + kernels.SLICE * step + here % kernels.SLICE
        total[here] += weights[edges]
        values[here] += weights[edges, None] * positions[indices[edges]]
    means = np.where(total[:, None] > 0, values / total[:, None], own)
    out[:] = (np.float32(1) - share) * own + share * means
