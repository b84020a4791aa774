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
