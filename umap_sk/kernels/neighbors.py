"""Rows of neighbors from any input: the nearest of each row, checked and without missing entries."""

import numpy as np
from numba import uint64

from umap_sk.runtime.compile import kernel, serial_kernel

OUT_OF_RANGE, NOT_A_NUMBER, TOO_LARGE, NEGATIVE = 1, 2, 3, 4
SENTINELS, SELF_ENTRIES, DUPLICATES, CLIPPED, CUT, FALLING, ORDERED, SHORT, EMPTY, KEPT = range(10)
TALLIES = 10


@kernel
def longest(starts, low, high):
    """Return the length of the longest of the rows [low, high)."""
    length = 0
    for i in range(low, high):
        length = max(length, starts[i + 1] - starts[i])
    return length


@kernel
def row_falls(indices, at, dists, first, length, own, low, high):
    """Return 2 if the distances of a row only decrease, 1 if not, and 0 for fewer than three entries."""
    count = 0
    rises = False
    falls = False
    before = 0.0
    for e in range(length):
        j = indices[at + e]
        if j == low or j == high or j == own:
            continue
        d = dists[first + e]
        if count > 0:
            rises = rises or not d <= before  # NaN counts as a rise
            falls = falls or d < before
        before = d
        count += 1
        if rises and count >= 3:
            return 1
    if count < 3:
        return 0
    return 2 if falls and not rises else 1


@kernel
def row_largest(indices, at, dists, first, length, own, low, high):
    """Return the largest finite absolute distance of a row's valid entries."""
    largest = 0.0
    for e in range(length):
        j = indices[at + e]
        if j == low or j == high or j == own:
            continue
        size = abs(dists[first + e])
        if largest < size < np.inf:
            largest = size
    return largest


@kernel
def is_repeated(table, stamp, j):
    """Return whether this row has already contained `j`, and remember it.

    `table` is a hash table with open addressing. A slot contains the row's stamp above 33 bits, and the index below.
    Slots with other stamps count as empty, so that the table is never cleared.
    """
    mask = table.shape[0] - 1
    key = (stamp << 33) | j
    slot = ((j * 0x61C88647) >> 20) & mask  # j < 2^32 and the factor < 2^31, so the product cannot overflow
    while table[slot] >> 33 == stamp:
        if table[slot] == key:
            return True
        slot = (slot + 1) & mask
    table[slot] = key
    return False


@kernel
def forget_farther(near_indices, near_dists, kept, j, d):
    """Remove `j` from the kept neighbors if its distance there is larger.

    Returns the number of neighbors that remain, and whether the entry (`j`, `d`) may be inserted.
    """
    for t in range(kept):
        if near_indices[t] == j:
            if near_dists[t] <= d:
                return kept, False
            for u in range(t, kept - 1):
                near_indices[u] = near_indices[u + 1]
                near_dists[u] = near_dists[u + 1]
            return kept - 1, True
    return kept, True


@kernel
def insert_sorted(near_indices, near_dists, width, kept, j, d):
    """Insert (`d`, `j`) into the sorted neighbors, and drop the last one if there is no room."""
    t = kept
    if kept == width:
        if d > near_dists[t - 1] or (d == near_dists[t - 1] and j > near_indices[t - 1]):
            return kept
        t -= 1
    new_kept = t + 1
    while t > 0 and (near_dists[t - 1] > d or (near_dists[t - 1] == d and near_indices[t - 1] > j)):
        near_indices[t] = near_indices[t - 1]
        near_dists[t] = near_dists[t - 1]
        t -= 1
    near_indices[t] = j
    near_dists[t] = d
    return new_kept


@kernel
def distance_problem(d, limit, lowest):
    """Return the code of the problem with distance `d`, or 0."""
    if np.isnan(d):
        return NOT_A_NUMBER
    if d > limit:
        return TOO_LARGE
    if d < lowest:
        return NEGATIVE
    return 0


@kernel
def collect_neighbors(
    indices, at, dists, first, length, own, whole, real, table, stamp, near_indices, near_dists, width, tally
):
    """Collect the nearest neighbors of one row.

    Returns their number, the code of the problem with the row (0 for none) and the entry with this problem. The index
    after the last row, at an infinite distance, is a missing neighbor of scipy's trees.
    """
    low, high, n_columns = whole[0], whole[1], whole[2]
    cut, limit = real[0], real[1]
    kept = 0
    for e in range(length):
        j = indices[at + e]
        if j == low or j == high or (j == n_columns and dists[first + e] == np.inf):
            tally[SENTINELS] += 1
            continue
        if j < 0 or j >= n_columns:
            return 0, OUT_OF_RANGE, e
        d = dists[first + e]
        if j == own:
            tally[SELF_ENTRIES] += 1
            if whole[4] == 0:
                continue
            d = 0.0
        if not 0.0 < d <= limit:
            lowest = 0.0 if d >= 0.0 else -real[2] * row_largest(indices, at, dists, first, length, own, low, high)
            problem = distance_problem(d, limit, lowest)
            if problem != 0:
                return 0, problem, e
            if d < 0.0:
                tally[CLIPPED] += 1
            d = 0.0  # also turns -0.0 into 0.0
        if d >= cut:
            tally[CUT] += 1
            continue
        if table.shape[0] > 0 and is_repeated(table, stamp, j):
            tally[DUPLICATES] += 1
            kept, welcome = forget_farther(near_indices, near_dists, kept, j, d)
            if not welcome:
                continue
        kept = insert_sorted(near_indices, near_dists, width, kept, j, d)
    return kept, 0, 0


@kernel
def copy_ordered_rows(
    indices, index_starts, dists, starts, i, to, whole, real, table, out_indices, out_dists, kept, tally
):
    """Copy the nearest neighbors of rows that need no correction, as searches return them, from row `i` on.

    It ends before a row with an entry that is missing, wrong, repeated or farther than the next one. Returns that row
    or the number of rows, and the end of the output. One call for many rows saves half of the time.
    """
    while i < kept.shape[0]:
        at, first, length = index_starts[i], starts[i], starts[i + 1] - starts[i]
        own, width = whole[3] + i, min(length, whole[5])
        count = 0
        self_entries = 0
        before = 0.0
        last = np.int64(-1)
        for e in range(length):
            j = indices[uint64(at + e)]
            if j == own:
                self_entries += 1
                continue
            d = dists[uint64(first + e)]
            is_valid = (j >= 0) & (j < whole[2]) & (j != whole[0]) & (j != whole[1])
            is_next = (d > before) | ((d == before) & (d > 0.0) & (j > last))
            if not (is_valid & is_next & (d <= real[1]) & (d < real[0])):
                return i, to
            if table.shape[0] > 0 and is_repeated(table, 2 * i + 1, j):
                return i, to
            if count < width:
                out_indices[uint64(to + count)] = j
                out_dists[uint64(to + count)] = d
            count += 1
            before = d
            last = j
        if self_entries > 0 and whole[4] != 0:
            return i, to
        tally[SELF_ENTRIES] += self_entries
        tally[ORDERED] += count >= 3
        kept[i] = min(count, width)
        to += kept[i]
        i += 1
    return i, to


@kernel
def choose_table_size(entries):
    """Return 16 places for each entry of the longest row, or 2 for rows that exceed a cache, as a power of 2."""
    least = max(2 * entries, min(16 * entries, 4096))
    size = 1
    while size <= least:
        size *= 2
    return size


@kernel
def tally_kept(kept, wanted, tally):
    """Count the neighbors that the rows keep, the rows with fewer than wanted, and those without any."""
    for i in range(kept.shape[0]):
        tally[KEPT] += kept[i]
        tally[SHORT] += kept[i] < wanted
        tally[EMPTY] += kept[i] == 0


@serial_kernel
def nearest_rows(
    indices, index_starts, dists, starts, whole, real, may_repeat, out_indices, out_dists, kept, tally, problem
):
    """Write the nearest neighbors of each row of a block, sorted by (distance, index), without duplicates or gaps.

    Entry e of row i is (indices[index_starts[i] + e], dists[starts[i] + e]). `problem` gets the code, the row and the
    entry of the first problem.
    """
    wanted = whole[5]
    entries = longest(starts, 0, kept.shape[0])
    table = np.zeros(choose_table_size(entries) if may_repeat else 0, np.int64)
    near_indices = np.empty(min(entries, wanted), np.int64)
    near_dists = np.empty(min(entries, wanted), np.float64)
    rows = (indices, index_starts, dists, starts)
    i = 0
    to = 0
    while i < kept.shape[0]:
        i, to = copy_ordered_rows(*rows, i, to, whole, real, table, out_indices, out_dists, kept, tally)
        if i == kept.shape[0]:
            break
        row = (indices, index_starts[i], dists, starts[i], starts[i + 1] - starts[i], whole[3] + i)
        width = min(row[4], wanted)
        count, code, entry = collect_neighbors(
            *row, whole, real, table, 2 * i + 2, near_indices, near_dists, width, tally
        )
        if code != 0 and problem[0] == 0:
            problem[0], problem[1], problem[2] = code, i, entry
        for t in range(count):
            out_indices[to + t] = near_indices[t]
            out_dists[to + t] = near_dists[t]
        order = row_falls(*row, whole[0], whole[1])
        tally[FALLING] += order == 2
        tally[ORDERED] += order > 0
        kept[i] = count
        to += count
        i += 1
    tally_kept(kept, wanted, tally)


@serial_kernel
def close_gaps(starts, kept, indices, values):
    """Move rows together that do not fill their room, in place and in their order."""
    to = 0
    for i in range(kept.shape[0]):
        for e in range(starts[i], starts[i] + kept[i]):
            indices[to] = indices[e]
            values[to] = values[e]
            to += 1
