"""One sparse row against others, entry by entry: the bits do not depend on which others."""

from typing import Any

import numpy as np


def sparse_distances(row: Any, others: Any, power: int) -> np.ndarray:
    """Minkowski distances (`power` 1 or 2) of one CSR row to others, from differences: equal rows are at distance 0."""
    values = row.data.astype(np.float64)
    owners, both, places = _met(row, others)
    differences = others.data.astype(np.float64)
    differences[both] -= values[places]
    sums = _summed(owners, np.abs(differences) ** power, others.shape[0])
    lone = np.ones((others.shape[0], len(values)), bool)  # what the row stores and the other does not
    lone[owners[both], places] = False
    sums += np.where(lone, np.abs(values) ** power, 0.0).sum(axis=1)
    return np.sqrt(sums) if power == 2 else sums


def _summed(owners: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Sum of the values of each of n owners; float64 also of no values, of which numpy's are integers."""
    return np.bincount(owners, weights=values, minlength=n).astype(np.float64, copy=False)


def _met(row: Any, others: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of the others' entries, which of these lie in columns of the row, and where they stand in it."""
    owners = np.repeat(np.arange(others.shape[0]), np.diff(others.indptr))
    places = np.searchsorted(row.indices, others.indices)
    both = places < len(row.indices)
    both[both] = row.indices[places[both]] == others.indices[both]
    return owners, both, places[both]
