"""Distances of one sparse row to others, computed entry by entry, so that no distance depends on the other rows."""

import numpy as np

from umap_sk._typing import SparseMatrix


def compute_sparse_distances(row: SparseMatrix, others: SparseMatrix, power: int) -> np.ndarray:
    """Return Minkowski distances (`power` 1 or 2) of a CSR row to others. Equal rows have distance 0."""
    values = row.data.astype(np.float64)
    owners = np.repeat(np.arange(others.shape[0]), np.diff(others.indptr))
    places, both = find_columns(row.indices, others.indices)
    places = places[both]
    differences = others.data.astype(np.float64)
    differences[both] -= values[places]
    sums = np.bincount(owners, np.abs(differences) ** power, others.shape[0]).astype(np.float64, copy=False)
    lone = np.ones((others.shape[0], len(values)), bool)  # columns that only the row has
    lone[owners[both], places] = False
    sums += np.where(lone, np.abs(values) ** power, 0.0).sum(axis=1)
    return np.sqrt(sums) if power == 2 else sums


def find_columns(columns: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each wanted column among sorted ones, and whether it is one of them."""
    places = np.searchsorted(columns, wanted)
    is_known = places < len(columns)
    is_known[is_known] = columns[places[is_known]] == wanted[is_known]
    return places, is_known
