"""Levels in the order of the optimizer, with their edges in slices (SELL-C-sigma).

Neighbors are close in memory, and the edges of the 16 rows of a slice are interleaved.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.shared import SharedGraph, SlicedArray
from umap_sk.layout import few_rows
from umap_sk.layout.coarsen import Level, coarsen_while
from umap_sk.neighbors.rows import locate_entries
from umap_sk.runtime.allocation import Allocate, allocate_in_memory, release_free_memory
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.side_by_side import compute_prefix_sums, map_blocks, put_rows, take_rows
from umap_sk.runtime.threads import FEW_ROWS

JITTER = 0.01  # of prolonged positions, in units of the embedding
MAX_TOP_VERTICES = 300  # of the last level that groups vertices only for their order


class Slices(NamedTuple):
    """A weighted graph in slices of 16 rows, which begin with the first edges of all rows.

    Rows that are shorter than the longest of their slice end with edges to themselves, whose weight is 0.
    """

    starts: np.ndarray  # int64 index of the first edge of each slice
    indices: np.ndarray  # int32 or uint32
    weights: np.ndarray  # float32, scaled


NO_SLICES = Slices(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


class ArrangedLevel(NamedTuple):
    """A level in the optimizer's order. Degrees, masses and owners are those of a `Level`."""

    slices: Slices
    order: np.ndarray  # index of each vertex in the `Level`
    degree: np.ndarray
    mass: np.ndarray
    owner: np.ndarray
    row_owner: np.ndarray  # the vertex here of each row of the finest level; empty on the finest
    inside: np.ndarray = np.empty(0, np.float32)  # weight within each vertex, a part of its degree; empty on the finest
    parts: np.ndarray = np.empty((0, 2), np.int64)  # slice and number of each part of the wide slices
    first_row: int = 0  # of slices, degrees and `inside`, if they belong to some rows only

    @property
    def n_vertices(self) -> int:
        """Number of vertices of this level."""
        return len(self.mass)

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read-only views of starts, indices (as uint32) and weights for the kernels."""
        starts, indices, weights = self.slices
        return as_readonly(starts), as_readonly(indices.view(np.uint32)), as_readonly(weights)


def arrange(
    levels: Sequence[Level], seed: int, allocate: Allocate = allocate_in_memory, shared: SharedGraph | None = None
) -> tuple[ArrangedLevel, ...]:
    """Return levels in the optimizer's order, with their edges in slices."""
    orders = find_orders(levels, seed)
    rest = levels if isinstance(levels, list) else list(levels)
    arranged: list[ArrangedLevel] = []
    for depth in range(len(orders) - 1, -1, -1):
        rank = invert_order(orders[depth])
        vectors = arrange_vectors(rest, orders, rank, depth)
        if depth == 0 and len(orders) > 1:
            release_free_memory(8 * len(rest[0].indices))
        slices = make_slices(
            rest, orders[depth], rank, allocate_in_memory if depth else allocate, None if depth else shared
        )
        arranged.append(attach_slices(vectors, slices))
    return attach_row_owners(arranged[::-1])


def attach_slices(level: ArrangedLevel, slices: Slices) -> ArrangedLevel:
    """Return a level, or some of its rows, with its edges."""
    level = level._replace(slices=slices, parts=find_parts(slices.starts))
    if len(level.row_owner) == 0:
        return level
    outside = np.empty_like(level.degree)
    kernels.slice_sums(level.edges[0], level.edges[2], outside)
    return level._replace(inside=np.maximum(level.degree - outside, np.float32(0)))


def find_parts(starts: np.ndarray) -> np.ndarray:
    """Return the slice and the number of each part of the slices that are wider than PART_WIDTH."""
    widths = np.diff(starts) // kernels.SLICE
    wide = np.flatnonzero(widths > kernels.PART_WIDTH)
    numbers = [np.arange(-(-width // kernels.PART_WIDTH)) for width in widths[wide]]
    slices = np.repeat(wide, [len(parts) for parts in numbers])
    return np.stack([slices, np.concatenate([slices[:0], *numbers])], axis=1)


def attach_row_owners(levels: Sequence[ArrangedLevel]) -> tuple[ArrangedLevel, ...]:
    """Return levels, finest first, with the owners of the finest level's rows."""
    found = list(levels)
    for depth in range(2, len(found)):
        owners = take_rows(found[depth].owner, found[depth - 1].row_owner)
        found[depth] = found[depth]._replace(row_owner=owners)
    return tuple(found)


def arrange_vectors(levels: Sequence[Level], orders: list[np.ndarray], rank: np.ndarray, depth: int) -> ArrangedLevel:
    """Return a level in its order, without edges and owners of rows. `rank` is the inverse of the order."""
    level, order = levels[depth], orders[depth]
    owner = take_rows(rank, take_rows(level.owner, orders[depth - 1])) if depth else order[:0]
    mass = take_rows(level.mass, order) if depth else level.mass
    return ArrangedLevel(NO_SLICES, order, take_rows(level.degree, order), mass, owner, owner)


def find_orders(levels: Sequence[Level], seed: int) -> list[np.ndarray]:
    """Return the order of the vertices of each level.

    The vertices of a group are adjacent, and so are the groups of a group. Most neighbors are therefore close in
    memory, whatever the order of the data. Longer rows come first within blocks of 1,024, so that the rows of a slice
    have similar lengths.
    """
    tower = list(levels)
    if len(levels) > 1:
        tower[-1:] = coarsen_while(lambda n, _: n > MAX_TOP_VERTICES, tower[-1], seed, len(tower) - 1)
    order = np.arange(tower[-1].n_vertices, dtype=tower[-1].indices.dtype)
    orders: list[np.ndarray] = []
    for depth in range(len(tower) - 1, -1, -1):
        if depth < len(tower) - 1:
            order = sort_members(take_rows(invert_order(order), tower[depth + 1].owner), tower[depth + 1].n_vertices)
        if depth < len(levels):
            few = len(order) <= FEW_ROWS
            longest_first = few_rows.longest_first if few else kernels.longest_first
            longest_first(as_readonly(levels[depth].indptr), order)
            orders.append(order)
    return orders[::-1]


def sort_members(group: np.ndarray, size: int) -> np.ndarray:
    """Sort vertices by group. The vertices of a group keep their order."""
    starts = compute_prefix_sums(np.bincount(group, minlength=size))
    members = np.empty_like(group)
    kernels.group_members(group, starts, members)
    return members


def locate_edges(starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row and the index of each edge of some rows in slices, with the edges that fill short rows."""
    counts = np.diff(starts)[rows // kernels.SLICE] // kernels.SLICE
    owners, places = locate_entries(compute_prefix_sums(counts))
    owners = rows[owners]
    return owners, starts[owners // kernels.SLICE] + owners % kernels.SLICE + kernels.SLICE * places


def choose_stride(n_rows: int, count: int) -> int:
    """Return the odd stride of about `count` sampled rows. It is odd because blocks begin with their longest rows."""
    return max(1, n_rows // count) - 1 | 1


def invert_order(order: np.ndarray) -> np.ndarray:
    """Return the position of each vertex in an order."""
    rank = np.empty_like(order)
    put_rows(np.arange(len(order), dtype=order.dtype), order, rank)
    return rank


def make_slices(
    levels: list[Level],
    order: np.ndarray,
    rank: np.ndarray,
    allocate: Allocate = allocate_in_memory,
    shared: SharedGraph | None = None,
) -> Slices:
    """Remove the last level of a list, and return its edges in slices."""
    indptr, indices, weights, scale = levels.pop()[:4]
    starts = find_slice_starts(indptr, order)
    slices = Slices(
        starts,
        allocate("slice_indices", int(starts[-1]), indices.dtype),
        allocate("slice_weights", int(starts[-1]), np.float32),
    )
    rows = as_readonly(indptr), order, as_readonly(starts)
    lay_out_values(rows, indices, rank, slices.indices)
    del indices
    if shared and scale == 1:
        shared.release("indices", SlicedArray(order, starts, slices.indices))
    lay_out_values(rows, weights, rank[:0], slices.weights)
    del weights
    if scale == 1:
        if shared:
            shared.release("weights", SlicedArray(order, starts, slices.weights))
    else:
        np.multiply(slices.weights, np.float32(scale), out=slices.weights)
    return slices


def find_slice_starts(indptr: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the first index of each slice and the end of the last. A slice is as wide as its longest row."""

    def longest(block: slice) -> np.ndarray:
        rows = order[block]
        lengths = indptr[1:].take(rows) - indptr[:-1].take(rows)
        return np.maximum.reduceat(lengths, np.arange(0, len(rows), kernels.SLICE))

    return compute_prefix_sums(np.concatenate(map_blocks(longest, len(order))) * kernels.SLICE)


def lay_out_values(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
    values: np.ndarray,
    names: np.ndarray,
    out: np.ndarray,
    first_row: int = 0,
) -> None:
    """Store the values of the rows from `first_row` on in slices. `rows` are their indptr, order and slice starts."""
    indptr, order, starts = rows
    fill_slices = few_rows.fill_slices if len(order) <= FEW_ROWS else kernels.fill_slices
    bits = as_readonly(values.view(np.uint32))
    fill_slices(indptr, bits, names.view(np.uint32), order, first_row, starts, out.view(np.uint32))


def average_groups(level: ArrangedLevel, finer_mass: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the positions of a level's vertices: the means of their members, weighted by mass."""
    sums = (np.bincount(level.owner, finer_mass * column, level.n_vertices) for column in positions.T)
    return np.stack([(column / level.mass).astype(np.float32) for column in sums], axis=1)


def smooth(level: ArrangedLevel, positions: np.ndarray, share: float) -> np.ndarray:
    """Move each vertex of the level's rows by `share` of the way to the weighted mean of its neighbors.

    Edges within a vertex count as edges to itself.
    """
    out = np.empty((len(level.degree), positions.shape[1]), np.float32)
    smooth_rows = few_rows.smooth if len(out) <= FEW_ROWS else kernels.smooth
    smooth_rows(
        as_readonly(positions), level.first_row, out, *level.edges, as_readonly(level.inside), np.float32(share)
    )
    return out


def prolong(levels: tuple[ArrangedLevel, ...], depth: int, positions: np.ndarray) -> np.ndarray:
    """Return positions on the next finer level: half the owner, half the mean of the neighbors' owners, and jitter."""
    positions = smooth(levels[depth - 1], take_rows(positions, levels[depth].owner), 0.5)
    kernels.jitter(positions, 0, np.float32(JITTER))
    return positions


def sum_wide_slices(
    level: ArrangedLevel, positions: np.ndarray, places: np.ndarray, settings: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the parts of wide slices, and compute their pulls and curvatures."""
    pulls, curvatures = np.zeros((2, len(level.parts), kernels.SLICE, positions.shape[1]), np.float32)
    sums = level.parts, pulls, curvatures
    if len(level.parts):
        rows = level.first_row, len(level.degree)
        kernels.attract_parts(*rows, positions, places, *level.edges, sums, settings)
    return sums
