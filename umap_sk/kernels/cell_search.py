"""Neighbors by an inverted file: each row is compared with the rows of the cells that are near to it."""

from typing import NamedTuple

import numpy as np

from umap_sk.kernels.borrowed import borrowed
from umap_sk.kernels.cell_blocks import move_rows, read_block
from umap_sk.kernels.keys import EMPTY_KEY, ROW_MASK, keep_nearest, value_of
from umap_sk.kernels.products import TILE_COLUMNS, TILE_ROWS, half_squared_distances
from umap_sk.kernels.projection import scale_row
from umap_sk.kernels.ranks import insert_ranked, rank_of
from umap_sk.kernels.turns import next_block
from umap_sk.runtime.compile import block_kernel, kernel

COMPARED_ROWS, COMPARED_COLUMNS = (
    16 * TILE_ROWS,
    16 * TILE_COLUMNS,
)  # rows that are compared at once: what a core's cache has room for
EXCESS_FACTOR = 1.5  # times the largest excess of a row's estimates over its ranks: what a further estimate may exceed
MAX_LIMIT = np.float32(3e38)


class Effort(NamedTuple):
    """How far a search goes.

    The candidates of a row are searched in the cells of its nearest centers, and then in each cell whose bisecting
    plane is nearer than a share of the distance to the last neighbor that is wanted. The share grows from round to
    round, each of which leaves out the rows that were compared with so many others already.
    """

    wanted: int  # neighbors of a row
    kept: int  # candidates of a row, at most
    nearest_cells: int
    reaches: np.ndarray  # the share of each round
    most_pairs: np.ndarray  # of a row before each round


class Found(NamedTuple):
    """Candidates of the rows of a block, and how far each row has come."""

    keys: np.ndarray  # sorted
    limits: np.ndarray  # distance of the last neighbor that is wanted
    seen: np.ndarray  # how many rows each was compared with


class Room(NamedTuple):
    """Arrays that are written again for every cell."""

    moved: np.ndarray
    halves: np.ndarray
    out: np.ndarray
    passed: np.ndarray


@kernel
def rows_in_reach(planes, reach, most_pairs, found, chosen):
    """Which rows are to be compared with those of a cell, and how many; they are so once.

    They are those whose distance from the plane between is within reach, which it always is for the nearest cells.
    """
    count = 0
    for r in range(found.limits.shape[0]):
        if planes[r] <= reach * found.limits[r] and found.seen[r] < most_pairs and found.limits[r] > 0:
            planes[r] = np.inf
            chosen[count] = r
            count += 1
    return count


@kernel
def compare_with_cell(cells, other, members, chosen, own, found, room):
    """Keep the nearest of the rows of a cell for each of the rows that were moved to its center."""
    width, count = room.moved.shape[1], chosen.shape[0]
    for at in range(cells.starts[other], cells.starts[other + 1], COMPARED_COLUMNS):
        end = min(cells.starts[other + 1], at + COMPARED_COLUMNS)
        halves, names = cells.halves[at:end], cells.members[at:end]
        half_squared_distances(room.moved, room.halves, count, cells.slices[at * width :], end - at, halves, room.out)
        for q in range(count):
            r = chosen[q]
            keep_nearest(room.out[q], names, members[r] if own else -1, found.keys[r], room.passed)


@kernel
def search_block(block, cells, weights, effort, own, found):
    """Candidates of the rows of a block: first in the nearest cells, then in the others that are in reach."""
    width, starts, chosen = block.rows.shape[1], cells.starts, np.empty(block.members.shape[0], np.int64)
    room = Room(
        np.zeros((COMPARED_ROWS, width), np.float32),
        np.zeros(COMPARED_ROWS, np.float32),
        np.empty((COMPARED_ROWS, COMPARED_COLUMNS), np.float32),
        np.empty(TILE_COLUMNS + 1, np.int64),
    )
    for turn_of_round in range(effort.reaches.shape[0] * block.order.shape[0]):
        step, turn = divmod(turn_of_round, block.order.shape[0])
        reach, other = effort.reaches[step], np.int64(block.order[turn])
        near = rows_in_reach(block.planes[turn], reach, effort.most_pairs[step], found, chosen)
        for first in range(0, near, COMPARED_ROWS):
            part = chosen[first : min(near, first + COMPARED_ROWS)]
            move_rows(block.rows, part, block.centers[turn], weights, room.moved, room.halves)
            compare_with_cell(cells, other, block.members, part, own, found, room)
        for q in range(near):
            r = chosen[q]
            found.seen[r] += starts[other + 1] - starts[other]
            tau = value_of(found.keys[r, effort.wanted - 1])
            found.limits[r] = min(MAX_LIMIT, np.sqrt(2 * tau))


@kernel
def rank_row(row, directed, compared, keys, angular, indices, ranks):
    """The nearest of a row's candidates, by rank and then by index.

    Candidates are ranked until their estimates exceed the last rank by more than the row's estimates have exceeded
    their ranks so far.
    """
    last, excess = ranks.shape[0] - 1, 0.0
    for t in range(last + 1):
        indices[t], ranks[t] = -1, np.inf
    for key in keys:
        estimate = np.float64(value_of(key))
        if key == EMPTY_KEY or estimate - EXCESS_FACTOR * excess > ranks[last]:
            return
        name = np.int64(key & ROW_MASK)
        rank = rank_of(row, directed, compared.training, compared.training_affine, name, angular)
        excess = max(excess, estimate - rank)
        insert_ranked(indices, ranks, name, rank)


@kernel
def search_task(task, queries, cells, centers, weights, compared, effort, own, angular, row, indices, ranks):
    """Neighbors of the rows of one block; `row` has room for a scaled row."""
    block = read_block(queries, centers, task, effort.nearest_cells)
    count = block.members.shape[0]
    keys = np.full((count, effort.kept), EMPTY_KEY)
    found = Found(keys, np.full(count, MAX_LIMIT), np.zeros(count, np.int64))
    search_block(block, cells, weights, effort, own, found)
    for r in range(count):
        i = block.members[r]
        scale_row(compared.features, compared.affine, i, row)
        rank_row(row, compared.affine[i, 0] != 0, compared, keys[r], angular, indices[i], ranks[i])


@block_kernel(1)
def search_cells(
    turns, thread, tasks, queries, cells, centers, weights, compared, effort, own, angular, indices, ranks
):
    """The nearest training rows of each row that a search of some effort finds, by rank and then by index.

    Parameters
    ----------
    tasks : (n_tasks, 4)
        The first cell of a block of rows, and where they end, and the same of their slots.
    queries : Packed
        The rows; with `own` the training rows.
    cells : Packed
        The training rows.
    centers : Centers
    weights : (width,) float32
        What each coordinate counts in a product.
    compared : Compared
    effort : Effort
    own : bool
        None of the rows is its own neighbor.
    angular : bool
        Ranks of unit vectors.
    indices, ranks : (n_rows, wanted)
        What is found; -1 and infinity where nothing is.
    """
    compared, cells, indices, ranks = borrowed(compared), borrowed(cells), borrowed(indices), borrowed(ranks)
    row = np.empty(compared.features.shape[1])
    number = next_block(turns, thread)
    while number >= 0:
        task = tasks[number]
        search_task(task, queries, cells, centers, weights, compared, effort, own, angular, row, indices, ranks)
        number = next_block(turns, thread)
