"""Initial layouts in other spaces: flat positions that are projected to the space, or its own coordinates."""

import numpy as np

from umap_sk import kernels
from umap_sk.layout.angles import compute_angles
from umap_sk.layout.sell import JITTER
from umap_sk.layout.spaces import Space, to_positions
from umap_sk.layout.width import scale_robustly
from umap_sk.runtime.compile import get_python_function

SPHERE_ANGLE = 0.7 * np.pi  # that the width of a flat layout becomes on the sphere
PERIOD_SHARE, MAX_TORUS_WIDTH = 0.7, 20.0  # share of a period that the layout covers, and its largest width in units
HYPERBOLOID_RADIUS = 3.0  # factor of the distance to the lowest point of the hyperboloid
exponential = get_python_function(kernels.exponential)  # returns the same bits on every machine


def lay_into_space(space: Space, positions: np.ndarray) -> np.ndarray:
    """Project flat positions to a space, scaled to its size if it has one."""
    if space.kind == kernels.FLAT:
        return positions
    flat = scale_robustly(positions)
    lengths = np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    if space.name == "haversine":
        return to_positions(
            space, np.concatenate([SPHERE_ANGLE * lengths, compute_angles(flat[:, 1:], flat[:, :1])], axis=1)
        )
    if space.kind == kernels.WRAPPED:
        flat = flat * np.minimum(PERIOD_SHARE * space.parameters, MAX_TORUS_WIDTH) + space.parameters / 2
    if space.kind == kernels.HYPERBOLOID:
        shrunk = exponential(HYPERBOLOID_RADIUS * lengths.astype(np.float64))
        flat = flat / lengths * (0.5 * (1 / shrunk - shrunk))  # the hyperbolic sine
    return to_positions(space, flat)


def use_coordinates(space: Space, coordinates: np.ndarray, *, jittered: bool) -> np.ndarray:
    """Return positions from given coordinates of the space, with a small jitter so that no two are equal."""
    positions = to_positions(space, coordinates)
    if jittered:
        kernels.jitter(positions, 0, np.float32(JITTER * space.unit))
        kernels.bring_into_space(positions, space.parameters, space.kind)
    return positions
