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
    left.set_title(f"The map, made of {len(fitted[0]):,} rows", loc="left", fontsize=14, color=INK)
    right.set_title(f"{len(new[0]):,} new rows, placed on it afterwards", loc="left", fontsize=14, color=INK)
    right.scatter(*fitted[0].T, s=size, c=PALE, linewidths=0)
    _scatter(left, *fitted, marker="o", s=size, linewidths=0)
    _scatter(right, *new, marker="^", s=2.2 * size, edgecolors=INK, linewidths=0.4 if len(new[0]) < 2000 else 0)
    for axes in (left, right):
        _write_names(axes, *fitted, names)
        _clear_frame(axes, np.concatenate([fitted[0], new[0]]))
    _explain(left, right)
    figure.suptitle(title, x=0.008, ha="left", fontsize=18, fontweight="bold", color=INK)
    figure.supxlabel(footer, x=0.008, ha="left", fontsize=12, color=INK)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _scatter(axes, positions, labels, **style):
    order = np.random.default_rng(0).permutation(len(positions))  # so that no class lies on top of all others
    axes.scatter(*positions[order].T, c=COLORS[labels[order]], **style)


def _clear_frame(axes, positions):
    low, high = positions.min(0), positions.max(0)
    reach = 0.58 * (high - low).max()
    (x, y) = (low + high) / 2
    axes.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach), aspect="equal")
    axes.set(xticks=[], yticks=[])  # UMAP's axes have no unit and no meaning
    for spine in axes.spines.values():
        spine.set_color(PALE)


def _explain(left, right):
    dot, triangle = ({"marker": marker, "linestyle": "", "markersize": 8, "markeredgewidth": 0} for marker in "o^")
    dots, triangles = (tuple(Line2D([], [], color=COLORS[c], **style) for c in (0, 3, 2)) for style in (dot, triangle))
    pale = Line2D([], [], color=PALE, **dot)
    for axes, handles, labels in (
        (left, [dots], ["row of the map, in the color of its class"]),
        (right, [triangles, pale], ["new row, in the color of its class", "row of the map"]),
    ):
        axes.legend(
            handles,
            labels,
            handler_map={tuple: HandlerTuple(ndivide=None)},
            loc="upper left",
            bbox_to_anchor=(-0.02, 0),
            ncols=2,
            fontsize=13,
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
        (left, bottom), (right, top) = np.quantile(members, [0.01, 0.99], axis=0)
        x, y = np.median(members, axis=0)
        beside = ((x, top), (x, bottom), (right, y), (left, y))
        away = extent * 0.032 * np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])
        hidden = [(np.abs(positions - place) < extent * 0.03).all(1).sum() for place in beside + away]
        free = top - bottom < 0.16 * extent[1] and min(hidden) < 0.05 * len(members)
        best = int(np.argmin(hidden))
        yield beside[best] + away[best] if free else members[around >= 0.9 * around.max()].mean(0)
