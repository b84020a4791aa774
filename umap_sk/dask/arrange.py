"""Levels in the optimizer's order: blocks of rows get their edges from all pieces, and stay where they are."""

from typing import Any, NamedTuple

import numpy as np
from distributed import Future

from umap_sk.dask import rows
from umap_sk.dask.cluster import Cluster, by_rounds, home, submit
from umap_sk.dask.graph import bounds_of, each
from umap_sk.dask.levels import LevelInPieces, Levels, whole
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.layout.coarsen import Level
from umap_sk.layout.edge_lengths import EdgeLengths
from umap_sk.layout.problem import Coarsest
from umap_sk.layout.sell import (
    NO_SLICES,
    ArrangedLevel,
    Slices,
    arrange_vectors,
    attach_row_owners,
    attach_slices,
    find_orders,
    find_slice_starts,
    invert_order,
    lay_out_values,
    make_slices,
)
from umap_sk.runtime.compile import readonly


class Tower(NamedTuple):
    """All levels in the optimizer's order, those in pieces without their edges, and the coarsest in its own."""

    levels: tuple[ArrangedLevel, ...]
    coarsest: Coarsest


class Blocks(NamedTuple):
    """A level's rows in the optimizer's order, with their edges.

    Attributes
    ----------
    groups : list of list of Future
        For every worker, the blocks that are its.
    bounds : list of int
        Where each group begins, and the number of rows.
    """

    groups: list[list[Future]]
    bounds: list[int]


def arrange(cluster: Cluster, levels: Levels, seed: int) -> tuple[Future, list[Blocks]]:
    """The tower of levels, and blocks of rows of those in pieces; the coarsest is gathered in any case."""
    vectors = [level.vectors for level in levels.in_pieces]
    last = levels.in_pieces[-1]
    found = vectors, levels.alone, levels.lengths
    tower = submit(cluster, "arrange", _tower, *found, last.pieces, last.scale, seed, wide=True)
    return tower, [_blocks(cluster, tower, depth, level) for depth, level in enumerate(levels.in_pieces)]


def _tower(
    vectors: list[Level], alone: list[Level], lengths: EdgeLengths | None, pieces: list[Any], scale: float, seed: int
) -> Tower:
    """Every level's order and what is known of its vertices, with edges where they are here."""
    coarsest = alone[-1] if alone else whole(vectors[-1], pieces, scale)
    levels = [*vectors, *alone][:-1] + [coarsest]
    orders = find_orders(levels, seed)
    arranged: list[ArrangedLevel] = []
    for depth, level in enumerate(levels):
        order, rank = orders[depth], invert_order(orders[depth])
        made = arrange_vectors(levels, orders, rank, depth)
        here = depth >= len(vectors) or level is coarsest
        arranged.append(attach_slices(made, make_slices([level], order, rank)) if here else made)
    return Tower(attach_row_owners(arranged), Coarsest(coarsest, lengths))


def _blocks(cluster: Cluster, tower: Future, depth: int, level: LevelInPieces) -> Blocks:
    """Blocks of rows of a level: each takes its rows from all pieces."""
    bounds = bounds_of(cluster, level.n_vertices)
    parts = len(bounds) - 1
    rank = submit(cluster, "arrange", _rank, tower, depth)

    def laid_out(part: int, at: str) -> Future:
        wanted = submit(cluster, "arrange", _wanted, tower, depth, level.bounds, *bounds[part : part + 2])
        taken = each(cluster, "send", _taken, level.pieces, wanted)
        return submit(cluster, "lay_out", _laid_out, wanted, taken, rank, level.scale, level.n_vertices, at=at)

    groups: dict[str, list[Future]] = {}
    starts: dict[str, int] = {}
    for part, block in enumerate(by_rounds(cluster, parts, laid_out)):
        at = home(cluster, part, parts)
        groups.setdefault(at, []).append(block)
        starts.setdefault(at, bounds[part])
    return Blocks(list(groups.values()), [*starts.values(), level.n_vertices])


class Wanted(NamedTuple):
    """Rows of a block, in its order: their numbers in the graph, the piece that each is in, and what a block has."""

    first_row: int
    numbers: np.ndarray
    bounds: np.ndarray
    degree: np.ndarray
    mass: np.ndarray
    row_owner: np.ndarray


def _rank(tower: Tower, depth: int) -> np.ndarray:
    return invert_order(tower.levels[depth].order)


def _wanted(tower: Tower, depth: int, bounds: list[int], first: int, last: int) -> Wanted:
    level = tower.levels[depth]
    mass = level.mass if depth else level.mass[:0]  # all 1
    return Wanted(first, level.order[first:last], np.array(bounds), level.degree[first:last], mass, level.row_owner)


def _taken(piece: rows.Piece, wanted: Wanted) -> FuzzyGraph:
    """The rows of a piece that a block wants, in the block's order."""
    numbers = wanted.numbers
    here = (numbers >= piece.first_row) & (numbers < piece.first_row + piece.n_rows)
    return rows.rows_of(piece, numbers[here])


def _laid_out(
    wanted: Wanted, taken: list[FuzzyGraph], rank: np.ndarray, scale: float, n_vertices: int
) -> ArrangedLevel:
    """A block of rows in slices, from what the pieces have given."""
    indptr, indices, weights = rows.joined(taken, rows.beside_worker())
    piece = np.searchsorted(wanted.bounds, wanted.numbers, "right")
    order = invert_order(np.argsort(piece, kind="stable")).astype(rank.dtype)
    starts = find_slice_starts(indptr, order)
    slices = Slices(starts, np.empty(starts[-1], indices.dtype), np.empty(starts[-1], np.float32))
    taken_rows = readonly(indptr), order, readonly(starts)
    lay_out_values(taken_rows, indices, rank, slices.indices, wanted.first_row)
    lay_out_values(taken_rows, weights, rank[:0], slices.weights, wanted.first_row)
    if scale != 1:
        np.multiply(slices.weights, np.float32(scale), out=slices.weights)
    mass = wanted.mass if len(wanted.mass) else np.broadcast_to(np.float32(1), n_vertices)
    block = ArrangedLevel(NO_SLICES, order[:0], wanted.degree, mass, order[:0], wanted.row_owner)
    return attach_slices(block._replace(first_row=wanted.first_row), slices)
