"""Places of the connected components of a graph in an initial layout."""

import numpy as np

GOLDEN_COSINE, GOLDEN_SINE = -0.7373688780783197, 0.6754902942615238  # of the golden angle, pi * (3 - sqrt(5))
SPREAD_FACTOR = 1.5  # radius of a component along an axis, in standard deviations


def measure_components(guide: np.ndarray, label: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the centers of components in a layout of all vertices (`guide`), and their radii along each axis."""

    def average(values: np.ndarray) -> np.ndarray:
        return np.column_stack([np.bincount(label, mass * column) for column in values.T]) / total[:, None]

    total, guide = np.bincount(label, mass), guide.astype(np.float64)
    centers = average(guide)
    return centers, SPREAD_FACTOR * np.sqrt(average((guide - centers[label]) ** 2))


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
