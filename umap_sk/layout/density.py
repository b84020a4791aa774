"""Density (densMAP; Narayan, Berger, Cho, Nature Biotechnology 2021): dense regions stay dense in the map."""

import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout.sell import ArrangedLevel
from umap_sk.runtime.compile import as_readonly

SHIFT_FACTOR = 5.0  # of dens_var_shift. Radii in the map may differ more, so that noise in them counts less.


class Density(NamedTuple):
    """The weight of the correlation between the log radii in the data and in the map."""

    weight: float  # relative to the mean loss of an edge
    share: float  # of the epochs with this term, counted from the end; those of coarse levels never have it
    shift: float  # added to the variance of the map's log radii


class DensityTarget(NamedTuple):
    """The log radii that the map's log radii should correlate with."""

    radii: np.ndarray  # float32 with mean 0 and variance 1, in the optimizer's order, 0 for rows without edges
    degree: float  # mean degree of the rows with edges


class DensityMoments(NamedTuple):
    """Mean and variance of some values, and their covariance with other values, whose mean is 0."""

    mean: float
    variance: float
    covariance: float


def make_density_target(shared: SharedGraph, level: ArrangedLevel) -> DensityTarget:
    """Standardize the log radii of a graph's rows."""
    assert shared.radii is not None
    radii = shared.radii[level.order]
    radii[level.degree == 0] = 0
    mean, variance, _ = compute_moments(level.degree, radii, radii)
    deviation = math.sqrt(variance) or 1.0
    radii = ((radii.astype(np.float64) - mean) / deviation).astype(np.float32)
    radii[level.degree == 0] = 0
    return DensityTarget(radii, compute_moments(level.degree, level.degree, radii).mean)


def compute_moments(counted: np.ndarray, values: np.ndarray, others: np.ndarray) -> DensityMoments:
    """Return the moments over the counted rows. The sums of blocks are added without rounding."""
    sums = np.empty((-(-len(values) // kernels.BLOCK_ROWS), 4))
    kernels.sums_of_blocks(as_readonly(counted), as_readonly(values), as_readonly(others), sums)
    rows, total, squares, products = (math.fsum(column) for column in sums.T.tolist())
    mean = total / rows
    return DensityMoments(mean, max(0.0, squares / rows - mean * mean), products / rows)


def add_density(
    density: Density,
    target: DensityTarget,
    level: ArrangedLevel,
    positions: np.ndarray,
    settings: np.ndarray,
    out: np.ndarray,
) -> None:
    """Add the gradient of the correlation, in units of the loss, to the field in `out`."""
    n, d = positions.shape
    nearness, radii, logarithms = (np.empty(n, np.float32) for _ in range(3))
    kernels.map_radii(as_readonly(positions), *level.edges, settings, nearness, radii, logarithms)
    mean, variance, covariance = compute_moments(nearness, logarithms, target.radii)
    shifted = variance + density.shift
    if shifted == 0:
        return
    numbers = mean, covariance / shifted, 2 * density.weight * target.degree / math.sqrt(shifted)
    slopes = np.empty((n, d + 2), np.float32)
    rows = (as_readonly(array) for array in (positions, nearness, radii, logarithms, target.radii))
    kernels.density_slopes(*rows, *map(np.float32, numbers), slopes)
    kernels.add_density(as_readonly(slopes), *level.edges, level.degree, settings, out)
