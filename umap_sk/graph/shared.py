"""A fuzzy graph that is in memory once: either in rows, or in the optimizer's slices."""

import threading
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.runtime.allocation import find_mapped_file
from umap_sk.runtime.compile import as_readonly

WHOLE = ("indices", "weights")
ROW_ARRAYS = ("lengths", "radii")


class SlicedArray(NamedTuple):
    """An array of a fuzzy graph's edges in the order of slices."""

    order: np.ndarray  # row of the graph for each row of the slices
    starts: np.ndarray  # int64 start of each slice
    values: np.ndarray  # row numbers of the slices, or weights


class SharedGraph:
    """A fuzzy graph that shares its memory with a layout: its own arrays are freed when they are copied to slices.

    They are rebuilt on access, bit for bit. The `owned` arrays are those without other references, so that releasing
    them frees memory. Arrays in files are never released. `lengths` are the mean distances of the rows to their
    neighbors, and `radii` are those of :func:`umap_sk.graph.radii.compute_data_radii`.
    """

    __slots__ = ("_indptr", "_sliced", "_lock", "_rows", "checksum", "in_files", "n_edges", "owned", *ROW_ARRAYS)

    def __init__(
        self,
        graph: FuzzyGraph,
        owned: Iterable[str] = (),
        lengths: np.ndarray | None = None,
        radii: np.ndarray | None = None,
    ):
        self._indptr, self._rows = graph.indptr, {"indices": graph.indices, "weights": graph.weights}
        self._sliced: dict[str, SlicedArray] = {}
        self._lock = threading.Lock()
        self.n_edges = len(graph.indices)
        self.lengths = lengths
        self.radii = radii
        self.checksum: str | None = None  # of the graph in rows, if it was computed
        self.in_files = any(find_mapped_file(array) for array in graph[1:])
        self.owned = frozenset(() if self.in_files else owned)

    @property
    def row_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that describe the rows' distances, by name."""
        known = {name: getattr(self, name) for name in ROW_ARRAYS}
        return {name: array for name, array in known.items() if array is not None}

    @property
    def indptr(self) -> np.ndarray:
        """Return the start of each row, int64."""
        return self._indptr

    def rows(self, *, keep: bool = True) -> FuzzyGraph:
        """Return the graph in rows, bit for bit. Without `keep`, rebuilt arrays are not stored here."""
        with self._lock:
            rows = self._rows | {name: self._rebuild(name) for name in self._sliced}
            if keep:
                self._rows, self._sliced = rows, {}
            return FuzzyGraph(self._indptr, rows["indices"], rows["weights"])

    def release(self, name: str, sliced: SlicedArray) -> None:
        """Release the indices or weights, which can be rebuilt from the slices."""
        with self._lock:
            if name in self.owned and name in self._rows:
                self._sliced[name] = sliced
                del self._rows[name]

    def _rebuild(self, name: str) -> np.ndarray:
        order, starts, values = self._sliced[name]
        out = np.empty(self.n_edges, values.dtype)
        names = (order if name == "indices" else order[:0]).view(np.uint32)
        slices = as_readonly(starts), as_readonly(values.view(np.uint32))
        kernels.take_from_slices(as_readonly(self._indptr), order, names, *slices, out.view(np.uint32))
        return out
