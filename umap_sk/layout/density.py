"""Density (densMAP; Narayan, Berger, Cho, Nature Biotechnology 2021): dense stays dense, sparse stays sparse."""

import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout.sell import ArrangedLevel
from umap_sk.runtime.compile import readonly

SHIFT = 5.0  # times dens_var_shift: radii in the map may differ more, so that chance among them counts less


class Density(NamedTuple):
    """How much the correlation of the log radii in data and map counts, beside UMAP's loss.

    Attributes
    ----------
    weight : float
        Of the correlation, against the loss of an edge on average.
    share : float
        Of the epochs, the last ones, that have it; those on coarse levels never do.
    shift : float
        What is added to the variance of the map's log radii.
    """

    weight: float
    share: float
    shift: float


class Target(NamedTuple):
    """What the map's log radii are to follow.

    Attributes
    ----------
    radii : ndarray of shape (n,), float32
        Log radii in the data, in the optimizer's order, with mean 0 and variance 1; 0 for rows without edges.
    degree : float
        Mean degree of the rows that have edges.
    """

    radii: np.ndarray
    degree: float


class Moments(NamedTuple):
    """Mean and variance of values, and their covariance with others that have mean 0."""

    mean: float
    variance: float
    covariance: float


def target_of(held: SharedGraph, level: ArrangedLevel) -> Target:
    """The target of a graph whose rows' radii are known."""
    assert held.radii is not None
    radii = held.radii[level.order]
    radii[level.degree == 0] = 0
    mean, variance, _ = moments_of(level.degree, radii, radii)
    deviation = math.sqrt(variance) or 1.0
    radii = ((radii.astype(np.float64) - mean) / deviation).astype(np.float32)
    radii[level.degree == 0] = 0
    return Target(radii, moments_of(level.degree, level.degree, radii).mean)


def moments_of(counted: np.ndarray, values: np.ndarray, others: np.ndarray) -> Moments:
    """Moments over the rows that count; the sums of blocks are added without rounding."""
    sums = np.empty((-(-len(values) // kernels.BLOCK_ROWS), 4))
    kernels.sums_of_blocks(readonly(counted), readonly(values), readonly(others), sums)
    rows, total, squares, products = (math.fsum(column) for column in sums.T.tolist())
    mean = total / rows
    return Moments(mean, max(0.0, squares / rows - mean * mean), products / rows)


def add_density(
    density: Density,
    target: Target,
    level: ArrangedLevel,
    positions: np.ndarray,
    settings: np.ndarray,
    out: np.ndarray,
) -> None:
    """Add the gradient of the correlation, in the loss's units, to the field in `out`."""
    n, d = positions.shape
    nearness, radii, logarithms = (np.empty(n, np.float32) for _ in range(3))
    kernels.map_radii(readonly(positions), *level.edges, settings, nearness, radii, logarithms)
    mean, variance, covariance = moments_of(nearness, logarithms, target.radii)
    shifted = variance + density.shift
    if shifted == 0:
        return
    numbers = mean, covariance / shifted, 2 * density.weight * target.degree / math.sqrt(shifted)
    slopes = np.empty((n, d + 2), np.float32)
    rows = (readonly(array) for array in (positions, nearness, radii, logarithms, target.radii))
    kernels.density_slopes(*rows, *map(np.float32, numbers), slopes)
    kernels.add_density(readonly(slopes), *level.edges, level.degree, settings, out)
