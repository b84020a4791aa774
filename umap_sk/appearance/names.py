"""Positions of the names of classes in a map."""

import numpy as np
import scipy.ndimage

BINS = 64
"""Bins of the density along the map's longer side."""
BANDWIDTH = 4
"""Bandwidth in bins, a sixteenth of the map: an island of a class has one maximum."""


def find_densest_row(points: np.ndarray, low: np.ndarray, width: float) -> int:
    """Return the row nearest to the maximum of the class's density, which the rows of other islands do not move.

    The density is a histogram of the square that starts at `low`, smoothed by a Gaussian kernel.
    """
    places = (points - low) / (width or 1.0) * BINS
    counts = np.histogram2d(places[:, 0], places[:, 1], bins=BINS, range=[(0, BINS), (0, BINS)])[0]
    density = scipy.ndimage.gaussian_filter(counts, BANDWIDTH, mode="constant")
    maximum = np.array(np.unravel_index(density.argmax(), density.shape)) + 0.5
    return int(((places - maximum) ** 2).sum(axis=1).argmin())


def choose_name_rows(points: np.ndarray, classes: list[np.ndarray], sizes: np.ndarray) -> list[int]:
    """Return the row of each class where its name stands, which is where the class is densest.

    `classes` contains the rows of each class, and `sizes` the width and height of its name. If the name would cover
    that of a larger class, only the rows at which it would not are considered, if there are any.
    """
    low = points.min(axis=0)
    width = float((points.max(axis=0) - low).max())
    chosen = np.zeros(len(classes), np.intp)
    written: list[int] = []

    def is_free(rows: np.ndarray, name: int) -> np.ndarray:
        free = np.ones(len(rows), bool)
        for other in written:
            gaps = np.abs(points[rows] - points[chosen[other]]) - (sizes[name] + sizes[other]) / 2
            free &= (gaps >= 0).any(axis=1)
        return free

    for name in sorted(range(len(classes)), key=lambda name: -len(classes[name])):
        rows = classes[name]
        chosen[name] = rows[find_densest_row(points[rows], low, width)]
        if not is_free(chosen[[name]], name).all():
            free = rows[is_free(rows, name)]
            chosen[name] = free[find_densest_row(points[free], low, width)] if len(free) else chosen[name]
        written.append(name)
    return chosen.tolist()
