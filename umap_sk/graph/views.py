"""Set operations of a manifold with another one of the same rows."""

from numbers import Real
from typing import Self

import numpy as np

from umap_sk._typing import Parameters
from umap_sk.graph import set_operations
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import WHOLE, SharedGraph


class Views:
    """The set operations of two manifolds of the same rows."""

    __slots__ = ()
    _shared: SharedGraph
    _parameters: Parameters

    def union(self, other: "Views") -> Self:
        """Unite the edges of both manifolds, as ``a + b`` of two models of umap-learn.

        The result is symmetric, unless both were learned with ``symmetrize=False``. It has the parameters in which both
        agree. The length of a row is the mean of both lengths, each in units of its manifold's mean, if both are known.

        Parameters
        ----------
        other : Manifold
            A manifold of the same rows, in the same order.

        Returns
        -------
        Manifold
            A manifold in memory. It can be saved, combined further, or laid out by ``fit(manifold=...)``.

        Raises
        ------
        TypeError, ValueError
            If `other` is no manifold, or has another number of rows.

        Examples
        --------
        >>> import numpy as np
        >>> from umap_sk import PrecomputedUMAP
        >>> points = np.random.default_rng(0).normal(size=(100, 6))
        >>> one, other = (PrecomputedUMAP(metric="euclidean").learn_manifold(x) for x in (points[:, :3], points[:, 3:]))
        >>> one.union(other)
        Manifold(n_samples=100, edges=3066, n_neighbors=15)
        """
        left, right = self._pair_with(other)
        return self._make(other, set_operations.unite(left, right), rescale=True)

    def intersection(self, other: "Views", mix_weight: float | Real = 0.5) -> Self:
        """Intersect the edges of both manifolds, as ``a * b`` of two models of umap-learn. Other edges become weak.

        Parameters, symmetry and lengths are as in :meth:`union`.

        Parameters
        ----------
        other : Manifold
            A manifold of the same rows, in the same order.
        mix_weight : float, default=0.5
            Importance of the other manifold: 0 for nearly the weights of this manifold, 1 for those of the other.

        Returns
        -------
        Manifold
            A manifold as of :meth:`union`.

        Raises
        ------
        TypeError, ValueError
            As in :meth:`union`, or if `mix_weight` is not from 0 to 1.
        """
        if not isinstance(mix_weight, Real) or not 0 <= float(mix_weight) <= 1:
            raise ValueError(f"mix_weight={mix_weight!r}, but a number from 0 (this manifold) to 1 (other) is needed.")
        left, right = self._pair_with(other)
        return self._make(other, set_operations.intersect(left, right, float(mix_weight)), rescale=True)

    def difference(self, other: "Views", *, keep_unshared: bool = False) -> Self:
        """Weaken the edges of this manifold that the other one has, as ``a - b`` of two models of umap-learn.

        Parameters and symmetry are as in :meth:`union`. The lengths are those of this manifold.

        Parameters
        ----------
        other : Manifold
            A manifold of the same rows, in the same order.
        keep_unshared : bool, default=False
            Whether an edge that `other` lacks keeps its weight. In umap-learn it is multiplied by 10^-8 to 10^-4. Then,
            of rows that share edges with `other`, mainly those edges remain that are weak there.

        Returns
        -------
        Manifold
            A manifold as of :meth:`union`.

        Raises
        ------
        TypeError, ValueError
            As in :meth:`union`, or if no edge is left.
        """
        left, right = self._pair_with(other)
        rows = set_operations.subtract(left, right, keep_unshared=keep_unshared)
        return self._make(other, rows, rescale=False)

    def __add__(self, other: object) -> Self:
        return self.union(other) if isinstance(other, Views) else NotImplemented

    def __mul__(self, other: object) -> Self:
        return self.intersection(other) if isinstance(other, Views) else NotImplemented

    def __sub__(self, other: object) -> Self:
        return self.difference(other) if isinstance(other, Views) else NotImplemented

    def _pair_with(self, other: object) -> tuple[FuzzyGraph, FuzzyGraph]:
        """Return both graphs, after checking that they have the same number of rows."""
        if not isinstance(other, Views):
            raise TypeError(
                f"other must be a Manifold, but is {type(other).__name__}. Use learn_manifold, or Manifold.from_graph."
            )
        left, right = self._shared.rows(keep=False), other._shared.rows(keep=False)
        if len(left.indptr) != len(right.indptr):
            raise ValueError(
                f"The manifolds have {len(left.indptr) - 1} and {len(right.indptr) - 1} rows, but views of the same "
                "rows, in the same order, are needed. Learn both from the rows that they share."
            )
        return left, right._replace(indices=right.indices.astype(left.indices.dtype, copy=False))

    def _make(self, other: "Views", rows: FuzzyGraph, *, rescale: bool) -> Self:
        """Make the manifold of combined rows. A difference is not rescaled and keeps the lengths of its left side."""
        both = self._parameters, other._parameters
        parameters = {name: value for name, value in both[0].items() if name in both[1] and both[1][name] == value}
        parameters["symmetrize"] = parameters.get("symmetrize", True)
        symmetrize = bool(parameters["symmetrize"])
        graph = set_operations.restore_connectivity(rows, rescale=rescale, symmetrize=symmetrize)
        if not len(graph.indices):
            raise ValueError(
                "No edge is left, because the other manifold has all of them with weight 1. Subtract another manifold."
            )
        lengths = average_lengths(self._shared.lengths, other._shared.lengths) if rescale else self._shared.lengths
        return type(self)(graph, parameters, own=WHOLE, lengths=lengths)  # type: ignore[call-arg]


def average_lengths(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """Return the float32 mean of two manifolds' lengths, each in units of its own mean, or None if one is unknown."""
    if one is None or other is None:
        return None
    parts = [lengths / (float(lengths.mean(dtype=np.float64)) or 1.0) for lengths in (one, other)]
    return ((parts[0] + parts[1]) / 2).astype(np.float32)
