"""Local scales: how far a row's neighborhood reaches."""

import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph import few_rows
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.side_by_side import in_blocks


class LocalScales(NamedTuple):
    """Local scales of every row.

    Attributes
    ----------
    rho : ndarray of shape (n_rows,), float64
        Distance to the nearest neighbors that is taken off every distance, in units of the distances.
    sigma : ndarray of shape (n_rows,), float64
        Length over which a membership falls by a factor of e, in units of the distances.
    """

    rho: np.ndarray
    sigma: np.ndarray


def local_scales(
    neighbors: Neighbors, n_neighbors: int, local_connectivity: float = 1.0, *, new_rows: bool = False
) -> LocalScales:
    """Solve rho and sigma of every row (McInnes, Healy, Melville 2018, arXiv:1802.03426, section 3.1).

    ``rho`` is the distance to the `local_connectivity`-th neighbor that is not at distance 0, interpolated for
    fractional values; ``sigma`` solves ``sum_j exp(-max(0, d_j - rho) / sigma) = log2(n_neighbors)`` to 1e-5 and is
    at least a thousandth of the row's mean distance (of the mean of all distances where rho is 0 and the rows are not
    new). The point itself is one of the `n_neighbors`. It does not belong to the mean of `new_rows`, which cannot be
    neighbors of each other, and whose scales depend on each row alone.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk.neighbors.read import Neighbors
    >>> row = Neighbors(np.array([0, 3]), np.arange(3, dtype=np.int32), np.array([1, 2, 3], np.float32), 4)
    >>> rho, sigma = local_scales(row, 4)
    >>> float(rho[0]), round(float(np.exp(-np.array([0, 1, 2]) / sigma[0]).sum()), 4)
    (1.0, 2.0)
    """
    return _solved(neighbors, n_neighbors, local_connectivity, new_rows, np.empty(0, np.float32))


def membership_strengths(
    neighbors: Neighbors,
    n_neighbors: int,
    local_connectivity: float = 1.0,
    *,
    new_rows: bool = False,
    mean: float | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Membership strength of every neighbor, ``exp(-max(0, d - rho) / sigma)``, float32 in [0, 1].

    `out` may be ``neighbors.distances``, which saves memory and ends their use as distances; `mean` is that of all
    distances, where the neighbors are those of some rows. For the other parameters see :func:`local_scales`.
    """
    out = np.empty_like(neighbors.distances) if out is None else out
    _solved(neighbors, n_neighbors, local_connectivity, new_rows, out, mean)
    return out


def sums_of_distances(neighbors: Neighbors) -> np.ndarray:
    """Sum of all distances of every block of rows, float64."""
    if few_rows.are_few(neighbors.indptr):
        return few_rows.sums_of_row_blocks(neighbors.indptr, neighbors.distances)
    sums = np.empty(-(-(len(neighbors.indptr) - 1) // kernels.BLOCK))
    kernels.sums_of_row_blocks(readonly(neighbors.indptr), readonly(neighbors.distances), sums)
    return sums


def mean_of_all(sums: np.ndarray, entries: int) -> float:
    """Mean of all distances from the sums of blocks of rows, which are added without rounding, in whatever order."""
    return math.fsum(sums.tolist()) / max(1, entries)


def mean_distances(neighbors: Neighbors) -> np.ndarray:
    """Mean distance from every row to its neighbors, float32; 0 for a row without neighbors."""
    out = np.empty(len(neighbors.indptr) - 1, np.float32)
    row_sums = few_rows.row_sums if few_rows.are_few(neighbors.indptr) else kernels.row_sums
    row_sums(readonly(neighbors.indptr), readonly(neighbors.distances), np.float32(1), out)

    def divide(block: slice) -> None:
        count = np.diff(neighbors.indptr[block.start : block.stop + 1])
        np.minimum(out[block], np.finfo(np.float32).max, out=out[block])  # sums that float32 only just holds
        out[block] /= np.maximum(1, count)

    in_blocks(divide, len(out))
    return out


def _solved(
    neighbors: Neighbors,
    n_neighbors: int,
    local_connectivity: float,
    new_rows: bool,
    strengths: np.ndarray,
    mean: float | None = None,
) -> LocalScales:
    """Local scales; strengths are written, unless there is no room for them."""
    rows = len(neighbors.indptr) - 1
    rho, sigma = np.empty(rows), np.empty(rows)
    self_entries = 0 if new_rows else 1
    entries = len(neighbors.distances) + rows * self_entries
    mean = mean_of_all(sums_of_distances(neighbors), entries) if mean is None else mean
    solve = few_rows.solve_scales if few_rows.are_few(neighbors.indptr) else kernels.solve_scales
    solve(
        readonly(neighbors.indptr),
        readonly(neighbors.distances),
        math.log2(n_neighbors),
        float(local_connectivity),
        self_entries,
        mean,
        rho,
        sigma,
        strengths,
    )
    return LocalScales(rho, sigma)
