"""From the blocks of a form to rows of nearest neighbors that follow each other without gaps."""

from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.neighbors import validate as checks
from umap_sk.neighbors.formats import Block, Form
from umap_sk.runtime.allocation import Allocate, in_memory, shorten
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.side_by_side import prefetch

CHUNKS = 64  # shares of a block that threads pick from; the result does not depend on it
ROUNDING = 1e-6  # share of a row's largest distance by which a distance may lie below 0

# What the entry of a row that names the row itself is.
NO_SELF, DROP_SELF, ZERO_SELF = "a neighbor like any other", "dropped", "kept at distance 0"


class NeighborCounts(NamedTuple):
    """How many entries were kept, and how many were left out for which reason.

    Attributes
    ----------
    rows, edges : int
        Rows, and neighbors kept.
    sentinels, self_entries : int
        Entries dropped as missing, and entries that name their own row.
    duplicates : int
        Entries of a neighbor that its row has shown already.
    clipped : int
        Distances below 0 by rounding, set to 0.
    cut_by_distance : int
        Entries at `disconnection_distance` or farther.
    short_rows, empty_rows : int
        Rows with fewer neighbors than wanted, and with none (these are short rows too).
    """

    rows: int
    edges: int
    sentinels: int
    self_entries: int
    duplicates: int
    clipped: int
    cut_by_distance: int
    short_rows: int
    empty_rows: int


class Rules(NamedTuple):
    """What is kept of each row, and as what: at most `wanted` neighbors nearer than `cut`; the first row's number."""

    n_columns: int
    wanted: int
    self_entry: str
    cut: float
    index_dtype: type
    dist_dtype: type
    first_row: int = 0


class Gathered(NamedTuple):
    """Rows that follow each other without gaps, and what was counted: by what was met, and short and empty rows."""

    indptr: np.ndarray
    indices: np.ndarray
    distances: np.ndarray
    tally: np.ndarray
    short: int
    empty: int


def gather(
    form: Form, rules: Rules, allocate: Allocate = in_memory
) -> tuple[np.ndarray, np.ndarray, np.ndarray, NeighborCounts]:
    """Read all blocks; rows follow each other without gaps."""
    read = gather_rows(form, rules, allocate)
    refuse_falling(form.is_array, read.tally)
    return *read[:3], counts_of(form.shape[0], len(read.indices), *read[3:])


def gather_rows(form: Form, rules: Rules, allocate: Allocate = in_memory) -> Gathered:
    """Read all blocks of what may be a part of the rows, which may fall where most of all rows do not."""
    room = form.room(rules.wanted)
    indptr = np.zeros(form.shape[0] + 1, np.int64)
    indices = allocate("neighbor_indices", room, rules.index_dtype)
    dists = allocate("neighbor_distances", room, rules.dist_dtype)
    tally = np.zeros(kernels.TALLIES, np.int64)
    short = empty = to = 0
    for block in prefetch(form.blocks()):
        kept, block_tally = _read_block(form, rules, block, tally, indices[to:], dists[to:])
        tally += block_tally
        short += int(np.count_nonzero(kept < rules.wanted))
        empty += int(np.count_nonzero(kept == 0))
        ends = indptr[block.first_row + 1 : block.first_row + 1 + len(kept)]
        np.cumsum(kept, out=ends)
        ends += to
        to = int(ends[-1])
        del block  # whose memory the one after the next takes
    return Gathered(indptr, shorten(indices, to), shorten(dists, to), tally, short, empty)


def counts_of(rows: int, edges: int, tally: np.ndarray, short: int, empty: int) -> NeighborCounts:
    """Counts by their names."""
    return NeighborCounts(
        rows=rows,
        edges=edges,
        sentinels=int(tally[kernels.SENTINELS]),
        self_entries=int(tally[kernels.SELF_ENTRIES]),
        duplicates=int(tally[kernels.DUPLICATES]),
        clipped=int(tally[kernels.CLIPPED]),
        cut_by_distance=int(tally[kernels.CUT]),
        short_rows=short,
        empty_rows=empty,
    )


def _read_block(
    form: Form, rules: Rules, block: Block, before: np.ndarray, indices: np.ndarray, dists: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Write a block's neighbors to the front of `indices` and `dists`; return their numbers and what was counted."""
    n_block = len(block.starts) - 1
    room = np.zeros(n_block + 1, np.int64)
    lengths = np.diff(block.starts)
    np.cumsum(np.minimum(lengths, rules.wanted), out=room[1:])
    kept = np.empty(n_block, np.int64)
    tally = np.zeros((min(CHUNKS, n_block), kernels.TALLIES), np.int64)
    problem = np.zeros((len(tally), 3), np.int64)
    first_row = -(2**62) if rules.self_entry == NO_SELF else rules.first_row + block.first_row
    whole = np.array([*form.sentinels, rules.n_columns, first_row, rules.self_entry == ZERO_SELF], np.int64)
    rounding = max(ROUNDING, 32 * np.finfo(form.dist_dtype).eps) if form.dist_dtype.kind == "f" else ROUNDING
    real = np.array([rules.cut, np.finfo(rules.dist_dtype).max, rounding])
    table_size = _table_size(int(lengths.max())) if form.repeats else 0
    inputs = (block.indices, block.index_starts, block.dists, block.starts, readonly(whole), readonly(real))
    kernels.nearest_rows(*inputs, table_size, readonly(room), indices, dists, kept, tally, problem)
    total = tally.sum(axis=0)
    wrong = np.flatnonzero(problem[:, 0])
    if len(wrong):
        code, row, position = (int(value) for value in problem[wrong[0]])
        if code == kernels.NEGATIVE:  # inner products are both: say what they are rather than what is wrong with one
            refuse_falling(form.is_array, before + total)
        place = form.entry(block.first_row + row, position)
        checks.raise_problem(code, place, rules.n_columns, form.index_dtype)
    if kept.sum() < room[-1]:
        kernels.close_gaps(readonly(room), readonly(kept), indices, dists)
    return kept, total


def _table_size(longest: int) -> int:
    """Power of 2: sixteen times the longest row, so that few look-ups collide; twice for rows beyond a cache's size."""
    return 2 ** max(2 * longest, min(16 * longest, 4096)).bit_length()


def refuse_falling(is_array: bool, tally: np.ndarray) -> None:
    """Raise if most rows' values fall: similarities, where distances are needed."""
    falling, ordered = int(tally[kernels.FALLING]), int(tally[kernels.ORDERED])
    if is_array and 2 * falling > ordered:
        checks.raise_falling(falling, ordered)
