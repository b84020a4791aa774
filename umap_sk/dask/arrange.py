"""The levels in the optimizer's order, as blocks of rows that receive their edges from all pieces."""

import itertools
from typing import NamedTuple

import numpy as np
from distributed import Future

from umap_sk.dask import rows
from umap_sk.dask.cluster import Cluster, choose_worker, submit, submit_in_rounds
from umap_sk.dask.graph import choose_bounds, send_pieces
from umap_sk.dask.levels import LevelInPieces, Levels, Piece, join_level
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
from umap_sk.runtime.compile import as_readonly


class Hierarchy(NamedTuple):
    """All levels in the optimizer's order, and the coarsest one in its own order.

    Levels in pieces have no edges here, except the coarsest one.
    """

    levels: tuple[ArrangedLevel, ...]
    coarsest: Coarsest


class Blocks(NamedTuple):
    """A level's rows in the optimizer's order, with their edges."""

    groups: list[list[Future]]  # the blocks of each worker
    bounds: list[int]  # first row of each group, and the number of rows


def arrange(cluster: Cluster, levels: Levels, seed: int) -> tuple[Future, list[Blocks]]:
    """Build the hierarchy of levels, and divide levels in pieces into blocks of rows."""
    vectors = [level.vectors for level in levels.in_pieces]
    last = levels.in_pieces[-1]
    arguments = vectors, levels.on_one_worker, levels.lengths, last.pieces, last.scale, seed
    hierarchy = submit(cluster, "arrange", _build_hierarchy, *arguments, all_threads=True)
    return hierarchy, [_build_blocks(cluster, hierarchy, depth, level) for depth, level in enumerate(levels.in_pieces)]


def _build_hierarchy(
    vectors: list[Level],
    on_one_worker: list[Level],
    lengths: EdgeLengths | None,
    pieces: list[Piece],
    scale: float,
    seed: int,
) -> Hierarchy:
    """Build all levels in the optimizer's order. Only levels on this worker have edges."""
    coarsest = on_one_worker[-1] if on_one_worker else join_level(vectors[-1], pieces, scale)
    levels = [*vectors, *on_one_worker][:-1] + [coarsest]
    orders = find_orders(levels, seed)
    arranged: list[ArrangedLevel] = []
    for depth, level in enumerate(levels):
        order, rank = orders[depth], invert_order(orders[depth])
        arranged_level = arrange_vectors(levels, orders, rank, depth)
        is_here = depth >= len(vectors) or level is coarsest
        arranged.append(attach_slices(arranged_level, make_slices([level], order, rank)) if is_here else arranged_level)
    return Hierarchy(attach_row_owners(arranged), Coarsest(coarsest, lengths))


def _build_blocks(cluster: Cluster, hierarchy: Future, depth: int, level: LevelInPieces) -> Blocks:
    """Build the blocks of rows of a level, each from the rows of all pieces."""
    bounds = choose_bounds(cluster, level.n_vertices)
    parts = len(bounds) - 1
    rank = submit(cluster, "arrange", _compute_rank, hierarchy, depth)

    def submit_block(part: int, worker: str) -> Future:
        request = submit(cluster, "arrange", _request_rows, hierarchy, depth, level.bounds, *bounds[part : part + 2])
        selected = send_pieces(cluster, _select_rows, level.pieces, request)
        arguments = request, selected, rank, level.scale, level.n_vertices
        return submit(cluster, "lay_out", _build_block, *arguments, worker=worker)

    groups: dict[str, list[Future]] = {}
    starts: dict[str, int] = {}
    for part, block in enumerate(submit_in_rounds(cluster, parts, submit_block)):
        worker = choose_worker(cluster, part, parts)
        groups.setdefault(worker, []).append(block)
        starts.setdefault(worker, bounds[part])
    return Blocks(list(groups.values()), [*starts.values(), level.n_vertices])


class RequestedRows(NamedTuple):
    """The rows that a block requests from the pieces, in its own order, and its vectors."""

    first_row: int
    numbers: np.ndarray
    bounds: np.ndarray
    degree: np.ndarray
    mass: np.ndarray
    row_owner: np.ndarray


def _compute_rank(hierarchy: Hierarchy, depth: int) -> np.ndarray:
    return invert_order(hierarchy.levels[depth].order)


def _request_rows(hierarchy: Hierarchy, depth: int, bounds: list[int], first: int, last: int) -> RequestedRows:
    level = hierarchy.levels[depth]
    mass = level.mass if depth else level.mass[:0]  # all 1
    return RequestedRows(
        first, level.order[first:last], np.array(bounds), level.degree[first:last], mass, level.row_owner
    )


def _select_rows(piece: rows.Piece, request: RequestedRows) -> FuzzyGraph:
    """Select the rows of a piece that a block requests, in the block's order."""
    numbers = request.numbers
    is_here = (numbers >= piece.first_row) & (numbers < piece.first_row + piece.n_rows)
    return rows.select_rows(piece, numbers[is_here])


def _build_block(
    request: RequestedRows, selected: list[list[FuzzyGraph]], rank: np.ndarray, scale: float, n_vertices: int
) -> ArrangedLevel:
    """Build a block of rows in slices from the rows of all pieces."""
    indptr, indices, weights = rows.stack_rows(list(itertools.chain(*selected)), rows.get_worker_allocator())
    piece = np.searchsorted(request.bounds, request.numbers, "right")
    order = invert_order(np.argsort(piece, kind="stable")).astype(rank.dtype)
    starts = find_slice_starts(indptr, order)
    slices = Slices(starts, np.empty(starts[-1], indices.dtype), np.empty(starts[-1], np.float32))
    row_order = as_readonly(indptr), order, as_readonly(starts)
    lay_out_values(row_order, indices, rank, slices.indices, request.first_row)
    lay_out_values(row_order, weights, rank[:0], slices.weights, request.first_row)
    if scale != 1:
        np.multiply(slices.weights, np.float32(scale), out=slices.weights)
    mass = request.mass if len(request.mass) else np.broadcast_to(np.float32(1), n_vertices)
    block = ArrangedLevel(NO_SLICES, order[:0], request.degree, mass, order[:0], request.row_owner)
    return attach_slices(block._replace(first_row=request.first_row), slices)
