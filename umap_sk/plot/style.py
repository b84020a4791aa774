"""Input validation of drawing options, before they reach matplotlib."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from umap_sk.plot.optional import import_matplotlib

if TYPE_CHECKING:
    from matplotlib.colors import Colormap


def check_axes(ax: object) -> None:
    """Raise TypeError unless `ax` is matplotlib Axes or None."""
    if ax is not None and not isinstance(ax, import_matplotlib("axes").Axes):
        raise TypeError(
            f"ax is {type(ax).__name__}, but matplotlib Axes are needed, as in figure, ax = plt.subplots(). Pass one "
            "of them, or None for a new figure."
        )


def check_style(cmap: "str | Colormap | None", view: Sequence[float], box: Sequence[float] | None) -> None:
    """Raise ValueError if the options of `EmbeddingDisplay.plot` are invalid."""
    if cmap is not None:
        try:
            import_matplotlib("pyplot").get_cmap(cmap)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"cmap={cmap!r} is no colormap of matplotlib. Pass a name from matplotlib.colormaps, such as "
                "'magma', or a Colormap."
            ) from error
    if not _are_numbers(view, 2):
        raise ValueError(f"view={view!r}, but two numbers are needed: azimuth and elevation in degrees.")
    if box is not None and not (_are_numbers(box, 4) and box[0] < box[1] and box[2] < box[3]):
        raise ValueError(
            f"box={box!r}, but four numbers are needed: left, right, bottom and top, with left < right and "
            "bottom < top."
        )


def _are_numbers(values: ArrayLike, count: int) -> bool:
    """Return whether values are `count` finite numbers."""
    try:
        array = np.asarray(values)
    except ValueError:  # lengths differ
        return False
    return array.shape == (count,) and array.dtype.kind in "fiu" and bool(np.isfinite(array).all())
