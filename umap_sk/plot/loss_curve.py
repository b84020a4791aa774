"""LossCurveDisplay draws the loss during a fit."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from umap_sk.appearance.colors import Theme, get_class_colors, get_theme
from umap_sk.appearance.positions import get_last_step
from umap_sk.plot.optional import import_matplotlib
from umap_sk.plot.style import check_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class LossCurveDisplay:
    """The loss over the epochs, with a line for each level of the graph. It requires matplotlib.

    The loss of a level is that of its own graph, so each line begins at another height than the last one ended. On the
    graph itself, large steps first arrange the map, and small steps then settle it. The loss increases when these
    begin. It is estimated from a fixed sample of rows. Its course shows whether more epochs would help.
    :func:`umap_sk.metrics.sampled_loss` estimates its value more precisely.

    Parameters
    ----------
    epochs, vertices, losses : array-like of shape (n_points,)
        Columns of ``estimator.loss_curve_``.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure of the picture.
    lines_ : list of matplotlib Line2D
        A line for each level.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk import LossCurveDisplay, PrecomputedUMAP
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(X)
    >>> LossCurveDisplay.from_estimator(model).ax_.get_xlabel()
    'epoch'
    """

    def __init__(self, *, epochs, vertices, losses):
        self.epochs, self.vertices, self.losses = np.asarray(epochs), np.asarray(vertices), np.asarray(losses)

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, theme="light"):
        """Draw the loss of a fit.

        Parameters
        ----------
        estimator : PrecomputedUMAP or Pipeline that ends in one
            The fitted estimator.
        ax : matplotlib Axes, default=None
            Axes of the picture; None for a new figure.
        theme : {"light", "dark"}, default="light"
            As in :meth:`EmbeddingDisplay.plot`.

        Returns
        -------
        LossCurveDisplay
            The display.
        """
        estimator = get_last_step(estimator)
        estimator = getattr(estimator, "estimator_", estimator)  # of a UMAP
        check_is_fitted(estimator, "embedding_")
        curve = estimator.loss_curve_
        if not len(curve):
            raise ValueError(
                "There is no loss to show: the epochs of this model were run by update, in another process, or by an "
                "older version. Fit again, or compute the loss of the map by umap_sk.metrics.sampled_loss."
            )
        return cls(epochs=curve[:, 0], vertices=curve[:, 1], losses=curve[:, 2]).plot(ax=ax, theme=theme)

    def plot(self, *, ax=None, theme="light"):
        """Draw the loss.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes of the picture; None for a new figure.
        theme : {"light", "dark"}, default="light"
            As in :meth:`EmbeddingDisplay.plot`.

        Returns
        -------
        LossCurveDisplay
            The same display.
        """
        check_axes(ax)
        colored = get_theme(theme)
        if ax is None:
            figure, ax = import_matplotlib("pyplot").subplots(figsize=(6.4, 3.6), dpi=150, layout="constrained")
            figure.set_facecolor(colored.ground)
        self.ax_, self.figure_ = ax, ax.figure
        levels = list(dict.fromkeys(self.vertices.tolist()))
        self.lines_ = []
        for size, color in zip(levels, get_class_colors(len(levels), colored), strict=False):
            on = self.vertices == size
            style = {"color": color, "linewidth": 2, "marker": "o", "markersize": 3.5}
            self.lines_ += ax.plot(self.epochs[on], self.losses[on], label=f"{size:,.0f} vertices", **style)
        _style_axes(ax, len(levels), colored)
        return self


def _style_axes(axes: "Axes", n_levels: int, theme: Theme) -> None:
    """Add labels, a faint grid, and a legend if there are several levels."""
    axes.set_facecolor(theme.ground)
    axes.set_xlabel("epoch", color=theme.ink)
    axes.set_ylabel("loss per row, sampled", color=theme.ink)
    axes.tick_params(colors=theme.ink, labelsize=8)
    axes.grid(True, linewidth=0.4, color=theme.faint, alpha=0.4)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(theme.faint)
    if n_levels > 1:
        axes.legend(frameon=False, fontsize=8, labelcolor=theme.ink)
