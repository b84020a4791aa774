"""Neighbors of sparse rows by an inverted index, which lists for each column the rows with an entry."""

from typing import NamedTuple

import numpy as np

from umap_sk.kernels.borrowed import borrow
from umap_sk.kernels.ranks import SAME_ROWS_DISTANCE, insert_ranked
from umap_sk.kernels.turns import next_block
from umap_sk.runtime.compile import block_kernel, kernel

SEARCHED_ROWS = 16  # rows of a block
ESTIMATE_ROUNDING = 2.0**-17  # of a product in float32, relative to the squared lengths


class SparseRows(NamedTuple):
    """Rows in CSR format with ascending columns, and half their squared lengths."""

    starts: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    halves: np.ndarray


class Inverted(NamedTuple):
    """The same rows by columns, with values in float32, and all rows sorted by length."""

    starts: np.ndarray
    rows: np.ndarray
    values: np.ndarray
    by_length: np.ndarray


class Sums(NamedTuple):
    """Products of one row with all others."""

    products: np.ndarray
    touched: np.ndarray  # rows whose product is not 0, twice if a partial sum was 0


@kernel
def sparse_rank(x, i, y, j, angular):
    """Return half the squared distance of two rows, or 1 minus their product for unit vectors.

    The rank of two rows of zeros is 0.
    """
    a, b, a_end, b_end = x.starts[i], y.starts[j], x.starts[i + 1], y.starts[j + 1]
    if angular and (a == a_end or b == b_end):
        return 0.0 if a == a_end and b == b_end else 1.0
    square, product = 0.0, 0.0
    while a < a_end or b < b_end:
        difference = 0.0
        if b == b_end or (a < a_end and x.columns[a] < y.columns[b]):
            difference = x.values[a]
            a += 1
        elif a == a_end or y.columns[b] < x.columns[a]:
            difference = y.values[b]
            b += 1
        else:
            difference = x.values[a] - y.values[b]
            product += x.values[a] * y.values[b]
            a += 1
            b += 1
        square += difference * difference
    if not angular or square < 1:
        return 0.0 if angular and square <= SAME_ROWS_DISTANCE * SAME_ROWS_DISTANCE else 0.5 * square
    return 2.0 if product <= SAME_ROWS_DISTANCE - 1 else 1 - product


@kernel
def add_products(x, i, inverted, budget, sums):
    """Add products with the rows that share a column, rare columns first, within the budget.

    Returns the number of these rows, and whether the budget was sufficient.
    """
    first, count = x.starts[i], x.starts[i + 1] - x.starts[i]
    lengths = np.zeros(count, np.int64)
    for t in range(count):
        column = x.columns[first + t]
        if column >= 0:
            lengths[t] = inverted.starts[column + 1] - inverted.starts[column]
    touched, room = 0, sums.touched.shape[0]
    for t in np.argsort(lengths, kind="mergesort"):
        if lengths[t] == 0:
            continue
        budget -= lengths[t]
        if budget < 0:
            return touched, False
        column, value = x.columns[first + t], np.float32(x.values[first + t])
        for e in range(inverted.starts[column], inverted.starts[column + 1]):
            j = inverted.rows[e]
            before = sums.products[j]
            if before == 0 and touched < room:
                sums.touched[touched] = j
                touched += 1
            sums.products[j] = before + value * inverted.values[e]
    return touched, True


@kernel
def nearest_estimates(x, i, y, own, count, sums, estimates, candidates):
    """Write the nearest of the touched rows by their products, and return their number."""
    kept, room = 0, candidates.shape[0]
    for t in range(count):
        j = sums.touched[t]
        estimate = x.halves[i] + y.halves[j] - sums.products[j]
        if (own and j == i) or (kept == room and estimate >= estimates[room - 1]):
            continue
        place = kept if kept < room else room - 1
        kept = min(room, kept + 1)
        while place > 0 and estimates[place - 1] > estimate:
            estimates[place], candidates[place] = estimates[place - 1], candidates[place - 1]
            place -= 1
        estimates[place], candidates[place] = estimate, j
    return kept


@kernel
def insert_others(x, i, y, by_length, own, angular, products, indices, ranks):
    """Insert rows that share no column. The shortest are nearest, and all unit vectors are equally near."""
    last = ranks.shape[0] - 1
    for t in range(by_length.shape[0]):
        j = by_length[t]
        half = x.halves[i] + y.halves[j]
        if half > (1 + ESTIMATE_ROUNDING) * ranks[last] and not (angular and x.halves[i] * y.halves[j] == 0):
            return
        if products[j] == 0 and not (own and j == i):
            insert_ranked(indices, ranks, j, sparse_rank(x, i, y, j, angular))
        if angular and y.halves[j] > 0 and ranks[last] == 1 and j > indices[last]:
            return


@kernel
def search_row(x, i, y, inverted, budget, own, angular, sums, estimates, candidates, indices, ranks):
    """Search the nearest rows of one row. The result is exact if its budget is sufficient.

    Otherwise, only rows that share its rare columns are compared.
    """
    last = ranks.shape[0] - 1
    for t in range(last + 1):
        indices[t], ranks[t] = -1, np.inf
    count, whole = add_products(x, i, inverted, budget, sums)
    kept = nearest_estimates(x, i, y, own, count, sums, estimates, candidates)
    for t in range(kept):
        insert_ranked(indices, ranks, candidates[t], sparse_rank(x, i, y, candidates[t], angular))
    insert_others(x, i, y, inverted.by_length, own, angular, sums.products, indices, ranks)
    for t in range(count):
        j = np.int64(sums.touched[t])
        product = sums.products[j]
        sums.products[j] = 0
        half = x.halves[i] + y.halves[j]
        if not whole or half - product > ranks[last] + ESTIMATE_ROUNDING * half or (own and j == i):
            continue
        if ranks[last] > 0 or j < indices[last]:
            insert_ranked(indices, ranks, j, sparse_rank(x, i, y, j, angular))
    if count == sums.touched.shape[0]:  # the list may be incomplete
        sums.products[:] = 0


@block_kernel(SEARCHED_ROWS)
def search_sparse(turns, thread, x, y, inverted, first, last, budget, kept, own, angular, indices, ranks):
    """Search the nearest rows `y` of the rows [first, last) of `x`, by rank and then by index.

    `budget` is the number of products that are computed for a row, and `kept` is the number of candidates of a row
    whose budget is insufficient. With `own`, x and y are the same, and no row is its own neighbor. With `angular`,
    ranks are those of unit vectors. Missing neighbors are -1, with an infinite rank.
    """
    n, x, y, inverted = y.halves.shape[0], borrow(x), borrow(y), borrow(inverted)
    indices, ranks = borrow(indices), borrow(ranks)
    sums = Sums(np.zeros(n, np.float32), np.empty(2 * n, np.int64))
    estimates, candidates = np.empty(kept), np.empty(kept, np.int64)
    block = next_block(turns, thread)
    while block >= 0:
        start = first + block * SEARCHED_ROWS
        for i in range(start, min(last, start + SEARCHED_ROWS)):
            search_row(x, i, y, inverted, budget, own, angular, sums, estimates, candidates, indices[i], ranks[i])
        block = next_block(turns, thread)
