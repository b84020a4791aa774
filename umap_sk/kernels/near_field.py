"""The near field: repulsion that the grid does not resolve, from samples of the cells around a row."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.forces import CLIP, repulsion_factor
from umap_sk.kernels.grid import BATCH_ROWS
from umap_sk.kernels.lanes import prefer_wide_vectors
from umap_sk.kernels.numbers import BLOCK_ROWS, f4, mix, next_random
from umap_sk.kernels.turns import divide_blocks, next_block
from umap_sk.runtime.compile import kernel, parallel_kernel

NEAR_SAMPLES = 8  # samples of the near field per vertex


@kernel
def cell_of(x, y, origin_x, origin_y, inverse, columns):
    """Return the number of the cell that contains a point."""
    return np.int64((x - origin_x) * inverse) * columns + np.int64((y - origin_y) * inverse)


@parallel_kernel
def count_cells(positions, origin_x, origin_y, inverse, columns, counts):
    """Count the rows in each cell, for each part of the rows."""
    n = positions.shape[0]
    parts = counts.shape[0]
    for part in prange(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            counts[part, cell_of(positions[i, 0], positions[i, 1], origin_x, origin_y, inverse, columns)] += 1


@parallel_kernel
def sort_into_cells(positions, origin_x, origin_y, inverse, columns, counts, begin, order, points):
    """Write the rows and their positions sorted by cells, and ascending within a cell. `counts` is overwritten."""
    n = positions.shape[0]
    parts = counts.shape[0]
    for cell in prange(counts.shape[1]):
        place = 0
        for part in range(parts):
            count = counts[part, cell]
            counts[part, cell] = place
            place += count
    for part in prange(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            cell = cell_of(positions[i, 0], positions[i, 1], origin_x, origin_y, inverse, columns)
            place = begin[cell] + counts[part, cell]
            counts[part, cell] += 1
            order[place] = i
            points[place, 0] = positions[i, 0]
            points[place, 1] = positions[i, 1]


@kernel
def three_columns(cell_x, cell_y, rows, columns, begin):
    """Return the first point and the number of points of each of three columns in the 3 x 3 cells around a cell."""
    low = max(0, cell_y - 1)
    high = min(columns - 1, cell_y + 1) + 1
    count0 = 0
    count2 = 0
    begin0 = 0
    begin2 = 0
    if cell_x > 0:
        begin0 = begin[(cell_x - 1) * columns + low]
        count0 = begin[(cell_x - 1) * columns + high] - begin0
    begin1 = begin[cell_x * columns + low]
    count1 = begin[cell_x * columns + high] - begin1
    if cell_x + 1 < rows:
        begin2 = begin[(cell_x + 1) * columns + low]
        count2 = begin[(cell_x + 1) * columns + high] - begin2
    return begin0, count0, begin1, count1, begin2, count2


@kernel
def choose_points(block, order, first_row, n_rows, s, chosen, offsets):
    """Write the points of a block whose rows are requested, and the offsets of their samples.

    Return the number of points.
    """
    state = mix(uint64(s.seed) ^ (uint64(s.epoch) << uint64(40)) ^ uint64(block))
    found = 0
    for point in range(block * BLOCK_ROWS, min(order.shape[0], (block + 1) * BLOCK_ROWS)):
        state = next_random(state)
        row = np.int64(order[point]) - first_row
        chosen[found] = point
        offsets[found] = f4(np.int64(state >> uint64(40))) * f4(1 / 16777216)
        found += int(0 <= row < n_rows)
    return found


@kernel
def gather_near(chosen, offsets, points, begin, origin_x, origin_y, inverse, rows, columns, near, spreads):
    """Write up to NEAR_SAMPLES evenly spaced points of the 3 x 3 cells around each chosen point.

    `spreads` are the numbers of points that a sample represents. A point with fewer points around it is its own sample
    instead, since it does not push itself.
    """
    places = points.reshape(-1).view(np.uint64)
    cell = np.int64(-1)
    for q in range(chosen.shape[0]):
        own = chosen[q]
        cell_x = np.int64((points[own, 0] - origin_x) * inverse)
        cell_y = np.int64((points[own, 1] - origin_y) * inverse)
        if cell_x * columns + cell_y != cell:  # points are sorted by cell
            cell = cell_x * columns + cell_y
            begin0, count0, begin1, count1, begin2, count2 = three_columns(cell_x, cell_y, rows, columns, begin)
            total = count0 + count1 + count2
            shift1 = begin1 - count0
            shift2 = begin2 - count0 - count1
        spread = f4(total) / f4(min(total, NEAR_SAMPLES))
        spreads[q] = spread
        for t in range(min(total, NEAR_SAMPLES)):
            place = min(total - 1, np.int64((f4(t) + offsets[q]) * spread)) if total > NEAR_SAMPLES else t
            shift = shift1 if place >= count0 else begin0
            shift = shift2 if place >= count0 + count1 else shift
            near[t, q] = places[uint64(place + shift)]
        for t in range(total, NEAR_SAMPLES):
            near[t, q] = places[own]


@kernel
def push_near(own, near, reach, s, sums):
    """Write the sums of the near pairs' gradients: of each, the share that is not in the grid."""
    prefer_wide_vectors()
    strength = f4(2) * s.gamma * s.b
    sums[:] = f4(0)
    for t in range(NEAR_SAMPLES):
        other = near[t].view(f4)
        for q in range(BATCH_ROWS):
            dx = own[0, q] - other[2 * q]
            dy = own[1, q] - other[2 * q + 1]
            d2 = dx * dx + dy * dy
            rest = max(f4(0), f4(1) - d2 / (reach * reach))
            factor = repulsion_factor(d2, strength, s.a, s.b)
            sums[0, q] += max(-CLIP, min(CLIP, factor * dx)) * (rest * rest)
            sums[1, q] += max(-CLIP, min(CLIP, factor * dy)) * (rest * rest)


@parallel_kernel
def add_near_field(
    points, order, begin, origin_x, origin_y, inverse, rows, columns, reach, scale, settings, first_row, out
):
    """Add the repulsion up to `reach` to the rows from `first_row` on, from samples of the cells around."""
    n = order.shape[0]
    turns = divide_blocks((n + BLOCK_ROWS - 1) // BLOCK_ROWS)
    for thread in prange(turns.shape[0]):
        prefer_wide_vectors()
        block = next_block(turns, thread)
        while block >= 0:
            chosen = np.empty(BLOCK_ROWS, np.int64)
            offsets = np.empty(BLOCK_ROWS, f4)
            near = np.zeros((NEAR_SAMPLES, BATCH_ROWS), np.uint64)
            own = np.zeros((2, BATCH_ROWS), f4)
            sums = np.empty((2, BATCH_ROWS), f4)
            spreads = np.empty(BATCH_ROWS, f4)
            found = choose_points(block, order, first_row, out.shape[0], settings[0], chosen, offsets)
            for first in range(0, found, BATCH_ROWS):
                count = min(BATCH_ROWS, found - first)
                some = chosen[first : first + count]
                gather_near(
                    some, offsets[first:], points, begin, origin_x, origin_y, inverse, rows, columns, near, spreads
                )
                for q in range(count):
                    own[0, q] = points[some[q], 0]
                    own[1, q] = points[some[q], 1]
                push_near(own, near, reach, settings[0], sums)
                for q in range(count):
                    i = np.int64(order[some[q]]) - first_row
                    for k in range(2):
                        out[i, k] += spreads[q] * scale * sums[k, q]
            block = next_block(turns, thread)
