"""Colors of up to 60 classes, of numbers, and of other elements on light and dark backgrounds."""

from typing import NamedTuple

import numpy as np

# The first seven colors were chosen by eye, beginning with those of Okabe and Ito (2008). Each later color is the
# farthest from all before it. The distance is the smallest of four in OKLab (Ottosson 2020): as seen with all cones,
# and without the long, middle or short ones (Machado, Oliveira and Fernandes 2009).
PALETTE = (
    "1f77c4 ee9b1c 0f9b76 cf4a2c 6cc4f2 e88fc6 5b2a8c 7c3428 acd094 106470 7c94f4 e8701c ac4ca0 7cb870 ac2858 b87cc4 "
    "7c40a0 707c4c dcc44c 3458c4 8870e8 f4acc4 884c10 404c7c 70a04c a07ca0 34dce8 347c7c 64ace8 4c7c10 dc707c 10c4a0 "
    "94104c 884c88 949410 dca0ac 9458b8 888858 d0a058 ac64ac 88dc70 3494dc a0c470 7c4c40 703464 946470 d088b8 4c64d0 "
    "945840 64b84c 707cb8 b84c88 b8acdc 64a088 7cd0d0 f4ac10 c494dc 944070 7c3488 2840ac"
).split()
MAX_CLASSES = len(PALETTE)
OTHER_LABEL = "other"


class Theme(NamedTuple):
    """Colors of a background and of the elements on it."""

    ground: str
    ink: str  # of text
    faint: str  # of captions
    other: str  # of points without an individual color
    edge: str  # of the graph's edges
    lighter: float  # share of white in the colors of classes
    part: tuple[float, float]  # the part of a color map that is visible on the background
    classes: np.ndarray | None = None  # red, green and blue of the classes, instead of the palette


THEMES = {
    "light": Theme("#ffffff", "#1f2430", "#6b7280", "#b4b8c0", "#39424e", 0.0, (0.0, 0.92)),
    "dark": Theme("#14161b", "#e8eaee", "#9aa0aa", "#6a6f79", "#aeb9c9", 0.16, (0.12, 1.0)),
}


def get_theme(name: str | Theme) -> Theme:
    """Return the theme of a name, or a theme as it is."""
    if isinstance(name, Theme):
        return name
    if name not in THEMES:
        raise ValueError(f"theme={name!r}, but one of {sorted(THEMES)} is needed.")
    return THEMES[name]


def parse_color(color: str) -> np.ndarray:
    """Return red, green and blue from 0 to 1 for six hexadecimal digits."""
    digits = color.lstrip("#")
    return np.array([int(digits[at : at + 2], 16) for at in (0, 2, 4)]) / 255


def get_class_colors(count: int, theme: Theme) -> np.ndarray:
    """Return a fixed color for each of up to 60 classes, followed by one for all others."""
    colors = np.array([parse_color(color) for color in PALETTE[:count]]).reshape(-1, 3)
    colors = colors + theme.lighter * (1 - colors) if theme.classes is None else theme.classes
    return np.concatenate([colors, [parse_color(theme.other)]])


def select_classes(codes: np.ndarray, count: int) -> np.ndarray:
    """Return the classes with individual colors: all of up to 60, or the 60 with the most rows."""
    if count <= MAX_CLASSES:
        return np.arange(count)
    rows = np.bincount(codes[codes >= 0], minlength=count)
    return np.sort(np.argsort(-rows, kind="stable")[:MAX_CLASSES])
