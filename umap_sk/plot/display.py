"""EmbeddingDisplay: a map as a picture, in the manner of scikit-learn's displays."""

import numpy as np

from umap_sk.appearance.colors import get_theme
from umap_sk.appearance.positions import get_embedding, get_last_step, read_positions
from umap_sk.plot import draw, frame
from umap_sk.plot.edges import edges_between
from umap_sk.plot.figures import figure_by_row
from umap_sk.plot.films import Films
from umap_sk.plot.raster import Box, box_of
from umap_sk.plot.read import Rows, class_names, read_rows
from umap_sk.plot.style import check_axes, check_style
from umap_sk.plot.view import VIEW, flat


class EmbeddingDisplay(Films):
    """A map as a picture; it needs matplotlib.

    Up to 50,000 points are drawn one by one, larger and more opaque the fewer they are. Beyond, and with
    ``raster=True``, pixels are: the mean color of their points, the more opaque the more these are. Rows without a
    place (NaN) are left out, and the caption says how many.

    Make one by :meth:`from_estimator`, :meth:`from_embedding`, :meth:`connectivity` or :meth:`diagnostic`; draw it
    again, in other ways, by :meth:`plot`.

    Parameters
    ----------
    embedding : array-like of shape (n, 2 or 3), frame or AnnData
        The map; AnnData has it in ``obsm["X_umap"]``. Three components are seen from a side.
    labels : array-like of shape (n,) or str, default=None
        Classes. Each of up to 60 has a color of its own, by its place among all classes, whichever rows are drawn; of
        more, those with the most rows have, and the others one color together.
    values : array-like of shape (n,) or str, default=None
        Numbers, instead of classes. Rows without a finite one are left out.
    subset : int or array-like of int or bool, default=None
        Which rows to draw: so many at random, their numbers, or a mask.
    data : frame or AnnData, default=None
        Where columns are that `labels` or `values` name, if the embedding is no such thing: columns of a frame or of
        ``adata.obs``, or genes.
    edges : Edges, default=None
        Edges to draw below the points; see :meth:`connectivity`.
    center : float, default=None
        Value in the middle of the colors, as many on either side of it.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where it was drawn.
    points_ : matplotlib PathCollection or None
        The points, where each is drawn.
    image_ : matplotlib AxesImage or None
        The pixels, where many are.
    edges_ : matplotlib artist or None
        The edges.
    legend_, color_bar_ : matplotlib Legend and Colorbar or None
        What tells the colors.
    names_ : list of matplotlib Text
        Names of the classes in the map.
    caption_ : str
        What is drawn and what is left out.

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
        self.rows: Rows = read_rows(embedding, labels, values, subset, data)
        self.edges = edges
        self.center = center

    @classmethod
    def from_estimator(cls, estimator, *, labels=None, values=None, subset=None, data=None, ax=None, **style):
        """Draw the map of a fitted estimator.

        Parameters
        ----------
        estimator : PrecomputedUMAP, DistributedUMAP or Pipeline that ends in one
            The estimator; any that has an `embedding_` will do.
        labels, values : array-like of shape (n,) or str, default=None
            As in the class.
        subset : int or array-like of int or bool, default=None
            As in the class.
        data : frame or AnnData, default=None
            As in the class.
        ax : matplotlib Axes, default=None
            Where to draw; None for a new figure.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        EmbeddingDisplay
            What was drawn.
        """
        given = {"labels": labels, "values": values, "subset": subset, "data": data}
        return cls(embedding=estimator, **given).plot(ax=ax, **style)

    @classmethod
    def from_embedding(cls, embedding, *, labels=None, values=None, subset=None, data=None, ax=None, **style):
        """Draw a map that is there already.

        Parameters
        ----------
        embedding : array-like of shape (n, 2 or 3), frame or AnnData
            As in the class. A frame's columns x and y (and z) are the positions, in small or capital letters; without
            these, all columns but those that `labels` or `values` name, if they are two or three.
        labels, values : array-like of shape (n,) or str, default=None
            As in the class.
        subset : int or array-like of int or bool, default=None
            As in the class.
        data : frame or AnnData, default=None
            As in the class.
        ax : matplotlib Axes, default=None
            Where to draw; None for a new figure.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        EmbeddingDisplay
            What was drawn.
        """
        given = {"labels": labels, "values": values, "subset": subset, "data": data}
        return cls(embedding=embedding, **given).plot(ax=ax, **style)

    @classmethod
    def connectivity(
        cls, estimator, *, labels=None, values=None, subset=None, data=None, bundle=True, ax=None, **style
    ):
        """Draw the edges of the fuzzy graph below the map.

        Up to 40,000 edges are lines, the darker the stronger, and those that run side by side are bundled; more are
        pixels. Of more than 2,000,000, so many are chosen evenly.

        Parameters
        ----------
        estimator : PrecomputedUMAP or Pipeline that ends in one
            The fitted estimator, with its graph.
        labels, values : array-like of shape (n,) or str, default=None
            As in the class.
        subset : int or array-like of int or bool, default=None
            As in the class; edges between these rows are drawn.
        data : frame or AnnData, default=None
            As in the class.
        bundle : bool, default=True
            False for straight lines.
        ax : matplotlib Axes, default=None
            Where to draw; None for a new figure.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        EmbeddingDisplay
            What was drawn.
        """
        made = cls(embedding=estimator, labels=labels, values=values, subset=subset, data=data)
        made.edges = edges_between(_graph_of(estimator), made.rows.drawn, bundle)
        return made.plot(ax=ax, **style)

    @classmethod
    def diagnostic(cls, graph, embedding, *, figure="recall", k=15, subset=None, ax=None, **style):
        """Color each row by how well the map keeps its neighborhood.

        Parameters
        ----------
        graph : sparse array of shape (n, n)
            Distances to the nearest neighbors, as :func:`umap_sk.knn_graph` makes it of arrays.
        embedding : estimator or array-like of shape (n, 2 or 3)
            A fitted estimator, or the map itself.
        figure : {"recall", "trustworthiness", "stretch"}, default="recall"
            The row's part of :func:`umap_sk.metrics.neighbor_recall`; of :func:`umap_sk.metrics.trustworthiness`, which
            needs more than `k` neighbors in a row and is relative to those; or how many times farther away than
            elsewhere in the map it has its neighbors, as a logarithm to base 2.
        k : int, default=15
            Neighbors to compare.
        subset : int or array-like of int or bool, default=None
            As in the class. All rows are judged.
        ax : matplotlib Axes, default=None
            Where to draw; None for a new figure.
        **style : object
            As in :meth:`plot`.

        Returns
        -------
        EmbeddingDisplay
            What was drawn; ``display.rows.values`` are the figures. A row without neighbors has none and is left out.
        """
        embedding = read_positions(get_embedding(embedding), [], (2, 3))
        values, name, center = figure_by_row(graph, embedding, figure, k)
        made = cls(embedding=embedding, values=values, subset=subset, center=center)
        made.rows = made.rows._replace(name=name)
        return made.plot(ax=ax, **style)

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
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None for a new figure.
        theme : {"light", "dark"}, default="light"
            The ground and what stands out from it.
        raster : bool, default=None
            Draw pixels instead of points; None for more than 50,000 points.
        names : bool, default=False
            Write each class's name at its medoid, the row nearest to all others of the class.
        legend : bool, default=True
            Show the legend, or the color bar.
        title : str, default=None
            A line above the map.
        cmap : str or matplotlib Colormap, default=None
            Colors of numbers; None for the part of viridis that stands out from the ground.
        view : tuple of float, default=(30.0, 20.0)
            Azimuth and elevation in degrees, from which three components are seen.
        box : tuple of float, default=None
            Left, right, bottom and top of what is shown; None for all rows of the map.

        Returns
        -------
        EmbeddingDisplay
            Itself.
        """
        check_axes(ax)
        check_style(cmap, view, box)
        rows, colored = self.rows, get_theme(theme)
        points, depth = flat(rows.positions, view)
        box, drawn = box_of(points) if box is None else Box(*box), points[rows.drawn]
        own = ax is None
        if own:
            ax = frame.new_axes(box, legend and rows.values is not None, colored)
        self.ax_, self.figure_, self._theme = ax, ax.figure, colored
        frame.bare(ax, box, colored)
        self.edges_ = self.edges.draw(ax, points, box, colored) if self.edges is not None else None
        self._scale = scale = None
        if rows.values is not None:
            self._scale = scale = draw.scale_of(rows.values[rows.drawn], cmap, colored, self.center)
        as_raster = len(drawn) > draw.MOST_POINTS if raster is None else raster
        self.points_ = self.image_ = None
        if as_raster:
            self.image_ = draw.show_image(ax, draw.raster_of(drawn, rows, scale, box, colored), box)
        else:
            colors = draw.point_colors(rows, scale, colored)
            self.points_ = draw.draw_points(ax, drawn, colors, None if depth is None else depth[rows.drawn])
        self.caption_ = frame.caption_of(rows, self.edges.caption if self.edges is not None else "")
        frame.write(ax, title, self.caption_, colored)
        self._explain(legend, scale, colored)
        if own and self.legend_ is not None:
            frame.make_room(self.legend_)
        self.names_, self._named = frame.write_names(ax, drawn, rows, colored) if names else ([], [])
        return self

    def _explain(self, legend, scale, theme):
        """A legend of the classes that are drawn, or a color bar."""
        rows = self.rows
        self.legend_ = self.color_bar_ = None
        if legend and rows.codes is not None:
            names, colors, shown = class_names(rows), draw.colors_of(rows, theme), shown_codes(rows)
            self.legend_ = frame.legend(self.ax_, [names[code] for code in shown], colors[shown], rows.name, theme)
        elif legend and scale is not None:
            self.color_bar_ = frame.color_bar(self.ax_, scale, rows.name, theme)


def _graph_of(estimator):
    """The fuzzy graph of a fitted estimator."""
    fitted = get_last_step(estimator)
    if not hasattr(fitted, "graph_"):
        raise ValueError(
            f"The {type(fitted).__name__} has no graph_, but its edges are to be drawn: DistributedUMAP leaves them on "
            "the workers, and drop_graph drops them. Draw the rows alone, by from_estimator, or fit PrecomputedUMAP."
        )
    return fitted.graph_


def shown_codes(rows: Rows) -> np.ndarray:
    """Codes of the classes that have rows in the picture."""
    return np.empty(0, np.int64) if rows.codes is None else np.unique(rows.codes[rows.drawn])
