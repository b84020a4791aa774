"""The coarse levels of a graph in pieces, which equal those in memory. Small levels are gathered on one worker."""

import itertools
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from distributed import Future

from umap_sk import kernels
from umap_sk.dask import rows
from umap_sk.dask.cluster import Cluster, gather, submit, submit_in_rounds
from umap_sk.dask.graph import GraphInPieces, map_pieces, send_pieces
from umap_sk.dask.rows import Piece, PieceSummary
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.layout import coarsen
from umap_sk.layout.coarsen import MAX_KEPT_SHARE, MAX_LUBY_ROUNDS, MIN_COARSE_WEIGHT, Level, Merging
from umap_sk.layout.edge_lengths import ZERO_LENGTH, EdgeLengths, coarsen_to_last_level, compute_end_lengths
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.side_by_side import compute_prefix_sums

SINGLE_WORKER_VERTICES = 200_000  # largest number of vertices of a level on a single worker


class LengthsInPieces(NamedTuple):
    """The edges of a level with lengths; see :class:`umap_sk.layout.edge_lengths.EdgeLengths`."""

    pieces: list[Future]  # rows of edges, whose weights are lengths without the ends; not used on the finest level
    ends: Future | None  # length that each vertex of the finest level adds to its edges


class LevelInPieces(NamedTuple):
    """A level in pieces of rows."""

    pieces: list[Future]
    bounds: list[int]  # first row of each piece, and the number of vertices
    vectors: Future  # the level without its edges: vectors of all vertices, and bounds of the rows
    scale: float  # as in umap_sk.layout.coarsen.Level
    lengths: LengthsInPieces | None  # the edges with lengths, if they are needed

    @property
    def n_vertices(self) -> int:
        """Number of vertices of this level."""
        return self.bounds[-1]


class Levels(NamedTuple):
    """The levels in pieces, followed by the coarser ones on a single worker, and lengths of the coarsest edges."""

    in_pieces: list[LevelInPieces]
    on_one_worker: Future
    lengths: Future | None


def build_levels(
    cluster: Cluster, graph: GraphInPieces, scale: float, n_components: int, seed: int, *, with_lengths: bool
) -> Levels:
    """Coarsen a graph in pieces until a level is small, and continue on one worker."""
    degrees = map_pieces(cluster, "degree", _compute_degrees, graph.pieces, scale)
    vectors = submit(cluster, "degree", _make_finest_vectors, graph.summaries, degrees)
    lengths = None
    if with_lengths:
        lengths = LengthsInPieces(graph.pieces, submit(cluster, "lengths", _compute_ends, graph.lengths))
    levels = [LevelInPieces(graph.pieces, graph.bounds, vectors, scale, lengths)]
    while coarsen.needs_coarsening(levels[-1].n_vertices, len(levels) - 1, n_components=n_components):
        coarse = coarsen_pieces(cluster, levels[-1], seed, len(levels) - 1)
        if coarse is None:
            break
        if coarse.n_vertices <= SINGLE_WORKER_VERTICES:
            joined = submit(cluster, "coarsen", join_level, coarse.vectors, coarse.pieces, coarse.scale)
            start = coarsen.needs_coarsening, joined, seed, len(levels)
            coarser = submit(cluster, "coarsen", coarsen.coarsen_while, *start, all_threads=True)
            return Levels(levels, coarser, gather_lengths(cluster, coarse, coarser))
        levels.append(coarse)
    return Levels(levels, submit(cluster, "coarsen", list), gather_lengths(cluster, levels[-1]))


def gather_lengths(cluster: Cluster, level: LevelInPieces, coarser: Future | None = None) -> Future | None:
    """Gather the lengths of a level's edges on one worker, or compute those of the last of the `coarser` levels."""
    if level.lengths is None:
        return None
    lengths = submit(cluster, "lengths", _join_lengths, *level.lengths, level.n_vertices)
    return submit(cluster, "lengths", coarsen_to_last_level, coarser, lengths, all_threads=True) if coarser else lengths


def coarsen_pieces(cluster: Cluster, level: LevelInPieces, seed: int, depth: int) -> LevelInPieces | None:
    """Coarsen a level in pieces as :func:`umap_sk.layout.coarsen.coarsen` does in memory."""
    state = find_independent_set(cluster, level, seed, depth)
    numbers = submit(cluster, "aggregate", _number_members, state, level.vectors)
    size = int(gather(cluster, submit(cluster, "aggregate", itemgetter(-1), numbers)))
    if size > MAX_KEPT_SHARE * level.n_vertices:
        return None
    owners = map_pieces(cluster, "aggregate", _find_owners, level.pieces, state, numbers)
    owner = submit(cluster, "aggregate", np.concatenate, owners)
    parts = min(len(level.pieces), size)
    bounds = [size * part // parts for part in range(parts + 1)]

    def submit_part(part: int, worker: str) -> Future:
        span = bounds[part : part + 2]
        members = send_pieces(cluster, _select_members, level.pieces, owner, *span)
        return submit(cluster, "coarsen", _merge_rows, members, owner, *span, level.scale, worker=worker)

    pieces = submit_in_rounds(cluster, parts, submit_part)
    summaries = map_pieces(cluster, "describe", _compute_row_lengths, pieces)
    root = submit(cluster, "aggregate", _find_roots, state, level.vectors)
    vectors = submit(cluster, "coarsen", _make_coarse_vectors, summaries, level.vectors, owner, root, size)
    lengths = coarsen_lengths(cluster, level.lengths, owner, root, bounds) if level.lengths else None
    return LevelInPieces(pieces, bounds, vectors, 1.0, lengths)


def coarsen_lengths(
    cluster: Cluster, lengths: LengthsInPieces, owner: Future, root: Future, bounds: list[int]
) -> LengthsInPieces:
    """Coarsen lengths in pieces as :func:`umap_sk.layout.edge_lengths.coarsen_lengths` does in memory."""
    parts = map_pieces(cluster, "lengths", _find_paths_to_roots, lengths.pieces, owner, root, lengths.ends)
    paths = submit(cluster, "lengths", np.concatenate, parts)

    def submit_part(part: int, worker: str) -> Future:
        span = bounds[part : part + 2]
        members = send_pieces(cluster, _select_members, lengths.pieces, owner, *span)
        arguments = members, owner, *span, paths, lengths.ends is not None
        return submit(cluster, "lengths", _merge_lengths, *arguments, worker=worker)

    return LengthsInPieces(submit_in_rounds(cluster, len(bounds) - 1, submit_part), None)


def find_independent_set(cluster: Cluster, level: LevelInPieces, seed: int, depth: int) -> Future:
    """Find the set of :func:`umap_sk.layout.coarsen.find_independent_set`. The state is sent twice per round.

    A round begins before the end of the previous one is known. If that was the last, the new one changes nothing.
    """
    states = [submit(cluster, "independent_set", np.zeros, level.n_vertices, np.int8)]
    is_finished: Future | None = None
    for _ in range(MAX_LUBY_ROUNDS):
        chosen = map_pieces(cluster, "independent_set", _choose_members, level.pieces, states, seed, depth)
        following = map_pieces(cluster, "independent_set", _exclude_neighbors, level.pieces, chosen)
        if is_finished is not None and gather(cluster, is_finished):
            break
        states = following
        is_finished = submit(cluster, "independent_set", _are_all_decided, states)
    return submit(cluster, "independent_set", _choose_undecided, states)


def _compute_degrees(piece: Piece, scale: float) -> np.ndarray:
    degree = np.empty(piece.n_rows, np.float32)
    kernels.row_sums(as_readonly(piece.graph.indptr), as_readonly(piece.graph.weights), np.float32(scale), degree)
    return degree


def _compute_ends(lengths: list[np.ndarray]) -> np.ndarray:
    return compute_end_lengths(np.concatenate(lengths))


def _find_paths_to_roots(piece: Piece, owner: np.ndarray, root: np.ndarray, ends: np.ndarray | None) -> np.ndarray:
    paths = np.empty(piece.n_rows, np.float32)
    indptr, indices, weights = piece.edges
    between = weights if ends is None else as_readonly(ZERO_LENGTH)
    added = np.zeros(len(owner), np.float32) if ends is None else ends
    groups = as_readonly(root), as_readonly(owner), piece.first_row
    kernels.paths_to_roots(*groups, indptr, indices, between, as_readonly(added), paths)
    return paths


def _join_lengths(pieces: list[Piece], ends: np.ndarray | None, n_vertices: int) -> EdgeLengths:
    indptr, indices, between = rows.stack_rows([piece.graph for piece in pieces])
    if ends is None:
        return EdgeLengths(indptr, indices, between, np.zeros(n_vertices, np.float32))
    return EdgeLengths(indptr, indices, ZERO_LENGTH, ends)


def _make_edgeless_level(lengths: list[np.ndarray], *vectors: np.ndarray) -> Level:
    indptr = compute_prefix_sums(np.concatenate(lengths))
    none = np.empty(0, vectors[-1].dtype), np.empty(0, np.float32)
    return Level(indptr, *none, 1.0, *vectors)


def _make_finest_vectors(summaries: list[PieceSummary], degrees: list[np.ndarray]) -> Level:
    degree = np.concatenate(degrees)
    dtype = np.int32 if len(degree) <= 2**31 else np.uint32
    mass = np.broadcast_to(np.float32(1), degree.shape)
    none = np.empty(0, dtype)
    return _make_edgeless_level([piece.lengths for piece in summaries], degree, mass, none, none)


def _make_coarse_vectors(
    lengths: list[np.ndarray], finer: Level, owner: np.ndarray, root: np.ndarray, size: int
) -> Level:
    return _make_edgeless_level(lengths, *coarsen.sum_members(finer, owner, size), owner, root)


def _compute_row_lengths(piece: Piece) -> np.ndarray:
    return np.diff(piece.graph.indptr)


def _choose_members(piece: Piece, states: list[np.ndarray], seed: int, depth: int) -> np.ndarray:
    decided = np.empty(piece.n_rows, np.int8)
    kernels.choose_members(as_readonly(np.concatenate(states)), piece.first_row, *piece.edges[:2], seed, depth, decided)
    return decided


def _exclude_neighbors(piece: Piece, chosen: list[np.ndarray]) -> np.ndarray:
    state = np.empty(piece.n_rows, np.int8)
    kernels.exclude_neighbors(as_readonly(np.concatenate(chosen)), piece.first_row, *piece.edges[:2], state)
    return state


def _are_all_decided(states: list[np.ndarray]) -> bool:
    return all(bool(state.all()) for state in states)


def _choose_undecided(states: list[np.ndarray]) -> np.ndarray:
    state = np.concatenate(states)
    return np.where(state == 0, np.int8(1), state)


def _number_members(state: np.ndarray, level: Level) -> np.ndarray:
    return compute_prefix_sums(state == 1, level.owner.dtype)


def _find_roots(state: np.ndarray, level: Level) -> np.ndarray:
    return np.flatnonzero(state == 1).astype(level.owner.dtype)


def _find_owners(piece: Piece, state: np.ndarray, number: np.ndarray) -> np.ndarray:
    owner = np.empty(piece.n_rows, number.dtype)
    kernels.aggregate_strongest(as_readonly(state), as_readonly(number), piece.first_row, *piece.edges, owner)
    return owner


def _select_members(piece: Piece, owner: np.ndarray, first: int, last: int) -> tuple[np.ndarray, FuzzyGraph]:
    """Select the rows of a piece that belong to some coarse vertices, and return their numbers and edges."""
    owners = owner[piece.first_row : piece.first_row + piece.n_rows]
    numbers = piece.first_row + np.flatnonzero((owners >= first) & (owners < last))
    return numbers, rows.select_rows(piece, numbers)


def _merge_rows(
    members: list[list[tuple[np.ndarray, FuzzyGraph]]], owner: np.ndarray, first: int, last: int, scale: float
) -> Piece:
    """Merge the rows of the members of some coarse vertices."""
    return _merge(members, owner, first, last, Merging(scale, MIN_COARSE_WEIGHT))


def _merge_lengths(
    members: list[list[tuple[np.ndarray, FuzzyGraph]]],
    owner: np.ndarray,
    first: int,
    last: int,
    paths: np.ndarray,
    finest: bool,
) -> Piece:
    """Merge the lengths of edges of the members of some coarse vertices."""
    return _merge(members, owner, first, last, Merging(paths=paths), ZERO_LENGTH if finest else None)


def _merge(
    members: list[list[tuple[np.ndarray, FuzzyGraph]]],
    owner: np.ndarray,
    first: int,
    last: int,
    merging: Merging,
    weights: np.ndarray | None = None,
) -> Piece:
    numbers, graphs = zip(*itertools.chain(*members), strict=True)
    graph = rows.stack_rows(graphs, rows.get_worker_allocator())
    weights = graph.weights if weights is None else weights
    numbers = np.concatenate(numbers)
    owners = owner[numbers].astype(np.int64) - first
    bounds = compute_prefix_sums(np.bincount(owners, minlength=last - first))
    order = np.argsort(owners, kind="stable").astype(owner.dtype)
    room = compute_prefix_sums(np.diff(graph.indptr)[order])[bounds]
    lengths = np.empty(last - first, np.int64)
    edges = as_readonly(graph.indptr), as_readonly(graph.indices.view(np.uint32)), as_readonly(weights)
    own_paths = merging.paths[numbers] if len(merging.paths) else merging.paths
    merged = coarsen.merge_rows((bounds, order, *edges), owner, merging, own_paths, first, room, lengths)
    return Piece(first, FuzzyGraph(compute_prefix_sums(lengths), *merged))


def join_level(vectors: Level, pieces: list[Piece], scale: float) -> Level:
    """Join the pieces of a level."""
    graph = rows.stack_rows([piece.graph for piece in pieces])
    return vectors._replace(indptr=graph.indptr, indices=graph.indices, weights=graph.weights, scale=scale)
