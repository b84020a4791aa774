"""Computations on the rows of one worker. Functions run as tasks, and do not change their arguments."""

import functools
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xxhash
from distributed import get_worker

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, drop_zeros
from umap_sk.graph.scales import compute_memberships, mean_distances, sum_distances
from umap_sk.neighbors.formats import ArrayForm, Entry
from umap_sk.neighbors.read import Neighbors
from umap_sk.neighbors.rows import SelectionRules, gather_rows
from umap_sk.runtime.allocation import Allocate, allocate_in_memory, allocate_scratch
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.side_by_side import compute_prefix_sums

CHECKSUM_ROWS = kernels.BLOCK_ROWS  # rows whose edges have one checksum


class Piece(NamedTuple):
    """Consecutive rows of a graph, beginning with `first_row`. Their indices are rows of the whole graph."""

    first_row: int
    graph: FuzzyGraph

    @property
    def n_rows(self) -> int:
        """Number of rows of this piece."""
        return len(self.graph.indptr) - 1

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read-only views of indptr, indices (as uint32) and weights, which are arguments of kernels."""
        indptr, indices, weights = self.graph
        return as_readonly(indptr), as_readonly(indices.view(np.uint32)), as_readonly(weights)


class PieceNeighbors(NamedTuple):
    """Neighbors of the rows of a piece, with sums of distances and the kernel's counts for warnings."""

    first_row: int
    neighbors: Neighbors
    sums: np.ndarray
    tally: np.ndarray


class PieceSummary(NamedTuple):
    """The lengths of a piece's rows, its largest weight, and checksums of its blocks of rows."""

    lengths: np.ndarray
    largest: float
    checksums: list[int]


class RowsForm(ArrayForm):
    """Arrays of some rows. Messages use the row numbers of the whole arrays."""

    def __init__(self, indices: np.ndarray, dists: np.ndarray, first_row: int) -> None:
        super().__init__(indices, dists)
        self.first_row = first_row

    def entry(self, row: int, position: int) -> Entry:
        entry = super().entry(row, position)
        row += self.first_row
        return entry._replace(row=row, name=f"knn_dists[{row}, {position}]")


def get_worker_allocator() -> Allocate:
    """Return an allocator of arrays in files in the worker's local directory, which saves memory."""
    return functools.partial(allocate_scratch, Path(get_worker().local_directory))


def read_neighbors(indices: np.ndarray, dists: np.ndarray, rules: SelectionRules) -> PieceNeighbors:
    """Read the nearest neighbors of some rows."""
    selected = gather_rows(RowsForm(indices, dists, rules.first_row), rules, get_worker_allocator())
    neighbors = Neighbors(*selected[:3], rules.n_columns)
    return PieceNeighbors(rules.first_row, neighbors, sum_distances(neighbors), selected.tally)


def get_counts(piece: PieceNeighbors) -> tuple[np.ndarray, int, np.ndarray]:
    """Return sums of distances, the length of the shortest row, and the counts of the kernel."""
    return piece.sums, int(np.diff(piece.neighbors.indptr).min()), piece.tally


def compute_lengths(piece: PieceNeighbors) -> np.ndarray:
    """Compute the mean distance from each row to its neighbors."""
    return mean_distances(piece.neighbors)


def compute_strengths(piece: PieceNeighbors, mean: float, n_neighbors: int, local_connectivity: float) -> Piece:
    """Compute membership strengths, sorted by index. `mean` is the mean of all distances."""
    strengths = compute_memberships(piece.neighbors, n_neighbors, local_connectivity, mean=mean)
    allocate, indptr = get_worker_allocator(), piece.neighbors.indptr
    indices = copy_array(allocate, "indices", piece.neighbors.indices)
    weights = copy_array(allocate, "weights", strengths)
    kernels.sort_rows(as_readonly(indptr), indices, weights)
    return Piece(piece.first_row, FuzzyGraph(indptr, indices, weights))


def copy_array(allocate: Allocate, name: str, values: np.ndarray) -> np.ndarray:
    """Copy an array to a newly allocated one."""
    out = allocate(name, len(values), values.dtype)
    out[:] = values
    return out


def transpose_edges(piece: Piece, first: int, last: int) -> FuzzyGraph:
    """Return the reversed edges from some rows to those of a piece."""
    indptr, indices, weights = (as_readonly(array) for array in piece.graph)
    counts = np.zeros(last - first, np.int64)
    kernels.count_sent(indptr, indices, first, counts)
    starts = compute_prefix_sums(counts)
    sources, received = np.empty(starts[-1], indices.dtype), np.empty(starts[-1], np.float32)
    kernels.fill_sent(indptr, indices, weights, piece.first_row, first, starts[:-1].copy(), sources, received)
    return FuzzyGraph(starts, sources, received)


def unite_rows(piece: Piece, received: list[list[FuzzyGraph]], ratio: float) -> Piece:
    """Compute the fuzzy union of rows and their reversed edges from all pieces."""
    reversed_edges = concatenate_rows(list(itertools.chain(*received)))
    own, other = (tuple(as_readonly(array) for array in graph) for graph in (piece.graph, reversed_edges))
    room, allocate = own[0] + other[0], get_worker_allocator()
    indices, weights = allocate("room", int(room[-1]), own[1].dtype), allocate("room", int(room[-1]), np.float32)
    lengths = np.empty(piece.n_rows, np.int64)
    kernels.unite_rows(*own, *other, np.float32(ratio), indices, weights, lengths)
    kernels.close_gaps(as_readonly(room), as_readonly(lengths), indices, weights)
    indptr = compute_prefix_sums(lengths)
    shortened = (copy_array(allocate, "edges", array[: indptr[-1]]) for array in (indices, weights))
    return Piece(piece.first_row, FuzzyGraph(indptr, *shortened))


def concatenate_rows(received: list[FuzzyGraph]) -> FuzzyGraph:
    """Concatenate the edges of each row from several graphs with the same rows."""
    lengths = [np.diff(graph.indptr) for graph in received]
    indptr = compute_prefix_sums(np.sum(lengths, axis=0))
    indices = np.empty(indptr[-1], received[0].indices.dtype)
    weights = np.empty(indptr[-1], np.float32)
    places = indptr[:-1].copy()
    for graph, count in zip(received, lengths, strict=True):
        arrays = (as_readonly(array) for array in graph)
        kernels.copy_rows(*arrays, np.arange(len(places)), as_readonly(places), indices, weights)
        places += count
    return FuzzyGraph(indptr, indices, weights)


def drop_zero_edges(piece: Piece) -> Piece:
    """Drop edges of weight 0 from a directed piece."""
    return piece._replace(graph=drop_zeros(piece.graph, get_worker_allocator()))


def load_piece(directory: str, first: int, last: int) -> Piece:
    """Load and check some rows of a manifold from a directory."""
    indptr, indices, weights = (np.load(Path(directory) / f"{name}.npy", mmap_mode="r") for name in FuzzyGraph._fields)
    edges = slice(int(indptr[first]), int(indptr[last]))
    piece = Piece(first, FuzzyGraph(indptr[first : last + 1] - indptr[first], indices[edges], weights[edges]))
    problem = np.zeros(3, np.int64)
    arrays = as_readonly(indptr), as_readonly(indices), as_readonly(weights)
    kernels.check_rows(*arrays, first, last, np.float32(1), problem)
    if problem[0]:
        raise ValueError(
            f"The manifold in {directory!r} is no graph: row {problem[1]} has an index that is no row, or a weight "
            "outside of 0 to 1. Copy the whole directory again from where it was made, or learn the manifold again."
        )
    return piece


def summarize(piece: Piece) -> PieceSummary:
    """Compute the summary of a piece."""
    indptr, indices, weights = piece.graph
    checksums = []
    for first in range(0, piece.n_rows, CHECKSUM_ROWS):
        bounds = indptr[first : first + CHECKSUM_ROWS + 1]
        state = xxhash.xxh3_64(np.diff(bounds).tobytes())
        for array in (indices, weights):
            state.update(array[bounds[0] : bounds[-1]].tobytes())
        checksums.append(state.intdigest())
    return PieceSummary(np.diff(indptr), float(weights.max(initial=0)), checksums)


def mark_targets(piece: Piece, n_rows: int) -> np.ndarray:
    """Return whether each row of the whole graph is the target of an edge of the piece."""
    marked = np.zeros(n_rows, bool)
    marked[piece.graph.indices] = True
    return marked


def renumber(piece: Piece, mask: np.ndarray) -> Piece:
    """Return a piece in the graph of the rows of a mask."""
    rows = mask[piece.first_row : piece.first_row + piece.n_rows]
    number = (np.cumsum(mask) - 1).astype(piece.graph.indices.dtype)
    indptr = np.concatenate([[0], piece.graph.indptr[1:][rows]])
    indices = copy_array(get_worker_allocator(), "indices", number[piece.graph.indices])
    return Piece(int(mask[: piece.first_row].sum()), FuzzyGraph(indptr, indices, piece.graph.weights))


def select_rows(piece: Piece, rows: np.ndarray) -> FuzzyGraph:
    """Select rows of a piece by their numbers in the whole graph, in the given order."""
    indptr, indices, weights = (as_readonly(array) for array in piece.graph)
    rows = rows.astype(np.int64) - piece.first_row
    starts = compute_prefix_sums(np.diff(indptr)[rows])
    out = FuzzyGraph(starts, np.empty(starts[-1], indices.dtype), np.empty(starts[-1], np.float32))
    kernels.copy_rows(indptr, indices, weights, rows, as_readonly(starts), out.indices, out.weights)
    return out


def stack_rows(graphs: list[FuzzyGraph], allocate: Allocate = allocate_in_memory) -> FuzzyGraph:
    """Stack the rows of several graphs."""
    indptr = compute_prefix_sums(np.concatenate([np.diff(graph.indptr) for graph in graphs]))
    indices = allocate("edges", int(indptr[-1]), graphs[0].indices.dtype)
    weights = allocate("edges", int(indptr[-1]), np.float32)
    np.concatenate([graph.indices for graph in graphs], out=indices)
    np.concatenate([graph.weights for graph in graphs], out=weights)
    return FuzzyGraph(indptr, indices, weights)


def load_lengths(directory: str, first: int, last: int) -> np.ndarray:
    """Load the mean distances of some rows of a manifold from a directory."""
    return np.array(np.load(Path(directory) / "lengths.npy", mmap_mode="r")[first:last])
