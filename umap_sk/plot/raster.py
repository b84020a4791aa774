"""Points in pixels: their number in each, and their mean color."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

IMAGE_PIXELS = 960  # along the longer side
MIN_OPACITY = 0.42  # opacity of a pixel with a single point
MAX_SPREAD_POINTS = 400_000  # up to this many points, each also covers adjacent pixels
SPREAD_KERNEL = np.array([[0.35, 0.7, 0.35], [0.7, 1, 0.7], [0.35, 0.7, 0.35]])


class Box(NamedTuple):
    """A rectangle of the plane."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of rows and columns of its pixels."""
        width, height = self.right - self.left, self.top - self.bottom
        scale = IMAGE_PIXELS / max(width, height)
        return max(1, round(height * scale)), max(1, round(width * scale))


def find_box(points: np.ndarray, margin: float = 0.04) -> Box:
    """Return the bounding box of all points with a position, plus a margin."""
    known = points[np.isfinite(points).all(axis=1)]
    low, high = known.min(axis=0), known.max(axis=0)
    extra = margin * (float((high - low).max()) or 1.0)
    (left, bottom), (right, top) = (low - extra).tolist(), (high + extra).tolist()
    return Box(left, right, bottom, top)


def find_pixels(points: np.ndarray, box: Box) -> np.ndarray:
    """Return the index of each point's pixel, row by row from the bottom. Points outside have the nearest one."""
    height, width = box.shape
    column = ((points[:, 0] - box.left) * (width / (box.right - box.left))).astype(np.int64)
    row = ((points[:, 1] - box.bottom) * (height / (box.top - box.bottom))).astype(np.int64)
    return np.clip(row, 0, height - 1) * width + np.clip(column, 0, width - 1)


def count_points(points: np.ndarray, box: Box, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the number of points in each pixel, or the sum of their weights."""
    height, width = box.shape
    return np.bincount(find_pixels(points, box), weights, height * width).reshape(height, width).astype(np.float64)


def make_class_image(points: np.ndarray, colors: np.ndarray, codes: np.ndarray, box: Box) -> np.ndarray:
    """Return red, green, blue and opacity of each pixel: the mean color of its points, more opaque for more points."""
    count = count_points(points, box)
    sums = np.stack([count_points(points, box, channel[codes]) for channel in colors.T], axis=-1)
    return _shade(sums, count, len(points))


def make_value_image(points: np.ndarray, values: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean value of the points of each pixel, NaN without points, and its opacity."""
    count = count_points(points, box)
    sums = count_points(points, box, values)
    shaded = _shade(sums[:, :, None], count, len(points))
    return np.where(shaded[:, :, -1] > 0, shaded[:, :, 0], np.nan), shaded[:, :, -1]


def compute_opacity(count: np.ndarray, least: float = MIN_OPACITY) -> np.ndarray:
    """Return 0 for empty pixels, else `least` to 1 by the log of the count, relative to that of a dense pixel."""
    filled = count > 0
    if not filled.any():
        return np.zeros(count.shape)
    logs = np.log1p(count)
    dense = max(float(np.quantile(logs[filled], 0.95)), 1e-12)
    return np.where(filled, least + (1 - least) * np.minimum(logs / dense, 1), 0)


def _shade(sums: np.ndarray, count: np.ndarray, n_points: int) -> np.ndarray:
    """Return means and opacity of each pixel. Few points are spread over adjacent pixels."""
    if n_points <= MAX_SPREAD_POINTS:
        count = ndimage.convolve(count, SPREAD_KERNEL, mode="constant")
        sums = ndimage.convolve(sums, SPREAD_KERNEL[:, :, None], mode="constant")
    means = sums / np.maximum(count, 1e-12)[:, :, None]
    return np.concatenate([means, compute_opacity(count)[:, :, None]], axis=2)
