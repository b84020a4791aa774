"""Elements around the points: axes, caption, legend or color bar, and names."""

from typing import TYPE_CHECKING

import numpy as np

from umap_sk.appearance.colors import Theme
from umap_sk.appearance.names import choose_name_rows
from umap_sk.plot.draw import ColorScale
from umap_sk.plot.optional import import_matplotlib
from umap_sk.plot.raster import Box
from umap_sk.plot.read import MapRows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend
    from matplotlib.text import Text

MAP_INCHES = 6.4  # inches of the map's longer side
TEXT_INCHES = 0.5  # inches of the title and the caption
LEGEND_ROWS = 20  # names in a column of the legend


def make_axes(box: Box, bar: bool, theme: Theme) -> "Axes":
    """Make axes of a new figure with the shape of the map, and room for a color bar if needed."""
    height, width = box.shape
    scale = MAP_INCHES / max(height, width)
    size = max(3.2, width * scale) + 0.9 * bar, max(3.2, height * scale) + TEXT_INCHES
    # The "constrained" layout does not converge, and cuts off a legend, if a map does not fill its figure's width.
    figure, axes = import_matplotlib("pyplot").subplots(figsize=size, dpi=150, layout="compressed")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    figure.set_facecolor(theme.ground)
    return axes


def hide_axes(axes: "Axes", box: Box, theme: Theme) -> None:
    """Hide ticks and spines, since a map's axes have no unit, and use the same scale for both axes."""
    axes.set(xlim=(box.left, box.right), ylim=(box.bottom, box.top), xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.set_facecolor(theme.ground)
    for spine in axes.spines.values():
        spine.set_visible(False)


def write_title(axes: "Axes", title: str | None, caption: str, theme: Theme) -> None:
    """Write a title above the map and a caption below it."""
    if title:
        axes.set_title(title, loc="left", color=theme.ink, fontsize=12, fontweight="bold", parse_math=False)
    axes.set_xlabel(caption, loc="left", color=theme.faint, fontsize=8)


def describe_rows(rows: MapRows, drawn_as: str) -> str:
    """Return a caption with the numbers of rows that are drawn and left out."""
    count, total = len(rows.drawn), len(rows.positions)
    parts = [f"{count:,} rows" if count == total else f"{count:,} of {total:,} rows", drawn_as]
    parts += [f"{number:,} {reason} left out" for reason, number in rows.left_out.items() if number]
    return ", ".join(part for part in parts if part)


def add_legend(axes: "Axes", names: list[str], colors: np.ndarray, title: str | None, theme: Theme) -> "Legend":
    """Add a legend of the classes to the right of the map."""
    lines = import_matplotlib("lines")
    dot = {"marker": "o", "linestyle": "", "markersize": 7, "markeredgewidth": 0}
    handles = [
        lines.Line2D([], [], color=color, label=_shorten(name), **dot)
        for name, color in zip(names, colors, strict=True)
    ]
    legend = axes.legend(
        handles=handles,
        title=title and _shorten(title),
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        ncols=-(-len(names) // LEGEND_ROWS),
        frameon=False,
        fontsize=9,
        title_fontsize=10,
        labelcolor=theme.ink,
        handletextpad=0.2,
        columnspacing=1.0,
        alignment="left",
    )
    legend.get_title().set_color(theme.ink)
    for text in (legend.get_title(), *legend.get_texts()):
        text.set_parse_math(False)
    return legend


def enlarge_figure(figure: "Figure", legend: "Legend") -> None:
    """Enlarge the figure so that the legend fits inside and the map keeps its size."""
    needed = legend.get_window_extent()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + needed.width / figure.dpi, max(height, needed.height / figure.dpi + TEXT_INCHES))


def add_color_bar(axes: "Axes", scale: ColorScale, title: str | None, theme: Theme) -> "Colorbar":
    """Add a color bar to the right of the map."""
    mappable = import_matplotlib("cm").ScalarMappable(scale.norm, scale.colors)
    bar = axes.figure.colorbar(mappable, ax=axes, shrink=0.6, aspect=24, pad=0.02, extend=scale.extend)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=theme.ink, labelsize=8, length=2)
    bar.set_label(title or "", color=theme.ink, fontsize=10, parse_math=False)
    return bar


def write_names(axes: "Axes", points: np.ndarray, rows: MapRows, theme: Theme) -> tuple["list[Text]", list[int]]:
    """Write the name of each class where it is densest, but not on the name of a larger class.

    Returns the texts and the indices of the rows there.
    """
    if rows.codes is None:
        raise ValueError("names=True writes the names of classes, but labels are missing. Pass a label for each row.")
    names, codes = rows.classes, rows.codes[rows.drawn]
    effects = import_matplotlib("patheffects")
    halo = [effects.withStroke(linewidth=3, foreground=theme.ground, alpha=0.85)]
    size = 13 if max(map(len, names), default=0) < 3 else 9 if len(names) <= 30 else 7
    members = {code: np.flatnonzero(codes == code) for code in np.unique(codes[codes < len(names)]).tolist()}
    texts = []
    for code in members:
        text = axes.text(0, 0, _shorten(names[code]), ha="center", va="center", fontsize=size, fontweight="bold")
        text.set(color=theme.ink, path_effects=halo, parse_math=False)
        texts.append(text)
    places = choose_name_rows(points, list(members.values()), _measure_texts(axes, texts))
    for text, place in zip(texts, places, strict=True):
        text.set_position(points[place])
    return texts, places


def _measure_texts(axes: "Axes", texts: list["Text"]) -> np.ndarray:
    """Return the width and height of each text in units of the map."""
    axes.apply_aspect()
    boxes = [text.get_window_extent().transformed(axes.transData.inverted()) for text in texts]
    return np.array([box.size for box in boxes]).reshape(-1, 2)


def _shorten(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"
