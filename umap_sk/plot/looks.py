"""Colors of a picture from the arguments of umap.plot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from umap_sk.appearance.colors import MAX_CLASSES, THEMES, Theme
from umap_sk.plot.optional import import_matplotlib
from umap_sk.plot.read import MapRows

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.typing import ColorType

ColorMap: TypeAlias = "str | Colormap | None"
ColorKey: TypeAlias = "Mapping[object, ColorType] | Sequence[ColorType] | None"


class Look(NamedTuple):
    """Color maps and background of a picture. None leaves the choice to :class:`umap_sk.EmbeddingDisplay`."""

    cmap: ColorMap = None  # of numbers; its central color is that of points without labels and values
    color_key_cmap: ColorMap = None  # of classes
    background: str | None = None
    edge_cmap: ColorMap = None  # a dark color of it is used for edges


# The themes of umap.plot. Color maps of colorcet are replaced by similar ones of matplotlib.
LOOKS = {
    "fire": Look("hot", "rainbow", "black", "hot"),
    "viridis": Look("viridis", "Spectral", "black", "gray"),
    "inferno": Look("inferno", "Spectral", "black", "gray"),
    "blue": Look("Blues", "tab20", "white", "gray_r"),
    "red": Look("Reds", "tab20b", "white", "gray_r"),
    "green": Look("Greens", "tab20c", "white", "gray_r"),
    "darkblue": Look("Blues_r", "rainbow", "black", "Reds_r"),
    "darkred": Look("Reds_r", "rainbow", "black", "Blues_r"),
    "darkgreen": Look("Greens_r", "rainbow", "black", "Purples_r"),
    "light": Look(background=THEMES["light"].ground),
    "dark": Look(background=THEMES["dark"].ground),
}


def choose_look(theme: str | None, given: Look) -> Look:
    """Return the look of a theme, which overrides the given one, as in umap.plot."""
    if theme is None:
        return given
    if theme not in LOOKS:
        raise ValueError(f"theme={theme!r}, but one of {list(LOOKS)} is needed.")
    return given._replace(**{name: value for name, value in LOOKS[theme]._asdict().items() if value is not None})


def make_theme(look: Look, rows: MapRows, color_key: ColorKey = None) -> Theme:
    """Return the theme of a look, with colors for the classes of some rows."""
    maps = import_matplotlib("colors")
    ground = maps.to_rgb(look.background or "white")
    name = "light" if np.dot(ground, (0.299, 0.587, 0.114)) > 0.5 else "dark"
    theme = THEMES[name]._replace(ground=maps.to_hex(ground), classes=_choose_class_colors(look, rows, color_key))
    if look.edge_cmap is None:
        return theme
    return theme._replace(edge=maps.to_hex(_sample_color_map(look.edge_cmap, np.array([0.75]))[0]))


def _choose_class_colors(look: Look, rows: MapRows, color_key: ColorKey) -> np.ndarray | None:
    """Return the colors of the classes or of all points, or None for the palette."""
    if rows.codes is None:
        return None if look.cmap is None or rows.values is not None else _sample_color_map(look.cmap, np.array([0.5]))
    if color_key is None:
        count = len(rows.classes)
        return None if look.color_key_cmap is None else _sample_color_map(look.color_key_cmap, np.linspace(0, 1, count))
    if isinstance(color_key, dict):
        colors = {str(label): color for label, color in color_key.items()}
        lacking = [name for name in rows.classes if name not in colors]
        if lacking:
            raise ValueError(f"color_key has no color for the label {lacking[0]!r}. Pass a color for each label.")
        chosen = [colors[name] for name in rows.classes]
    else:
        shared = bool((rows.codes == len(rows.classes)).any())  # there are more labels than individual colors
        if shared or len(color_key) < len(rows.classes):
            raise ValueError(
                f"color_key has {len(color_key)} colors for {'more than ' * shared}{len(rows.classes)} labels. Pass a "
                f"color for each of up to {MAX_CLASSES} labels, in their sorted order, or a dict of colors by label."
            )
        chosen = list(color_key[: len(rows.classes)])
    return import_matplotlib("colors").to_rgba_array(chosen)[:, :3]


def _sample_color_map(cmap: ColorMap, places: np.ndarray) -> np.ndarray:
    """Return red, green and blue at positions of a color map."""
    return import_matplotlib("pyplot").get_cmap(cmap)(places)[:, :3]
