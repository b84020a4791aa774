"""Selection of the nearest neighbors of each row from the blocks of a form."""

from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.neighbors import validate as checks
from umap_sk.neighbors.formats import Block, Form
from umap_sk.runtime.allocation import Allocate, allocate_in_memory, shorten
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.side_by_side import compute_prefix_sums, map_in_order
from umap_sk.runtime.threads import FEW_ROWS

FEW_ENTRIES = 2**17  # entries up to which numpy selects neighbors that need no correction
MAX_NEGATIVE = 1e-6  # relative to the largest distance of a row: smaller negative values become 0

NO_PROBLEM = np.zeros(3, np.int64)

# The treatment of entries that name their own row.
NO_SELF, DROP_SELF, ZERO_SELF = "a neighbor like any other", "dropped", "kept at distance 0"


class NeighborCounts(NamedTuple):
    """Numbers of entries that were kept, and that were dropped or corrected for each reason."""

    rows: int
    edges: int  # kept neighbors
    sentinels: int  # missing entries
    self_entries: int  # entries that name their own row
    duplicates: int  # entries that repeat a neighbor of their row
    clipped: int  # distances that rounding left below 0, which became 0
    cut_by_distance: int  # entries at `disconnection_distance` or farther
    short_rows: int  # rows with fewer neighbors than wanted
    empty_rows: int  # rows without any


class SelectionRules(NamedTuple):
    """Rules for selecting neighbors: at most `wanted` per row, closer than `cut`, rows numbered from `first_row`."""

    n_columns: int
    wanted: int
    self_entry: str
    cut: float
    index_dtype: type
    dist_dtype: type
    first_row: int = 0


class Outputs(NamedTuple):
    """Arrays to write the neighbors of a block to, without gaps, and how many each row keeps."""

    indices: np.ndarray
    dists: np.ndarray
    kept: np.ndarray


class Findings(NamedTuple):
    """The counts of a block, and the code, row and entry of its first problem."""

    tally: np.ndarray
    problem: np.ndarray


class NeighborRows(NamedTuple):
    """Rows of neighbors without gaps, and the counts of the kernel."""

    indptr: np.ndarray
    indices: np.ndarray
    distances: np.ndarray
    tally: np.ndarray


def gather_neighbors(
    form: Form, rules: SelectionRules, allocate: Allocate = allocate_in_memory
) -> tuple[np.ndarray, np.ndarray, np.ndarray, NeighborCounts]:
    """Read all blocks and return the rows of neighbors without gaps, and their counts."""
    read = gather_rows(form, rules, allocate)
    check_not_similarities(form.is_array, read.tally)
    return *read[:3], make_counts(form.shape[0], read.tally)


def gather_rows(form: Form, rules: SelectionRules, allocate: Allocate = allocate_in_memory) -> NeighborRows:
    """Read all blocks without checking for similarities, since a part of the rows cannot decide this."""
    blocks = list(form.split())
    starts = compute_prefix_sums(
        np.array([form.max_entries(rules.wanted, *rows) for rows in blocks], np.int64)
    ).tolist()
    indptr = np.zeros(form.shape[0] + 1, np.int64)
    indices = allocate("neighbor_indices", starts[-1], rules.index_dtype)
    dists = allocate("neighbor_distances", starts[-1], rules.dist_dtype)
    is_small = form.shape[0] <= FEW_ROWS and form.shape[0] * form.max_length <= FEW_ENTRIES
    by_numpy = is_small and rules.self_entry != ZERO_SELF

    def select(number: int) -> Findings:
        (first, last), room = blocks[number], slice(starts[number], starts[number + 1])
        block, out = form.read(first, last), Outputs(indices[room], dists[room], indptr[first + 1 : last + 1])
        findings = select_regular_rows(form, rules, block, out) if by_numpy else None
        return findings or _select_rows(form, rules, block, out)

    tally = np.zeros(kernels.TALLIES, np.int64)
    to = 0
    for number, findings in enumerate(map_in_order(select, range(len(blocks)))):
        tally += findings.tally
        _raise_problem(form, rules, blocks[number][0], findings.problem, tally)
        count = int(findings.tally[kernels.KEPT])
        if to < starts[number]:  # rows of earlier blocks were short
            source = slice(starts[number], starts[number] + count)
            indices[to : to + count], dists[to : to + count] = indices[source], dists[source]
        to += count
    np.cumsum(indptr, out=indptr)
    return NeighborRows(indptr, shorten(indices, to), shorten(dists, to), tally)


def make_counts(rows: int, tally: np.ndarray) -> NeighborCounts:
    """Return the counts of a kernel by their names."""
    return NeighborCounts(
        rows=rows,
        edges=int(tally[kernels.KEPT]),
        sentinels=int(tally[kernels.SENTINELS]),
        self_entries=int(tally[kernels.SELF_ENTRIES]),
        duplicates=int(tally[kernels.DUPLICATES]),
        clipped=int(tally[kernels.CLIPPED]),
        cut_by_distance=int(tally[kernels.CUT]),
        short_rows=int(tally[kernels.SHORT]),
        empty_rows=int(tally[kernels.EMPTY]),
    )


def locate_entries(indptr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of each entry, and its position in that row."""
    owners = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return owners, np.arange(len(owners)) - indptr[owners]


def select_regular_rows(form: Form, rules: SelectionRules, block: Block, out: Outputs) -> Findings | None:
    """Select the neighbors of a block by numpy, so that nothing has to be compiled, with the result of the kernel.

    Returns None if an entry is missing, invalid or repeated, or might be cut, or if the distances of an array's row
    decrease somewhere. The kernel corrects, counts and reports these.
    """
    owners, places = locate_entries(block.starts)
    names = block.indices[block.index_starts[owners] + places]
    is_own = (names == rules.first_row + block.first_row + owners) & (rules.self_entry != NO_SELF)
    missing, largest = form.sentinels
    is_valid = (names >= 0) & (names < rules.n_columns) & (names != missing) & (names != largest)
    is_near = (block.dists >= 0) & (block.dists <= np.finfo(rules.dist_dtype).max) & (block.dists < rules.cut)
    if not (is_valid & (is_near | is_own)).all():
        return None
    owners, names, lengths = owners[~is_own], names[~is_own], block.dists[~is_own] + 0.0  # turns -0.0 into 0.0
    falls = (owners[1:] == owners[:-1]) & (lengths[1:] < lengths[:-1])
    is_repeated = np.diff(np.sort(owners * rules.n_columns + names)) == 0
    if (form.is_array and falls.any()) or is_repeated.any():
        return None
    order = np.lexsort((names, lengths, owners))
    counts = np.bincount(owners, minlength=len(block.starts) - 1)
    _, places = locate_entries(np.concatenate([[0], np.cumsum(counts)]))
    order = order[places < rules.wanted]
    out.indices[: len(order)], out.dists[: len(order)] = names[order], lengths[order]
    np.minimum(counts, rules.wanted, out=out.kept)
    tally = np.zeros(kernels.TALLIES, np.int64)
    tally[kernels.SELF_ENTRIES], tally[kernels.ORDERED] = is_own.sum(), np.count_nonzero(counts >= 3)
    tally[kernels.SHORT], tally[kernels.EMPTY] = np.sum(out.kept < rules.wanted), np.sum(out.kept == 0)
    tally[kernels.KEPT] = len(order)
    return Findings(tally, NO_PROBLEM)


def _select_rows(form: Form, rules: SelectionRules, block: Block, out: Outputs) -> Findings:
    """Write the neighbors of a block to `out`."""
    findings = Findings(np.zeros(kernels.TALLIES, np.int64), np.zeros(3, np.int64))
    first_row = -(2**62) if rules.self_entry == NO_SELF else rules.first_row + block.first_row
    whole = [*form.sentinels, rules.n_columns, first_row, rules.self_entry == ZERO_SELF, rules.wanted]
    rounding = max(MAX_NEGATIVE, 32 * np.finfo(form.dist_dtype).eps) if form.dist_dtype.kind == "f" else MAX_NEGATIVE
    real = [rules.cut, np.finfo(rules.dist_dtype).max, rounding]
    limits = as_readonly(np.array(whole, np.int64)), as_readonly(np.array(real))
    kernels.nearest_rows(*block[1:], *limits, form.may_repeat, *out, *findings)
    return findings


def _raise_problem(form: Form, rules: SelectionRules, first_row: int, problem: np.ndarray, tally: np.ndarray) -> None:
    """Raise the error for the first problem of a block, if there is one. `tally` includes all blocks up to it."""
    code, row, position = problem.tolist()
    if code == 0:
        return
    if code == kernels.NEGATIVE:  # inner products are negative and decreasing: report similarities
        check_not_similarities(form.is_array, tally)
    place = form.entry(first_row + row, position)
    checks.raise_bad_entry(code, place, rules.n_columns, form.index_dtype)


def check_not_similarities(is_array: bool, tally: np.ndarray) -> None:
    """Raise an error if the values of most rows decrease, as similarities do."""
    falling, ordered = int(tally[kernels.FALLING]), int(tally[kernels.ORDERED])
    if is_array and 2 * falling > ordered:
        raise ValueError(
            f"knn_dists falls along {falling} of {ordered} rows, as similarities do. {checks.SIMILARITIES} If they are "
            "distances, farthest first, turn both arrays round: knn_indices[:, ::-1], knn_dists[:, ::-1]."
        )
