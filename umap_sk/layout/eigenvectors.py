"""The first eigenvectors of a symmetric sparse matrix, to the same bits for any number of threads, library or machine.

A block of vectors is filtered by Chebyshev's polynomials, which damp what belongs to smaller eigenvalues, and made
orthonormal again; the matrix within their span gives the eigenvectors (Zhou, Saad, Tiago, Chelikowsky, "Self-consistent
field calculations using Chebyshev-filtered subspace iteration", J. Comput. Phys. 219, 2006). All sums have a fixed
order, and nothing is left to a library of linear algebra. The vectors are random at first, so where an eigenvalue is
multiple, the seed chooses a basis.
"""

import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.layout.init import random_positions
from umap_sk.linear_algebra.eigenpairs import compute_eigenpairs
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.threads import FEW_ROWS

WIDTH = 8  # vectors of a block come in multiples of it
GUARDS = 5  # vectors, at least, beside those that are wanted: they take in eigenvalues that are close to theirs
WHOLE_SPACE = 3  # widths up to which a matrix is solved within all of its space
TOLERANCE = 3e-5  # of the residuals; the matrix's norm is 1
STEPS = 1_200  # products with a block, about, at most
FIRST_STEPS, GROWTH = 20, 1.5  # of the first filter, and by what each has more
GAIN = 8.0  # exponent by which a filter lifts the wanted above what it damps
MOST_GAIN, MOST_KNOWN_GAIN = 14.0, 40.0  # exponents that keep vectors apart from each other, and from the known one
LEAST_CUT = -0.9


class Matrix(NamedTuple):
    """A symmetric matrix in compressed rows, with eigenvalues in [-1, 1] and a known eigenvector, whose value is 1.

    Attributes
    ----------
    indptr, indices, weights : ndarray
        The rows (int64, uint32, float64).
    known : ndarray of shape (n,), float64
        The eigenvector, of length 1.
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    known: np.ndarray


class Solved(NamedTuple):
    """Eigenvectors that were found.

    Attributes
    ----------
    values : ndarray of shape (count,), float64
        Eigenvalues, the largest first.
    vectors : ndarray of shape (n, count), float64
        Eigenvectors, of length 1.
    residual : float
        Largest length of ``matrix @ v - value * v``.
    steps : int
        Products of the matrix with a block of vectors that it took.
    """

    values: np.ndarray
    vectors: np.ndarray
    residual: float
    steps: int


def leading_eigenvectors(matrix: Matrix, count: int, seed: int) -> Solved:
    """Eigenvectors of the largest eigenvalues, but for the one that is known."""
    n = len(matrix.known)
    width = -(-(count + GUARDS) // WIDTH) * WIDTH
    width = n - 1 if n <= WHOLE_SPACE * width else width
    block, steps, degree = random_positions(n, width, seed).astype(np.float64), 0, FIRST_STEPS
    while True:
        values, block, residuals = ritz_vectors(matrix, orthonormal(matrix.known, block))
        steps, residual = steps + 1, float(residuals[:count].max())
        if residual <= TOLERANCE or steps >= STEPS:
            return Solved(values[:count], block[:, :count], residual, steps)
        cut, taken = filter_of(values, count, degree)
        block = filtered(matrix, block, cut, taken)
        steps, degree = steps + taken, round(GROWTH * degree)


def orthonormal(known: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Vectors of the same span, without the known one's share, of length 1 and at right angles to each other.

    Each pass divides by the root of the matrix of their products (Stathopoulos, Wu, "A block orthogonalization
    procedure with constant synchronization requirements", SIAM J. Sci. Comput. 23, 2002).
    """
    for _ in range(2):
        block = block - known[:, None] * products(known[:, None], block)
        inner = products(block, block)
        scale = 1 / np.sqrt(np.maximum(np.diagonal(inner), 1e-300))
        values, vectors = compute_eigenpairs(inner * scale * scale[:, None])
        block = combined(block, scale[:, None] * vectors / np.sqrt(np.maximum(values, 1e-15)))
    return block


def ritz_vectors(matrix: Matrix, block: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best eigenvectors within the span of orthonormal vectors."""
    image = stepped(matrix, block, block, 0.0, 1.0, 0.0)
    inner, squares = products(block, image), products(image, image)
    values, vectors = compute_eigenpairs((inner + inner.T) / 2)
    lengths = (vectors[:, None, :] * squares[:, :, None] * vectors).sum(axis=(0, 1))
    return values, combined(block, vectors), np.sqrt(np.maximum(lengths - values * values, 0))


def filter_of(values: np.ndarray, count: int, degree: int) -> tuple[float, int]:
    """Where the next filter cuts, and its degree."""
    gap = (GAIN / degree) ** 2 / 2  # cosh(degree * acosh(1 + gap)) is about exp(GAIN)
    cut = max(LEAST_CUT, min(float(values[-1]), (2 * float(values[count - 1]) - gap) / (2 + gap)))
    first, known = (math.sqrt(max(4 * (value - cut) / (cut + 1), 1e-12)) for value in (float(values[0]), 1.0))
    return cut, max(2, int(min(degree, MOST_GAIN / first, MOST_KNOWN_GAIN / max(known - first, 1e-6))))


def filtered(matrix: Matrix, block: np.ndarray, cut: float, degree: int) -> np.ndarray:
    """Chebyshev's polynomial of the matrix, of [-1, cut] and scaled to 1 at 1, applied to vectors."""
    half, center = (cut + 1) / 2, (cut - 1) / 2
    first = ratio = half / (1 - center)
    before, now, spare = block, stepped(matrix, block, block, center, ratio / half, 0.0), np.empty_like(block)
    for _ in range(degree - 1):
        following = 1 / (2 / first - ratio)
        stepped(matrix, now, before, center, 2 * following / half, ratio * following, spare)
        before, now, spare, ratio = now, spare, before, following
    return now


def stepped(
    matrix: Matrix,
    now: np.ndarray,
    before: np.ndarray,
    center: float,
    factor: float,
    share: float,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """One step of a recurrence, ``factor * (matrix @ now - center * now) - share * before``."""
    out = np.empty_like(now) if out is None else out
    rows = readonly(matrix.indptr), readonly(matrix.indices), readonly(matrix.weights)
    kernels.filter_step(*rows, readonly(now), readonly(before), center, factor, share, out)
    return out


def products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Inner products of all columns of two matrices, ``left.T @ right``."""
    if len(left) <= FEW_ROWS:
        return np.asarray(0.0 + np.add.accumulate(left[:, :, None] * right[:, None, :], axis=0)[-1])
    out = np.empty((left.shape[1], right.shape[1]))
    kernels.inner_products(readonly(np.ascontiguousarray(left)), readonly(right), out)
    return out


def combined(block: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Combinations of vectors, ``block @ shares``."""
    out = np.zeros_like(block)
    for column, share in zip(block.T, shares, strict=True):  # in this order on every machine
        out += column[:, None] * share
    return out
