"""Rows of features as unit vectors, and their coordinates along a few directions."""

import numpy as np

from umap_sk.kernels.lanes import squared_difference
from umap_sk.kernels.products import half_squared_distances
from umap_sk.kernels.turns import next_block
from umap_sk.runtime.compile import block_kernel, kernel

PROJECTED_ROWS = 60  # rows of a block, a multiple of the rows of a tile
COORDINATE_ROUNDING = 2.0**-22  # relative to the length of a row: float32 rounds several times by 2^-24


@kernel
def mean_of(row):
    """Return the mean of a row. It is exact if all values are equal, and the sum does not overflow."""
    low, high, total = np.float64(row[0]), np.float64(row[0]), 0.0
    for value in row:
        low, high = min(low, np.float64(value)), max(high, np.float64(value))
    if low == high:
        return low
    largest = max(-low, high)
    for value in row:
        total += value / largest
    return total / row.shape[0] * largest


@block_kernel(PROJECTED_ROWS)
def unit_lengths(turns, thread, features, centered, affine):
    """Write the scale and shift of each row, so that ``x * scale - shift`` has length 1.

    Both are 0 for rows without direction. With `centered`, the mean is also 0.
    """
    n, origin = features.shape[0], np.zeros(features.shape[1])
    block = next_block(turns, thread)
    while block >= 0:
        for i in range(block * PROJECTED_ROWS, min(n, block * PROJECTED_ROWS + PROJECTED_ROWS)):
            row = features[i]
            mean = mean_of(row) if centered else 0.0
            largest = 0.0
            for value in row:
                largest = max(largest, abs(np.float64(value) - mean))
            scale = 1 / largest if largest > 0 else 0.0
            length = np.sqrt(squared_difference(origin, row, scale, mean * scale))
            affine[i, 0] = scale / length if largest > 0 else 0.0
            affine[i, 1] = mean * affine[i, 0]
        block = next_block(turns, thread)


@kernel
def scale_row(features, affine, i, out):
    """Write a row as the search compares it, in float64."""
    scale, shift = affine[i, 0], affine[i, 1]
    row = features[i]
    for t in range(row.shape[0]):
        out[t] = row[t] * scale - shift


@block_kernel(PROJECTED_ROWS)
def center_rows(turns, thread, features, affine, mean, out, errors):
    """Write each row minus the mean, with 0 beyond the features' columns, and the bound of its rounding error."""
    n, d = features.shape
    block = next_block(turns, thread)
    while block >= 0:
        for i in range(block * PROJECTED_ROWS, min(n, block * PROJECTED_ROWS + PROJECTED_ROWS)):
            row, line, square = features[i], out[i], 0.0
            for t in range(d):
                line[t] = row[t] * affine[i, 0] - affine[i, 1] - mean[t]
                square += line[t] * np.float64(line[t])
            for t in range(d, out.shape[1]):
                line[t] = 0
            errors[i] = COORDINATE_ROUNDING * np.sqrt(square)
        block = next_block(turns, thread)


@kernel
def length_beyond(square, along, columns):
    """Return the length of a row's part outside of its coordinates, and the bound of the rounding error of both."""
    left, p = square, along.shape[0]
    for t in range(p):
        left -= along[t] * np.float64(along[t])
    left = np.sqrt(max(0.0, left))
    length = np.sqrt(square)
    error = 2 * COORDINATE_ROUNDING * np.sqrt(np.float64(columns)) * length  # of sums of `columns` products
    of_left = np.sqrt(2 * length * error)
    if left > 0:
        of_left = min(of_left, length * error / left)
    return left, COORDINATE_ROUNDING * length + error + of_left


@block_kernel(PROJECTED_ROWS)
def project_rows(turns, thread, features, affine, mean, axes, out, errors):
    """Write the coordinates of each row minus the mean along the axes, then the length of the rest, and then 0.

    The axes are p orthonormal directions in slices, of shape (d * p,). Each row has a bound of its rounding error.
    """
    n, d = features.shape
    p = axes.shape[0] // d
    scaled, rows, squares = np.empty(d), np.zeros((PROJECTED_ROWS, d), np.float32), np.empty(PROJECTED_ROWS)
    along, nothing = np.empty((PROJECTED_ROWS, p), np.float32), np.zeros(max(PROJECTED_ROWS, p), np.float32)
    block = next_block(turns, thread)
    while block >= 0:
        first = block * PROJECTED_ROWS
        count = min(PROJECTED_ROWS, n - first)
        for r in range(count):
            i = first + r
            scale_row(features, affine, i, scaled)
            for t in range(d):
                rows[r, t] = mean[t] - scaled[t]
            squares[r] = squared_difference(mean, features[i], affine[i, 0], affine[i, 1])
        half_squared_distances(rows, nothing, count, axes, p, nothing, along)  # minus the products
        for r in range(count):
            line = out[first + r]
            for t in range(p):
                line[t] = along[r, t]
            for t in range(p, out.shape[1]):
                line[t] = 0
            line[p], errors[first + r] = length_beyond(squares[r], along[r], d)
        block = next_block(turns, thread)
