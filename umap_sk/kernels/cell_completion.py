"""Exact nearest neighbors: a search of all cells that can contain a neighbor which a first search has missed."""

from typing import NamedTuple

import numpy as np

from umap_sk.kernels.borrowed import borrow
from umap_sk.kernels.cell_blocks import PRODUCT_ROUNDING, move_rows, read_block
from umap_sk.kernels.cell_search import COMPARED_COLUMNS, COMPARED_ROWS
from umap_sk.kernels.products import TILE_COLUMNS, any_not_above, half_squared_distances
from umap_sk.kernels.projection import scale_row
from umap_sk.kernels.ranks import insert_ranked, rank_of
from umap_sk.kernels.turns import next_block
from umap_sk.runtime.compile import block_kernel, kernel


class Errors(NamedTuple):
    """Bounds of rounding errors: distances of rows from their exact coordinates."""

    rows: np.ndarray
    cells: np.ndarray  # largest error of the training rows of each cell
    halves: np.ndarray  # largest half of a squared length in each cell


@kernel
def limit_of(rank, error, half):
    """Return an upper bound of the float32 estimates of ranks up to `rank`."""
    far = np.sqrt(2 * rank) + error
    return np.float32(min(3e38, 0.5 * (1 + 2.0**-18) * far * far + PRODUCT_ROUNDING * half))


@kernel
def rows_that_may_gain(block, turn, ranks, errors, chosen):
    """Write the rows that may have a nearer neighbor in a cell, and return their number.

    The distance of a row to the plane between the cells decides.
    """
    count, last, planes, other = 0, ranks.shape[1] - 1, block.planes[turn], block.order[turn]
    for r in range(block.members.shape[0]):
        i = block.members[r]
        far = np.sqrt(2 * ranks[i, last]) * (1 + 2.0**-18) + errors.rows[i] + errors.cells[other]
        if not planes[r] > far:
            chosen[count] = r
            count += 1
    return count


@kernel
def improve_row(i, values, names, own, slack, half, compared, angular, row, indices, ranks):
    """Insert the rows of a cell with a lower rank than the last neighbor, by rank and then by index.

    `values` are estimates that exceed the ranks by at most the rounding error. `row` has room for a scaled row.
    """
    last, scaled = ranks.shape[0] - 1, False
    limit, directed = limit_of(ranks[last], slack, half), compared.affine[i, 0] != 0
    for start in range(0, names.shape[0], TILE_COLUMNS):
        if not any_not_above(values, start, limit):
            continue
        part = values[start : start + TILE_COLUMNS]
        for t in range(TILE_COLUMNS):
            name = names[start + t]
            if part[t] > limit or name < 0 or (own and name == i) or (ranks[last] == 0 and name > indices[last]):
                continue
            if not scaled:
                scale_row(compared.features, compared.affine, i, row)
                scaled = True
            rank = rank_of(row, directed, compared.training, compared.training_affine, name, angular)
            insert_ranked(indices, ranks, name, rank)
            limit = limit_of(ranks[last], slack, half)


@kernel
def complete_task(task, queries, cells, centers, compared, errors, own, angular, indices, ranks):
    """Search nearer neighbors of the rows of one block in all cells that may contain some."""
    block = read_block(queries, centers, task, 1)
    width, chosen = block.rows.shape[1], np.empty(block.members.shape[0], np.int64)
    moved, halves = np.zeros((COMPARED_ROWS, width), np.float32), np.zeros(COMPARED_ROWS, np.float32)
    out, even = np.empty((COMPARED_ROWS, COMPARED_COLUMNS), np.float32), np.ones(width, np.float32)
    row = np.empty(compared.features.shape[1])
    for turn in range(block.order.shape[0]):
        other = np.int64(block.order[turn])
        near = rows_that_may_gain(block, turn, ranks, errors, chosen)
        for first in range(0, near, COMPARED_ROWS):
            part = chosen[first : min(near, first + COMPARED_ROWS)]
            move_rows(block.rows, part, block.centers[turn], even, moved, halves)
            for at in range(cells.starts[other], cells.starts[other + 1], COMPARED_COLUMNS):
                end = min(cells.starts[other + 1], at + COMPARED_COLUMNS)
                slices, names = cells.slices[at * width :], cells.members[at:end]
                half_squared_distances(moved, halves, len(part), slices, end - at, cells.halves[at:end], out)
                for q in range(len(part)):
                    i = block.members[part[q]]
                    slack, half = errors.rows[i] + errors.cells[other], halves[q] + errors.halves[other]
                    improve_row(i, out[q], names, own, slack, half, compared, angular, row, indices[i], ranks[i])


@block_kernel(1)
def complete_cells(turns, thread, tasks, queries, cells, centers, compared, errors, own, angular, indices, ranks):
    """Make approximate neighbors exact: the nearest training rows by rank and then by index.

    `indices` and `ranks` contain the approximate neighbors, which may be incomplete. The other arguments are those of
    :func:`umap_sk.kernels.cell_search.search_cells`.
    """
    compared, cells, indices, ranks = borrow(compared), borrow(cells), borrow(indices), borrow(ranks)
    number = next_block(turns, thread)
    while number >= 0:
        complete_task(tasks[number], queries, cells, centers, compared, errors, own, angular, indices, ranks)
        number = next_block(turns, thread)
