"""What stands around the points: the axes, a caption, a legend or a color bar, and names."""

from typing import Any

import numpy as np

from umap_sk.appearance.colors import Theme
from umap_sk.plot.draw import Scale
from umap_sk.plot.names import medoid
from umap_sk.plot.optional import matplotlib_module
from umap_sk.plot.raster import Box
from umap_sk.plot.read import Rows

SIDE = 6.4  # inches of the longer side of a map
LINES = 0.5  # inches for the title and the caption
IN_A_COLUMN = 20  # names of a legend


def new_axes(box: Box, bar: bool, theme: Theme) -> Any:
    """Axes of a figure of its own that has the map's form, with room for a color bar, if there is one."""
    height, width = box.shape
    scale = SIDE / max(height, width)
    size = max(3.2, width * scale) + 0.9 * bar, max(3.2, height * scale) + LINES
    # "constrained" finds no end, and cuts a legend off, where a map as high as its figure leaves some of its width.
    figure, axes = matplotlib_module("pyplot").subplots(figsize=size, dpi=150, layout="compressed")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    figure.set_facecolor(theme.ground)
    return axes


def bare(axes: Any, box: Box, theme: Theme) -> None:
    """No ticks and no frame, since the axes of a map have no unit, and one scale for both."""
    axes.set(xlim=(box.left, box.right), ylim=(box.bottom, box.top), xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.set_facecolor(theme.ground)
    for spine in axes.spines.values():
        spine.set_visible(False)


def write(axes: Any, title: str | None, caption: str, theme: Theme) -> None:
    """A title above, a caption below."""
    if title:
        axes.set_title(title, loc="left", color=theme.ink, fontsize=12, fontweight="bold", parse_math=False)
    axes.set_xlabel(caption, loc="left", color=theme.faint, fontsize=8)


def caption_of(rows: Rows, drawn_as: str) -> str:
    """How many rows are drawn and how, and how many are left out and why."""
    count, total = len(rows.drawn), len(rows.positions)
    parts = [f"{count:,} rows" if count == total else f"{count:,} of {total:,} rows", drawn_as]
    parts += [f"{number:,} {reason} left out" for reason, number in rows.left_out.items() if number]
    return ", ".join(part for part in parts if part)


def legend(axes: Any, names: list[str], colors: np.ndarray, title: str | None, theme: Theme) -> Any:
    """The classes' colors, to the right of the map."""
    lines = matplotlib_module("lines")
    dot = {"marker": "o", "linestyle": "", "markersize": 7, "markeredgewidth": 0}
    handles = [
        lines.Line2D([], [], color=color, label=_short(name), **dot) for name, color in zip(names, colors, strict=True)
    ]
    made = axes.legend(
        handles=handles,
        title=title and _short(title),
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        ncols=-(-len(names) // IN_A_COLUMN),
        frameon=False,
        fontsize=9,
        title_fontsize=10,
        labelcolor=theme.ink,
        handletextpad=0.2,
        columnspacing=1.0,
        alignment="left",
    )
    made.get_title().set_color(theme.ink)
    for text in (made.get_title(), *made.get_texts()):
        text.set_parse_math(False)
    return made


def make_room(made: Any) -> None:
    """Enlarge the figure by what its legend measures, so that it lies inside, and the map stays as large."""
    figure, needed = made.figure, made.get_window_extent()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + needed.width / figure.dpi, max(height, needed.height / figure.dpi + LINES))


def color_bar(axes: Any, scale: Scale, title: str | None, theme: Theme) -> Any:
    """The numbers' colors, to the right of the map."""
    mappable = matplotlib_module("cm").ScalarMappable(scale.norm, scale.colors)
    made = axes.figure.colorbar(mappable, ax=axes, shrink=0.6, aspect=24, pad=0.02, extend=scale.extend)
    made.outline.set_visible(False)
    made.ax.tick_params(colors=theme.ink, labelsize=8, length=2)
    made.set_label(title or "", color=theme.ink, fontsize=10, parse_math=False)
    return made


def write_names(axes: Any, points: np.ndarray, rows: Rows, theme: Theme) -> tuple[list[Any], list[int]]:
    """Each class's name at its medoid, and which of the points that is."""
    if rows.codes is None:
        raise ValueError("names=True writes the classes' names, but no labels were given. Give labels, one a row.")
    names, codes = rows.classes, rows.codes[rows.drawn]
    effects = matplotlib_module("patheffects")
    halo = [effects.withStroke(linewidth=3, foreground=theme.ground, alpha=0.85)]
    size = 13 if max(map(len, names), default=0) < 3 else 9 if len(names) <= 30 else 7
    style = {"ha": "center", "va": "center", "fontsize": size, "fontweight": "bold", "color": theme.ink}
    texts, places = [], []
    for code, name in enumerate(names):
        members = np.flatnonzero(codes == code)
        if len(members):
            places.append(int(members[medoid(points[members])]))
            texts.append(axes.text(*points[places[-1]], _short(name), path_effects=halo, parse_math=False, **style))
    return texts, places


def _short(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"
