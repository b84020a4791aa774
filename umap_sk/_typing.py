"""Types of what users give and of what libraries without types return.

scipy and scikit-learn ship no types. Annotations name their objects by these types instead of by ``Any``.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, DTypeLike

if TYPE_CHECKING:
    from typing_extensions import TypeIs


class SparseMatrix(Protocol):
    """A sparse matrix or array of scipy, in CSR format once it is checked."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]
    ndim: int
    dtype: np.dtype
    nnz: int
    format: str

    def __getitem__(self, rows: object) -> "SparseMatrix":
        """Return a part of the rows."""
        ...

    def astype(self, dtype: DTypeLike) -> "SparseMatrix":
        """Return the same numbers in another dtype."""
        ...

    def toarray(self) -> np.ndarray:
        """Return the same numbers in a dense array."""
        ...

    def tocsr(self) -> "SparseMatrix":
        """Return the same numbers in CSR format."""
        ...


AnySparse: TypeAlias = scipy.sparse.sparray | scipy.sparse.spmatrix
"""A sparse array or matrix of scipy in any format."""

Features: TypeAlias = np.ndarray | SparseMatrix
"""Checked features of rows: dense, or sparse in CSR format."""

FeaturesLike: TypeAlias = ArrayLike | SparseMatrix
"""Features or a graph as users pass them: anything that numpy converts to an array, or sparse in any format."""

DistanceFunction: TypeAlias = Callable[..., float]
"""A function of two rows that returns their distance."""

Metric: TypeAlias = str | DistanceFunction
"""A metric by its name or as a function of two rows."""

DistanceWithGradient: TypeAlias = Callable[..., tuple[float, np.ndarray]]
"""A function of two points that returns their distance and its gradient with respect to the first."""

OutputMetric: TypeAlias = str | DistanceWithGradient
"""A metric of a map by its name or as a function."""

Parameters: TypeAlias = Mapping[str, object]
"""Values by the names of parameters."""


def is_sparse(values: object) -> "TypeIs[SparseMatrix]":
    """Return whether values are a sparse matrix or array of scipy, as type checkers follow it."""
    return bool(scipy.sparse.issparse(values))
