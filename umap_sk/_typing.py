"""Types of what users give and of what libraries without types return.

scipy, scikit-learn and numba ship no types. Annotations name their objects by these types instead of by ``Any``.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

import numpy as np


class SparseMatrix(Protocol):
    """A sparse matrix or array of scipy in CSR format."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]
    dtype: np.dtype
    nnz: int

    def __getitem__(self, rows: object) -> "SparseMatrix":
        """Return a part of the rows."""
        ...

    def toarray(self) -> np.ndarray:
        """Return the same numbers in a dense array."""
        ...


Features: TypeAlias = np.ndarray | SparseMatrix
"""Checked features of rows: dense, or sparse in CSR format."""

DistanceFunction: TypeAlias = Callable[..., float]
"""A function of two rows that returns their distance."""

Metric: TypeAlias = str | DistanceFunction
"""A metric by its name or as a function of two rows."""

Parameters: TypeAlias = Mapping[str, object]
"""Values by the names of parameters."""
