"""EmbeddingDisplay draws a map, in the style of scikit-learn's displays."""

import numpy as np

from umap_sk.appearance.colors import get_theme
from umap_sk.appearance.positions import check_row_count, get_embedding, get_last_step, read_positions
from umap_sk.plot import draw, films, frame
from umap_sk.plot.edges import select_edges
from umap_sk.plot.figures import compute_figure
from umap_sk.plot.raster import Box, find_box
from umap_sk.plot.read import MapRows, list_class_names, read_rows
from umap_sk.plot.style import check_axes, check_style
from umap_sk.plot.view import VIEW, project


class EmbeddingDisplay:
    """A picture of a map. It requires matplotlib.

    Up to 50,000 points are drawn individually. The fewer they are, the larger and more opaque they are. Beyond that, or
    with ``raster=True``, a pixel has the mean color of its points, and is the more opaque the more they are. Rows
    without a position (NaN) are left out, and the caption states their number.

    Displays are made by :meth:`from_estimator`, :meth:`from_embedding`, :meth:`connectivity` or :meth:`diagnostic`.
    :meth:`plot` draws them again in another style.

    Parameters
    ----------
    embedding : array-like of shape (n, 2 or 3), frame or AnnData
        The map. AnnData contains it in ``obsm["X_umap"]``. A map with three components is projected.
    labels : array-like of shape (n,) or str, default=None
        Classes of the rows. Each of up to 60 classes has its own color, which depends on its place among all classes,
        not on the drawn rows. If there are more, the 60 largest have their own colors, and the others share one.
    values : array-like of shape (n,) or str, default=None
        Numbers instead of classes. Rows without a finite number are left out.
    subset : int or array-like of int or bool, default=None
        Rows to draw: the size of a random sample, indices, or a mask.
    data : frame or AnnData, default=None
        Columns to which `labels` or `values` refer by name, if the embedding has no columns: those of a frame or of
        ``adata.obs``, or genes.
    edges : Edges, default=None
        Edges to draw below the points; see :meth:`connectivity`.
    center : float, default=None
        Value at the center of the color scale, which is then symmetric.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure of the picture.
    points_ : matplotlib PathCollection or None
        The points, if they are drawn individually.
    image_ : matplotlib AxesImage or None
        The pixels, if there are many points.
    edges_ : matplotlib artist or None
        The edges.
    legend_, color_bar_ : matplotlib Legend and Colorbar or None
        The legend of the classes, or the color bar.
    names_ : list of matplotlib Text
        Names of the classes in the map.
    caption_ : str
        A description of what is drawn and left out.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from umap_sk import EmbeddingDisplay, PrecomputedUMAP
    >>> X, y = load_digits(return_X_y=True)
    >>> model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(X)
    >>> display = EmbeddingDisplay.from_estimator(model, labels=y)
    >>> display.caption_
    '1,797 rows'
    >>> display.figure_.savefig("digits.png")  # doctest: +SKIP
    """

    def __init__(self, *, embedding, labels=None, values=None, subset=None, data=None, edges=None, center=None):
        self.rows: MapRows = read_rows(embedding, labels, values, subset, data)
        self.edges = edges
        self.center = center

    @classmethod
    def from_estimator(cls, estimator, *, labels=None, values=None, subset=None, data=None, ax=None, **style):
        """Draw the map of a fitted estimator.

        Parameters
        ----------
        estimator : PrecomputedUMAP, DistributedUMAP or Pipeline that ends in one
            An estimator with an `embedding_`.
        labels, values, subset, data : object, default=None
            As in the class.
        ax : matplotlib Axes, default=None
            Axes of the picture; None for a new figure.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        EmbeddingDisplay
            The display.
        """
        return cls(embedding=estimator, labels=labels, values=values, subset=subset, data=data).plot(ax=ax, **style)

    @classmethod
    def from_embedding(cls, embedding, *, labels=None, values=None, subset=None, data=None, ax=None, **style):
        """Draw an existing map.

        Parameters
        ----------
        embedding : array-like of shape (n, 2 or 3), frame or AnnData
            As in the class. The positions of a frame are its columns x and y (and z), in lower or upper case. Without
            these, they are the two or three columns that `labels` and `values` do not name.
        labels, values, subset, data : object, default=None
            As in the class.
        ax : matplotlib Axes, default=None
            Axes of the picture; None for a new figure.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        EmbeddingDisplay
            The display.
        """
        return cls(embedding=embedding, labels=labels, values=values, subset=subset, data=data).plot(ax=ax, **style)

    @classmethod
    def connectivity(
        cls, estimator, *, labels=None, values=None, subset=None, data=None, bundle=True, ax=None, **style
    ):
        """Draw the edges of the fuzzy graph below the map.

        Up to 40,000 edges are drawn as lines, and stronger ones are darker. Parallel lines are bundled. More edges are
        drawn as pixels. Of more than 2,000,000 edges, an evenly spaced selection is drawn.

        Parameters
        ----------
        estimator : PrecomputedUMAP or Pipeline that ends in one
            The fitted estimator, with its graph.
        labels, values, subset, data : object, default=None
            As in the class. Only edges between the rows of `subset` are drawn.
        bundle : bool, default=True
            Whether to bundle parallel lines. False draws straight lines.
        ax : matplotlib Axes, default=None
            Axes of the picture; None for a new figure.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        EmbeddingDisplay
            The display.
        """
        display = cls(embedding=estimator, labels=labels, values=values, subset=subset, data=data)
        display.edges = select_edges(_get_graph(estimator), display.rows.drawn, bundle)
        return display.plot(ax=ax, **style)

    @classmethod
    def diagnostic(cls, graph, embedding, *, figure="recall", k=15, subset=None, ax=None, **style):
        """Color each row by how well the map preserves its neighborhood.

        Parameters
        ----------
        graph : sparse array of shape (n, n)
            Distances to the nearest neighbors, for example from :func:`umap_sk.knn_graph`.
        embedding : estimator or array-like of shape (n, 2 or 3)
            A fitted estimator, or the map itself.
        figure : {"recall", "trustworthiness", "stretch"}, default="recall"
            "recall" and "trustworthiness" are the row's part of :func:`umap_sk.metrics.neighbor_recall` and of
            :func:`umap_sk.metrics.trustworthiness`, which needs more than `k` neighbors per row. "stretch" is the
            binary logarithm of the distance to its neighbors in the map, relative to other rows.
        k : int, default=15
            Number of neighbors to compare.
        subset : int or array-like of int or bool, default=None
            As in the class. The quantity is computed among all rows.
        ax : matplotlib Axes, default=None
            Axes of the picture; None for a new figure.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        EmbeddingDisplay
            The display, with the numbers in ``display.rows.values``. Rows without neighbors are left out.
        """
        embedding = read_positions(get_embedding(embedding), [], (2, 3))
        values, name, center = compute_figure(graph, embedding, figure, k)
        display = cls(embedding=embedding, values=values, subset=subset, center=center)
        display.rows = display.rows._replace(name=name)
        return display.plot(ax=ax, **style)

    epochs, rotation = classmethod(films.epochs), classmethod(films.rotation)

    def plot(
        self,
        *,
        ax=None,
        theme="light",
        raster=None,
        names=False,
        legend=True,
        title=None,
        cmap=None,
        view=VIEW,
        box=None,
    ):
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes of the picture; None for a new figure.
        theme : {"light", "dark"}, default="light"
            Colors of the background and of text.
        raster : bool, default=None
            Whether to draw pixels instead of points. None draws pixels for more than 50,000 points.
        names : bool, default=False
            Whether to write the name of each class where its density is highest.
        legend : bool, default=True
            Whether to show the legend, or the color bar.
        title : str, default=None
            Title of the picture.
        cmap : str or matplotlib Colormap, default=None
            Colors of numbers; None for the part of viridis that is visible on the background.
        view : tuple of float, default=(30.0, 20.0)
            Azimuth and elevation in degrees, for maps with three components.
        box : tuple of float, default=None
            Left, right, bottom and top of the visible area; None for the area of all rows.

        Returns
        -------
        EmbeddingDisplay
            The same display.
        """
        check_axes(ax)
        check_style(cmap, view, box)
        rows, colored = self.rows, get_theme(theme)
        points, depth = project(rows.positions, view)
        box, drawn = find_box(points) if box is None else Box(*box), points[rows.drawn]
        own = ax is None
        if own:
            ax = frame.make_axes(box, legend and rows.values is not None, colored)
        self.ax_, self.figure_, self._theme = ax, ax.figure, colored
        frame.hide_axes(ax, box, colored)
        self.edges_ = self.edges.draw(ax, points, box, colored) if self.edges is not None else None
        self._scale = scale = None
        if rows.values is not None:
            self._scale = scale = draw.make_scale(rows.values[rows.drawn], cmap, colored, self.center)
        as_raster = len(drawn) > draw.MAX_POINTS if raster is None else raster
        self.points_ = self.image_ = None
        if as_raster:
            self.image_ = draw.show_image(ax, draw.make_raster(drawn, rows, scale, box, colored), box)
        else:
            colors = draw.get_point_colors(rows, scale, colored)
            self.points_ = draw.draw_points(ax, drawn, colors, None if depth is None else depth[rows.drawn])
        self.caption_ = frame.describe_rows(rows, self.edges.caption if self.edges is not None else "")
        frame.write_title(ax, title, self.caption_, colored)
        self._explain(legend, scale, colored)
        if own and self.legend_ is not None:
            frame.enlarge_figure(self.figure_, self.legend_)
        self.names_, self._named = frame.write_names(ax, drawn, rows, colored) if names else ([], [])
        return self

    def _explain(self, legend, scale, theme):
        """Add a legend of the classes that are drawn, or a color bar."""
        rows = self.rows
        self.legend_ = self.color_bar_ = None
        if legend and rows.codes is not None:
            names, colors = list_class_names(rows), draw.get_row_colors(rows, theme)
            shown = np.unique(rows.codes[rows.drawn])
            self.legend_ = frame.add_legend(self.ax_, [names[code] for code in shown], colors[shown], rows.name, theme)
        elif legend and scale is not None:
            self.color_bar_ = frame.add_color_bar(self.ax_, scale, rows.name, theme)


def _get_graph(estimator):
    """Return the fuzzy graph of a fitted estimator."""
    fitted = get_last_step(estimator)
    if not hasattr(fitted, "graph_"):
        raise ValueError(
            f"The {type(fitted).__name__} has no graph_, which is needed to draw its edges: DistributedUMAP leaves "
            "them on the workers, and drop_graph removes them. Draw only the rows by from_estimator, or fit "
            "PrecomputedUMAP."
        )
    check_row_count(fitted.graph_.shape[0], fitted)
    return fitted.graph_
