"""The pictures of umap.plot with its names and arguments, drawn by EmbeddingDisplay."""

from typing import TYPE_CHECKING

import numpy as np

from umap_sk.appearance.inputs import Embedding
from umap_sk.plot.display import EmbeddingDisplay
from umap_sk.plot.looks import ColorMap, Look, choose_look, make_theme
from umap_sk.plot.optional import import_matplotlib
from umap_sk.plot.projections import TITLES, compute_diagnostic

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

DEFAULT_PIXELS = 800
"""Pixels of a figure's width or height, if only the other is given."""


def points(
    umap_object,
    points=None,
    labels=None,
    values=None,
    theme=None,
    cmap=None,
    color_key=None,
    color_key_cmap=None,
    background=None,
    width=None,
    height=None,
    show_legend=True,
    subset_points=None,
    ax=None,
    alpha=None,
):
    """Draw a map as points, with the arguments of umap.plot.points.

    Parameters
    ----------
    umap_object : estimator
        A fitted estimator, of this package or another, or a map of shape (n, 2).
    points : array-like of shape (n, 2), default=None
        Map to draw instead of the estimator's.
    labels, values : array-like of shape (n,), default=None
        Classes or numbers that color the points.
    theme : str, default=None
        "light" or "dark", or a theme of umap.plot, which overrides `cmap`, `color_key_cmap` and `background`.
    cmap : str or matplotlib Colormap, default=None
        Colors of `values`; None for viridis.
    color_key : dict or array-like of shape (n_classes,), default=None
        A color for each label, by the label or in sorted order.
    color_key_cmap : str or matplotlib Colormap, default=None
        Colors of the labels; None for the palette of this package, which also suits color-blind people.
    background : str, default=None
        Color behind the points; None for white.
    width, height : int, default=None
        Size of the figure in pixels. If only one is given, the other is 800. By default the size depends on the map.
    show_legend : bool, default=True
        Whether to show the legend, or the color bar.
    subset_points : array-like of bool of shape (n,), default=None
        Mask of the points to draw.
    ax : matplotlib Axes, default=None
        Axes of the picture; None for a new figure.
    alpha : float, default=None
        Opacity of the points from 0 to 1.

    Returns
    -------
    matplotlib Axes
        Axes of the points.

    Examples
    --------
    >>> import umap_sk
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> reducer = umap_sk.UMAP(random_state=0).fit(X)
    >>> axes = umap_sk.plot.points(reducer, labels=y, theme="fire")
    """
    embedding = umap_object if points is None else points
    display = EmbeddingDisplay(embedding=embedding, labels=labels, values=values, subset=subset_points)
    look = choose_look(theme, Look(cmap, color_key_cmap, background))
    display.plot(ax=ax, theme=make_theme(look, display.rows, color_key), cmap=look.cmap, legend=show_legend)
    if alpha is not None:
        for artist in _list_artists(display):
            artist.set_alpha(alpha)
    return display.ax_ if ax is not None else _resize(display, width, height)


def connectivity(
    umap_object,
    edge_bundling=None,
    edge_cmap=None,
    show_points=False,
    labels=None,
    values=None,
    theme=None,
    cmap=None,
    color_key=None,
    color_key_cmap=None,
    background=None,
    width=None,
    height=None,
):
    """Draw the edges of the fuzzy graph, with the arguments of umap.plot.connectivity.

    Parameters
    ----------
    umap_object : estimator
        A fitted estimator with its graph.
    edge_bundling : {None, "hammer"}, default=None
        "hammer" bundles parallel edges, here by their density.
    edge_cmap : str or matplotlib Colormap, default=None
        Color map, of which a dark color is used for the edges; None for gray.
    show_points : bool, default=False
        Whether to draw the points on top of the edges.
    labels, values, theme, cmap, color_key, color_key_cmap, background, width, height : object, default=None
        As in :func:`points`.

    Returns
    -------
    matplotlib Axes
        Axes of the edges.
    """
    if edge_bundling not in (None, "hammer"):
        raise ValueError(f"edge_bundling={edge_bundling!r}, but None or 'hammer' is needed.")
    look = choose_look(theme, Look(cmap, color_key_cmap, background, edge_cmap))
    rows = EmbeddingDisplay(embedding=umap_object, labels=labels, values=values).rows
    style = {"theme": make_theme(look, rows, color_key), "cmap": look.cmap, "legend": show_points}
    bundle = edge_bundling is not None
    display = EmbeddingDisplay.connectivity(umap_object, labels=labels, values=values, bundle=bundle, **style)
    for artist in _list_artists(display):
        artist.set_visible(show_points)
    return _resize(display, width, height)


def diagnostic(
    umap_object,
    diagnostic_type="pca",
    nhood_size=15,
    local_variance_threshold=0.8,
    ax=None,
    cmap=None,
    point_size=None,
    background=None,
    width=None,
    height=None,
    return_diagnostics=False,
    plot_result=True,
):
    """Color a map by properties of the features, with the arguments of umap.plot.diagnostic.

    The first three kinds color each row by three coordinates: look for discontinuities of the color. The other kinds
    are numbers. :meth:`umap_sk.EmbeddingDisplay.diagnostic` needs neighbors instead of features.

    Parameters
    ----------
    umap_object : estimator
        A fitted estimator with its features.
    diagnostic_type : {"pca", "ica", "vq", "local_dim", "neighborhood", "all"}, default="pca"
        Principal or independent components, distances to three centers, the number of principal components that a
        row's neighbors need, or the Jaccard index of its neighborhoods. "all" draws all of them in panels.
    nhood_size : int, default=15
        Number of rows in a neighborhood, including the row itself.
    local_variance_threshold : float, default=0.8
        Share of the variance that the principal components of "local_dim" exceed.
    ax : matplotlib Axes, default=None
        Axes of the picture; None for a new figure.
    cmap : str or matplotlib Colormap, default=None
        Colors of the last two kinds; None for viridis.
    point_size : float, default=None
        Area of a point in matplotlib's unit; None for an area that suits the number of points.
    background, width, height : object, default=None
        As in :func:`points`.
    return_diagnostics : bool, default=False
        Whether to return the numbers too, by kind for "all".
    plot_result : bool, default=True
        Whether to draw the numbers.

    Returns
    -------
    matplotlib Axes, ndarray, or both in a tuple
        Axes of the picture (for "all" of the last panel), the numbers, or both, as requested.
    """
    if diagnostic_type not in (*TITLES, "all"):
        raise ValueError(f"diagnostic_type={diagnostic_type!r}, but one of {[*TITLES, 'all']} is needed.")
    kinds = list(TITLES) if diagnostic_type == "all" else [diagnostic_type]
    found = {kind: compute_diagnostic(kind, umap_object, nhood_size, local_variance_threshold) for kind in kinds}
    if plot_result:
        own = ax is None
        panels = _make_panels(len(kinds)) if len(kinds) > 1 else [ax]
        for panel, kind in zip(panels, kinds, strict=True):
            display = _draw_diagnostic(umap_object, found[kind], panel, TITLES[kind], cmap, background)
            if point_size is not None and display.points_ is not None:
                display.points_.set_sizes([point_size])
        ax = _resize(display, width, height) if own else display.ax_
    figures = found if diagnostic_type == "all" else found[diagnostic_type]
    if not return_diagnostics:
        return ax
    return (ax, figures) if plot_result else figures


def _draw_diagnostic(
    umap_object: Embedding,
    figures: np.ndarray,
    ax: "Axes | None",
    title: str,
    cmap: ColorMap,
    background: str | None,
) -> EmbeddingDisplay:
    """Draw the numbers of a diagnostic. Three numbers per row are its color; a single number uses a color map."""
    display = EmbeddingDisplay(embedding=umap_object, values=figures if figures.ndim == 1 else None)
    theme = make_theme(Look(background=background), display.rows)
    if figures.ndim == 2:  # each row is its own class
        display.rows = display.rows._replace(codes=np.arange(len(figures)))
        theme = theme._replace(classes=figures)
    return display.plot(ax=ax, theme=theme, cmap=cmap, title=title, legend=figures.ndim == 1)


def _list_artists(display: EmbeddingDisplay) -> "list[Artist]":
    """Return the points or the pixels of a picture."""
    return [artist for artist in (display.points_, display.image_) if artist is not None]


def _make_panels(count: int) -> "list[Axes]":
    """Return `count` axes of a figure with two columns."""
    pyplot = import_matplotlib("pyplot")
    _, axes = pyplot.subplots(-(-count // 2), 2, figsize=(10, 14), layout="compressed")
    for ax in axes.flat[count:]:
        ax.remove()
    return list(axes.flat[:count])


def _resize(display: EmbeddingDisplay, width: int | None, height: int | None) -> "Axes":
    """Set the size of the axes' figure in pixels at matplotlib's default resolution, and return the axes."""
    if width is not None or height is not None:
        dpi = import_matplotlib("pyplot").rcParams["figure.dpi"]
        display.figure_.set_dpi(dpi)
        display.figure_.set_size_inches((width or DEFAULT_PIXELS) / dpi, (height or DEFAULT_PIXELS) / dpi)
    return display.ax_
