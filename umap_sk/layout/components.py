"""Places of the connected components of a graph in an initial layout."""

import numpy as np

GOLDEN_COSINE, GOLDEN_SINE = -0.7373688780783197, 0.6754902942615238  # of the golden angle, pi * (3 - sqrt(5))
SPREAD_FACTOR = 1.5  # radius of a component, in root mean square distances from its center


def measure_components(guide: np.ndarray, label: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the centers and radii of components in a layout of all vertices (`guide`)."""
    masses = np.bincount(label, mass)
    columns = [column.astype(np.float64) for column in guide.T]
    centers = np.column_stack([np.bincount(label, mass * column) / masses for column in columns])
    squares = sum((column - centers[label, axis]) ** 2 for axis, column in enumerate(columns))
    return centers, SPREAD_FACTOR * np.sqrt(np.bincount(label, mass * squares) / masses)


def place_components(mass: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the centers and radii of components, which are discs with their mass as area.

    The discs lie on a spiral, with the heaviest component in the middle.
    """
    order = np.argsort(-mass, kind="stable")
    share = mass[order] / mass.sum()
    distance = np.sqrt(np.cumsum(share) - share / 2)
    distance[0] = 0 if share[0] > 0.5 else distance[0]
    centers = np.zeros((len(mass), n_components))
    axes = min(2, n_components)
    centers[order, :axes] = distance[:, None] * make_spiral(len(mass))[:, :axes]
    radii = np.empty(len(mass))
    radii[order] = 0.7 * np.sqrt(share)
    return centers, radii


def make_spiral(count: int) -> np.ndarray:
    """Return points of the unit circle at multiples of the golden angle.

    They are computed by products, since the sines of libraries differ in the last bits.
    """
    points = np.empty((count, 2))
    x, y = 1.0, 0.0
    for k in range(count):
        points[k] = x, y
        x, y = x * GOLDEN_COSINE - y * GOLDEN_SINE, x * GOLDEN_SINE + y * GOLDEN_COSINE
    return points
