"""Drawing of points, or of pixels if there are many."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from umap_sk.appearance.colors import Theme, get_class_colors, parse_color
from umap_sk.plot import raster
from umap_sk.plot.optional import import_matplotlib
from umap_sk.plot.read import MapRows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.image import AxesImage

MAX_POINTS = 50_000  # points up to this number are drawn individually
FARTHEST_OPACITY = 0.35  # opacity of the farthest point, relative to the nearest one
COLOR_QUANTILE = 0.01  # values beyond this quantile at either end have the color of the end


class ColorScale(NamedTuple):
    """A mapping from numbers to colors."""

    colors: "Colormap"
    norm: "Normalize"
    extend: str  # ends of the color bar beyond which there are values


def make_scale(values: np.ndarray, cmap: "str | Colormap | None", theme: Theme, center: float | None) -> ColorScale:
    """Make a color scale from the first to the last percentile of the values, symmetric around `center` if given."""
    low, high = np.quantile(values, [COLOR_QUANTILE, 1 - COLOR_QUANTILE]).tolist()
    if low == high:
        low, high = float(values.min()), float(values.max())
    if center is not None:
        reach = max(high - center, center - low)
        low, high = center - reach, center + reach
    beyond = bool((values < low).any()), bool((values > high).any())
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")
    maps = import_matplotlib("colors")
    if cmap is None and center is not None:
        blue, red = get_class_colors(4, theme)[[0, 3]]
        colors = maps.LinearSegmentedColormap.from_list("blue-red", [blue, parse_color(theme.other), red])
    else:
        colors = import_matplotlib("pyplot").get_cmap(cmap or "viridis")
    if cmap is None and center is None:
        colors = maps.ListedColormap(colors(np.linspace(*theme.part, 256)), name="viridis")
    return ColorScale(colors, maps.Normalize(low, high), extend)


def draw_points(
    axes: "Axes", points: np.ndarray, colors: np.ndarray, depth: np.ndarray | None = None
) -> "PathCollection":
    """Draw a scatter plot in random order, so that no class hides the others, or by depth."""
    count = len(points)
    size, alpha = float(np.clip(16_000 * count**-0.85, 1.2, 60)), float(np.clip(2.2 * count**-0.135, 0.45, 0.92))
    order, fading = choose_order(count, depth)
    opacity: Any = alpha * fading  # matplotlib's annotations do not allow an opacity for each point
    x, y = points[order].T
    return axes.scatter(x, y, s=size, c=colors[order], alpha=opacity, linewidths=0, rasterized=True)


def choose_order(count: int, depth: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | float]:
    """Return the drawing order of the points, and factors of their opacity by depth."""
    if depth is None:
        return np.random.RandomState(0).permutation(count), 1.0
    return np.argsort(depth, kind="stable"), np.linspace(FARTHEST_OPACITY, 1, count)


def make_raster(
    points: np.ndarray, rows: MapRows, scale: ColorScale | None, box: raster.Box, theme: Theme
) -> np.ndarray:
    """Return an image of the density of points, in the mean color or the color of the mean value of each pixel."""
    if rows.values is not None and scale:
        means, alpha = raster.make_value_image(points, rows.values[rows.drawn], box)
        image = scale.colors(scale.norm(np.nan_to_num(means)))
        image[..., 3] = alpha
        return image
    codes = np.zeros(len(points), np.int64) if rows.codes is None else rows.codes[rows.drawn]
    return raster.make_class_image(points, get_row_colors(rows, theme), codes, box)


def get_point_colors(rows: MapRows, scale: ColorScale | None, theme: Theme) -> np.ndarray:
    """Return red, green and blue of each row that is drawn."""
    if rows.values is not None and scale:
        return scale.colors(scale.norm(rows.values[rows.drawn]))[:, :3]
    codes = np.zeros(len(rows.drawn), np.int64) if rows.codes is None else rows.codes[rows.drawn]
    return get_row_colors(rows, theme)[codes]


def show_image(axes: "Axes", image: np.ndarray, box: raster.Box) -> "AxesImage":
    """Show an image whose first row is at the bottom."""
    return axes.imshow(np.clip(image, 0, 1), extent=box, origin="lower", aspect="equal", interpolation="bilinear")


def get_row_colors(rows: MapRows, theme: Theme) -> np.ndarray:
    """Return the colors of the classes, of other classes, and of rows without a class."""
    if rows.codes is None:
        return get_class_colors(1, theme)
    colors = get_class_colors(len(rows.classes), theme)
    return np.concatenate([colors, colors[-1:]])
