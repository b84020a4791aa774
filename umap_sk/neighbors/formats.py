"""The three forms of precomputed neighbors (two arrays, a sparse graph, a dense matrix), which are read in blocks.

Each thread converts one block of rows at a time to int64 and float64. The caller's arrays are never modified.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from umap_sk._typing import AnySparse, FeaturesLike, SparseMatrix, is_sparse
from umap_sk.neighbors import validate as checks
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.runtime.compile import as_readonly

BLOCK_ENTRIES = 2**16  # entries of a block, which fit into a core's cache
MAX_BLOCK_ENTRIES = 2**20
MAX_BLOCKS = 2**10  # of at most MAX_BLOCK_ENTRIES, since each block has to be started
NO_SENTINEL = int(np.iinfo(np.int64).min)  # an index that never occurs, since graphs have no sentinels


class Block(NamedTuple):
    """A block of rows. Entry e of row i is (indices[index_starts[i] + e], dists[starts[i] + e])."""

    first_row: int
    indices: np.ndarray
    index_starts: np.ndarray
    dists: np.ndarray
    starts: np.ndarray


class Entry(NamedTuple):
    """An entry with the caller's names, for messages."""

    row: int
    column: int
    neighbor: int | np.integer
    dist: np.number
    name: str
    is_array: bool


class EvenRows:
    """A form whose rows have the same number of entries."""

    shape: tuple[int, int]

    @property
    def max_length(self) -> int:
        """Number of entries of the longest row."""
        return self.shape[1]

    def split(self) -> Iterator[tuple[int, int]]:
        """Yield the first row of each block and the row after its last one."""
        n_rows, length = self.shape
        step = max(1, choose_block_entries(n_rows * length) // max(1, length))
        for first in range(0, n_rows, step):
            yield first, min(n_rows, first + step)

    def max_entries(self, width: int, first: int, last: int) -> int:
        """Return the maximal number of entries of some rows, if each row keeps at most `width`."""
        return (last - first) * min(width, self.max_length)


class ArrayForm(EvenRows):
    """Two arrays of shape (n_rows, n_neighbors)."""

    name = "knn_indices"
    is_array = True
    may_repeat = True

    def __init__(self, indices: ArrayLike, dists: ArrayLike) -> None:
        checks.check_same_rows(indices, dists)
        self.indices = checks.as_array(indices, "knn_indices")
        self.dists = checks.as_array(dists, "knn_dists")
        checks.check_dtypes(self.indices.dtype, self.dists.dtype)
        if self.indices.shape != self.dists.shape:
            raise ValueError(
                f"knn_indices has shape {self.indices.shape}, but knn_dists has {self.dists.shape}. {checks.PAIR}"
            )
        self.shape: tuple[int, int] = self.indices.shape
        self.index_dtype = self.indices.dtype
        self.dist_dtype = self.dists.dtype
        # uint64's maximum becomes -1 when it is converted to int64
        largest = int(np.iinfo(self.index_dtype).max)
        self.sentinels = (-1, -1 if largest >= 2**63 else largest)

    def read(self, first: int, last: int) -> Block:
        starts = np.arange(last - first + 1, dtype=np.int64) * self.max_length
        indices, dists = _flatten(self.indices[first:last], np.int64), _flatten(self.dists[first:last], np.float64)
        return Block(first, indices, as_readonly(starts[:-1]), dists, as_readonly(starts))

    def entry(self, row: int, position: int) -> Entry:
        index, dist = self.indices[row, position], self.dists[row, position]
        return Entry(row, position, index, dist, f"knn_dists[{row}, {position}]", True)


class SparseForm:
    """A sparse distance graph of any format. A CSR graph is read without a copy."""

    name = "X"
    is_array = False
    may_repeat = True
    sentinels = (NO_SENTINEL, NO_SENTINEL)

    def __init__(self, graph: AnySparse) -> None:
        checks.check_distance_dtype(graph.dtype, "X")
        if graph.ndim != 2:
            raise ValueError(f"X has {graph.ndim} dimension(s); a 2-d graph (rows x neighbors) is needed.")
        check_structure(graph, "X")
        self.graph = as_csr(graph)
        self.shape: tuple[int, int] = self.graph.shape
        self.index_dtype = self.graph.indices.dtype
        self.dist_dtype = self.graph.data.dtype
        self.max_length = int(np.diff(self.graph.indptr).max(initial=0))

    def split(self) -> Iterator[tuple[int, int]]:
        indptr, n_rows = self.graph.indptr, self.shape[0]
        at_once = choose_block_entries(int(indptr[-1]))
        first = 0
        while first < n_rows:
            # equal dtypes avoid a copy of indptr
            full = indptr.dtype.type(min(int(indptr[first]) + at_once, int(indptr[-1])))
            last = int(np.searchsorted(indptr, full, side="right")) - 1
            last = min(max(last, first + 1), first + at_once, n_rows)
            yield first, last
            first = last

    def max_entries(self, width: int, first: int, last: int) -> int:
        return int(np.minimum(np.diff(self.graph.indptr[first : last + 1]), width).sum(dtype=np.int64))

    def read(self, first: int, last: int) -> Block:
        starts = self.graph.indptr[first : last + 1].astype(np.int64)
        entries = slice(int(starts[0]), int(starts[-1]))
        starts = as_readonly(starts - starts[0])
        indices, dists = self.graph.indices[entries], self.graph.data[entries]
        return Block(first, _flatten(indices, np.int64), starts[:-1], _flatten(dists, np.float64), starts)

    def entry(self, row: int, position: int) -> Entry:
        e = int(self.graph.indptr[row]) + position
        column, dist = int(self.graph.indices[e]), self.graph.data[e]
        return Entry(row, column, column, dist, f"X[{row}, {column}]", False)


class DenseForm(EvenRows):
    """A dense distance matrix."""

    name = "X"
    is_array = False
    may_repeat = False
    sentinels = (NO_SENTINEL, NO_SENTINEL)

    def __init__(self, matrix: ArrayLike) -> None:
        self.matrix = checks.as_array(matrix, "X")
        checks.check_distance_dtype(self.matrix.dtype, "X")
        self.shape: tuple[int, int] = self.matrix.shape
        self.index_dtype = np.dtype(np.int64)
        self.dist_dtype = self.matrix.dtype

    def read(self, first: int, last: int) -> Block:
        indices = as_readonly(np.arange(self.max_length, dtype=np.int64))  # the same for every row
        starts = np.arange(last - first + 1, dtype=np.int64) * self.max_length
        dists = _flatten(self.matrix[first:last], np.float64)
        return Block(first, indices, as_readonly(np.zeros(last - first, np.int64)), dists, as_readonly(starts))

    def entry(self, row: int, position: int) -> Entry:
        return Entry(row, position, position, self.matrix[row, position], f"X[{row}, {position}]", False)


Form: TypeAlias = ArrayForm | SparseForm | DenseForm
"""A form of neighbors. All are read by the same methods."""


def open_form(X: FeaturesLike | None, knn_indices: ArrayLike | None, knn_dists: ArrayLike | None) -> Form:
    """Detect the form of the neighbors, and check dtypes and shapes."""
    checks.check_pair(knn_indices, knn_dists)
    if knn_indices is not None and knn_dists is not None:
        if X is not None:
            raise TypeError("Pass either X or the two arrays of neighbors, not both.")
        return ArrayForm(knn_indices, knn_dists)
    if X is None:
        raise ValueError(f"Neither X nor neighbors were given. {checks.PAIR} Or pass a distance graph or matrix as X.")
    return SparseForm(X) if is_sparse(X) else DenseForm(X)


def as_csr(graph: AnySparse) -> SparseMatrix:
    """Convert a sparse graph to CSR with every stored entry, or return a CSR graph itself.

    scipy's conversion adds up the distances if a row of a COO graph lists a neighbor twice. In a BSR graph, a distance
    of 0 cannot be distinguished from padding. A DIA graph has no explicit zeros: scipy treats them as absent.
    """
    if graph.format == "csr":
        return graph
    if graph.format == "bsr" and graph.blocksize != (1, 1) and not graph.data.all():
        raise ValueError(
            f"X is a sparse BSR graph with blocks of {graph.blocksize}, in which a distance of 0 and no entry look "
            "alike. Pass the original graph in CSR format, or in blocks of (1, 1)."
        )
    if graph.format in ("bsr", "csc"):
        return graph.tocsr()
    graph = graph.tocoo()
    order = np.argsort(graph.row, kind="stable")
    indptr = np.zeros(graph.shape[0] + 1, np.int64)
    np.cumsum(np.bincount(graph.row, minlength=graph.shape[0]), out=indptr[1:])
    return scipy.sparse.csr_array((graph.data[order], graph.col[order], indptr), shape=graph.shape)


def get_row(graph: SparseMatrix, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return views of the indices and values of a row of a CSR graph."""
    entries = slice(graph.indptr[row], graph.indptr[row + 1])
    return graph.indices[entries], graph.data[entries]


def pad_rows(graph: SparseMatrix) -> tuple[np.ndarray, np.ndarray]:
    """Return a CSR graph as an array of indices, padded with -1, and an array of distances."""
    counts = np.diff(graph.indptr)
    is_listed = np.arange(counts.max(initial=0)) < counts[:, None]
    indices, dists = np.full(is_listed.shape, -1, np.int64), np.zeros(is_listed.shape, graph.data.dtype)
    indices[is_listed], dists[is_listed] = graph.indices, graph.data
    return indices, dists


def choose_block_entries(entries: int) -> int:
    """Return the number of entries of a block."""
    return max(BLOCK_ENTRIES, min(MAX_BLOCK_ENTRIES, entries // MAX_BLOCKS))


def _flatten(values: np.ndarray, dtype: type) -> np.ndarray:
    """Return a flat, aligned, read-only array, which is the only kind of array for which kernels are compiled."""
    return as_readonly(np.require(values, dtype, ["C_CONTIGUOUS", "ALIGNED"]).reshape(-1))
