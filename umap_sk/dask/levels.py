"""Coarser levels of a graph in pieces, the same as of one in memory; small ones are gathered on one worker."""

from operator import itemgetter
from typing import NamedTuple

import numpy as np
from distributed import Future

from umap_sk import kernels
from umap_sk.dask import rows
from umap_sk.dask.cluster import Cluster, by_rounds, outcome, submit
from umap_sk.dask.graph import GraphInPieces, each
from umap_sk.dask.rows import Known, Piece
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.layout import coarsen
from umap_sk.layout.coarsen import MAX_KEPT_SHARE, MAX_LUBY_ROUNDS, MIN_COARSE_WEIGHT, Level, Merging
from umap_sk.layout.edge_lengths import ZERO_LENGTH, EdgeLengths, coarsen_to_last_level, compute_end_lengths
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.side_by_side import prefix_sums

ALONE = 200_000  # vertices up to which one worker has a level


class LengthsInPieces(NamedTuple):
    """Edges of a level with lengths; see :class:`umap_sk.layout.edge_lengths.EdgeLengths`.

    Attributes
    ----------
    pieces : list of Future
        Rows of the edges, whose weights lie between their ends; nothing does on the finest level.
    ends : Future or None
        What every vertex of the finest level adds to its edges.
    """

    pieces: list[Future]
    ends: Future | None


class LevelInPieces(NamedTuple):
    """A level whose rows lie in pieces.

    Attributes
    ----------
    pieces : list of Future
        Its rows.
    bounds : list of int
        Where each piece begins, and the number of vertices.
    vectors : Future
        What is known of every vertex, and where each row of its graph begins: a level without edges.
    scale : float
        See :class:`umap_sk.layout.coarsen.Level`.
    lengths : LengthsInPieces or None
        Its edges with lengths, where they are wanted.
    """

    pieces: list[Future]
    bounds: list[int]
    vectors: Future
    scale: float
    lengths: LengthsInPieces | None

    @property
    def n_vertices(self) -> int:
        """Vertices of this level."""
        return self.bounds[-1]


class Levels(NamedTuple):
    """Levels, the finest first: those in pieces, then those that one worker has; lengths of the last one's edges."""

    in_pieces: list[LevelInPieces]
    alone: Future
    lengths: Future | None


def build_levels(
    cluster: Cluster, graph: GraphInPieces, scale: float, n_components: int, seed: int, *, measured: bool
) -> Levels:
    """Coarsen a graph until a level is small, and further on one worker; `measured` asks for lengths of edges."""
    degrees = each(cluster, "degree", _degrees, graph.pieces, scale)
    vectors = submit(cluster, "degree", _finest_vectors, graph.known, degrees)
    lengths = LengthsInPieces(graph.pieces, submit(cluster, "lengths", _ends, graph.lengths)) if measured else None
    levels = [LevelInPieces(graph.pieces, graph.bounds, vectors, scale, lengths)]
    while coarsen.needs_coarsening(levels[-1].n_vertices, len(levels) - 1, n_components=n_components):
        coarse = coarsen_pieces(cluster, levels[-1], seed, len(levels) - 1)
        if coarse is None:
            break
        if coarse.n_vertices <= ALONE:
            gathered = submit(cluster, "coarsen", whole, coarse.vectors, coarse.pieces, coarse.scale)
            coarser = submit(cluster, "coarsen", coarsen.coarsen_repeatedly, gathered, seed, len(levels), wide=True)
            return Levels(levels, coarser, lengths_on_one(cluster, coarse, coarser))
        levels.append(coarse)
    return Levels(levels, submit(cluster, "coarsen", list), lengths_on_one(cluster, levels[-1]))


def lengths_on_one(cluster: Cluster, level: LevelInPieces, coarser: Future | None = None) -> Future | None:
    """Lengths of a level's edges on one worker, or those of the last of the levels there, of which it is the first."""
    if level.lengths is None:
        return None
    lengths = submit(cluster, "lengths", _whole_lengths, *level.lengths, level.n_vertices)
    return submit(cluster, "lengths", coarsen_to_last_level, coarser, lengths, wide=True) if coarser else lengths


def coarsen_pieces(cluster: Cluster, level: LevelInPieces, seed: int, depth: int) -> LevelInPieces | None:
    """What :func:`umap_sk.layout.coarsen.coarsen` makes of a level in memory."""
    state = independent_set(cluster, level, seed, depth)
    numbered = submit(cluster, "aggregate", _numbered, state, level.vectors)
    size = int(outcome(cluster, submit(cluster, "aggregate", itemgetter(-1), numbered)))
    if size > MAX_KEPT_SHARE * level.n_vertices:
        return None
    owners = each(cluster, "aggregate", _owners, level.pieces, state, numbered)
    owner = submit(cluster, "aggregate", np.concatenate, owners)
    parts = min(len(level.pieces), size)
    bounds = [size * part // parts for part in range(parts + 1)]

    def merged(part: int, at: str) -> Future:
        members = each(cluster, "send", _members, level.pieces, owner, *bounds[part : part + 2])
        return submit(cluster, "coarsen", _merged, members, owner, *bounds[part : part + 2], level.scale, at=at)

    pieces = by_rounds(cluster, parts, merged)
    known = each(cluster, "describe", _row_lengths, pieces)
    root = submit(cluster, "aggregate", _roots, state, level.vectors)
    vectors = submit(cluster, "coarsen", _coarse_vectors, known, level.vectors, owner, root, size)
    lengths = coarser_lengths(cluster, level.lengths, owner, root, bounds) if level.lengths else None
    return LevelInPieces(pieces, bounds, vectors, 1.0, lengths)


def coarser_lengths(
    cluster: Cluster, lengths: LengthsInPieces, owner: Future, root: Future, bounds: list[int]
) -> LengthsInPieces:
    """What :func:`umap_sk.layout.edge_lengths.coarsen_lengths` makes of edges in memory."""
    parts = each(cluster, "lengths", _paths_to_roots, lengths.pieces, owner, root, lengths.ends)
    paths = submit(cluster, "lengths", np.concatenate, parts)

    def merged(part: int, at: str) -> Future:
        span = bounds[part : part + 2]
        members = each(cluster, "send", _members, lengths.pieces, owner, *span)
        return submit(cluster, "lengths", _measured, members, owner, *span, paths, lengths.ends is not None, at=at)

    return LengthsInPieces(by_rounds(cluster, len(bounds) - 1, merged), None)


def independent_set(cluster: Cluster, level: LevelInPieces, seed: int, depth: int) -> Future:
    """What :func:`umap_sk.layout.coarsen.find_independent_set` finds; the state travels twice a round.

    A round is begun before it is known whether the one before was the last: it would change nothing.
    """
    states = [submit(cluster, "independent_set", np.zeros, level.n_vertices, np.int8)]
    ended: Future | None = None
    for _ in range(MAX_LUBY_ROUNDS):
        chosen = each(cluster, "independent_set", _choose, level.pieces, states, seed, depth)
        following = each(cluster, "independent_set", _exclude, level.pieces, chosen)
        if ended is not None and outcome(cluster, ended):
            break
        states = following
        ended = submit(cluster, "independent_set", _all_decided, states)
    return submit(cluster, "independent_set", _closed, states)


def _degrees(piece: Piece, scale: float) -> np.ndarray:
    degree = np.empty(piece.n_rows, np.float32)
    kernels.row_sums(readonly(piece.graph.indptr), readonly(piece.graph.weights), np.float32(scale), degree)
    return degree


def _ends(lengths: list[np.ndarray]) -> np.ndarray:
    return compute_end_lengths(np.concatenate(lengths))


def _paths_to_roots(piece: Piece, owner: np.ndarray, root: np.ndarray, ends: np.ndarray | None) -> np.ndarray:
    paths = np.empty(piece.n_rows, np.float32)
    indptr, indices, weights = piece.edges
    between = weights if ends is None else readonly(ZERO_LENGTH)
    added = np.zeros(len(owner), np.float32) if ends is None else ends
    groups = readonly(root), readonly(owner), piece.first_row
    kernels.paths_to_roots(*groups, indptr, indices, between, readonly(added), paths)
    return paths


def _whole_lengths(pieces: list[Piece], ends: np.ndarray | None, n_vertices: int) -> EdgeLengths:
    indptr, indices, between = rows.joined([piece.graph for piece in pieces])
    if ends is None:
        return EdgeLengths(indptr, indices, between, np.zeros(n_vertices, np.float32))
    return EdgeLengths(indptr, indices, ZERO_LENGTH, ends)


def _without_edges(lengths: list[np.ndarray], *vectors: np.ndarray) -> Level:
    indptr = prefix_sums(np.concatenate(lengths))
    none = np.empty(0, vectors[-1].dtype), np.empty(0, np.float32)
    return Level(indptr, *none, 1.0, *vectors)


def _finest_vectors(known: list[Known], degrees: list[np.ndarray]) -> Level:
    degree = np.concatenate(degrees)
    dtype = np.int32 if len(degree) <= 2**31 else np.uint32
    mass = np.broadcast_to(np.float32(1), degree.shape)
    none = np.empty(0, dtype)
    return _without_edges([piece.lengths for piece in known], degree, mass, none, none)


def _coarse_vectors(lengths: list[np.ndarray], finer: Level, owner: np.ndarray, root: np.ndarray, size: int) -> Level:
    return _without_edges(lengths, *coarsen.sum_members(finer, owner, size), owner, root)


def _row_lengths(piece: Piece) -> np.ndarray:
    return np.diff(piece.graph.indptr)


def _choose(piece: Piece, states: list[np.ndarray], seed: int, depth: int) -> np.ndarray:
    decided = np.empty(piece.n_rows, np.int8)
    kernels.choose_members(readonly(np.concatenate(states)), piece.first_row, *piece.edges[:2], seed, depth, decided)
    return decided


def _exclude(piece: Piece, chosen: list[np.ndarray]) -> np.ndarray:
    state = np.empty(piece.n_rows, np.int8)
    kernels.exclude_neighbors(readonly(np.concatenate(chosen)), piece.first_row, *piece.edges[:2], state)
    return state


def _all_decided(states: list[np.ndarray]) -> bool:
    return all(bool(state.all()) for state in states)


def _closed(states: list[np.ndarray]) -> np.ndarray:
    state = np.concatenate(states)
    return np.where(state == 0, np.int8(1), state)


def _numbered(state: np.ndarray, level: Level) -> np.ndarray:
    return prefix_sums(state == 1, level.owner.dtype)


def _roots(state: np.ndarray, level: Level) -> np.ndarray:
    return np.flatnonzero(state == 1).astype(level.owner.dtype)


def _owners(piece: Piece, state: np.ndarray, number: np.ndarray) -> np.ndarray:
    owner = np.empty(piece.n_rows, number.dtype)
    kernels.aggregate_strongest(readonly(state), readonly(number), piece.first_row, *piece.edges, owner)
    return owner


def _members(piece: Piece, owner: np.ndarray, first: int, last: int) -> tuple[np.ndarray, FuzzyGraph]:
    """Rows of a piece that belong to some coarse vertices: their numbers, and their edges."""
    owners = owner[piece.first_row : piece.first_row + piece.n_rows]
    found = piece.first_row + np.flatnonzero((owners >= first) & (owners < last))
    return found, rows.rows_of(piece, found)


def _merged(
    members: list[tuple[np.ndarray, FuzzyGraph]], owner: np.ndarray, first: int, last: int, scale: float
) -> Piece:
    """Rows of some coarse vertices, whose members come piece by piece."""
    return _merged_by(members, owner, first, last, Merging(scale, MIN_COARSE_WEIGHT))


def _measured(
    members: list[tuple[np.ndarray, FuzzyGraph]],
    owner: np.ndarray,
    first: int,
    last: int,
    paths: np.ndarray,
    finest: bool,
) -> Piece:
    """The same with lengths."""
    return _merged_by(members, owner, first, last, Merging(paths=paths), ZERO_LENGTH if finest else None)


def _merged_by(
    members: list[tuple[np.ndarray, FuzzyGraph]],
    owner: np.ndarray,
    first: int,
    last: int,
    merging: Merging,
    weights: np.ndarray | None = None,
) -> Piece:
    graph = rows.joined([part for _, part in members], rows.beside_worker())
    weights = graph.weights if weights is None else weights
    numbers = np.concatenate([part for part, _ in members])
    owners = owner[numbers].astype(np.int64) - first
    bounds = prefix_sums(np.bincount(owners, minlength=last - first))
    order = np.argsort(owners, kind="stable").astype(owner.dtype)
    room = prefix_sums(np.diff(graph.indptr)[order])[bounds]
    lengths = np.empty(last - first, np.int64)
    edges = readonly(graph.indptr), readonly(graph.indices.view(np.uint32)), readonly(weights)
    own_paths = merging.paths[numbers] if len(merging.paths) else merging.paths
    kept = coarsen.merge_rows((bounds, order, *edges), owner, merging, own_paths, first, room, lengths)
    return Piece(first, FuzzyGraph(prefix_sums(lengths), *kept))


def whole(vectors: Level, pieces: list[Piece], scale: float) -> Level:
    """A level in one piece."""
    graph = rows.joined([piece.graph for piece in pieces])
    return vectors._replace(indptr=graph.indptr, indices=graph.indices, weights=graph.weights, scale=scale)
