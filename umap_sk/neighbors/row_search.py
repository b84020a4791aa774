"""The package's own search, by Euclidean distance and what is a function of it."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk.neighbors import cells, few_rows, sparse_index
from umap_sk.neighbors.distances import canonical
from umap_sk.neighbors.euclidean import ANGULAR, Rows, distances_of, exponent_of, scaled_rows
from umap_sk.runtime.compile import readonly

DENSE = 8  # sparse rows that fill more than one of so many places are searched as dense ones


class RowSearch:
    """Training rows, and how neighbors among them are found.

    What speeds the search up is built when it is first needed. A stored search leaves out what can be built again.

    Parameters
    ----------
    features : ndarray or csr_array of shape (n, d), float32 or float64
        The training rows as they were given.
    metric : str
        A metric that :func:`umap_sk.neighbors.euclidean.is_euclidean` knows.
    exact : bool
        Whether all nearest neighbors are found, or nearly all.
    """

    def __init__(self, features: Any, metric: str, *, exact: bool):
        self.features, self.metric, self.exact = features, metric, exact
        self._exponent = 0 if metric in ANGULAR else exponent_of(features)
        self._index: Any = None
        self._plan: cells.CellPlan | None = None

    @property
    def n_rows(self) -> int:
        """How many training rows there are."""
        return self.features.shape[0]

    @property
    def finds_all(self) -> bool:
        """Whether all nearest neighbors are found: few rows are searched exactly in any case."""
        return self.exact or self.n_rows <= few_rows.MOST

    def neighbors(
        self, new: Any, count: int, *, progress: Callable[[int, int], object] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Nearest training rows of new rows, or of the training rows themselves (None); indices and distances.

        They are sorted by distance and then by index. A row's neighbors depend on no other row that is searched.
        """
        rows = self._index_of_rows()
        if isinstance(rows, sparse_index.SparseIndex):
            queries = None if new is None else sparse_index.new_rows(rows, canonical(new), self.metric, self._exponent)
            found = sparse_index.search_sparse(rows, queries, count, exact=self.exact, progress=progress)
        else:
            scaled = None if new is None else self._scaled(new)
            if isinstance(rows, Rows):
                found = few_rows.search_few(rows, scaled, count, self.metric in ANGULAR)
            else:
                found = cells.search(rows, scaled, count, exact=self.exact, progress=progress)
        return found[0], distances_of(found[1], self.metric, self._exponent)

    def distances(self, new: Any, candidates: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The nearest of each row's candidates, -1 for none of them: indices and distances."""
        own = new is None
        training = self._scaled(self.features)
        rows = training if own else self._scaled(new)
        indices, ranks = np.empty((len(candidates), count), np.int64), np.empty((len(candidates), count))
        arrays = map(readonly, (*rows, *training, candidates.astype(np.int64)))
        kernels.rank_candidates(len(candidates), *arrays, own, self.metric in ANGULAR, indices, ranks)
        return indices, distances_of(ranks, self.metric, self._exponent)

    def exactly(self) -> "RowSearch":
        """The same search, with what it has built, that finds all neighbors."""
        search = copy.copy(self)
        search.exact = True
        return search

    def as_compared(self, features: Any) -> Any:
        """Rows whose Euclidean distances have the order of the metric, as a library for such distances gets them.

        A row without a direction points along a column that is added for it.
        """
        if self.metric not in ANGULAR:
            return canonical(features) if scipy.sparse.issparse(features) else features
        if scipy.sparse.issparse(features):
            rows = canonical(features)
            values = sparse_index.scaled_values(rows, self.metric, 0)
            units = scipy.sparse.csr_array((values, rows.indices, rows.indptr), shape=rows.shape)
            empty = scipy.sparse.csr_array((np.diff(rows.indptr) == 0)[:, None].astype(np.float64))
            return scipy.sparse.hstack([units, empty], format="csr")
        scaled = self._scaled(features)
        return np.column_stack(
            [scaled.features * scaled.affine[:, :1] - scaled.affine[:, 1:], scaled.affine[:, 0] == 0]
        )

    def _index_of_rows(self) -> Any:
        """What is searched: few rows as they are, more in cells, sparse ones by their columns."""
        if self._index is None:
            if scipy.sparse.issparse(self.features) and not is_full(self.features):
                self._index = sparse_index.build_sparse(canonical(self.features), self.metric, self._exponent)
            else:
                rows = self._scaled(self.features)
                few = self.n_rows <= few_rows.MOST
                self._index = rows if few else cells.build_cells(rows, self.metric in ANGULAR, self._plan)
                self._plan = None
        return self._index

    def _scaled(self, features: Any) -> Rows:
        dense = features.toarray() if scipy.sparse.issparse(features) else features
        return scaled_rows(dense, self.metric, self._exponent)

    def __getstate__(self) -> dict[str, Any]:
        plan = cells.plan_of(self._index) if isinstance(self._index, cells.CellIndex) else self._plan
        return {**vars(self), "_index": None, "_plan": plan}


def is_full(features: Any) -> bool:
    """Whether sparse rows are so full that they are searched as dense ones."""
    return bool(DENSE * features.nnz > features.shape[0] * features.shape[1])
