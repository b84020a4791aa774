"""Rows in slices of sixteen, longest first (SELL-C-sigma; Kreutzer et al. 2014), and sums over them."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.numbers import BLOCK_ROWS, f4, mix
from umap_sk.kernels.turns import divide_blocks, next_block
from umap_sk.runtime.compile import parallel_kernel

SLICE = 16  # rows whose edges are interleaved, so that they are computed side by side
GATHERED_EDGES = 64  # edges of each row of a slice that are gathered at once
SLICES_PER_TURN = 64  # slices that a thread takes at a time


@parallel_kernel
def longest_first(indptr, order):
    """Sort the rows of each block by length in descending order. Rows of the same length keep their order."""
    n = order.shape[0]
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        low = block * BLOCK_ROWS
        high = min(n, low + BLOCK_ROWS)
        before = order[low:high].copy()
        places = np.zeros(BLOCK_ROWS + 1, np.int64)  # by length, which is at most BLOCK_ROWS here
        for q in range(high - low):
            places[min(BLOCK_ROWS, indptr[before[q] + 1] - indptr[before[q]])] += 1
        place = high
        for length in range(BLOCK_ROWS + 1):
            place -= places[length]
            places[length] = place
        for q in range(high - low):
            length = min(BLOCK_ROWS, indptr[before[q] + 1] - indptr[before[q]])
            order[places[length]] = before[q]
            places[length] += 1


@parallel_kernel
def fill_slices(indptr, values, names, order, first_row, starts, out):
    """Interleave the values of the edges of each slice's rows: the first values of all rows come first.

    Row i of the slices has the number `first_row` + i and is row order[i] of the graph. Its entries keep their order.
    Values are read as uint32, whatever their type. If `names` is not empty, names[value] is written, and short rows are
    padded with their own number. Otherwise, the values are written, and short rows are padded with 0.
    """
    n = order.shape[0]
    last = starts.shape[0] - 1
    turns = divide_blocks((last + SLICES_PER_TURN - 1) // SLICES_PER_TURN)
    for thread in prange(turns.shape[0]):
        block = next_block(turns, thread)
        while block >= 0:
            for slice_ in range(block * SLICES_PER_TURN, min(last, (block + 1) * SLICES_PER_TURN)):
                width = (starts[slice_ + 1] - starts[slice_]) // SLICE
                for lane in range(SLICE):
                    own = min(n - 1, slice_ * SLICE + lane)
                    first = indptr[order[own]]
                    length = indptr[order[own] + 1] - first if slice_ * SLICE + lane < n else 0
                    place = starts[slice_] + lane
                    for t in range(length):
                        value = values[first + t]
                        out[place + t * SLICE] = names[value] if names.shape[0] > 0 else value
                    for t in range(length, width):
                        out[place + t * SLICE] = first_row + own if names.shape[0] > 0 else 0
            block = next_block(turns, thread)


@parallel_kernel
def take_from_slices(indptr, order, names, starts, values, out):
    """Write the values of the edges in the order of the graph's rows.

    If `names` is not empty, they are replaced by names. All values are read as uint32, whatever their type.
    """
    n = order.shape[0]
    turns = divide_blocks((n + BLOCK_ROWS - 1) // BLOCK_ROWS)
    for thread in prange(turns.shape[0]):
        block = next_block(turns, thread)
        while block >= 0:
            for i in range(block * BLOCK_ROWS, min(n, (block + 1) * BLOCK_ROWS)):
                first = indptr[order[i]]
                place = starts[i // SLICE] + i % SLICE
                for t in range(indptr[order[i] + 1] - first):
                    value = values[place + t * SLICE]
                    out[first + t] = names[value] if names.shape[0] > 0 else value
            block = next_block(turns, thread)


@parallel_kernel
def slice_sums(starts, weights, sums):
    """Write the sum of the weights of each row."""
    n = sums.shape[0]
    for slice_ in prange(starts.shape[0] - 1):
        for lane in range(min(SLICE, n - slice_ * SLICE)):
            total = f4(0)
            for e in range(starts[slice_] + lane, starts[slice_ + 1], SLICE):
                total += weights[e]
            sums[slice_ * SLICE + lane] = total


@parallel_kernel
def smooth(positions, first_row, out, starts, indices, weights, inner, share):
    """Write `share` of the weighted mean of the neighbors plus the rest of the row itself.

    The row counts as its own neighbor with the weight `inner`. Positions belong to all rows, and other arrays to the
    rows from `first_row` on.
    """
    n, d = out.shape
    last = starts.shape[0] - 1
    turns = divide_blocks((last + SLICES_PER_TURN - 1) // SLICES_PER_TURN)
    for thread in prange(turns.shape[0]):
        block = next_block(turns, thread)
        while block >= 0:
            for slice_ in range(block * SLICES_PER_TURN, min(last, (block + 1) * SLICES_PER_TURN)):
                low = slice_ * SLICE
                rows = min(SLICE, n - low)
                total = np.zeros(SLICE, f4)
                value = np.zeros((d, SLICE), f4)
                gathered = np.empty(GATHERED_EDGES * SLICE, f4)
                for lane in range(rows):
                    if inner.shape[0] > 0:
                        total[lane] = inner[low + lane]
                        for k in range(d):
                            value[k, lane] = inner[low + lane] * positions[first_row + low + lane, k]
                for first in range(starts[slice_], starts[slice_ + 1], GATHERED_EDGES * SLICE):
                    count = min(GATHERED_EDGES * SLICE, starts[slice_ + 1] - first)
                    for q in range(0, count, SLICE):
                        for lane in range(SLICE):
                            total[lane] += weights[uint64(first + q + lane)]
                    for k in range(d):
                        for q in range(count):
                            gathered[q] = positions[uint64(indices[uint64(first + q)]), k]
                        for q in range(0, count, SLICE):
                            for lane in range(SLICE):
                                value[k, lane] += weights[uint64(first + q + lane)] * gathered[q + lane]
                for lane in range(rows):
                    for k in range(d):
                        own = positions[first_row + low + lane, k]
                        mean = value[k, lane] / total[lane] if total[lane] > 0 else own
                        out[low + lane, k] = (f4(1) - share) * own + share * mean
            block = next_block(turns, thread)


@parallel_kernel
def jitter(positions, first_row, amount):
    """Move each row by up to `amount` along each axis, since equal positions would never separate.

    The rows are those from `first_row` on.
    """
    n, d = positions.shape
    for i in prange(n):
        for k in range(d):
            share = f4(np.int64(mix(uint64((first_row + i) * d + k)) >> uint64(40))) * f4(2 / 16777216) - f4(1)
            positions[i, k] += amount * share
