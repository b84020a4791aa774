"""The first eigenvectors of a symmetric sparse matrix, with the same bits on any number of threads and any machine.

Chebyshev polynomials of the matrix filter a block of vectors and damp smaller eigenvalues. The block is then made
orthonormal, and the matrix within its span gives the eigenvectors (Zhou, Saad, Tiago, Chelikowsky, "Self-consistent
field calculations using Chebyshev-filtered subspace iteration", J. Comput. Phys. 219, 2006). All sums have a fixed
order, and no library of linear algebra is called. The first vectors are random. If an eigenvalue is multiple, the seed
therefore decides on the basis.
"""

import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.layout.init import draw_positions
from umap_sk.linear_algebra.eigenpairs import compute_eigenpairs
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import FEW_ROWS

WIDTH_MULTIPLE = 8  # The number of vectors of a block is a multiple of it.
GUARD_VECTORS = 5  # vectors of a block in addition to the requested ones, at least, for close eigenvalues
WHOLE_SPACE_WIDTHS = 3  # A matrix with at most this number of widths of a block is solved in its whole space.
RESIDUAL_TOLERANCE = 3e-5  # for a matrix with norm 1
MAX_STEPS = 1_200  # products of the matrix with a block, approximately
FIRST_DEGREE, DEGREE_GROWTH = 20, 1.5  # degree of the first filter, and the ratio of successive degrees
FILTER_GAIN = 8.0  # exponent by which a filter amplifies the requested eigenvectors relative to the damped ones
MAX_GAIN, MAX_KNOWN_GAIN = 14.0, 40.0  # exponents at which vectors stay independent of each other and of the known one
MIN_CUT = -0.9


class Matrix(NamedTuple):
    """A symmetric matrix in compressed rows, with eigenvalues in [-1, 1] and a known eigenvector with eigenvalue 1."""

    indptr: np.ndarray  # int64
    indices: np.ndarray  # uint32
    weights: np.ndarray  # float64
    known: np.ndarray  # float64 eigenvector of length 1


class Eigenvectors(NamedTuple):
    """Eigenvectors, and the accuracy of the solution."""

    values: np.ndarray  # in descending order
    vectors: np.ndarray  # (n, count), of length 1
    residual: float  # largest length of ``matrix @ v - value * v``
    steps: int  # number of products of the matrix with a block of vectors


def find_leading_eigenvectors(matrix: Matrix, count: int, seed: int) -> Eigenvectors:
    """Find the eigenvectors of the largest eigenvalues except for the known one."""
    n = len(matrix.known)
    width = -(-(count + GUARD_VECTORS) // WIDTH_MULTIPLE) * WIDTH_MULTIPLE
    width = n - 1 if n <= WHOLE_SPACE_WIDTHS * width else width
    block, steps, degree = draw_positions(n, width, seed).astype(np.float64), 0, FIRST_DEGREE
    while True:
        values, block, residuals = compute_ritz_vectors(matrix, orthonormalize(matrix.known, block))
        steps, residual = steps + 1, float(residuals[:count].max())
        if residual <= RESIDUAL_TOLERANCE or steps >= MAX_STEPS:
            return Eigenvectors(values[:count], block[:, :count], residual, steps)
        cut, taken = choose_filter(values, count, degree)
        block = apply_filter(matrix, block, cut, taken)
        steps, degree = steps + taken, round(DEGREE_GROWTH * degree)


def orthonormalize(known: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Return orthonormal vectors with the same span, after subtracting the projection on the known one.

    Each pass divides by the root of the matrix of their products (Stathopoulos, Wu, "A block orthogonalization
    procedure with constant synchronization requirements", SIAM J. Sci. Comput. 23, 2002).
    """
    for _ in range(2):
        block = block - known[:, None] * compute_inner_products(known[:, None], block)
        inner = compute_inner_products(block, block)
        scale = 1 / np.sqrt(np.maximum(np.diagonal(inner), 1e-300))
        values, vectors = compute_eigenpairs(inner * scale * scale[:, None])
        block = combine_columns(block, scale[:, None] * vectors / np.sqrt(np.maximum(values, 1e-15)))
    return block


def compute_ritz_vectors(matrix: Matrix, block: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the Ritz values, vectors and residuals of the span of orthonormal vectors."""
    image = apply_recurrence(matrix, block, block, 0.0, 1.0, 0.0)
    inner, squares = compute_inner_products(block, image), compute_inner_products(image, image)
    values, vectors = compute_eigenpairs((inner + inner.T) / 2)
    lengths = (vectors[:, None, :] * squares[:, :, None] * vectors).sum(axis=(0, 1))
    return values, combine_columns(block, vectors), np.sqrt(np.maximum(lengths - values * values, 0))


def choose_filter(values: np.ndarray, count: int, degree: int) -> tuple[float, int]:
    """Choose the cut of the next filter and its degree."""
    gap = (FILTER_GAIN / degree) ** 2 / 2  # cosh(degree * acosh(1 + gap)) is about exp(FILTER_GAIN)
    cut = max(MIN_CUT, min(float(values[-1]), (2 * float(values[count - 1]) - gap) / (2 + gap)))
    first, known = (math.sqrt(max(4 * (value - cut) / (cut + 1), 1e-12)) for value in (float(values[0]), 1.0))
    return cut, max(2, int(min(degree, MAX_GAIN / first, MAX_KNOWN_GAIN / max(known - first, 1e-6))))


def apply_filter(matrix: Matrix, block: np.ndarray, cut: float, degree: int) -> np.ndarray:
    """Apply the Chebyshev polynomial of the matrix on [-1, cut], scaled to 1 at 1, to vectors."""
    half, center = (cut + 1) / 2, (cut - 1) / 2
    first = ratio = half / (1 - center)
    before, now, spare = block, apply_recurrence(matrix, block, block, center, ratio / half, 0.0), np.empty_like(block)
    for _ in range(degree - 1):
        following = 1 / (2 / first - ratio)
        apply_recurrence(matrix, now, before, center, 2 * following / half, ratio * following, spare)
        before, now, spare, ratio = now, spare, before, following
    return now


def apply_recurrence(
    matrix: Matrix,
    now: np.ndarray,
    before: np.ndarray,
    center: float,
    factor: float,
    share: float,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Compute one step of a recurrence, ``factor * (matrix @ now - center * now) - share * before``."""
    out = np.empty_like(now) if out is None else out
    rows = as_readonly(matrix.indptr), as_readonly(matrix.indices), as_readonly(matrix.weights)
    kernels.filter_step(*rows, as_readonly(now), as_readonly(before), center, factor, share, out)
    return out


def compute_inner_products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the inner products of all columns of two matrices, ``left.T @ right``."""
    if len(left) <= FEW_ROWS:
        return np.asarray(0.0 + np.add.accumulate(left[:, :, None] * right[:, None, :], axis=0)[-1])
    out = np.empty((left.shape[1], right.shape[1]))
    kernels.inner_products(as_readonly(np.ascontiguousarray(left)), as_readonly(right), out)
    return out


def combine_columns(block: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return linear combinations of vectors, ``block @ shares``."""
    out = np.zeros_like(block)
    for column, share in zip(block.T, shares, strict=True):  # the same order on every machine
        out += column[:, None] * share
    return out
