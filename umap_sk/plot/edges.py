"""Edges of a graph in a map: bundled lines if there are few, and pixels if there are many."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.sparse
from scipy import ndimage

from umap_sk.appearance.colors import Theme, parse_color
from umap_sk.plot.draw import show_image
from umap_sk.plot.optional import import_matplotlib
from umap_sk.plot.raster import Box, compute_opacity, count_points

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

MAX_LINES = 40_000  # up to this many edges are drawn as lines
MAX_EDGES = 2_000_000  # up to this many edges are drawn at all
POINTS_AT_ONCE = 2**22  # points on edges that are in memory at once
LINE_POINTS, BUNDLING_PASSES = 17, 10  # points of a bundled line, and passes of the bundling
# Bandwidth of the density in the first and last pass, relative to the map's side.
FIRST_BANDWIDTH, LAST_BANDWIDTH = 0.05, 0.008
DENSITY_CELLS = 300  # cells along a side of the density's grid


class Edges(NamedTuple):
    """Edges to draw below the points."""

    ends: np.ndarray  # rows at both ends of each edge, of shape (2, m)
    weights: np.ndarray  # they determine the opacity
    bundled: bool  # whether parallel lines are bundled
    total: int  # number of the graph's edges between rows of the picture

    @property
    def caption(self) -> str:
        """Return a description of the edges that are drawn."""
        count = len(self.weights)
        return f"{count:,} edges" if count == self.total else f"{count:,} of {self.total:,} edges"

    def draw(self, axes: "Axes", points: np.ndarray, box: Box, theme: Theme) -> "Artist":
        """Draw the edges, and return the matplotlib artist."""
        ends = points[self.ends]  # 2, m, 2
        if len(self.weights) > MAX_LINES:
            image = np.empty((*box.shape, 4))
            image[..., :3] = parse_color(theme.edge)
            image[..., 3] = 0.85 * compute_opacity(sum_along_edges(ends, self.weights, box), least=0.04)
            return show_image(axes, image, box)
        lines = bundle_edges(ends, box) if self.bundled else ends.transpose(1, 0, 2)
        colors = np.empty((len(lines), 4))
        colors[:, :3] = parse_color(theme.edge)
        colors[:, 3] = 0.08 + 0.3 * self.weights / max(float(self.weights.max(initial=0)), 1e-12)
        collection = import_matplotlib("collections").LineCollection(lines, colors=colors, linewidths=0.45, zorder=0.5)
        return axes.add_collection(collection, autolim=False)


def select_edges(graph: scipy.sparse.csr_array, rows: np.ndarray, bundle: bool) -> Edges:
    """Return the graph's edges between some rows, each pair once, or an evenly spaced selection of too many."""
    among = np.zeros(graph.shape[0], bool)
    among[rows] = True
    source = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    kept = among[source] & among[graph.indices]
    pairs, weights = np.stack([source[kept], graph.indices[kept]]), graph.data[kept]
    backward = pairs[0] > pairs[1]
    pairs[:, backward] = pairs[::-1, backward]
    keys, first = np.unique(pairs[0] * graph.shape[0] + pairs[1], return_index=True)
    chosen = first[np.linspace(0, len(first) - 1, min(len(first), MAX_EDGES)).astype(np.int64)] if len(first) else first
    return Edges(pairs[:, chosen], weights[chosen], bundle, len(keys))


def sum_along_edges(ends: np.ndarray, weights: np.ndarray, box: Box) -> np.ndarray:
    """Return the sum of the weights of edges that cross each pixel."""
    pixel = (box.right - box.left) / box.shape[1]
    steps = np.maximum(1, np.ceil(np.abs(ends[1] - ends[0]).max(axis=1) / pixel)).astype(np.int64)
    total = np.zeros(box.shape)
    parts = np.searchsorted(np.cumsum(steps), np.arange(POINTS_AT_ONCE, steps.sum() + POINTS_AT_ONCE, POINTS_AT_ONCE))
    for begin, end in zip([0, *(parts[:-1] + 1)], parts + 1, strict=True):
        count = steps[begin:end]
        edge = np.repeat(np.arange(begin, begin + len(count)), count)
        share = (np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / np.repeat(count, count)
        between = ends[0, edge] + (ends[1, edge] - ends[0, edge]) * share[:, None]
        total += count_points(between, box, weights[edge])
    return total


def bundle_edges(ends: np.ndarray, box: Box) -> np.ndarray:
    """Return lines of shape (m, points, 2) whose points move to a higher density of lines (KDEEB).

    See Hurter, Ersoy and Telea, "Graph bundling by kernel density estimation", Computer Graphics Forum 31, 2012. The
    bandwidth decreases from pass to pass. Both ends of a line stay fixed, and edges that are short relative to the
    bandwidth stay straight.
    """
    share = np.linspace(0, 1, LINE_POINTS)[None, :, None]
    lines = ends[0][:, None] * (1 - share) + ends[1][:, None] * share
    side = max(box.right - box.left, box.top - box.bottom)
    corner, cell = np.array([box.left, box.bottom]), side / DENSITY_CELLS
    length = np.linalg.norm(ends[1] - ends[0], axis=1)[:, None, None]
    loose = np.sin(np.pi * share)  # 0 at both ends
    for bandwidth in np.geomspace(FIRST_BANDWIDTH, LAST_BANDWIDTH, BUNDLING_PASSES) * side:
        at = (lines.reshape(-1, 2) - corner) / cell
        column, row = np.clip(at.astype(np.int64), 0, DENSITY_CELLS - 1).T
        grid = np.bincount(column * DENSITY_CELLS + row, minlength=DENSITY_CELLS * DENSITY_CELLS).reshape(
            DENSITY_CELLS, DENSITY_CELLS
        )
        density = ndimage.gaussian_filter(grid.astype(np.float64), bandwidth / cell)
        slope = np.stack([ndimage.map_coordinates(axis, at.T - 0.5, order=1) for axis in np.gradient(density)], axis=1)
        steepness = np.linalg.norm(slope, axis=1, keepdims=True)
        slope = (slope / np.maximum(steepness, 1e-9 + 0.02 * steepness.max())).reshape(lines.shape)
        lines = lines + loose * np.minimum(1, length / (8 * bandwidth)) * 0.6 * bandwidth * slope
        smooth = (lines[:, :-2] + lines[:, 1:-1] + lines[:, 2:]) / 3
        lines[:, 1:-1] = smooth
    return lines
