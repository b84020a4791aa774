"""A map as a picture: a color and a name for each class, new rows told apart from the rows that made the map."""

import matplotlib

matplotlib.use("Agg")  # writes files, needs no screen
import numpy as np
from matplotlib import patheffects
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from scipy import ndimage

COLORS = np.array(
    ["#3366cc", "#f08a2c", "#35a162", "#d9455f", "#8a5fc7", "#9c6644", "#ec7cbf", "#6b7280", "#b3ac1f", "#1fb0c4"]
)
INK, PALE = "#1f2430", "#dcdfe5"
HALO = [patheffects.withStroke(linewidth=3.5, foreground="white", alpha=0.9)]


def draw(path, title, footer, names, fitted, new):
    """Write the picture of a map.

    Parameters
    ----------
    path : pathlib.Path
    title, footer : str
        The lines above and below the picture.
    names : list of str
        The classes' names.
    fitted, new : tuple of (positions, labels)
        The rows that made the map, and the rows placed on it afterwards.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(15, 8.4), layout="constrained")
    size = float(np.clip(2200 / np.sqrt(len(fitted[0])), 4, 36)) / 2
    left.set_title(f"The map: {len(fitted[0]):,} rows", loc="left", fontsize=13, color=INK)
    right.set_title(f"Placed on it afterwards: {len(new[0]):,} new rows", loc="left", fontsize=13, color=INK)
    right.scatter(*fitted[0].T, s=size, c=PALE, linewidths=0)
    for axes, (positions, labels) in ((left, fitted), (right, new)):
        order = np.random.default_rng(0).permutation(len(positions))  # so that no class lies on top of all others
        axes.scatter(*positions[order].T, s=size, c=COLORS[labels[order]], linewidths=0)
        _write_names(axes, *fitted, names)
        _clear_frame(axes, np.concatenate([fitted[0], new[0]]))
    _explain(right)
    figure.suptitle(title, x=0.008, ha="left", fontsize=18, fontweight="bold", color=INK)
    figure.supxlabel(footer, x=0.008, ha="left", fontsize=12, color=INK)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _clear_frame(axes, positions):
    low, high = positions.min(0), positions.max(0)
    reach = 0.58 * (high - low).max()
    (x, y) = (low + high) / 2
    axes.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach), aspect="equal")
    axes.set(xticks=[], yticks=[])  # UMAP's axes have no unit and no meaning
    for spine in axes.spines.values():
        spine.set_color(PALE)


def _explain(axes):
    dot = {"marker": "o", "linestyle": "", "markersize": 7, "markeredgewidth": 0}
    several = tuple(Line2D([], [], color=COLORS[c], **dot) for c in (0, 3, 2))
    axes.legend(
        [several, Line2D([], [], color=PALE, **dot)],
        ["new row, in the color of its class", "row of the map"],
        handler_map={tuple: HandlerTuple(ndivide=None)},
        loc="upper left",
        bbox_to_anchor=(-0.02, 0),
        ncols=2,
        fontsize=12,
        labelcolor=INK,
        frameon=False,
    )


def _write_names(axes, positions, labels, names):
    extent = np.ptp(positions, axis=0)
    size = 20 if max(map(len, names)) < 3 else 12.5
    taken = np.empty((0, 2))
    for c, name in enumerate(names):
        for place in _places(positions[labels == c], positions):
            clash = np.abs(taken - place) < extent * (0.011 * len(name) + 0.04, 0.035)
            place[1] += 0.035 * extent[1] * clash.all(1).sum()
            taken = np.vstack([taken, place])
            ink = 0.65 * np.array(to_rgb(COLORS[c]))
            axes.text(
                *place, name, ha="center", va="center", fontsize=size, weight="bold", color=ink, path_effects=HALO
            )


def _places(points, positions, share=0.2, cells=40):
    """Where to write a class's name: once for each part of it that lies apart and holds at least `share` of it."""
    low, extent = positions.min(0), np.ptp(positions, axis=0)
    cell = np.minimum((points - low) / extent * cells, cells - 1).astype(int)
    counts = np.zeros((cells, cells))
    np.add.at(counts, tuple(cell.T), 1)
    density = ndimage.gaussian_filter(counts, 1)
    part = ndimage.label(density > 0.1 * density.max())[0][tuple(cell.T)]
    for number in range(1, part.max() + 1):
        members, around = points[part == number], density[tuple(cell[part == number].T)]
        if len(members) < share * len(points):
            continue
        bottom, top = np.quantile(members[:, 1], [0.01, 0.99])
        above = np.array([np.median(members[:, 0]), top + 0.03 * extent[1]])
        hidden = (np.abs(positions - above) < extent * 0.03).all(1).sum()
        free = top - bottom < 0.16 * extent[1] and hidden < 0.05 * len(members)
        yield above if free else members[around >= 0.9 * around.max()].mean(0)
