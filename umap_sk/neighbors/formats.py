"""The three forms in which neighbors come (two arrays, a sparse graph, a dense matrix), read block by block.

Nothing is copied whole: a block of rows is converted to int64 and float64 at a time, and the caller's arrays are never
written to.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse

from umap_sk.neighbors import validate as checks
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.runtime.compile import readonly

BLOCK_ENTRIES = 2**18  # entries of a block: in a cache when they are read, and enough to keep threads busy
NEVER = int(np.iinfo(np.int64).min)  # an index that is always out of range: graphs have no sentinels


class Block(NamedTuple):
    """Some rows: entry e of row i is (indices[index_starts[i] + e], dists[starts[i] + e])."""

    first_row: int
    indices: np.ndarray
    index_starts: np.ndarray
    dists: np.ndarray
    starts: np.ndarray


class Entry(NamedTuple):
    """One entry as the caller knows it, for messages."""

    row: int
    column: int
    index: Any
    dist: Any
    name: str
    is_array: bool


class Form(Protocol):
    """What has to be known of an input to read it."""

    name: str
    shape: tuple[int, int]
    index_dtype: np.dtype
    dist_dtype: np.dtype
    sentinels: tuple[int, int]
    is_array: bool
    longest: int
    repeats: bool

    def room(self, width: int) -> int:
        """Entries at most, if every row keeps `width` at most."""

    def blocks(self) -> Iterator[Block]:
        """All rows in order."""

    def entry(self, row: int, position: int) -> Entry:
        """Entry number `position` of a row."""


def open_form(X: Any, knn_indices: Any, knn_dists: Any) -> Form:
    """Find out in which form the neighbors come, and check dtypes and shapes."""
    if (knn_indices is None) != (knn_dists is None):
        present, missing = ("knn_dists", "knn_indices") if knn_indices is None else ("knn_indices", "knn_dists")
        raise ValueError(f"{present} was given without {missing}. {checks.PAIR}")
    if knn_indices is not None:
        if X is not None:
            raise TypeError("Give either X or the two arrays to read neighbors from, not both.")
        return ArrayForm(knn_indices, knn_dists)
    if X is None:
        raise ValueError(f"Neither X nor neighbors were given. {checks.PAIR} Or give a distance graph or matrix as X.")
    return SparseForm(X) if scipy.sparse.issparse(X) else DenseForm(X)


class ArrayForm:
    """Two arrays, rows x neighbors."""

    name = "knn_indices"
    is_array = True
    repeats = True

    def __init__(self, indices: Any, dists: Any) -> None:
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
        self.longest = self.shape[1]
        # uint64's maximum becomes -1 on the way to int64
        largest = int(np.iinfo(self.index_dtype).max)
        self.sentinels = (-1, -1 if largest >= 2**63 else largest)

    def room(self, width: int) -> int:
        return self.shape[0] * min(width, self.longest)

    def blocks(self) -> Iterator[Block]:
        for first, last in _even_blocks(*self.shape):
            starts = np.arange(last - first + 1, dtype=np.int64) * self.longest
            indices, dists = _block(self.indices[first:last], np.int64), _block(self.dists[first:last], np.float64)
            yield Block(first, indices, readonly(starts[:-1]), dists, readonly(starts))

    def entry(self, row: int, position: int) -> Entry:
        index, dist = self.indices[row, position], self.dists[row, position]
        return Entry(row, position, index, dist, f"knn_dists[{row}, {position}]", True)


class SparseForm:
    """A sparse distance graph of any format; a CSR one is read where it lies."""

    name = "X"
    is_array = False
    repeats = True
    sentinels = (NEVER, NEVER)

    def __init__(self, graph: Any) -> None:
        checks.check_distance_dtype(graph.dtype, "X")
        if graph.ndim != 2:
            raise ValueError(f"X has {graph.ndim} dimension(s); a 2-d graph (rows x neighbors) is needed.")
        check_structure(graph, "X")
        self.graph = as_csr(graph)
        self.shape: tuple[int, int] = self.graph.shape
        self.index_dtype = self.graph.indices.dtype
        self.dist_dtype = self.graph.data.dtype
        self.longest = int(np.diff(self.graph.indptr).max(initial=0))

    def room(self, width: int) -> int:
        return int(np.minimum(np.diff(self.graph.indptr), min(width, self.longest)).sum(dtype=np.int64))

    def blocks(self) -> Iterator[Block]:
        indptr = self.graph.indptr
        first, n_rows = 0, self.shape[0]
        while first < n_rows:
            full = indptr.dtype.type(
                min(int(indptr[first]) + BLOCK_ENTRIES, int(indptr[-1]))
            )  # of its dtype: no copy of indptr
            last = int(np.searchsorted(indptr, full, side="right")) - 1
            last = min(max(last, first + 1), first + BLOCK_ENTRIES, n_rows)
            begin, end = int(indptr[first]), int(indptr[last])
            starts = indptr[first : last + 1].astype(np.int64) - begin
            indices, dists = self.graph.indices[begin:end], self.graph.data[begin:end]
            yield Block(
                first, _block(indices, np.int64), readonly(starts[:-1]), _block(dists, np.float64), readonly(starts)
            )
            first = last

    def entry(self, row: int, position: int) -> Entry:
        e = int(self.graph.indptr[row]) + position
        column, dist = int(self.graph.indices[e]), self.graph.data[e]
        return Entry(row, column, column, dist, f"X[{row}, {column}]", False)


class DenseForm:
    """A dense distance matrix."""

    name = "X"
    is_array = False
    repeats = False
    sentinels = (NEVER, NEVER)

    def __init__(self, matrix: Any) -> None:
        self.matrix = checks.as_array(matrix, "X")
        checks.check_distance_dtype(self.matrix.dtype, "X")
        self.shape: tuple[int, int] = self.matrix.shape
        self.index_dtype = np.dtype(np.int64)
        self.dist_dtype = self.matrix.dtype
        self.longest = self.shape[1]

    def room(self, width: int) -> int:
        return self.shape[0] * min(width, self.longest)

    def blocks(self) -> Iterator[Block]:
        indices = readonly(np.arange(self.longest, dtype=np.int64))  # the same for every row
        for first, last in _even_blocks(*self.shape):
            starts = np.arange(last - first + 1, dtype=np.int64) * self.longest
            dists = _block(self.matrix[first:last], np.float64)
            yield Block(first, indices, readonly(np.zeros(last - first, np.int64)), dists, readonly(starts))

    def entry(self, row: int, position: int) -> Entry:
        return Entry(row, position, position, self.matrix[row, position], f"X[{row}, {position}]", False)


def as_csr(graph: Any) -> Any:
    """Any sparse graph as CSR with every entry kept as it is; a CSR one is returned itself.

    scipy's own conversion adds up the distances of a neighbor that a COO row lists twice, and a BSR graph does not tell
    a distance of 0 from the filling of its blocks. (A DIA graph has no explicit zeros: scipy reads them as absent.)
    """
    if graph.format == "csr":
        return graph
    if graph.format == "bsr" and graph.blocksize != (1, 1) and not graph.data.all():
        raise ValueError(
            f"X is a sparse BSR graph with blocks of {graph.blocksize}, in which a distance of 0 and no entry look "
            "alike. Give the graph in CSR format as it was before, or in blocks of (1, 1)."
        )
    if graph.format in ("bsr", "csc"):
        return graph.tocsr()
    graph = graph.tocoo()
    order = np.argsort(graph.row, kind="stable")
    indptr = np.zeros(graph.shape[0] + 1, np.int64)
    np.cumsum(np.bincount(graph.row, minlength=graph.shape[0]), out=indptr[1:])
    return scipy.sparse.csr_array((graph.data[order], graph.col[order], indptr), shape=graph.shape)


def _even_blocks(n_rows: int, length: int) -> Iterator[tuple[int, int]]:
    step = max(1, BLOCK_ENTRIES // max(1, length))
    for first in range(0, n_rows, step):
        yield first, min(n_rows, first + step)


def _block(values: np.ndarray, dtype: type) -> np.ndarray:
    """Flat, aligned, read-only: the one kind of array that kernels are compiled for."""
    return readonly(np.require(values, dtype, ["C_CONTIGUOUS", "ALIGNED"]).reshape(-1))
