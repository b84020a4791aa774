"""Repulsion as a field on a grid: cloud-in-cell deposition (Hockney, Eastwood 1988) and interpolation."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.forces import CLIP, repulsion_factor
from umap_sk.kernels.lanes import assume_no_aliasing, multiply_add, prefer_wide_vectors
from umap_sk.kernels.numbers import BLOCK_ROWS, f4
from umap_sk.runtime.compile import kernel, parallel_kernel

NO_MASS = np.empty(0, f4)
BOX_LANES = 64  # coordinates that are compared side by side
BATCH_ROWS = 128  # rows whose cells or near points are computed before they are used


@parallel_kernel
def tabulate_kernel(spacing, reach, a, b, gamma, softening, kernel_x, kernel_y):
    """Write the repulsion of a unit mass at the origin of the periodic grid.

    Within `reach`, only its smooth part is written. `softening` is added to squared distances. At half the period, the
    components along this axis are 0, since the repulsion is odd.
    """
    rows, columns = kernel_x.shape
    for i in prange(rows):
        dx = f4(i if 2 * i < rows else i - rows) * spacing
        for j in range(columns):
            dy = f4(j if 2 * j < columns else j - columns) * spacing
            d2 = dx * dx + dy * dy
            share = f4(1)
            if d2 < reach * reach:
                rest = f4(1) - d2 / (reach * reach)
                share = f4(1) - rest * rest
            factor = repulsion_factor(d2 + softening, f4(2) * gamma * b, a, b)
            kernel_x[i, j] = share * max(-CLIP, min(CLIP, factor * dx)) if 2 * i != rows else f4(0)
            kernel_y[i, j] = share * max(-CLIP, min(CLIP, factor * dy)) if 2 * j != columns else f4(0)


@kernel
def extend_boxes(places, low, high):
    """Extend the boxes of all lanes by whole vectors of alternating x and y."""
    prefer_wide_vectors()
    assume_no_aliasing()
    for first in range(0, places.shape[0] - BOX_LANES + 1, BOX_LANES):
        for lane in range(BOX_LANES):
            low[lane] = min(low[lane], places[uint64(first + lane)])
            high[lane] = max(high[lane], places[uint64(first + lane)])


@parallel_kernel
def bounding_boxes(positions, out):
    """Write the smallest coordinates of each block of rows, and the negated largest ones."""
    n = positions.shape[0]
    places = positions.reshape(-1)
    for block in prange(out.shape[0]):
        start = 2 * block * BLOCK_ROWS
        stop = 2 * min(n, (block + 1) * BLOCK_ROWS)
        low = np.empty(BOX_LANES, f4)  # alternating x and y
        high = np.empty(BOX_LANES, f4)
        for lane in range(BOX_LANES):
            low[lane] = places[start + lane % 2]
            high[lane] = low[lane]
        extend_boxes(places[start:stop], low, high)
        for q in range(stop - (stop - start) % BOX_LANES, stop):
            low[q % 2] = min(low[q % 2], places[q])
            high[q % 2] = max(high[q % 2], places[q])
        for k in range(2):
            out[block, k] = low[k::2].min()
            out[block, 2 + k] = -high[k::2].max()


@kernel
def corner_weights(first, count, positions, mass, origin_x, origin_y, inverse, columns, cells, weights):
    """Write the lower corner of each row's cell, and the shares of its mass at the four corners."""
    prefer_wide_vectors()
    here = positions[first : first + count].reshape(-1)
    for q in range(count):
        x = (here[2 * q] - origin_x) * inverse
        y = (here[2 * q + 1] - origin_y) * inverse
        column = np.int32(x)
        row = np.int32(y)
        fx = x - f4(column)
        fy = y - f4(row)
        cells[q] = np.uint32(column * columns + row)
        weights[0, q] = (f4(1) - fx) * (f4(1) - fy)
        weights[1, q] = (f4(1) - fx) * fy
        weights[2, q] = fx * (f4(1) - fy)
        weights[3, q] = fx * fy
    if mass.shape[0] > 0:
        for corner in range(4):
            for q in range(count):
                weights[corner, q] *= mass[first + q]


@parallel_kernel
def deposit(positions, mass, origin_x, origin_y, inverse, columns, first_part, last_part, grids):
    """Deposit each row's mass on the four corners of its cell. Each part of the rows has its own grid.

    Corners are numbered column by column, with `columns` in each. If `mass` is empty, each row's mass is 1.
    """
    n = positions.shape[0]
    parts = grids.shape[0]
    for part in prange(first_part, last_part):
        grid = grids[part]
        grid[:] = f4(0)
        cells = np.empty(BATCH_ROWS, np.uint32)
        weights = np.empty((4, BATCH_ROWS), f4)
        stop = (part + 1) * n // parts
        for first in range(part * n // parts, stop, BATCH_ROWS):
            count = min(BATCH_ROWS, stop - first)
            corner_weights(first, count, positions, mass, origin_x, origin_y, inverse, columns, cells, weights)
            for q in range(count):
                low = uint64(cells[q])
                high = low + uint64(columns)
                grid[low] += weights[0, q]
                grid[low + uint64(1)] += weights[1, q]
                grid[high] += weights[2, q]
                grid[high + uint64(1)] += weights[3, q]


@kernel
def gather_corners(count, cells, columns, corners, gathered):
    """Write both components of the field at the four corners of each row's cell, as one number each."""
    for q in range(count):
        low = uint64(cells[q])
        high = low + uint64(columns)
        gathered[0, q] = corners[low]
        gathered[1, q] = corners[low + uint64(1)]
        gathered[2, q] = corners[high]
        gathered[3, q] = corners[high + uint64(1)]


@kernel
def weigh_corners(count, w00, w01, w10, w11, f00, f01, f10, f11, scale, out):
    """Write the weighted sums of the field at the four corners of each row's cell, times `scale`."""
    prefer_wide_vectors()
    assume_no_aliasing()
    for q in range(count):
        x = multiply_add(w11[q], f11[2 * q], w10[q] * f10[2 * q])
        y = multiply_add(w11[q], f11[2 * q + 1], w10[q] * f10[2 * q + 1])
        x = multiply_add(w01[q], f01[2 * q], x)
        y = multiply_add(w01[q], f01[2 * q + 1], y)
        out[2 * q] = scale * multiply_add(w00[q], f00[2 * q], x)
        out[2 * q + 1] = scale * multiply_add(w00[q], f00[2 * q + 1], y)


@kernel
def interpolate_rows(first_row, low, high, positions, grid, out):
    """Write the field at the rows [low, high), counted from `first_row`, interpolated between the corners of the cell.

    `grid` contains the origin, the cells per unit, the corners per column, the field and a factor. The field has both
    components of one corner as one number, and corners are numbered as in `deposit`.
    """
    origin_x, origin_y, inverse, columns, field, scale = grid
    cells = np.empty(BATCH_ROWS, np.uint32)
    weights = np.empty((4, BATCH_ROWS), f4)
    gathered = np.empty((4, BATCH_ROWS), np.uint64)
    f = gathered.view(f4)
    w = weights[0], weights[1], weights[2], weights[3]
    for first in range(low, high, BATCH_ROWS):
        count = min(BATCH_ROWS, high - first)
        frame = origin_x, origin_y, inverse, columns
        corner_weights(first_row + first, count, positions, NO_MASS, *frame, cells, weights)
        gather_corners(count, cells, columns, field, gathered)
        weigh_corners(count, *w, f[0], f[1], f[2], f[3], scale, out[first : first + count].reshape(-1))


@parallel_kernel
def interpolate(positions, grid, first_row, out):
    """Write the field at the rows from `first_row` on."""
    n = out.shape[0]
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        low = block * BLOCK_ROWS
        interpolate_rows(first_row, low, min(n, low + BLOCK_ROWS), positions, grid, out)
