"""Cells of an inverted file: the rows that are nearest to each of many centers (Jegou, Douze, Schmid 2011).

The number of slots of a cell is a multiple of a slice. The last slots can be empty.
"""

import numpy as np

from umap_sk.kernels.products import TILE_COLUMNS, TILE_ROWS, half_squared_distances
from umap_sk.kernels.turns import next_block
from umap_sk.runtime.compile import block_kernel, kernel

CENTERED_ROWS = 20 * TILE_ROWS  # rows of a block
COMPARED_CENTERS = 16 * TILE_COLUMNS  # centers that are compared with them at once


@kernel
def smallest_of(values, count):
    """Return the smallest of the first `count` values, a multiple of a slice."""
    lanes = np.full(TILE_COLUMNS, np.inf, np.float32)
    for start in range(0, count, TILE_COLUMNS):
        part = values[start : start + TILE_COLUMNS]
        for t in range(TILE_COLUMNS):
            lanes[t] = part[t] if part[t] < lanes[t] else lanes[t]
    least = lanes[0]
    for t in range(TILE_COLUMNS):
        least = min(least, lanes[t])
    return least


@kernel
def first_place_of(values, value):
    """Return the first index of a value."""
    place = 0
    while values[place] != value:
        place += 1
    return place


@block_kernel(CENTERED_ROWS)
def nearest_centers(turns, thread, rows, centers, halves, nearest):
    """Write the number of the nearest center of each row. The first of equally near centers is chosen.

    The centers are in slices. The halves of their squared lengths are infinite in empty slots.
    """
    n, width, count = rows.shape[0], rows.shape[1], halves.shape[0]
    here, nothing = np.zeros((CENTERED_ROWS, width), np.float32), np.zeros(CENTERED_ROWS, np.float32)
    best, out = np.empty(CENTERED_ROWS, np.float32), np.empty((CENTERED_ROWS, COMPARED_CENTERS), np.float32)
    block = next_block(turns, thread)
    while block >= 0:
        first = block * CENTERED_ROWS
        used = min(CENTERED_ROWS, n - first)
        for r in range(used):
            best[r] = np.inf
            for t in range(width):
                here[r, t] = rows[first + r, t]
        for start in range(0, count, COMPARED_CENTERS):
            columns = min(COMPARED_CENTERS, count - start)
            half_squared_distances(here, nothing, used, centers[start * width :], columns, halves[start:], out)
            for r in range(used):
                least = smallest_of(out[r], columns)
                if least < best[r]:
                    best[r] = least
                    nearest[first + r] = start + first_place_of(out[r], least)
        block = next_block(turns, thread)


@block_kernel(1)
def means_of_cells(turns, thread, rows, members, starts, centers):
    """Write the mean of the rows of each cell, added in their order. An empty cell keeps its center."""
    total = np.empty(rows.shape[1])
    cell = next_block(turns, thread)
    while cell >= 0:
        count = 0
        for t in range(rows.shape[1]):
            total[t] = 0
        for slot in range(starts[cell], starts[cell + 1]):
            if members[slot] >= 0:
                row = rows[members[slot]]
                for t in range(row.shape[0]):
                    total[t] += row[t]
                count += 1
        for t in range(rows.shape[1] if count > 0 else 0):
            centers[cell, t] = total[t] / count
        cell = next_block(turns, thread)


@block_kernel(1)
def pack_cells(turns, thread, rows, members, starts, centers, slices, halves):
    """Write the rows of each cell relative to its center, in slices, and half their squared lengths.

    The halves are infinite in empty slots.
    """
    width = rows.shape[1]
    cell = next_block(turns, thread)
    while cell >= 0:
        for slot in range(starts[cell], starts[cell + 1]):
            at = slot // TILE_COLUMNS * TILE_COLUMNS * width + slot % TILE_COLUMNS
            if members[slot] < 0:
                halves[slot] = np.inf
                for t in range(width):
                    slices[at + t * TILE_COLUMNS] = 0
                continue
            row, half = rows[members[slot]], np.float32(0)
            for t in range(width):
                difference = row[t] - centers[cell, t]
                half += difference * difference
                slices[at + t * TILE_COLUMNS] = difference
            halves[slot] = np.float32(0.5) * half
        cell = next_block(turns, thread)
