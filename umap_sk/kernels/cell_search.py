"""Neighbors by an inverted file: each row is compared with the rows of nearby cells."""

from typing import NamedTuple

import numpy as np

from umap_sk.kernels.borrowed import borrow
from umap_sk.kernels.cell_blocks import move_rows, read_block
from umap_sk.kernels.keys import EMPTY_KEY, ROW_MASK, keep_nearest, value_of
from umap_sk.kernels.products import TILE_COLUMNS, TILE_ROWS, half_squared_distances
from umap_sk.kernels.projection import scale_row
from umap_sk.kernels.ranks import insert_ranked, rank_of
from umap_sk.kernels.turns import next_block
from umap_sk.runtime.compile import block_kernel, kernel

COMPARED_ROWS, COMPARED_COLUMNS = 16 * TILE_ROWS, 16 * TILE_COLUMNS  # compared at once, within a core's cache
EXCESS_FACTOR = 1.5  # of a row's largest difference of estimate and rank: the margin for further estimates
MAX_LIMIT = np.float32(3e38)


class Effort(NamedTuple):
    """The effort of a search.

    The candidates of a row come from the cells of its nearest centers. They also come from each cell whose bisecting
    plane is closer than a share of the distance to the last wanted neighbor. The share increases from round to round.
    Each round skips the rows that were compared with enough rows before.
    """

    wanted: int  # neighbors of a row
    kept: int  # largest number of candidates of a row
    nearest_cells: int
    reaches: np.ndarray  # share of each round
    most_pairs: np.ndarray  # largest number of compared rows before each round


class Found(NamedTuple):
    """Candidates of the rows of a block, and the progress of each row."""

    keys: np.ndarray  # sorted
    limits: np.ndarray  # distance of the last wanted neighbor
    seen: np.ndarray  # number of rows that each was compared with


class Room(NamedTuple):
    """Arrays that are overwritten for each cell."""

    moved: np.ndarray
    halves: np.ndarray
    out: np.ndarray
    passed: np.ndarray


@kernel
def rows_in_reach(planes, reach, most_pairs, found, chosen):
    """Write the rows that are compared with a cell, and return their number. A row is compared with a cell only once.

    The distance to the plane between the cells must be within reach. It always is for the nearest cells.
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
    """Keep the nearest rows of a cell for each row, after the rows were moved to its center."""
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
    """Search the candidates of the rows of a block, first in the nearest cells and then in others within reach."""
    width, starts, chosen = block.rows.shape[1], cells.starts, np.empty(block.members.shape[0], np.int64)
    room = Room(
        np.zeros((COMPARED_ROWS, width), np.float32),
        np.zeros(COMPARED_ROWS, np.float32),
        np.empty((COMPARED_ROWS, COMPARED_COLUMNS), np.float32),
        np.empty(TILE_COLUMNS + 1, np.int64),
    )
    for step in range(effort.reaches.shape[0]):
        for turn in range(block.order.shape[0]):
            other = np.int64(block.order[turn])
            near = rows_in_reach(block.planes[turn], effort.reaches[step], effort.most_pairs[step], found, chosen)
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
    """Write the nearest of a row's candidates, by rank and then by index.

    Candidates are ranked until their estimates exceed the last rank by more than the margin. The margin depends on the
    largest difference of estimate and rank so far.
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
    """Search the neighbors of the rows of one block. `row` has room for a scaled row."""
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
    """Search the nearest training rows of each row with a given effort, by rank and then by index.

    A task consists of the first cell and the end of the cells of a block, and the same for its slots. `weights` are
    those of the coordinates in a product. With `own`, the queries are the training rows, and none is its own neighbor.
    With `angular`, ranks are those of unit vectors. Missing neighbors are -1, with an infinite rank.
    """
    compared, cells, indices, ranks = borrow(compared), borrow(cells), borrow(indices), borrow(ranks)
    row = np.empty(compared.features.shape[1])
    number = next_block(turns, thread)
    while number >= 0:
        task = tasks[number]
        search_task(task, queries, cells, centers, weights, compared, effort, own, angular, row, indices, ranks)
        number = next_block(turns, thread)
