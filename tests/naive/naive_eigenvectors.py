"""Slow, obvious twins of the eigensolver's kernels, on dense matrices. They import nothing from the package."""

import numpy as np


def filter_step(matrix, now, before, center, factor, share):
    """Return the next block of the filter's recurrence."""
    return factor * (matrix @ now - center * now) - share * before


def chebyshev(matrix, block, cut, degree):
    """Return the block after a filter: the Chebyshev polynomial with [-1, cut] mapped to [-1, 1], and 1 at 1."""

    def polynomial(value):
        t = (2 * value - (cut - 1)) / (cut + 1)
        return np.cos(degree * np.arccos(t)) if abs(t) <= 1 else np.cosh(degree * np.arccosh(t))

    values, vectors = np.linalg.eigh(matrix)
    shares = np.array([polynomial(value) for value in values]) / polynomial(1.0)
    return vectors @ (shares[:, None] * (vectors.T @ block))


def leading(matrix, known, count):
    """Return the largest eigenvalues except for that of the known eigenvector."""
    left = matrix - 3 * np.outer(known, known)
    return np.linalg.eigvalsh(left)[::-1][:count]
