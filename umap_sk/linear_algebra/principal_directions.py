"""The orthonormal directions with the largest variance, by subspace iteration."""

from typing import NamedTuple

import numpy as np
import scipy.sparse

from umap_sk._typing import Features, is_sparse
from umap_sk.linear_algebra.eigenpairs import compute_eigenpairs, orthonormalize_rows
from umap_sk.linear_algebra.products import MAX_TERMS, multiply, round_to_whole_numbers
from umap_sk.runtime.side_by_side import map_in_order

FEATURE_BITS, FACTOR_BITS = 22, 20  # of the features and of their factors
BLOCK_NUMBERS = 2**18  # of a block of rows, which fits into the cache of a core
MIN_BLOCK_ROWS = 16
GUARD_VECTORS = 8  # vectors in addition to the requested ones, at least
WIDTH_MULTIPLE = 8  # The number of vectors is a multiple of it.
MAX_WHOLE_COLUMNS = 128  # columns whose directions are all computed
SAMPLED_ROWS = 5_000  # from which the directions are first computed
RESIDUAL_TOLERANCE = 1e-3  # of a direction, relative to the variance of the first one
MAX_ROUNDS = 30  # of the iteration


class CenteredRows(NamedTuple):
    """Centered rows, rounded to whole multiples of a unit for each column."""

    features: Features
    mean: np.ndarray  # of each column
    units: np.ndarray  # power of two for each column
    scale: float  # largest unit; coordinates are divided by it, so that their squares do not overflow


class Directions(NamedTuple):
    """Directions and their variances."""

    vectors: np.ndarray  # (width, d) orthonormal directions, in descending order of variance
    images: np.ndarray  # products of the directions with the covariance
    squares: np.ndarray  # sums of the squared coordinates along them, in units of ``rows.scale ** 2``


def find_principal_directions(rows: CenteredRows, count: int, seed: int) -> Directions:
    """Find the leading directions. For many rows, those of a sample are multiplied once by the covariance of all rows.

    The source is N. Halko, P. G. Martinsson, J. A. Tropp, "Finding structure with randomness", SIAM Review 53, 2011,
    section 4.5.
    """
    n, columns = rows.features.shape
    random = np.random.default_rng(seed)
    width = -(-(count + GUARD_VECTORS) // WIDTH_MULTIPLE) * WIDTH_MULTIPLE
    if columns <= max(MAX_WHOLE_COLUMNS, width):
        return select_first(iterate_subspace(rows, np.eye(columns), count), count)
    vectors = random.random((width, columns)) - 0.5
    if n <= 2 * SAMPLED_ROWS:
        return select_first(iterate_subspace(rows, vectors, count), count)
    sample = rows._replace(features=rows.features[np.sort(random.choice(n, SAMPLED_ROWS, replace=False))])
    found = apply_rayleigh_ritz(rows, iterate_subspace(sample, vectors, count).vectors)
    return select_first(found._replace(vectors=orthonormalize_rows(found.images)), count)


def select_first(found: Directions, count: int) -> Directions:
    """Return the first `count` directions."""
    return Directions(*(array[:count] for array in found))


def iterate_subspace(rows: CenteredRows, vectors: np.ndarray, count: int) -> Directions:
    """Multiply directions by the covariance until the first `count` of them converge, or for MAX_ROUNDS rounds."""
    found = apply_rayleigh_ritz(rows, orthonormalize_rows(vectors))
    for _ in range(MAX_ROUNDS - 1):
        left = found.images - found.squares[:, None] * found.vectors
        if np.square(left[:count]).sum(axis=1).max() <= (RESIDUAL_TOLERANCE * found.squares[0]) ** 2:
            break
        found = apply_rayleigh_ritz(rows, orthonormalize_rows(found.images))
    return found


def apply_rayleigh_ritz(rows: CenteredRows, vectors: np.ndarray) -> Directions:
    """Return the directions with the largest variance within the span of orthonormal vectors (Rayleigh and Ritz)."""
    images = multiply_by_covariance(rows, vectors)
    inner = multiply(vectors, images.T)
    largest = float(np.abs(inner).max()) or 1.0
    values, turns = compute_eigenpairs((inner + inner.T) / (2 * largest))
    return Directions(multiply(turns.T, vectors), multiply(turns.T, images), values * largest)


def multiply_by_covariance(rows: CenteredRows, vectors: np.ndarray) -> np.ndarray:
    """Return the products of vectors with the covariance matrix, which is not divided by the number of rows."""
    scaled = round_to_whole_numbers(vectors * (rows.units / rows.scale), FACTOR_BITS, 1)

    def multiply_block(block: slice) -> np.ndarray:
        numbers = round_block(rows, block)
        factors, unit = round_to_whole_numbers(project_block(rows, numbers, *scaled), FACTOR_BITS, 1)
        part = factors @ numbers
        if is_sparse(rows.features):
            part = part - factors.sum(axis=1)[:, None] * (rows.mean / rows.units)
        return part * unit

    image = np.zeros(vectors.shape)
    for part in map_in_order(multiply_block, split_into_blocks(rows.features)):
        image += part
    return image * (rows.units / rows.scale)


def project_block(rows: CenteredRows, numbers: Features, factors: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return the coordinates of a block of rows, in units of the scale, along vectors that are factors of `unit`."""
    if is_sparse(numbers):  # scipy adds these products without BLAS
        of_mean = (factors * (rows.mean / rows.units)).sum(axis=1)[:, None]
        return ((numbers @ factors.T).T - of_mean) * unit
    sums = np.zeros((len(factors), len(numbers)))
    for first in range(0, numbers.shape[1], MAX_TERMS):
        terms = slice(first, first + MAX_TERMS)
        sums += factors[:, terms] @ numbers[:, terms].T
    return sums * unit


def round_block(rows: CenteredRows, block: slice) -> Features:
    """Return a block of rows as whole numbers. The mean is not subtracted from sparse rows."""
    part = rows.features[block]
    if is_sparse(part):
        numbers = np.rint(part.data / rows.units[part.indices])
        return scipy.sparse.csr_array((numbers, part.indices, part.indptr), part.shape)
    numbers = part.astype(np.float64)
    numbers -= rows.mean
    numbers *= 1 / rows.units
    return np.rint(numbers, out=numbers)


def compute_coordinates(rows: CenteredRows, vectors: np.ndarray) -> np.ndarray:
    """Return the coordinates of all rows along vectors, in units of the scale."""
    scaled = round_to_whole_numbers(vectors * (rows.units / rows.scale), FACTOR_BITS, 1)

    def project(block: slice) -> np.ndarray:
        return project_block(rows, round_block(rows, block), *scaled).T

    return np.concatenate([*map_in_order(project, split_into_blocks(rows.features))])


def center_rows(features: Features) -> CenteredRows:
    """Compute the mean and the unit of each column."""
    n, columns = features.shape
    if is_sparse(features):
        rows = scipy.sparse.csr_array(features)
        mean = np.bincount(rows.indices, rows.data, columns) / n
        farthest = np.zeros(columns)
        np.maximum.at(farthest, rows.indices, np.abs(rows.data))
        features = rows
    else:

        def summarize(block: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            part = features[block].astype(np.float64)
            return part.sum(axis=0), part.min(axis=0), part.max(axis=0)

        mean, low, high = np.zeros(columns), features[0], features[0]
        for total, least, greatest in map_in_order(summarize, split_into_blocks(features)):
            mean += total
            low, high = np.minimum(low, least), np.maximum(high, greatest)
        mean /= n
        farthest = np.maximum(high - mean, mean - low)
    units = round_to_whole_numbers(farthest[None], FEATURE_BITS, 0)[1][0]
    return CenteredRows(features, mean, units, float(units[np.argmax(farthest)]))


def split_into_blocks(features: Features) -> list[slice]:
    """Return slices of rows that are multiplied together."""
    n, columns = features.shape
    step = MAX_TERMS if is_sparse(features) else min(MAX_TERMS, max(MIN_BLOCK_ROWS, BLOCK_NUMBERS // columns))
    return [slice(first, min(first + step, n)) for first in range(0, n, step)]
