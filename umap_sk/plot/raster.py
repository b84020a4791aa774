"""Points in pixels: how many lie in each, and which color they have on average."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

PIXELS = 960  # of the longer side
LEAST = 0.42  # opacity of a pixel with one point
SPREAD_UP_TO = 400_000  # points that each cover the pixels around their own as well
AROUND = np.array([[0.35, 0.7, 0.35], [0.7, 1, 0.7], [0.35, 0.7, 0.35]])


class Box(NamedTuple):
    """A part of the plane."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its pixels."""
        width, height = self.right - self.left, self.top - self.bottom
        scale = PIXELS / max(width, height)
        return max(1, round(height * scale)), max(1, round(width * scale))


def box_of(points: np.ndarray, margin: float = 0.04) -> Box:
    """What surrounds all points that have a place, with a margin."""
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    extra = margin * max(float((high - low).max()), 1e-6)
    (left, bottom), (right, top) = (low - extra).tolist(), (high + extra).tolist()
    return Box(left, right, bottom, top)


def pixels_of(points: np.ndarray, box: Box) -> np.ndarray:
    """Number of each point's pixel, row by row from the bottom; those beyond the box have the nearest."""
    height, width = box.shape
    column = ((points[:, 0] - box.left) * (width / (box.right - box.left))).astype(np.int64)
    row = ((points[:, 1] - box.bottom) * (height / (box.top - box.bottom))).astype(np.int64)
    return np.clip(row, 0, height - 1) * width + np.clip(column, 0, width - 1)


def counts_in(points: np.ndarray, box: Box, weights: np.ndarray | None = None) -> np.ndarray:
    """Points of every pixel, or their weights' sum."""
    height, width = box.shape
    return np.bincount(pixels_of(points, box), weights, height * width).reshape(height, width).astype(np.float64)


def class_image(points: np.ndarray, colors: np.ndarray, codes: np.ndarray, box: Box) -> np.ndarray:
    """Red, green, blue and opacity of every pixel: the mean color of its points, the more opaque the more they are."""
    count = counts_in(points, box)
    sums = np.stack([counts_in(points, box, channel[codes]) for channel in colors.T], axis=-1)
    return _shaded(sums, count, len(points))


def value_image(points: np.ndarray, values: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Mean value of the points of every pixel, NaN where there is none, and its opacity."""
    count = counts_in(points, box)
    sums = counts_in(points, box, values)
    shaded = _shaded(sums[:, :, None], count, len(points))
    return np.where(shaded[:, :, -1] > 0, shaded[:, :, 0], np.nan), shaded[:, :, -1]


def opacity(count: np.ndarray, least: float = LEAST) -> np.ndarray:
    """0 where nothing is, then from `least` to 1 with the logarithm of the count, up to that of a dense pixel."""
    filled = count > 0
    if not filled.any():
        return np.zeros(count.shape)
    logs = np.log1p(count)
    dense = max(float(np.quantile(logs[filled], 0.95)), 1e-12)
    return np.where(filled, least + (1 - least) * np.minimum(logs / dense, 1), 0)


def _shaded(sums: np.ndarray, count: np.ndarray, n_points: int) -> np.ndarray:
    """Means and opacity of every pixel; few points are spread over the pixels around them."""
    if n_points <= SPREAD_UP_TO:
        count = ndimage.convolve(count, AROUND.astype(count.dtype), mode="constant")
        kernel = AROUND[:, :, None].astype(sums.dtype)
        sums = ndimage.convolve(sums, kernel, mode="constant")
    means = sums / np.maximum(count, 1e-12)[:, :, None]
    return np.concatenate([means, opacity(count)[:, :, None]], axis=2)
