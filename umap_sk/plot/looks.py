"""Colors of a picture from the arguments that umap.plot has for them."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk.appearance.colors import MAX_CLASSES, THEMES, Theme
from umap_sk.plot.optional import matplotlib_module
from umap_sk.plot.read import Rows


class Look(NamedTuple):
    """Color maps and ground of a picture; None leaves a choice to :class:`umap_sk.EmbeddingDisplay`.

    Attributes
    ----------
    cmap : str or Colormap or None
        Colors of numbers; the color in its middle is that of points without labels and values.
    color_key_cmap : str or Colormap or None
        Colors of classes.
    background : str or None
        Color behind all.
    edge_cmap : str or Colormap or None
        Colors of edges, of which a dark part is used.
    """

    cmap: Any = None
    color_key_cmap: Any = None
    background: Any = None
    edge_cmap: Any = None


# umap.plot's themes. Those that it takes from colorcet have the map of matplotlib that is nearest.
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


def look_of(theme: str | None, **given: Any) -> Look:
    """The look of a theme, which counts for more than what was given, as in umap.plot."""
    if theme is None:
        return Look(**given)
    if theme not in LOOKS:
        raise ValueError(f"theme={theme!r}, but one of {list(LOOKS)} is needed.")
    return Look(**given | {name: value for name, value in LOOKS[theme]._asdict().items() if value is not None})


def theme_of(look: Look, rows: Rows, color_key: Any = None) -> Theme:
    """The theme of a look, with colors for the classes of some rows."""
    maps = matplotlib_module("colors")
    ground = maps.to_rgb(look.background or "white")
    name = "light" if np.dot(ground, (0.299, 0.587, 0.114)) > 0.5 else "dark"
    theme = THEMES[name]._replace(ground=maps.to_hex(ground), classes=_class_colors(look, rows, color_key))
    if look.edge_cmap is None:
        return theme
    return theme._replace(edge=maps.to_hex(_sampled(look.edge_cmap, np.array([0.75]))[0]))


def _class_colors(look: Look, rows: Rows, color_key: Any) -> np.ndarray | None:
    """Colors of the classes, or the one of all points; None for those of the palette."""
    if rows.codes is None:
        return None if look.cmap is None or rows.values is not None else _sampled(look.cmap, np.array([0.5]))
    if color_key is None:
        count = len(rows.classes)
        return None if look.color_key_cmap is None else _sampled(look.color_key_cmap, np.linspace(0, 1, count))
    if isinstance(color_key, dict):
        colors = {str(label): color for label, color in color_key.items()}
        lacking = [name for name in rows.classes if name not in colors]
        if lacking:
            raise ValueError(f"color_key has no color for the label {lacking[0]!r}. Give one for each label.")
        chosen = [colors[name] for name in rows.classes]
    else:
        shared = bool((rows.codes == len(rows.classes)).any())  # more labels than have colors of their own
        if shared or len(color_key) < len(rows.classes):
            raise ValueError(
                f"color_key has {len(color_key)} colors for {'more than ' * shared}{len(rows.classes)} labels. Give a "
                f"color for each of up to {MAX_CLASSES} labels, in their sorted order, or a dict of colors by label."
            )
        chosen = list(color_key[: len(rows.classes)])
    return matplotlib_module("colors").to_rgba_array(chosen)[:, :3]


def _sampled(cmap: Any, places: np.ndarray) -> np.ndarray:
    """Red, green and blue at places of a color map."""
    return matplotlib_module("pyplot").get_cmap(cmap)(places)[:, :3]
