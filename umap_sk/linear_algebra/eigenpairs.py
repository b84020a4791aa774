"""Eigenvectors of small matrices and orthonormal vectors, by sums in a fixed order."""

import numpy as np

from umap_sk import kernels


def compute_eigenpairs(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues of a small symmetric matrix with norm about 1, largest first, and its eigenvectors.

    The eigenvectors are columns.
    """
    left, rows = matrix.copy(), np.eye(len(matrix))
    kernels.diagonalize(left, rows)
    order = np.argsort(-np.diagonal(left), kind="stable")
    return np.diagonal(left)[order], rows[order].T


def orthonormalize_rows(rows: np.ndarray) -> np.ndarray:
    """Return orthonormal rows with the same span, by two passes of the Gram-Schmidt method.

    A row that depends on the rows above it becomes an arbitrary direction that is orthogonal to them, or 0.
    """
    rows = rows.astype(np.float64)
    for _ in range(2):
        for k, row in enumerate(rows):
            length = np.sqrt(np.square(row).sum())
            row /= length if length > 0 else 1.0
            below = rows[k + 1 :]
            below -= (below * row).sum(axis=1)[:, None] * row
    return rows
