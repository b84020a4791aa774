"""The package's own search, for Euclidean distances and functions of them."""

import copy
from collections.abc import Callable

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk._typing import Features, SparseMatrix, is_sparse
from umap_sk.neighbors import cells, few_rows, sparse_index
from umap_sk.neighbors.cell_effort import build_cells_by_recall
from umap_sk.neighbors.distances import make_canonical
from umap_sk.neighbors.euclidean import ANGULAR, AffineRows, choose_exponent, convert_ranks, scale_rows
from umap_sk.runtime.compile import as_readonly

DENSE_NUMBERS = 2**22  # numbers of sparse rows that are dense at the same time
DENSE_FACTOR = 8  # sparse rows with more than one entry in 8 columns are searched as dense rows


class RowSearch:
    """A search among training rows by a metric that is a function of Euclidean distances.

    The rows are those of the caller. The index is built at the first search, and a stored search omits what can be
    rebuilt. A search that is not `exact` finds nearly all nearest neighbors.
    """

    def __init__(self, features: Features, metric: str, *, exact: bool):
        self.features, self.metric, self.exact = features, metric, exact
        self._exponent = 0 if metric in ANGULAR else choose_exponent(features)
        self._index: AffineRows | sparse_index.SparseIndex | cells.CellIndex | None = None
        self._plan: cells.CellPlan | None = None

    @property
    def n_rows(self) -> int:
        """Return the number of training rows."""
        return self.features.shape[0]

    @property
    def finds_all(self) -> bool:
        """Return whether the search finds all nearest neighbors. Few rows are always searched exactly."""
        return self.exact or self.n_rows <= few_rows.MAX_ROWS

    def find_neighbors(
        self, new: Features | None, count: int, *, progress: Callable[[int, int], object] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices and distances of the nearest training rows of new rows, or of the training rows (None).

        They are sorted by distance and then by index. The neighbors of a row do not depend on other rows of the call.
        """
        rows = self._get_index()
        if isinstance(rows, sparse_index.SparseIndex):
            matched = None
            if new is not None:
                assert is_sparse(new)  # as the training rows are
                matched = sparse_index.match_columns(rows, make_canonical(new), self.metric, self._exponent)
            found = sparse_index.search_sparse(rows, matched, count, exact=self.exact, progress=progress)
        else:
            scaled = None if new is None else self._scale(new)
            if isinstance(rows, AffineRows):
                found = few_rows.search_few(rows, scaled, count, self.metric in ANGULAR)
            else:
                found = cells.search_cells(rows, scaled, count, exact=self.exact, progress=progress)
        return found[0], convert_ranks(found[1], self.metric, self._exponent)

    def rank_candidates(
        self, new: Features | None, candidates: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices and distances of each row's nearest candidates, of which -1 is none.

        Sparse rows are compared as dense ones, block by block.
        """
        own, n = new is None, len(candidates)
        queries = self.features if new is None else new
        indices, ranks = np.empty((n, count), np.int64), np.empty((n, count))
        if not is_sparse(self.features):
            scaled = self._scale(self.features)
            arrays = map(
                as_readonly, (*(scaled if own else self._scale(queries)), *scaled, candidates.astype(np.int64))
            )
            kernels.rank_candidates(n, *arrays, own, self.metric in ANGULAR, indices, ranks)
            return indices, convert_ranks(ranks, self.metric, self._exponent)
        at_once = max(1, DENSE_NUMBERS // (candidates.shape[1] * queries.shape[1]))
        for rows in (slice(first, first + at_once) for first in range(0, n, at_once)):
            is_candidate = candidates[rows] >= 0
            if own:
                is_candidate &= candidates[rows] != np.arange(n)[rows, None]
            used = np.unique(candidates[rows][is_candidate])
            places = np.where(is_candidate, np.searchsorted(used, candidates[rows]), -1)
            arrays = map(as_readonly, (*self._scale(queries[rows]), *self._scale(self.features[used]), places))
            kernels.rank_candidates(len(places), *arrays, False, self.metric in ANGULAR, indices[rows], ranks[rows])
            indices[rows] = np.append(used, -1)[indices[rows]]
        return indices, convert_ranks(ranks, self.metric, self._exponent)

    def as_exact(self) -> "RowSearch":
        """Return the same search and index, with all neighbors found."""
        search = copy.copy(self)
        search.exact = True
        return search

    def to_compared_rows(self, features: Features) -> Features:
        """Return rows whose Euclidean distances have the order of the metric, for libraries of such distances.

        A row without a direction gets one along an additional column.
        """
        if self.metric not in ANGULAR:
            return make_canonical(features) if is_sparse(features) else features
        if is_sparse(features):
            rows = make_canonical(features)
            values = sparse_index.scale_values(rows, self.metric, 0)
            units = scipy.sparse.csr_array((values, rows.indices, rows.indptr), shape=rows.shape)
            empty = scipy.sparse.csr_array((np.diff(rows.indptr) == 0)[:, None].astype(np.float64))
            return scipy.sparse.hstack([units, empty], format="csr")
        scaled = self._scale(features)
        return np.column_stack(
            [scaled.features * scaled.affine[:, :1] - scaled.affine[:, 1:], scaled.affine[:, 0] == 0]
        )

    def _get_index(self) -> AffineRows | sparse_index.SparseIndex | cells.CellIndex:
        """Return the index: the rows themselves if they are few, cells, or the columns of sparse rows."""
        if self._index is None:
            if is_sparse(self.features) and not is_full(self.features):
                self._index = sparse_index.build_index(make_canonical(self.features), self.metric, self._exponent)
            else:
                self._index = self._build_dense_index(self._scale(self.features))
        return self._index

    def _build_dense_index(self, rows: AffineRows) -> AffineRows | cells.CellIndex:
        plan, angular, self._plan = self._plan, self.metric in ANGULAR, None
        if self.n_rows <= few_rows.MAX_ROWS:
            return rows
        if self.exact or plan is not None:
            return cells.build_cells(rows, angular, plan)
        return build_cells_by_recall(rows, angular)

    def _scale(self, features: Features) -> AffineRows:
        dense = features.toarray() if is_sparse(features) else features
        return scale_rows(dense, self.metric, self._exponent)

    def __getstate__(self) -> dict[str, object]:
        plan = cells.extract_plan(self._index) if isinstance(self._index, cells.CellIndex) else self._plan
        return {**vars(self), "_index": None, "_plan": plan}


def is_full(features: SparseMatrix) -> bool:
    """Return whether sparse rows have so many entries that they are searched as dense rows."""
    return bool(DENSE_FACTOR * features.nnz > features.shape[0] * features.shape[1])
