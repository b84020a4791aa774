"""Scales and graphs of few rows in numpy, with the bits of the kernels, so that nothing has to be compiled."""

import numpy as np

from umap_sk import kernels
from umap_sk.neighbors.rows import locate_entries
from umap_sk.runtime.compile import get_python_function
from umap_sk.runtime.threads import FEW_ROWS

MAX_PADDED_NUMBERS = 2**20  # numbers of rows that are padded to the longest one
HALLEY_STEPS = 64

exponential, log_of, union = map(get_python_function, (kernels.exponential, kernels.log_of, kernels.fuzzy_union))


def are_few(indptr: np.ndarray) -> bool:
    """Return whether rows are so few and short that numpy is faster than compiling kernels."""
    rows = len(indptr) - 1
    return 0 < rows <= FEW_ROWS and rows * int(np.diff(indptr).max()) <= MAX_PADDED_NUMBERS


@np.errstate(all="ignore")
def solve_scales(
    indptr: np.ndarray,
    distances: np.ndarray,
    target: float,
    local_connectivity: float,
    self_entries: int,
    global_mean: float,
    rho: np.ndarray,
    sigma: np.ndarray,
    strengths: np.ndarray,
) -> None:
    """Compute what :func:`umap_sk.kernels.solve_scales` does. Rows are stored as columns."""
    owners, places = locate_entries(indptr)
    lengths = np.diff(indptr)
    padded = np.zeros((max(1, int(lengths.max())), len(lengths)))
    padded[places, owners] = distances
    rho[:] = find_nearest_nonzero(padded, lengths, local_connectivity)
    excess = np.zeros_like(padded)
    excess[places, owners] = np.maximum(0.0, distances - rho[owners])
    means = sum_columns(padded) / np.maximum(1, lengths + self_entries)
    means = np.where((rho > 0) | (self_entries == 0), means, global_mean)
    np.maximum(solve_sigma(excess, lengths, target), 1e-3 * means, out=sigma)
    if len(strengths):
        inverse = np.divide(1.0, sigma, out=np.zeros_like(sigma), where=sigma > 0)
        strengths[:] = exp_minus(excess * inverse)[places, owners]


def sum_columns(columns: np.ndarray) -> np.ndarray:
    """Sum each column from top to bottom. `sum` could use another order."""
    return np.add.accumulate(columns, axis=0)[-1]


def sum_rows(indptr: np.ndarray, values: np.ndarray, scale: np.float32, out: np.ndarray) -> None:
    """Sum each row in float32, times `scale`."""
    owners, places = locate_entries(indptr)
    padded = np.zeros((max(1, int(np.diff(indptr).max())), len(out)), np.float32)
    padded[places, owners] = values
    out[:] = sum_columns(padded) * scale


def sum_row_blocks(indptr: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the float64 sum of all values of each block of rows."""
    blocks = np.split(values, indptr[kernels.BLOCK_ROWS : -1 : kernels.BLOCK_ROWS])
    return np.array([sum_columns(np.concatenate([[0.0], block])) for block in blocks])


def exp_minus(x: np.ndarray) -> np.ndarray:
    """Return exp(-x) for x >= 0, as the kernel of this name does."""
    return np.asarray(exponential(np.minimum(x, 700.0)))


def find_nearest_nonzero(padded: np.ndarray, lengths: np.ndarray, local_connectivity: float) -> np.ndarray:
    """Return the interpolated float32 distance to the `local_connectivity`-th neighbor at a distance above 0."""
    columns = np.arange(len(lengths))
    local_connectivity = min(local_connectivity, len(padded) + 1.0)  # no row has that many
    whole = int(local_connectivity)
    part = local_connectivity - whole
    first = np.count_nonzero((padded <= 0) & (np.arange(len(padded))[:, None] < lengths), axis=0)

    def nth(number: int) -> np.ndarray:
        return np.asarray(padded[np.minimum(first + number, len(padded) - 1), columns])

    if whole == 0:
        found = part * nth(0)
    else:
        found = nth(whole - 1)
        found = found + part * (nth(whole) - found) if part > 1e-5 else found
    found = np.where(lengths - first < local_connectivity, padded[lengths - 1, columns], found)
    return np.where(first == lengths, 0.0, found).astype(np.float32)


def solve_sigma(excess: np.ndarray, lengths: np.ndarray, target: float) -> np.ndarray:
    """Solve sigma of each row with the kernel's steps. Sums are padded with ones to the width of the row's block."""
    blocks = np.arange(0, len(lengths), kernels.LANES)
    widths = np.repeat(np.maximum.reduceat(lengths, blocks), kernels.LANES)[: len(lengths)]
    inside = np.arange(len(excess))[:, None] < lengths
    zeros = np.count_nonzero((excess == 0.0) & inside, axis=0)
    enough = lengths > target
    result = np.where(enough & (zeros >= target - 1e-5), 0.0, kernels.LARGEST_SIGMA)
    rows = np.flatnonzero(enough & (zeros < target - 1e-5))
    inverse, low = find_first_inverse(excess[:, rows], lengths[rows], target), np.zeros(len(rows))
    for _ in range(HALLEY_STEPS):
        if not len(rows):
            break
        here = excess[:, rows]
        terms = np.where(np.arange(len(excess))[:, None] < widths[rows], exp_minus(here * inverse), 0.0)
        moments = here * terms
        value = sum_columns(terms) - (widths - lengths)[rows]
        sums = value, sum_columns(moments), sum_columns(here * moments)
        inverse, low, errors = improve_inverse(inverse, low, sums, target)
        result[rows] = 1.0 / inverse
        going = ~(errors < kernels.MAX_ERROR)
        rows, inverse, low = rows[going], inverse[going], low[going]
    return result


def find_first_inverse(excess: np.ndarray, lengths: np.ndarray, target: float) -> np.ndarray:
    """Return the values of 1 / sigma from which the kernel's iteration starts."""
    mean, square = sum_columns(excess) / lengths, sum_columns(excess * excess) / lengths
    variance = np.maximum(0.0, square - mean * mean)
    wanted = log_of(lengths / target)
    return np.asarray(2 * wanted / (mean + np.sqrt(np.maximum(0.0, mean * mean - 2 * variance * wanted))))


def improve_inverse(
    inverse: np.ndarray, low: np.ndarray, sums: tuple[np.ndarray, np.ndarray, np.ndarray], target: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make the kernel's step of Halley's method."""
    value, slope, curvature = sums
    value = np.maximum(value, kernels.SMALLEST_SUM)
    ratio = value / target
    height = log_of(np.where(ratio >= 1.0, ratio, 1.0 / ratio))
    sign = np.where(ratio >= 1.0, 1.0, -1.0)
    low = np.where(ratio >= 1.0, inverse, low)
    fall = slope / value
    square = fall * fall
    bend = np.maximum(0.0, curvature / value - square)
    improved = inverse + 2 * sign * height * fall / np.maximum(2 * square - sign * height * bend, square)
    improved = np.where((ratio >= 1.0) | (improved > low), improved, (low + inverse) / 2)
    bend = np.maximum(1.0, bend / square)
    return improved, low, height * height * height * bend * bend


def sort_rows(indptr: np.ndarray, indices: np.ndarray, values: np.ndarray) -> None:
    """Sort each row by index, together with its values."""
    order = np.lexsort((indices, locate_entries(indptr)[0]))
    indices[:], values[:] = indices[order], values[order]


def unite_directions(
    indptr: np.ndarray, indices: np.ndarray, weights: np.ndarray, mix_ratio: np.float32
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the symmetric graph of a directed one: row offsets, indices and weights."""
    n = len(indptr) - 1
    owners, others = locate_entries(indptr)[0], indices.astype(np.int64)
    edges = np.unique(np.concatenate([owners * n + others, others * n + owners]))
    both = np.zeros((2, len(edges)), np.float32)
    both[0, np.searchsorted(edges, owners * n + others)] = weights
    both[1, np.searchsorted(edges, others * n + owners)] = weights
    joined = union(*both, mix_ratio)
    edges, joined = edges[joined > 0], joined[joined > 0]
    starts = np.searchsorted(edges, np.arange(n + 1) * n)
    return starts, (edges % n).astype(indices.dtype), joined
