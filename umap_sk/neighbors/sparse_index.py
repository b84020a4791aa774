"""The inverted index of sparse rows, and the search by it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk._typing import SparseMatrix
from umap_sk.kernels.sparse_search import Inverted, SparseRows
from umap_sk.neighbors.cells import PROGRESS_STEPS
from umap_sk.neighbors.euclidean import ANGULAR
from umap_sk.neighbors.sparse_rows import find_columns
from umap_sk.runtime.compile import as_readonly

MAX_PRODUCTS = 2**18  # products per row in an approximate search
KEPT_PER_NEIGHBOR = 4  # candidates per neighbor


class SparseIndex(NamedTuple):
    """Sparse rows, stored by rows and by columns."""

    rows: SparseRows
    inverted: Inverted
    columns: np.ndarray  # column of the features that each column represents
    angular: bool  # whether the rows are unit vectors


def build_index(features: SparseMatrix, metric: str, exponent: int) -> SparseIndex:
    """Build an index of sparse rows, without empty columns."""
    angular = metric in ANGULAR
    values = scale_values(features, metric, exponent)
    columns, places = np.unique(features.indices, return_inverse=True)
    shape = features.shape[0], len(columns)
    by_column = scipy.sparse.csr_array((values, places, features.indptr), shape=shape).tocsc()
    rows = SparseRows(
        features.indptr.astype(np.int64), places.astype(np.int64), values, compute_halves(features, values)
    )
    by_length = np.lexsort((np.arange(shape[0]), rows.halves.round(12) if angular else rows.halves))
    numbers = by_column.indices.astype(np.uint32), by_column.data.astype(np.float32)
    inverted = by_column.indptr.astype(np.int64), *numbers, by_length
    return SparseIndex(SparseRows(*map(as_readonly, rows)), Inverted(*map(as_readonly, inverted)), columns, angular)


def scale_values(features: SparseMatrix, metric: str, exponent: int) -> np.ndarray:
    """Return float64 values of rows whose Euclidean distances represent the metric."""
    values = features.data.astype(np.float64)
    if metric not in ANGULAR:
        return np.ldexp(values, -exponent)
    if metric == "hellinger":
        values = np.sqrt(values)
    counts = np.diff(features.indptr)
    used = np.flatnonzero(counts)
    largest = np.ones(len(counts))
    largest[used] = np.maximum.reduceat(np.abs(values), features.indptr[used]) if len(used) else 1
    values = values / np.repeat(np.where(largest > 0, largest, 1), counts)
    lengths = np.sqrt(2 * compute_halves(features, values))
    return values / np.repeat(np.where(lengths > 0, lengths, 1), counts)


def compute_halves(features: SparseMatrix, values: np.ndarray) -> np.ndarray:
    """Return half the squared length of each row."""
    owners = np.repeat(np.arange(features.shape[0]), np.diff(features.indptr))
    return np.bincount(owners, weights=values * values, minlength=features.shape[0]) / 2


def search_sparse(
    index: SparseIndex,
    new: SparseRows | None,
    n_neighbors: int,
    *,
    exact: bool,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Search the nearest training rows of new rows, or of the training rows (None). Returns indices and ranks."""
    own, rows = new is None, index.rows if new is None else new
    n = len(rows.halves)
    indices, ranks = np.empty((n, n_neighbors), np.int64), np.empty((n, n_neighbors))
    settings = (2**62 if exact else MAX_PRODUCTS, KEPT_PER_NEIGHBOR * n_neighbors, own, index.angular, indices, ranks)
    ends = np.linspace(0, n, min(PROGRESS_STEPS, 1 + n // 256) + 1).astype(int)
    for first, last in zip(ends[:-1], ends[1:], strict=True):
        kernels.search_sparse(last - first, rows, index.rows, index.inverted, int(first), int(last), *settings)
        if progress:
            progress(int(last), n)
    return indices, ranks


def match_columns(index: SparseIndex, features: SparseMatrix, metric: str, exponent: int) -> SparseRows:
    """Return new rows with the columns of the index. -1 stands for a column that it lacks."""
    values = scale_values(features, metric, exponent)
    places, is_known = find_columns(index.columns, features.indices)
    places = np.where(is_known, places, -1)
    parts = features.indptr.astype(np.int64), places.astype(np.int64), values, compute_halves(features, values)
    return SparseRows(*map(as_readonly, parts))
