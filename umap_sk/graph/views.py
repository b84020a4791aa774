"""Several views of the same rows: a manifold's union, intersection and difference with another."""

from numbers import Real
from typing import Any

import numpy as np

from umap_sk.graph import set_operations
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import WHOLE, SharedGraph


class Views:
    """What a manifold of some rows makes with another one of the same rows."""

    __slots__ = ()
    _shared: SharedGraph
    _parameters: dict[str, Any]

    def union(self, other: Any) -> Any:
        """Edges that either manifold has, as ``a + b`` of two models of umap-learn.

        The result is symmetric, unless both were learned with ``symmetrize=False``, and has the parameters in which
        both agree. Its rows are as long as the mean of both, each in units of its own mean, where both know theirs.

        Parameters
        ----------
        other : Manifold
            Of the same rows, in the same order.

        Returns
        -------
        Manifold
            In memory; to be saved, combined further, or laid out by ``fit(manifold=...)``.

        Raises
        ------
        TypeError, ValueError
            If `other` is no manifold, or of another number of rows.

        Examples
        --------
        >>> import numpy as np
        >>> from umap_sk import PrecomputedUMAP
        >>> points = np.random.default_rng(0).normal(size=(100, 6))
        >>> one, other = (PrecomputedUMAP(metric="euclidean").learn_manifold(x) for x in (points[:, :3], points[:, 3:]))
        >>> one.union(other)
        Manifold(n_samples=100, edges=3066, n_neighbors=15)
        """
        left, right = self._with(other)
        return self._made(other, set_operations.union(left, right), rescale=True)

    def intersection(self, other: Any, mix_weight: Any = 0.5) -> Any:
        """Edges that both manifolds have, as ``a * b`` of two models of umap-learn; the others are left, but weak.

        Parameters, symmetry and lengths are as in :meth:`union`.

        Parameters
        ----------
        other : Manifold
            Of the same rows, in the same order.
        mix_weight : float, default=0.5
            What counts: 0 for this manifold alone, 1 for the other.

        Returns
        -------
        Manifold
            As of :meth:`union`.

        Raises
        ------
        TypeError, ValueError
            As in :meth:`union`; or if `mix_weight` is not from 0 to 1.
        """
        if not isinstance(mix_weight, Real) or not 0 <= float(mix_weight) <= 1:
            raise ValueError(f"mix_weight={mix_weight!r}, but a number from 0 (this manifold) to 1 (other) is needed.")
        left, right = self._with(other)
        return self._made(other, set_operations.intersection(left, right, float(mix_weight)), rescale=True)

    def difference(self, other: Any, *, keep_unshared: bool = False) -> Any:
        """Edges of this manifold, weakened where the other one has them, as ``a - b`` of two models of umap-learn.

        Parameters and symmetry are as in :meth:`union`, lengths are this manifold's.

        Parameters
        ----------
        other : Manifold
            Of the same rows, in the same order.
        keep_unshared : bool, default=False
            Whether an edge that `other` lacks keeps all of its weight. In umap-learn it keeps the 10^-8 to 10^-4 part,
            so that in rows that share edges with `other` those are left that are weak there.

        Returns
        -------
        Manifold
            As of :meth:`union`.

        Raises
        ------
        TypeError, ValueError
            As in :meth:`union`; or if no edge is left.
        """
        left, right = self._with(other)
        rows = set_operations.difference(left, right, keep_unshared=keep_unshared)
        return self._made(other, rows, rescale=False)

    def __add__(self, other: Any) -> Any:
        return self.union(other) if isinstance(other, Views) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        return self.intersection(other) if isinstance(other, Views) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return self.difference(other) if isinstance(other, Views) else NotImplemented

    def _with(self, other: Any) -> tuple[FuzzyGraph, FuzzyGraph]:
        """Both graphs, if they are of as many rows."""
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

    def _made(self, other: "Views", rows: FuzzyGraph, *, rescale: bool) -> Any:
        """Manifold of combined rows; a difference, which is not rescaled, is as long as its left side."""
        both = self._parameters, other._parameters
        parameters = {name: value for name, value in both[0].items() if name in both[1] and both[1][name] == value}
        parameters["symmetrize"] = parameters.get("symmetrize", True)
        symmetrize = parameters["symmetrize"]
        graph = set_operations.locally_connected(rows, rescale=rescale, symmetrize=symmetrize)
        if not len(graph.indices):
            raise ValueError(
                "No edge is left: the other manifold has all of them, with a weight of 1. Take the difference with "
                "another view."
            )
        lengths = mean_lengths(self._shared.lengths, other._shared.lengths) if rescale else self._shared.lengths
        return type(self)(graph, parameters, own=WHOLE, lengths=lengths)  # type: ignore[call-arg]


def mean_lengths(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """Mean of two views' lengths, each in units of its own mean, float32; None where one is not known."""
    if one is None or other is None:
        return None
    parts = [lengths / (float(lengths.mean(dtype=np.float64)) or 1.0) for lengths in (one, other)]
    return ((parts[0] + parts[1]) / 2).astype(np.float32)
