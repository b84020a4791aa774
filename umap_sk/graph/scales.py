"""Local scales, which measure the extent of each row's neighborhood."""

import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph import few_rows
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.side_by_side import map_blocks

NO_STRENGTHS = np.empty(0, np.float32)  # strengths that are not requested


class LocalScales(NamedTuple):
    """Local scales of all rows, in units of the distances."""

    rho: np.ndarray  # float64 distance to the nearest neighbors, which is subtracted from all distances
    sigma: np.ndarray  # float64 length over which a membership falls by a factor of e


def solve_local_scales(
    neighbors: Neighbors,
    n_neighbors: int,
    local_connectivity: float = 1.0,
    *,
    new_rows: bool = False,
    mean: float | None = None,
    strengths: np.ndarray = NO_STRENGTHS,
) -> LocalScales:
    """Solve rho and sigma of each row (McInnes, Healy, Melville 2018, arXiv:1802.03426, section 3.1).

    ``rho`` is the distance to the `local_connectivity`-th neighbor at a distance above 0, interpolated for fractional
    values. ``sigma`` solves ``sum_j exp(-max(0, d_j - rho) / sigma) = log2(n_neighbors)`` to 1e-5. It is at least a
    thousandth of the row's mean distance. If rho is 0 and the rows are not new, it is at least a thousandth of the mean
    of all distances. The `n_neighbors` include the point itself. It does not count in the mean of `new_rows`, which
    cannot be neighbors of each other. Their scales depend on each row alone. `mean` is that of
    :func:`compute_memberships`, whose result is written to `strengths` if this array is not empty.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk.neighbors.read import Neighbors
    >>> row = Neighbors(np.array([0, 3]), np.arange(3, dtype=np.int32), np.array([1, 2, 3], np.float32), 4)
    >>> rho, sigma = solve_local_scales(row, 4)
    >>> float(rho[0]), round(float(np.exp(-np.array([0, 1, 2]) / sigma[0]).sum()), 4)
    (1.0, 2.0)
    """
    rows = len(neighbors.indptr) - 1
    rho, sigma = np.empty(rows), np.empty(rows)
    self_entries = 0 if new_rows else 1
    entries = len(neighbors.distances) + rows * self_entries
    mean = compute_mean(sum_distances(neighbors), entries) if mean is None else mean
    solve = few_rows.solve_scales if few_rows.are_few(neighbors.indptr) else kernels.solve_scales
    solve(
        as_readonly(neighbors.indptr),
        as_readonly(neighbors.distances),
        math.log2(n_neighbors),
        float(local_connectivity),
        self_entries,
        mean,
        rho,
        sigma,
        strengths,
    )
    return LocalScales(rho, sigma)


def compute_memberships(
    neighbors: Neighbors,
    n_neighbors: int,
    local_connectivity: float = 1.0,
    *,
    new_rows: bool = False,
    mean: float | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the membership strength of each neighbor, ``exp(-max(0, d - rho) / sigma)``, float32 in [0, 1].

    `out` may be ``neighbors.distances``, which saves memory and overwrites them. If the neighbors are those of a part
    of the rows, `mean` is the mean of all distances. For the other parameters see :func:`solve_local_scales`.
    """
    out = np.empty_like(neighbors.distances) if out is None else out
    solve_local_scales(neighbors, n_neighbors, local_connectivity, new_rows=new_rows, mean=mean, strengths=out)
    return out


def sum_distances(neighbors: Neighbors) -> np.ndarray:
    """Return the float64 sum of all distances of each block of rows."""
    if few_rows.are_few(neighbors.indptr):
        return few_rows.sum_row_blocks(neighbors.indptr, neighbors.distances)
    sums = np.empty(-(-(len(neighbors.indptr) - 1) // kernels.BLOCK_ROWS))
    kernels.sums_of_row_blocks(as_readonly(neighbors.indptr), as_readonly(neighbors.distances), sums)
    return sums


def compute_mean(sums: np.ndarray, entries: int) -> float:
    """Return the mean of all distances from sums of blocks, which are added exactly and so in any order."""
    return math.fsum(sums.tolist()) / max(1, entries)


def mean_distances(neighbors: Neighbors) -> np.ndarray:
    """Return the mean distance from each row to its neighbors in float32; 0 for rows without neighbors."""
    out = np.empty(len(neighbors.indptr) - 1, np.float32)
    row_sums = few_rows.sum_rows if few_rows.are_few(neighbors.indptr) else kernels.row_sums
    row_sums(as_readonly(neighbors.indptr), as_readonly(neighbors.distances), np.float32(1), out)

    def divide(block: slice) -> None:
        count = np.diff(neighbors.indptr[block.start : block.stop + 1])
        np.minimum(out[block], np.finfo(np.float32).max, out=out[block])  # sums may overflow to infinity in float32
        out[block] /= np.maximum(1, count).astype(np.float32)  # rounds once, as float64 would

    map_blocks(divide, len(out))
    return out
