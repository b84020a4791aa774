"""The points of a picture: each one, or pixels of many."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk.appearance.colors import Theme, get_class_colors, parse_color
from umap_sk.plot import raster
from umap_sk.plot.optional import matplotlib_module
from umap_sk.plot.read import Rows

MOST_POINTS = 50_000  # that are drawn one by one
FAR = 0.35  # opacity of the farthest point, as a share of the nearest one's
CUT = 0.01  # share of the values at either end that have the end's color


class Scale(NamedTuple):
    """How numbers become colors.

    Attributes
    ----------
    colors, norm : object
        Matplotlib's color map and norm.
    extend : str
        At which ends of the color bar are values beyond it.
    """

    colors: Any
    norm: Any
    extend: str


def scale_of(values: np.ndarray, cmap: Any, theme: Theme, center: float | None) -> Scale:
    """Colors from the first to the last percent of the values; even around a center, if there is one."""
    low, high = np.quantile(values, [CUT, 1 - CUT]).tolist()
    if low == high:
        low, high = float(values.min()), float(values.max())
    if center is not None:
        reach = max(high - center, center - low)
        low, high = center - reach, center + reach
    beyond = bool((values < low).any()), bool((values > high).any())
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")
    maps = matplotlib_module("colors")
    if cmap is None and center is not None:
        blue, red = get_class_colors(4, theme)[[0, 3]]
        colors = maps.LinearSegmentedColormap.from_list("blue-red", [blue, parse_color(theme.other), red])
    else:
        colors = matplotlib_module("pyplot").get_cmap(cmap or "viridis")
    if cmap is None and center is None:
        colors = maps.ListedColormap(colors(np.linspace(*theme.part, 256)), name="viridis")
    return Scale(colors, maps.Normalize(low, high), extend)


def point_style(count: int) -> dict[str, float]:
    """Size and opacity of a point among so many."""
    return {
        "s": float(np.clip(16_000 * count**-0.85, 1.2, 60)),
        "alpha": float(np.clip(2.2 * count**-0.135, 0.45, 0.92)),
    }


def draw_points(axes: Any, points: np.ndarray, colors: np.ndarray, depth: np.ndarray | None = None) -> Any:
    """A scatter in an order by chance, so that no class lies on top of all others; the nearest last, where one is."""
    style = point_style(len(points))
    order, alpha = drawing_order(len(points), depth)
    style["alpha"] = style["alpha"] * alpha
    return axes.scatter(*points[order].T, c=colors[order], linewidths=0, rasterized=True, **style)


def drawing_order(count: int, depth: np.ndarray | None) -> tuple[np.ndarray, Any]:
    """Which point is drawn when, and a factor of its opacity: what is farther away is fainter."""
    if depth is None:
        return np.random.RandomState(0).permutation(count), 1.0
    return np.argsort(depth, kind="stable"), np.linspace(FAR, 1, count)


def raster_of(points: np.ndarray, rows: Rows, scale: Scale | None, box: raster.Box, theme: Theme) -> np.ndarray:
    """An image of the points' density, in the mean color of a pixel's points or that of their mean value."""
    if rows.values is not None and scale:
        means, alpha = raster.value_image(points, rows.values[rows.drawn], box)
        image = scale.colors(scale.norm(np.nan_to_num(means)))
        image[..., 3] = alpha
        return image
    codes = np.zeros(len(points), np.int64) if rows.codes is None else rows.codes[rows.drawn]
    return raster.class_image(points, colors_of(rows, theme), codes, box)


def point_colors(rows: Rows, scale: Scale | None, theme: Theme) -> np.ndarray:
    """Red, green and blue of each row that is drawn."""
    if rows.values is not None and scale:
        return scale.colors(scale.norm(rows.values[rows.drawn]))[:, :3]
    codes = np.zeros(len(rows.drawn), np.int64) if rows.codes is None else rows.codes[rows.drawn]
    return colors_of(rows, theme)[codes]


def show_image(axes: Any, image: np.ndarray, box: raster.Box, **style: Any) -> Any:
    """An image with its first row below."""
    return axes.imshow(
        np.clip(image, 0, 1), extent=tuple(box), origin="lower", aspect="equal", interpolation="bilinear", **style
    )


def colors_of(rows: Rows, theme: Theme) -> np.ndarray:
    """Colors of the classes, of others, and of rows without a class; without classes, one for all."""
    if rows.codes is None:
        return get_class_colors(1, theme)
    colors = get_class_colors(len(rows.classes), theme)
    return np.concatenate([colors, colors[-1:]])
