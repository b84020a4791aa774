"""The manifold: the learned graph and its parameters, which many layouts can share."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse

from umap_sk._typing import AnySparse, Parameters
from umap_sk.graph import storage
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import WHOLE, SharedGraph
from umap_sk.graph.sparse_input import read_sparse_graph
from umap_sk.graph.validate import check_graph, check_row_arrays
from umap_sk.graph.views import Views
from umap_sk.runtime.allocation import Allocate, allocate_on_disk
from umap_sk.runtime.stored_format import format_fields, without_format

GRAPH_PARAMETERS = ("n_neighbors", "local_connectivity", "set_op_mix_ratio", "disconnection_distance", "symmetrize")


class Manifold(Views):
    """A fuzzy graph, and the parameters with which it was learned. A manifold is immutable.

    It is made by :meth:`umap_sk.PrecomputedUMAP.learn_manifold` or :meth:`from_graph`, and can be passed to
    ``fit(manifold=...)`` any number of times. Scikit-learn's cross-validation passes it on without splitting it.

    Parameters
    ----------
    graph : FuzzyGraph
        The graph, whose arrays are shared.
    parameters : dict, optional
        The parameters with which it was made.
    own : iterable of {"indices", "weights"}, default=()
        Arrays of the graph to which there is no other reference. They are freed when the graph is laid out, so that it
        is in memory only once, in the optimizer's order. Their rows are rebuilt on access, bit for bit.
    lengths : ndarray of shape (n_samples,), float32, optional
        Mean distance from each row to its neighbors, for a start that uses the graph's distances.
    radii : ndarray of shape (n_samples,), float32, optional
        Log radius of each row's neighborhood, for a fit with `dens_lambda`; NaN for rows without an edge.

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
        parameters: Parameters | None = None,
        *,
        own: Iterable[str] = (),
        lengths: np.ndarray | None = None,
        radii: np.ndarray | None = None,
    ):
        self._shared = SharedGraph(graph, own, lengths, radii)
        self._parameters = dict(parameters or {})

    @classmethod
    def from_graph(cls, graph: AnySparse) -> "Manifold":
        """Make a manifold of membership strengths from elsewhere, such as scanpy's or BBKNN's ``connectivities``.

        Parameters
        ----------
        graph : sparse array or matrix of shape (n, n)
            Weights from 0 to 1. The diagonal and stored zeros are dropped. Otherwise the graph is used as it is,
            symmetric or not. Arrays are shared with `graph` if their dtypes and order allow this.

        Returns
        -------
        Manifold
            A manifold without parameters.

        Raises
        ------
        TypeError
            If the graph is not sparse.
        ValueError
            If it is not square, has fewer than two rows or no edge, has an index out of range, or a weight is negative,
            above 1 or not finite.
        """
        return cls(read_sparse_graph(graph))

    def save(self, directory: str | os.PathLike) -> None:
        """Write the manifold to a new directory of .npy files and manifold.json, which describes them.

        It is first written to a temporary directory, which is renamed at the end. So the directory is always complete.

        Parameters
        ----------
        directory : path
            A missing or empty directory. Missing parents are made.

        Raises
        ------
        FileExistsError
            If the directory is not empty, since nothing is overwritten.
        OSError
            If writing fails, for example because the disk is full. Then nothing is left behind.
        """
        with storage.make_new_directory(directory) as folder:
            storage.write_manifold(folder, self._shared.rows(keep=False), self._parameters, self._shared.row_arrays)

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "Manifold":
        """Load a manifold from a directory that :meth:`save` has written.

        The arrays are mapped into memory, read-only. The system reads them when they are used, and may drop them again.
        So the graph may be larger than the memory. Nothing is unpickled. All data are checked once.

        Parameters
        ----------
        directory : path
            The directory. Its files must not change while the manifold is in use.

        Returns
        -------
        Manifold
            A manifold with the same bits as the saved one.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If a file has another format or a newer version, is truncated, contradicts the others or was changed, or if
            the arrays are not a valid graph.

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
        graph, parameters, row_arrays = storage.load(directory)
        return cls(graph, parameters, **row_arrays)

    @classmethod
    def built(cls, directory: str | os.PathLike, learn: Callable[[Allocate], "Manifold"]) -> "Manifold":
        """Build a manifold in its directory, without large arrays in memory.

        Parameters
        ----------
        directory : path
            A missing or empty directory.
        learn : callable
            Function of an allocator for large arrays, which returns the manifold.

        Returns
        -------
        Manifold
            The manifold as :meth:`load` returns it.
        """
        with storage.make_new_directory(directory) as folder:
            manifold = learn(partial(allocate_on_disk, folder))
            storage.write_manifold(folder, manifold._shared.rows(), manifold._parameters, manifold._shared.row_arrays)
        graph, parameters, row_arrays = storage.load(directory, checked=True)
        return cls(graph, parameters, **row_arrays)

    @property
    def n_samples(self) -> int:
        """Return the number of rows of the graph."""
        return len(self._shared.indptr) - 1

    @property
    def n_edges(self) -> int:
        """Return the number of entries of the graph."""
        return self._shared.n_edges

    @property
    def on_disk(self) -> bool:
        """Return whether the graph is mapped from files."""
        return self._shared.in_files

    @property
    def owns_arrays(self) -> bool:
        """Return whether a fit may free the graph's arrays when it lays them out."""
        return len(self._shared.owned) == len(WHOLE)

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the graph; empty if it came from elsewhere."""
        return dict(self._parameters)

    @property
    def graph(self) -> scipy.sparse.csr_array:
        """Return the membership strengths as a csr_array. Below 2^31 edges it shares memory with the manifold.

        After a layout, the rows are rebuilt first.
        """
        indptr, indices, weights = self._shared.rows()
        if len(indices) < 2**31 and self.n_samples < 2**31:
            indptr = indptr.astype(np.int32)
        return scipy.sparse.csr_array((weights, indices, indptr), (self.n_samples, self.n_samples), copy=False)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the graph's own arrays, which must not be modified. After a layout they are rebuilt first.

        Returns
        -------
        indptr : ndarray of shape (n_samples + 1,), int64
            Start of each row.
        indices : ndarray of shape (n_edges,), int32 or uint32
            Neighbors, ascending within each row.
        weights : ndarray of shape (n_edges,), float32
            Membership strengths.
        """
        return tuple(self._shared.rows())  # type: ignore[return-value]

    def disconnected(self) -> np.ndarray:
        """Return which rows have no edge of their own.

        Returns
        -------
        ndarray of shape (n_samples,), bool
            True for rows without a position in the embedding.
        """
        return np.diff(self._shared.indptr) == 0

    def check_agrees(self, parameters: Parameters) -> None:
        """Raise an error if the graph was learned with other parameters.

        Parameters
        ----------
        parameters : dict
            The expected parameters. Names that the manifold lacks are ignored.

        Raises
        ------
        ValueError
            If a parameter differs. The message contains both values.
        """
        check_agreement(self._parameters, parameters)

    def __repr__(self) -> str:
        known = f", n_neighbors={self._parameters['n_neighbors']}" if "n_neighbors" in self._parameters else ""
        return f"Manifold(n_samples={self.n_samples}, edges={self.n_edges}{known})"

    def __getstate__(self) -> dict[str, object]:
        graph = tuple(self._shared.rows(keep=False))
        known = {"lengths": self._shared.lengths, "radii": self._shared.radii}
        return {**format_fields(), "graph": graph, "parameters": self._parameters, **known}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = without_format("manifold", state)
        graph, parameters = FuzzyGraph(*state["graph"]), state["parameters"]
        lengths, radii = state["lengths"], state["radii"]
        what, cure = "The stored manifold", "Store it again from its origin, or learn it again."
        check_graph(graph, what, cure, symmetric=parameters.get("symmetrize") is True)
        check_row_arrays(lengths, radii, graph.indptr, what, cure)
        self._shared = SharedGraph(graph, WHOLE, lengths, radii)
        self._parameters = parameters


def check_agreement(known: Parameters, wanted: Parameters) -> None:
    """Raise an error if a graph was learned with other parameters."""
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
