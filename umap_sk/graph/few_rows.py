"""Scales and graphs of few rows in numpy, to the bits of the kernels: nothing has to be compiled for them."""

import numpy as np

from umap_sk import kernels
from umap_sk.runtime.compile import python_function
from umap_sk.runtime.threads import FEW_ROWS

MOST_NUMBERS = 2**20  # places of rows that are as long as the longest one
NEWTON_STEPS = 64

exponential, log_of, union = map(python_function, (kernels.exponential, kernels.log_of, kernels.fuzzy_union))


def are_few(indptr: np.ndarray) -> bool:
    """Whether rows are so few, and so short, that numpy takes no longer than it takes to compile kernels."""
    rows = len(indptr) - 1
    return 0 < rows <= FEW_ROWS and rows * int(np.diff(indptr).max()) <= MOST_NUMBERS


def owners_and_places(indptr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row of every entry, and its place in that row."""
    owners = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return owners, np.arange(len(owners)) - indptr[owners]


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
    """Do what :func:`umap_sk.kernels.solve_scales` does; entries of a row lie in a column."""
    owners, places = owners_and_places(indptr)
    lengths = np.diff(indptr)
    padded = np.zeros((max(1, int(lengths.max())), len(lengths)))
    padded[places, owners] = distances
    rho[:] = nearest_nonzero(padded, lengths, local_connectivity)
    excess = np.zeros_like(padded)
    excess[places, owners] = np.maximum(0.0, distances - rho[owners])
    means = summed(padded) / np.maximum(1, lengths + self_entries)
    means = np.where((rho > 0) | (self_entries == 0), means, global_mean)
    np.maximum(newton_scales(excess, lengths, target), 1e-3 * means, out=sigma)
    if len(strengths):
        inverse = np.divide(1.0, sigma, out=np.zeros_like(sigma), where=sigma > 0)
        strengths[:] = exp_minus(excess * inverse)[places, owners]


def summed(columns: np.ndarray) -> np.ndarray:
    """Sum of every column, from the top down: `sum` is free to add in another order."""
    return np.add.accumulate(columns, axis=0)[-1]


def row_sums(indptr: np.ndarray, values: np.ndarray, scale: np.float32, out: np.ndarray) -> None:
    """Sum of every row, in float32, times `scale`."""
    owners, places = owners_and_places(indptr)
    padded = np.zeros((max(1, int(np.diff(indptr).max())), len(out)), np.float32)
    padded[places, owners] = values
    out[:] = summed(padded) * scale


def sums_of_row_blocks(indptr: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum of all values of every block of rows, float64."""
    blocks = np.split(values, indptr[kernels.BLOCK : -1 : kernels.BLOCK])
    return np.array([summed(np.concatenate([[0.0], block])) for block in blocks])


def exp_minus(x: np.ndarray) -> np.ndarray:
    """exp(-x) of numbers from 0 on, as the kernel of this name computes it."""
    return np.asarray(exponential(np.minimum(x, 700.0)))


def nearest_nonzero(padded: np.ndarray, lengths: np.ndarray, local_connectivity: float) -> np.ndarray:
    """Distance to the `local_connectivity`-th neighbor that is not at distance 0, interpolated, in float32."""
    columns = np.arange(len(lengths))
    local_connectivity = min(local_connectivity, len(padded) + 1.0)  # no row has as many
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


def newton_scales(excess: np.ndarray, lengths: np.ndarray, target: float) -> np.ndarray:
    """Sigma of every row, by the steps of the kernel: its sums have the ones of as many places as its block has."""
    blocks = np.arange(0, len(lengths), kernels.LANES)
    widths = np.repeat(np.maximum.reduceat(lengths, blocks), kernels.LANES)[: len(lengths)]
    inside = np.arange(len(excess))[:, None] < lengths
    zeros = np.count_nonzero((excess == 0.0) & inside, axis=0)
    enough = lengths > target
    result = np.where(enough & (zeros >= target - 1e-5), 0.0, kernels.LARGEST_SIGMA)
    rows = np.flatnonzero(enough & (zeros < target - 1e-5))
    inverse = log_of(lengths[rows] / target) / summed(excess[:, rows] / lengths[rows])
    for _ in range(NEWTON_STEPS):
        if not len(rows):
            break
        here = excess[:, rows]
        terms = np.where(np.arange(len(excess))[:, None] < widths[rows], exp_minus(here * inverse), 0.0)
        value = summed(terms) - (widths - lengths)[rows]
        going = ~(np.abs(value - target) < 1e-6)
        inverse = inverse + log_of(np.maximum(1.0, value / target)) * value / summed(here * terms)
        result[rows] = 1.0 / inverse
        rows, inverse = rows[going], inverse[going]
    return result


def sort_rows(indptr: np.ndarray, indices: np.ndarray, values: np.ndarray) -> None:
    """Sort every row by index, values along with it."""
    order = np.lexsort((indices, owners_and_places(indptr)[0]))
    indices[:], values[:] = indices[order], values[order]


def united(
    indptr: np.ndarray, indices: np.ndarray, weights: np.ndarray, mix_ratio: np.float32
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The symmetric graph of a directed one: where rows begin, indices and weights."""
    n = len(indptr) - 1
    owners, others = owners_and_places(indptr)[0], indices.astype(np.int64)
    edges = np.unique(np.concatenate([owners * n + others, others * n + owners]))
    both = np.zeros((2, len(edges)), np.float32)
    both[0, np.searchsorted(edges, owners * n + others)] = weights
    both[1, np.searchsorted(edges, others * n + owners)] = weights
    joined = union(*both, mix_ratio)
    edges, joined = edges[joined > 0], joined[joined > 0]
    starts = np.searchsorted(edges, np.arange(n + 1) * n)
    return starts, (edges % n).astype(indices.dtype), joined
