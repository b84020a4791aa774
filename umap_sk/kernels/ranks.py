"""Exact ranks of rows in float64: half the squared distance, or its equivalent for unit vectors."""

import numpy as np

from umap_sk.kernels.lanes import inner_product, squared_difference
from umap_sk.kernels.projection import scale_row
from umap_sk.kernels.turns import next_block
from umap_sk.runtime.compile import block_kernel, kernel

RANKED_ROWS = 64  # rows of a block
SAME_ROWS_DISTANCE = 2.0**-48  # unit vectors with a smaller distance are equal up to rounding


@kernel
def rank_of(row, has_direction, features, affine, j, angular):
    """Return half the squared distance of a scaled row and row j, or 1 minus their product for unit vectors.

    Two rows without a direction have rank 0. One such row and any other have rank 1.
    """
    scale, shift = affine[j, 0], affine[j, 1]
    between = squared_difference(row, features[j], scale, shift)
    if not angular:
        return 0.5 * between
    if has_direction != (scale != 0):
        return 1.0
    if between < 1:
        return 0.5 * between if between > SAME_ROWS_DISTANCE * SAME_ROWS_DISTANCE else 0.0
    product = inner_product(row, features[j], scale, shift)
    return 2.0 if product <= SAME_ROWS_DISTANCE - 1 else 1 - product


@kernel
def insert_ranked(indices, ranks, name, rank):
    """Insert a row into sorted ones, by rank and then by name, unless it is already there."""
    place = ranks.shape[0] - 1
    if rank > ranks[place] or (rank == ranks[place] and name >= indices[place] and indices[place] >= 0):
        return
    for t in range(place + 1):
        if indices[t] == name:
            return
    while place > 0 and (ranks[place - 1] > rank or (ranks[place - 1] == rank and indices[place - 1] > name)):
        ranks[place], indices[place] = ranks[place - 1], indices[place - 1]
        place -= 1
    ranks[place], indices[place] = rank, name


@block_kernel(RANKED_ROWS)
def rank_candidates(turns, thread, new, new_affine, features, affine, candidates, own, angular, indices, ranks):
    """Write the nearest of each row's candidates, by rank and then by index.

    Missing candidates are -1. With `own`, the rows are the training rows, and none is its own neighbor.
    """
    n, row = candidates.shape[0], np.empty(features.shape[1])
    block = next_block(turns, thread)
    while block >= 0:
        for i in range(block * RANKED_ROWS, min(n, block * RANKED_ROWS + RANKED_ROWS)):
            scale_row(new, new_affine, i, row)
            names, found = indices[i], ranks[i]
            for t in range(names.shape[0]):
                names[t], found[t] = -1, np.inf
            for name in candidates[i]:
                if name >= 0 and not (own and name == i):
                    rank = rank_of(row, new_affine[i, 0] != 0, features, affine, name, angular)
                    insert_ranked(names, found, name, rank)
        block = next_block(turns, thread)
