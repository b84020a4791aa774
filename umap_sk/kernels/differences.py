"""Exact nearest neighbors by metrics of the differences of rows in each column, such as the Manhattan distance.

The training rows are in tiles of 64, and each tile begins with the first numbers of all its rows. A row is compared
with a whole tile at once. The sum of each pair has the order of the columns.
"""

import numpy as np

from umap_sk.kernels.borrowed import borrow
from umap_sk.kernels.ranks import insert_ranked
from umap_sk.kernels.turns import next_block
from umap_sk.runtime.compile import block_kernel, kernel

TILED_ROWS = 64
SEARCHED_ROWS = 64  # rows of a block, which are compared with a tile while it is in the cache
MANHATTAN, CHEBYSHEV, HAMMING, CANBERRA, BRAY_CURTIS, MINKOWSKI = range(6)


@kernel
def add_powers(row, tile, power, sums, terms):
    """Add a power of the absolute differences in each column. A power is a product of equal factors."""
    for column in range(row.shape[0]):
        number, others = row[column], tile[column]
        for t in range(TILED_ROWS):
            terms[t] = abs(number - others[t])
        for t in range(TILED_ROWS):
            difference = terms[t]
            product = difference
            for _ in range(power - 1):
                product *= difference
            sums[t] += product


@kernel
def add_differences(metric, power, row, tile, sums, terms):
    """Add the terms of a metric for each row of a tile to the sums, and those of a second sum to `terms`."""
    if metric == MINKOWSKI:
        add_powers(row, tile, power, sums, terms)
        return
    for column in range(row.shape[0]):
        number, others = row[column], tile[column]
        size = abs(number)
        if metric == MANHATTAN:
            for t in range(TILED_ROWS):
                sums[t] += abs(number - others[t])
        elif metric == CHEBYSHEV:
            for t in range(TILED_ROWS):
                difference = abs(number - others[t])
                sums[t] = difference if difference > sums[t] else sums[t]
        elif metric == HAMMING:
            for t in range(TILED_ROWS):
                sums[t] += 1.0 if number != others[t] else 0.0
        elif metric == CANBERRA:
            for t in range(TILED_ROWS):
                both = size + abs(np.float64(others[t]))
                sums[t] += abs(number - others[t]) / (both if both > 0 else 1.0)
        else:
            for t in range(TILED_ROWS):
                sums[t] += abs(number - others[t])
                terms[t] += abs(number + others[t])


@kernel
def compare_with_tile(metric, power, row, tile, sums, terms):
    """Write the ranks of the rows of a tile: distances, or their powers for Minkowski metrics."""
    sums[:] = 0
    terms[:] = 0
    add_differences(metric, power, row, tile, sums, terms)
    for t in range(TILED_ROWS):
        if metric == HAMMING:
            sums[t] /= row.shape[0]
        elif metric == BRAY_CURTIS:
            sums[t] = sums[t] / terms[t] if terms[t] > 0 else 0.0


@block_kernel(SEARCHED_ROWS)
def nearest_by_differences(turns, thread, metric, power, rows, numbers, tiles, n_training, indices, ranks):
    """Write the nearest training rows of each row, by rank and then by index.

    `numbers` are those of the rows among the training rows, so that no row is its own neighbor, or -1.
    """
    rows, numbers, tiles = borrow(rows), borrow(numbers), borrow(tiles)
    n, last = rows.shape[0], ranks.shape[1] - 1
    sums, terms = np.empty(TILED_ROWS), np.empty(TILED_ROWS)
    block = next_block(turns, thread)
    while block >= 0:
        first, end = block * SEARCHED_ROWS, min(n, (block + 1) * SEARCHED_ROWS)
        indices[first:end] = -1
        ranks[first:end] = np.inf
        for number in range(tiles.shape[0]):
            start = number * TILED_ROWS
            for i in range(first, end):
                compare_with_tile(metric, power, rows[i], tiles[number], sums, terms)
                for t in range(min(TILED_ROWS, n_training - start)):
                    if sums[t] < ranks[i, last] and start + t != numbers[i]:
                        insert_ranked(indices[i], ranks[i], start + t, sums[t])
        block = next_block(turns, thread)
