"""The interactive picture of umap.plot with its name and arguments, made by the interactive map."""

import numpy as np

from umap_sk.appearance.classes import get_categorical
from umap_sk.appearance.positions import get_embedding, read_positions
from umap_sk.exceptions import UnusedParameterWarning, warn
from umap_sk.interactive_map.interactive import interactive as interactive_map
from umap_sk.plot.read import select_rows


def interactive(
    umap_object,
    labels=None,
    values=None,
    hover_data=None,
    tools=None,
    theme=None,
    cmap=None,
    color_key=None,
    color_key_cmap=None,
    background=None,
    width=None,
    height=None,
    point_size=None,
    subset_points=None,
    interactive_text_search=False,
    interactive_text_search_columns=None,
    interactive_text_search_alpha_contrast=None,
    alpha=None,
):
    """Make an interactive map, with the arguments of umap.plot.interactive.

    The page of :func:`umap_sk.interactive` chooses its colors and sizes, fills the cell of a notebook, and always has
    a search. Arguments that would change this cause a warning.

    Parameters
    ----------
    umap_object : estimator
        A fitted estimator, of this package or another, or a map of shape (n, 2).
    labels, values : array-like of shape (n,), default=None
        Classes or numbers that color the points.
    hover_data : DataFrame or dict of array-like, default=None
        Columns for cards and search.
    tools, theme, cmap, color_key, color_key_cmap, background, width, height, point_size : None
        Not used.
    subset_points : array-like of bool of shape (n,), default=None
        Mask of the points to show.
    interactive_text_search : bool, default=False
        Whether the search includes the labels.
    interactive_text_search_columns, interactive_text_search_alpha_contrast, alpha : None
        Not used.

    Returns
    -------
    InteractiveMap
        The page, which a notebook shows.
    """
    unused = {
        "tools": tools,
        "theme": theme,
        "cmap": cmap,
        "color_key": color_key,
        "color_key_cmap": color_key_cmap,
        "background": background,
        "width": width,
        "height": height,
        "point_size": point_size,
        "interactive_text_search_columns": interactive_text_search_columns,
        "interactive_text_search_alpha_contrast": interactive_text_search_alpha_contrast,
        "alpha": alpha,
    }
    if unwanted := [name for name, value in unused.items() if value is not None]:
        warn(f"Unused, since the page has its own controls: {', '.join(unwanted)}. Omit them.", UnusedParameterWarning)
    if labels is not None and values is not None:
        raise ValueError("Both labels and values were given, but points have one color: pass only one of them.")
    positions = np.array(read_positions(get_embedding(umap_object), [], (2,)), np.float64)
    left_out = np.ones(len(positions), bool)
    left_out[select_rows(subset_points, len(positions))] = False
    positions[left_out] = np.nan
    colour = None
    if labels is not None:
        classes = np.asarray(labels, object) if get_categorical(labels) is None else labels
        colour = {getattr(labels, "name", None) or "label": classes}
    elif values is not None:
        colour = {getattr(values, "name", None) or "value": np.asarray(values, np.float64)}
    if interactive_text_search and labels is not None and hover_data is None:
        hover_data = colour
    return interactive_map(positions, hover_data, colour=colour)
