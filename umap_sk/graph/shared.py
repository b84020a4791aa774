"""A fuzzy graph that is in memory once: in rows, or laid out in the optimizer's slices, whichever was needed last."""

import threading
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.runtime.allocation import find_mapped_file
from umap_sk.runtime.compile import readonly

WHOLE = ("indices", "weights")
OF_ROWS = ("lengths", "radii")


class LaidOut(NamedTuple):
    """What was an array of a fuzzy graph, one entry an edge, in slices.

    Attributes
    ----------
    order : ndarray of shape (n,), int32 or uint32
        Row of the graph for every row of the slices.
    starts : ndarray of shape (n_slices + 1,), int64
        Where each slice begins.
    values : ndarray, int32, uint32 or float32
        Numbers of the slices' rows, or weights.
    """

    order: np.ndarray
    starts: np.ndarray
    values: np.ndarray


class SharedGraph:
    """A fuzzy graph that shares its memory with a layout: arrays that it owns go when they are copied to slices.

    They are made again, bit for bit, when they are asked for.

    Parameters
    ----------
    graph : FuzzyGraph
        The graph.
    owned : iterable of {"indices", "weights"}
        Arrays that nobody else holds, so that giving them up frees memory. Arrays in files are never given up.
    lengths : ndarray of shape (n,), float32, optional
        Mean distance from every row to its neighbors.
    radii : ndarray of shape (n,), float32, optional
        Log radius of every row; see :func:`umap_sk.graph.radii.data_radii`.

    Attributes
    ----------
    checksum : str or None
        Of the graph in rows, where somebody has needed it.
    """

    __slots__ = ("_indptr", "_laid_out", "_lock", "_rows", "checksum", "in_files", "n_edges", "owned", *OF_ROWS)

    def __init__(
        self,
        graph: FuzzyGraph,
        owned: Iterable[str] = (),
        lengths: np.ndarray | None = None,
        radii: np.ndarray | None = None,
    ):
        self._indptr, self._rows = graph.indptr, {"indices": graph.indices, "weights": graph.weights}
        self._laid_out: dict[str, LaidOut] = {}
        self._lock = threading.Lock()
        self.n_edges = len(graph.indices)
        self.lengths = lengths
        self.radii = radii
        self.checksum: str | None = None
        self.in_files = any(find_mapped_file(array) for array in graph[1:])
        self.owned = frozenset(() if self.in_files else owned)

    @property
    def of_rows(self) -> dict[str, np.ndarray]:
        """What is known of the rows' distances, by name."""
        known = {name: getattr(self, name) for name in OF_ROWS}
        return {name: array for name, array in known.items() if array is not None}

    @property
    def indptr(self) -> np.ndarray:
        """Where each row begins, int64."""
        return self._indptr

    def rows(self, *, keep: bool = True) -> FuzzyGraph:
        """The graph in rows, bit for bit as it was; without `keep`, what is made again is the caller's alone."""
        with self._lock:
            rows = self._rows | {name: self._in_rows(name) for name in self._laid_out}
            if keep:
                self._rows, self._laid_out = rows, {}
            return FuzzyGraph(self._indptr, rows["indices"], rows["weights"])

    def give_up(self, name: str, laid_out: LaidOut) -> None:
        """Release indices or weights, of which the slices hold all that it takes to make them again."""
        with self._lock:
            if name in self.owned and name in self._rows:
                self._laid_out[name] = laid_out
                del self._rows[name]

    def _in_rows(self, name: str) -> np.ndarray:
        order, starts, values = self._laid_out[name]
        out = np.empty(self.n_edges, values.dtype)
        names = (order if name == "indices" else order[:0]).view(np.uint32)
        slices = readonly(starts), readonly(values.view(np.uint32))
        kernels.take_from_slices(readonly(self._indptr), order, names, *slices, out.view(np.uint32))
        return out
