"""Rows of a graph that lie on one worker: what is made of them there. Every function is a task, and changes nothing."""

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash
from distributed import get_worker

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, drop_zeros
from umap_sk.graph.scales import compute_memberships, mean_distances, sum_distances
from umap_sk.neighbors.formats import ArrayForm, Entry
from umap_sk.neighbors.read import Neighbors
from umap_sk.neighbors.rows import SelectionRules, gather_rows
from umap_sk.runtime.allocation import Allocate, allocate_scratch, in_memory
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.side_by_side import prefix_sums

CHECKED = kernels.BLOCK_ROWS  # rows whose edges have one checksum


class Piece(NamedTuple):
    """Rows of a graph, from `first_row` on; the other ends of their edges are rows of the whole."""

    first_row: int
    graph: FuzzyGraph

    @property
    def n_rows(self) -> int:
        """Rows of this piece."""
        return len(self.graph.indptr) - 1

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read-only views of indptr, indices (as uint32) and weights, as kernels take them."""
        indptr, indices, weights = self.graph
        return readonly(indptr), readonly(indices.view(np.uint32)), readonly(weights)


class Read(NamedTuple):
    """Neighbors of some rows, and what was counted."""

    first_row: int
    neighbors: Neighbors
    sums: np.ndarray
    counted: tuple[int, int, np.ndarray, int, int]


class Known(NamedTuple):
    """What is known of a piece: lengths of its rows, the largest weight, and checksums of blocks of rows."""

    lengths: np.ndarray
    largest: float
    checksums: list[int]


class RowsForm(ArrayForm):
    """Arrays of some rows, which messages call by their number among all."""

    def __init__(self, indices: Any, dists: Any, first_row: int) -> None:
        super().__init__(indices, dists)
        self.first_row = first_row

    def entry(self, row: int, position: int) -> Entry:
        entry = super().entry(row, position)
        row += self.first_row
        return entry._replace(row=row, name=f"knn_dists[{row}, {position}]")


def beside_worker() -> Allocate:
    """Arrays in files of the worker's local directory, so that a graph on its way is not in memory."""
    return functools.partial(allocate_scratch, Path(get_worker().local_directory))


def read(indices: np.ndarray, dists: np.ndarray, rules: SelectionRules) -> Read:
    """The nearest neighbors of some rows."""
    gathered = gather_rows(RowsForm(indices, dists, rules.first_row), rules, beside_worker())
    neighbors = Neighbors(*gathered[:3], rules.n_columns)
    counted = len(indices), len(gathered.indices), gathered.tally, gathered.short, gathered.empty
    return Read(rules.first_row, neighbors, sum_distances(neighbors), counted)


def counted_in(read: Read) -> tuple[np.ndarray, int, tuple[int, int, np.ndarray, int, int]]:
    """Sums of distances, the length of the shortest row, and what was counted."""
    return read.sums, int(np.diff(read.neighbors.indptr).min()), read.counted


def lengths_of(read: Read) -> np.ndarray:
    """Mean distance from every row to its neighbors."""
    return mean_distances(read.neighbors)


def directed(read: Read, mean: float, n_neighbors: int, local_connectivity: float) -> Piece:
    """Membership strengths of neighbors, sorted by index; `mean` is that of all distances."""
    strengths = compute_memberships(read.neighbors, n_neighbors, local_connectivity, mean=mean)
    allocate, indptr = beside_worker(), read.neighbors.indptr
    indices = in_file(allocate, "indices", read.neighbors.indices)
    weights = in_file(allocate, "weights", strengths)
    kernels.sort_rows(readonly(indptr), indices, weights)
    return Piece(read.first_row, FuzzyGraph(indptr, indices, weights))


def in_file(allocate: Allocate, name: str, values: np.ndarray) -> np.ndarray:
    """A copy where it is allocated."""
    out = allocate(name, len(values), values.dtype)
    out[:] = values
    return out


def sent(piece: Piece, first: int, last: int) -> FuzzyGraph:
    """A piece's edges to some rows, as rows of these."""
    indptr, indices, weights = (readonly(array) for array in piece.graph)
    counts = np.zeros(last - first, np.int64)
    kernels.count_sent(indptr, indices, first, counts)
    starts = prefix_sums(counts)
    sources, received = np.empty(starts[-1], indices.dtype), np.empty(starts[-1], np.float32)
    kernels.fill_sent(indptr, indices, weights, piece.first_row, first, starts[:-1].copy(), sources, received)
    return FuzzyGraph(starts, sources, received)


def united(piece: Piece, received: list[FuzzyGraph], ratio: float) -> Piece:
    """Fuzzy union of rows with what all pieces, in their order, have sent to them."""
    own, more = (tuple(readonly(array) for array in graph) for graph in (piece.graph, one_after_another(received)))
    room, allocate = own[0] + more[0], beside_worker()
    indices, weights = allocate("room", int(room[-1]), own[1].dtype), allocate("room", int(room[-1]), np.float32)
    lengths = np.empty(piece.n_rows, np.int64)
    kernels.unite_rows(*own, *more, np.float32(ratio), indices, weights, lengths)
    kernels.close_gaps(readonly(room), readonly(lengths), indices, weights)
    indptr = prefix_sums(lengths)
    kept = (in_file(allocate, "edges", array[: indptr[-1]]) for array in (indices, weights))
    return Piece(piece.first_row, FuzzyGraph(indptr, *kept))


def one_after_another(received: list[FuzzyGraph]) -> FuzzyGraph:
    """Rows that hold, one after another, the same rows of several graphs."""
    lengths = [np.diff(graph.indptr) for graph in received]
    indptr = prefix_sums(np.sum(lengths, axis=0))
    indices = np.empty(indptr[-1], received[0].indices.dtype)
    weights = np.empty(indptr[-1], np.float32)
    places = indptr[:-1].copy()
    for graph, count in zip(received, lengths, strict=True):
        kernels.append_rows(*(readonly(array) for array in graph), places, indices, weights)
        places += count
    return FuzzyGraph(indptr, indices, weights)


def own_edges(piece: Piece) -> Piece:
    """A piece whose rows keep their own neighbors alone, without weights of 0."""
    return piece._replace(graph=drop_zeros(piece.graph, beside_worker()))


def of_files(directory: str, first: int, last: int) -> Piece:
    """Rows of a manifold that lies in a directory."""
    indptr, indices, weights = (np.load(Path(directory) / f"{name}.npy", mmap_mode="r") for name in FuzzyGraph._fields)
    edges = slice(int(indptr[first]), int(indptr[last]))
    piece = Piece(first, FuzzyGraph(indptr[first : last + 1] - indptr[first], indices[edges], weights[edges]))
    problem = np.zeros(3, np.int64)
    kernels.check_rows(readonly(indptr), readonly(indices), readonly(weights), first, last, np.float32(1), problem)
    if problem[0]:
        raise ValueError(
            f"The manifold in {directory!r} is no graph: row {problem[1]} has an index that is no row, or a weight "
            "outside of 0 to 1. Copy the whole directory again from where it was made, or learn the manifold again."
        )
    return piece


def known_of(piece: Piece) -> Known:
    """What is known of a piece."""
    indptr, indices, weights = piece.graph
    checksums = []
    for first in range(0, piece.n_rows, CHECKED):
        bounds = indptr[first : first + CHECKED + 1]
        state = xxhash.xxh3_64(np.diff(bounds).tobytes())
        for array in (indices, weights):
            state.update(array[bounds[0] : bounds[-1]].tobytes())
        checksums.append(state.intdigest())
    return Known(np.diff(indptr), float(weights.max(initial=0)), checksums)


def targets_of(piece: Piece, n_rows: int) -> np.ndarray:
    """Whether each of all rows is at the end of an edge of the piece."""
    reached = np.zeros(n_rows, bool)
    reached[piece.graph.indices] = True
    return reached


def renumbered(piece: Piece, kept: np.ndarray) -> Piece:
    """A piece in a graph of the rows that are kept alone."""
    rows = kept[piece.first_row : piece.first_row + piece.n_rows]
    number = (np.cumsum(kept) - 1).astype(piece.graph.indices.dtype)
    indptr = np.concatenate([[0], piece.graph.indptr[1:][rows]])
    indices = in_file(beside_worker(), "indices", number[piece.graph.indices])
    return Piece(int(kept[: piece.first_row].sum()), FuzzyGraph(indptr, indices, piece.graph.weights))


def rows_of(piece: Piece, rows: np.ndarray) -> FuzzyGraph:
    """Some rows of a piece, which are known by their numbers among all, in the order that is asked for."""
    indptr, indices, weights = (readonly(array) for array in piece.graph)
    rows = rows.astype(np.int64) - piece.first_row
    starts = prefix_sums(np.diff(indptr)[rows])
    out = FuzzyGraph(starts, np.empty(starts[-1], indices.dtype), np.empty(starts[-1], np.float32))
    kernels.copy_rows(indptr, indices, weights, rows, readonly(starts), out.indices, out.weights)
    return out


def joined(graphs: list[FuzzyGraph], allocate: Allocate = in_memory) -> FuzzyGraph:
    """The rows of several graphs, one below the other."""
    indptr = prefix_sums(np.concatenate([np.diff(graph.indptr) for graph in graphs]))
    indices = allocate("edges", int(indptr[-1]), graphs[0].indices.dtype)
    weights = allocate("edges", int(indptr[-1]), np.float32)
    np.concatenate([graph.indices for graph in graphs], out=indices)
    np.concatenate([graph.weights for graph in graphs], out=weights)
    return FuzzyGraph(indptr, indices, weights)


def lengths_of_files(directory: str, first: int, last: int) -> np.ndarray:
    """Mean distances of rows of a manifold that lies in a directory."""
    return np.array(np.load(Path(directory) / "lengths.npy", mmap_mode="r")[first:last])
