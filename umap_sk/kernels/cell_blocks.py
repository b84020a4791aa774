"""Blocks of rows that are compared with the rows of cells: their positions among the cells."""

from typing import NamedTuple

import numpy as np

from umap_sk.kernels.products import TILE_COLUMNS, TILE_ROWS, half_squared_distances
from umap_sk.runtime.compile import kernel

PRODUCT_ROUNDING = np.float32(2.0**-18)  # of a product in float32, relative to the squared lengths


class Packed(NamedTuple):
    """Rows in the slots of cells, relative to their centers, in slices."""

    slices: np.ndarray
    halves: np.ndarray  # half the squared length of each row, infinite in empty slots
    members: np.ndarray  # index of each row, -1 in empty slots
    starts: np.ndarray  # first slot of each cell, a multiple of a slice


class Centers(NamedTuple):
    """Centers of cells. The cells of a group have consecutive numbers."""

    centers: np.ndarray
    groups: np.ndarray  # group of each cell
    group_centers: np.ndarray
    orders: np.ndarray  # groups x cells: cells in the order of each group, its own first, then by distance
    lengths: np.ndarray  # largest half of a squared length in each cell, of its rows and its center


class Compared(NamedTuple):
    """The rows to search for and the training rows, with their scales and shifts."""

    features: np.ndarray
    affine: np.ndarray
    training: np.ndarray
    training_affine: np.ndarray


class Block(NamedTuple):
    """Rows from cells of one group that are searched together.

    Rows and centers are relative to the center of the group. Cells are numbered in the order of the group.
    """

    rows: np.ndarray
    members: np.ndarray  # index of each row
    order: np.ndarray  # cells in the order of the group
    centers: np.ndarray  # of these cells
    planes: np.ndarray  # cells x rows: lower bounds of distances to planes between cells, -inf for the nearest cells


@kernel
def make_padded_rows(count, width):
    """Return rows of zeros that fill whole tiles."""
    return np.zeros(((count + TILE_ROWS - 1) // TILE_ROWS * TILE_ROWS, width), np.float32)


@kernel
def unpack_rows(queries, task, cell, centers, origin, count, rows, members):
    """Append the rows of a cell in a task's slots, relative to an origin, and return the new number of rows."""
    width = rows.shape[1]
    for slot in range(max(task[2], queries.starts[cell]), min(task[3], queries.starts[cell + 1])):
        if queries.members[slot] >= 0:
            at = slot // TILE_COLUMNS * TILE_COLUMNS * width + slot % TILE_COLUMNS
            for t in range(width):
                rows[count, t] = queries.slices[at + t * TILE_COLUMNS] + (centers[cell, t] - origin[t])
            members[count] = queries.members[slot]
            count += 1
    return count


@kernel
def relative_centers(centers, order, origin, near, halves):
    """Write centers in an order, relative to an origin, and half their squared distances from it."""
    for turn in range(order.shape[0]):
        half = np.float32(0)
        for t in range(near.shape[1]):
            near[turn, t] = centers[order[turn], t] - origin[t]
            half += near[turn, t] * near[turn, t]
        halves[turn] = np.float32(0.5) * half


@kernel
def pack_rows(rows, slices, halves):
    """Write the first rows in slices, and half their squared lengths."""
    for r in range(halves.shape[0]):
        at, half = r // TILE_COLUMNS * TILE_COLUMNS * rows.shape[1] + r % TILE_COLUMNS, np.float32(0)
        for t in range(rows.shape[1]):
            slices[at + t * TILE_COLUMNS] = rows[r, t]
            half += rows[r, t] * rows[r, t]
        halves[r] = np.float32(0.5) * half


@kernel
def bounds_of_nearest(values, n_rows, count, wanted):
    """Return, for each column, the `wanted`-th smallest value of the first rows."""
    least, bounds = np.empty((count, wanted), np.float32), np.empty(count, np.float32)
    for r in range(count):
        for place in range(wanted):
            least[r, place] = np.inf
    for turn in range(n_rows):
        line = values[turn]
        for r in range(count):
            value = line[r]
            if value < least[r, wanted - 1]:
                place = wanted - 1
                while place > 0 and least[r, place - 1] > value:
                    least[r, place] = least[r, place - 1]
                    place -= 1
                least[r, place] = value
    for r in range(count):
        bounds[r] = least[r, wanted - 1]
    return bounds


@kernel
def distances_from_planes(planes, firsts, turns, halves, near_halves, lengths, bounds):
    """Replace `planes` by lower bounds of the distances of rows to the planes between their cells and all others.

    `planes` are half the squared distances of centers and rows, minus half the squared lengths of the rows. The columns
    behind the rows contain the same for the centers of the rows' cells. These cells have the numbers `turns`, and their
    rows begin at `firsts`. The bounds are -inf for the nearest centers, whose largest value is that in `bounds`.

    The rounding error is subtracted. It includes the error by which a row may be in a cell whose center is not quite
    its nearest. `lengths` are the largest halves of squared lengths in each cell, not relative to the group.
    """
    homes = turns.shape[0]
    own = np.empty(firsts[homes], np.float32)
    for home in range(homes):
        for r in range(firsts[home], firsts[home + 1]):
            own[r] = planes[turns[home], r]
    for turn in range(lengths.shape[0]):
        line = planes[turn]
        for home in range(homes):
            gap = 2 * (line[firsts[homes] + home] + near_halves[turns[home]])
            inverse = np.float32(1 / np.sqrt(gap)) if gap > 0 else np.float32(0)
            around = near_halves[turns[home]] + near_halves[turn] + 2 * (lengths[turns[home]] + lengths[turn])
            for r in range(firsts[home], firsts[home + 1]):
                least = (line[r] - own[r] - PRODUCT_ROUNDING * (halves[r] + around)) * inverse
                line[r] = least if line[r] > bounds[r] else np.float32(-np.inf)
    for home in range(homes):
        for r in range(firsts[home], firsts[home + 1]):
            planes[turns[home], r] = -np.inf


@kernel
def read_block(queries, centers, task, nearest_cells):
    """Return the rows of a task as a block."""
    width, group = centers.centers.shape[1], centers.groups[task[0]]
    order, origin = centers.orders[group], centers.group_centers[group]
    near, near_halves = make_padded_rows(order.shape[0], width), np.zeros(order.shape[0] + TILE_ROWS, np.float32)
    relative_centers(centers.centers, order, origin, near, near_halves)
    rows = make_padded_rows(task[3] - task[2] + task[1] - task[0] + TILE_COLUMNS, width)
    members, firsts = np.empty(task[3] - task[2], np.int64), np.zeros(task[1] - task[0] + 1, np.int64)
    for home in range(task[1] - task[0]):
        firsts[home + 1] = unpack_rows(
            queries, task, task[0] + home, centers.centers, origin, firsts[home], rows, members
        )
    count, turns = firsts[task[1] - task[0]], np.empty(task[1] - task[0], np.int64)
    for home in range(turns.shape[0]):
        turns[home] = task[0] + home - order[0]
        for t in range(width):
            rows[count + home, t] = near[turns[home], t]
    columns = (count + turns.shape[0] + TILE_COLUMNS - 1) // TILE_COLUMNS * TILE_COLUMNS
    slices, halves = np.empty(columns * width, np.float32), np.empty(columns, np.float32)
    nothing = np.zeros(columns, np.float32)
    pack_rows(rows, slices, halves)
    planes = np.empty((near.shape[0], columns), np.float32)
    half_squared_distances(near, near_halves, order.shape[0], slices, columns, nothing, planes)
    bounds = bounds_of_nearest(planes, order.shape[0], count, min(nearest_cells, order.shape[0]))
    lengths = np.empty(order.shape[0], np.float32)
    for turn in range(order.shape[0]):
        lengths[turn] = centers.lengths[order[turn]]
    distances_from_planes(planes, firsts, turns, halves, near_halves, lengths, bounds)
    return Block(rows, members[:count], order, near, planes)


@kernel
def half_of_squares(row):
    """Return half the squared length of a row, from four partial sums."""
    width = row.shape[0]
    a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for t in range(0, width - 3, 4):
        a += row[t] * row[t]
        b += row[t + 1] * row[t + 1]
        c += row[t + 2] * row[t + 2]
        d += row[t + 3] * row[t + 3]
    for t in range(width - width % 4, width):
        a += row[t] * row[t]
    return np.float32(0.5) * ((a + b) + (c + d))


@kernel
def move_rows(rows, chosen, center, weights, moved, halves):
    """Write chosen rows relative to a center, with weights, and half their squared lengths without weights."""
    for q in range(chosen.shape[0]):
        row, line = rows[chosen[q]], moved[q]
        for t in range(row.shape[0]):
            line[t] = row[t] - center[t]
        halves[q] = half_of_squares(line)
        for t in range(row.shape[0]):
            line[t] *= weights[t]
