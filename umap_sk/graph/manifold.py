"""The manifold: the learned graph with what it was learned from, the expensive half that many layouts can share."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse

from umap_sk.graph import storage
from umap_sk.graph.fuzzy_union import FuzzyGraph, without_zeros
from umap_sk.graph.shared import WHOLE, SharedGraph
from umap_sk.graph.validate import check_graph, check_lengths, check_radii
from umap_sk.graph.views import Views
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.runtime.allocation import Allocate, allocate_on_disk
from umap_sk.runtime.stored_format import FORMAT, check_format

WITHIN = (
    "Give every neighbor once, and weights from 0 to 1: divide larger ones by the largest, graph / graph.max(). If "
    "these are distances, pass the graph as X to fit instead."
)
GRAPH_PARAMETERS = ("n_neighbors", "local_connectivity", "set_op_mix_ratio", "disconnection_distance", "symmetrize")


class Manifold(Views):
    """A fuzzy graph, and the parameters it was learned with. It does not change once it is made.

    Made by :meth:`umap_sk.PrecomputedUMAP.learn_manifold` or :meth:`from_graph`; taken by ``fit(manifold=...)`` as
    often as one likes. Scikit-learn's cross-validation passes it on whole.

    Parameters
    ----------
    graph : FuzzyGraph
        The graph, whose arrays are shared.
    parameters : dict, optional
        The parameters that made it.
    own : iterable of {"indices", "weights"}, default=()
        Arrays of the graph that nobody else holds. They go when the graph is laid out, so that it is in memory once, in
        the optimizer's order; when it is asked for, its rows are made again, bit for bit.
    lengths : ndarray of shape (n_samples,), float32, optional
        Mean distance from every row to its neighbors, which a start from the graph's distances needs.
    radii : ndarray of shape (n_samples,), float32, optional
        Log radius of every row's neighborhood, which a fit with `dens_lambda` needs; NaN for rows without an edge.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk import PrecomputedUMAP
    >>> points = np.random.default_rng(0).normal(size=(100, 3))
    >>> manifold = PrecomputedUMAP(metric="euclidean").learn_manifold(points)
    >>> manifold
    Manifold(n_samples=100, edges=1794, n_neighbors=15)
    >>> PrecomputedUMAP(random_state=0).fit(manifold=manifold).embedding_.shape
    (100, 2)
    """

    __slots__ = ("_shared", "_parameters")

    def __init__(
        self,
        graph: FuzzyGraph,
        parameters: dict[str, Any] | None = None,
        *,
        own: Iterable[str] = (),
        lengths: np.ndarray | None = None,
        radii: np.ndarray | None = None,
    ):
        self._shared = SharedGraph(graph, own, lengths, radii)
        self._parameters = dict(parameters or {})

    @classmethod
    def from_graph(cls, graph: Any) -> "Manifold":
        """Take membership strengths that were learned elsewhere, as scanpy's and BBKNN's ``connectivities``.

        Parameters
        ----------
        graph : sparse array or matrix of shape (n, n)
            Weights from 0 to 1. The diagonal and stored zeros are left out; the graph is used as it is, symmetric or
            not. Arrays are shared with `graph` where their form allows.

        Returns
        -------
        Manifold
            With no parameters.

        Raises
        ------
        TypeError
            If the graph is not sparse.
        ValueError
            If it is not square, has fewer than two rows or no edge, names a row that there is not, or a weight is
            negative, above 1 or not finite.
        """
        if not scipy.sparse.issparse(graph):
            raise TypeError(
                f"Manifold.from_graph needs a scipy sparse graph of membership strengths, but got "
                f"{type(graph).__name__}. Wrap a dense matrix in scipy.sparse.csr_array."
            )
        if graph.shape[0] != graph.shape[1] or graph.shape[0] < 2:
            raise ValueError(f"The graph must be square with at least 2 rows, but has shape {graph.shape}.")
        check_structure(graph, "The graph")
        rows = scipy.sparse.csr_array(graph)
        if rows.data.dtype.kind not in "fiu":
            raise TypeError(
                f"Weights must be real numbers, but the graph has dtype {rows.data.dtype}. Use .astype(np.float32)."
            )
        if len(rows.data) and not 0 <= rows.data.min() <= rows.data.max() < np.inf:  # NaN fails it too
            raise ValueError(
                "Weights must be finite and at least 0. If these are distances, pass the graph as X to fit instead."
            )
        taken = canonical(rows)
        check_graph(taken, "What was given to Manifold.from_graph", WITHIN)
        return cls(taken)

    def save(self, directory: str | os.PathLike) -> None:
        """Write the manifold to a new directory: .npy files and manifold.json, which tells what they are.

        It is written beside its place and renamed at the end, so that a directory of this name is always whole.

        Parameters
        ----------
        directory : path
            Missing, or an empty directory; missing parents are made.

        Raises
        ------
        FileExistsError
            If something lies there: nothing is overwritten.
        OSError
            If something cannot be written, as on a full disk; then nothing is left.
        """
        storage.save(directory, self._shared.rows(keep=False), self._parameters, self._shared.of_rows)

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "Manifold":
        """Take a manifold from the directory that :meth:`save` has written.

        The arrays are mapped into memory, read-only: the system reads them where they are used, and may drop them
        again, so the graph may be larger than the memory. Nothing is unpickled. All of it is looked through once.

        Parameters
        ----------
        directory : path
            The directory. Its files must stay as they are while the manifold is in use.

        Returns
        -------
        Manifold
            With the bits of the one that was saved.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If a file is of another format or a newer version, is cut off, does not agree with the others, is not what
            was written, or the arrays are no graph.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from umap_sk import Manifold, PrecomputedUMAP
        >>> points = np.random.default_rng(0).normal(size=(100, 3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     PrecomputedUMAP(metric="euclidean").learn_manifold(points).save(f"{folder}/points")
        ...     Manifold.load(f"{folder}/points")
        Manifold(n_samples=100, edges=1794, n_neighbors=15)
        """
        graph, parameters, of_rows = storage.load(directory)
        return cls(graph, parameters, **of_rows)

    @classmethod
    def built(cls, directory: str | os.PathLike, learn: Callable[[Allocate], "Manifold"]) -> "Manifold":
        """Build a manifold in the directory where it is to lie, with no large array in memory.

        Parameters
        ----------
        directory : path
            Missing, or an empty directory.
        learn : callable
            Takes what makes large arrays; returns the manifold.

        Returns
        -------
        Manifold
            As :meth:`load` gives it.
        """
        with storage.new_directory(directory) as folder:
            made = learn(partial(allocate_on_disk, folder))
            storage.write(folder, made._shared.rows(), made._parameters, made._shared.of_rows)
        graph, parameters, of_rows = storage.load(directory, looked_at=True)
        return cls(graph, parameters, **of_rows)

    @property
    def n_samples(self) -> int:
        """Rows of the graph."""
        return len(self._shared.indptr) - 1

    @property
    def n_edges(self) -> int:
        """Entries of the graph."""
        return self._shared.n_edges

    @property
    def on_disk(self) -> bool:
        """Whether the graph lies in files that are mapped into memory."""
        return self._shared.in_files

    @property
    def owns_arrays(self) -> bool:
        """Whether nobody else holds the graph's arrays, so that they go when a fit lays it out."""
        return len(self._shared.owned) == len(WHOLE)

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters that made the graph; empty where it came from elsewhere."""
        return dict(self._parameters)

    @property
    def graph(self) -> scipy.sparse.csr_array:
        """Membership strengths as a csr_array; shares memory with the manifold below 2^31 edges, a copy beyond.

        After a layout its rows are made again first.
        """
        indptr, indices, weights = self._shared.rows()
        if len(indices) < 2**31 and self.n_samples < 2**31:
            indptr = indptr.astype(np.int32)
        return scipy.sparse.csr_array((weights, indices, indptr), (self.n_samples, self.n_samples), copy=False)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The graph's own arrays; do not write to them. After a layout they are made again first.

        Returns
        -------
        indptr : ndarray of shape (n_samples + 1,), int64
            Where each row begins.
        indices : ndarray of shape (n_edges,), int32 or uint32
            Neighbors, ascending within a row.
        weights : ndarray of shape (n_edges,), float32
            Membership strengths.
        """
        return tuple(self._shared.rows())  # type: ignore[return-value]

    def disconnected(self) -> np.ndarray:
        """Which rows have no edge of their own.

        Returns
        -------
        ndarray of shape (n_samples,), bool
            True for rows that get no place in the embedding.
        """
        return np.diff(self._shared.indptr) == 0

    def check_agrees(self, parameters: dict[str, Any]) -> None:
        """Raise if the graph was learned with other parameters.

        Parameters
        ----------
        parameters : dict
            What is expected; names that the manifold does not know are not compared.

        Raises
        ------
        ValueError
            If a parameter differs, with both values.
        """
        check_agreement(self._parameters, parameters)

    def __repr__(self) -> str:
        known = f", n_neighbors={self._parameters['n_neighbors']}" if "n_neighbors" in self._parameters else ""
        return f"Manifold(n_samples={self.n_samples}, edges={self.n_edges}{known})"

    def __getstate__(self) -> dict[str, Any]:
        graph = tuple(self._shared.rows(keep=False))
        state = {"format": FORMAT, "graph": graph, "parameters": self._parameters, "lengths": self._shared.lengths}
        return state if self._shared.radii is None else state | {"radii": self._shared.radii}

    def __setstate__(self, state: dict[str, Any]) -> None:
        check_format("manifold", state["format"])
        graph, parameters, lengths = FuzzyGraph(*state["graph"]), state["parameters"], state.get("lengths")
        what, cure = "The stored manifold", "Store it again where it was made, or learn it again."
        check_graph(graph, what, cure, symmetric=parameters.get("symmetrize") is True)
        check_lengths(lengths, len(graph.indptr) - 1, what, cure)
        check_radii(state.get("radii"), graph.indptr, what, cure)
        self._shared = SharedGraph(graph, WHOLE, lengths, state.get("radii"))
        self._parameters = parameters


def check_agreement(known: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise if a graph was learned with other parameters."""
    differing = [
        f"{name}={known[name]!r} there, {wanted[name]!r} here"
        for name in GRAPH_PARAMETERS
        if name in known and name in wanted and known[name] != wanted[name]
    ]
    if differing:
        raise ValueError(
            f"The manifold was learned with other parameters: {'; '.join(differing)}. Set the estimator's parameters "
            "to the manifold's, or learn a manifold with the estimator's."
        )


def canonical(rows: scipy.sparse.csr_array) -> FuzzyGraph:
    """Finite weights as a fuzzy graph: rows sorted, no entry twice, no diagonal, no zeros; shares arrays that fit."""
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    index_dtype = np.int32 if rows.shape[0] <= 2**31 else np.uint32
    indptr = rows.indptr.astype(np.int64)
    graph = FuzzyGraph(indptr, rows.indices.astype(index_dtype, copy=False), rows.data.astype(np.float32, copy=False))
    diagonal = np.repeat(np.arange(rows.shape[0], dtype=index_dtype), np.diff(indptr)) == graph.indices
    if diagonal.any():
        graph = graph._replace(weights=np.where(diagonal, np.float32(0), graph.weights))
    graph = without_zeros(graph)
    if len(graph.weights) == 0:
        raise ValueError("The graph has no edge with a positive weight between two different rows.")
    return graph
