"""The width of initial layouts: robust scaling of the axes, and a choice of the width."""

import math

import numpy as np

from umap_sk import kernels
from umap_sk.layout.curve import Curve
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.quantiles import compute_axis_quantiles, find_axis_bounds
from umap_sk.layout.sell import ArrangedLevel, choose_stride, locate_edges, smooth
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.side_by_side import map_blocks

START_SMOOTHINGS = 2  # passes of smoothing
LOW_QUANTILE, HIGH_QUANTILE = 0.02, 0.98  # quantiles from which center and width of an axis are computed
CLIP_BOUND = 0.75  # in widths from the center, for outliers
MIN_SPAN_SHARE = 0.3  # of the range that the quantiles must span: otherwise, ranks are used
MAX_STRETCH = 2.0  # of an axis, relative to the widest one: the width of a thin axis is mostly noise
CANDIDATE_SCALES = (4.0, 6.0, 9.0, 13.5, 20.0)
ROOM_FACTOR = 2.0  # of the width with the lowest loss
MIN_LOSS_ROWS = 64  # rows whose repulsion is computed in the search for the width
MIN_LOSS_OPPOSITES = 2_048  # rows that repel each of them
MIN_WIDTH, MAX_WIDTH = 8.0, 28.0  # in units: without a bound, the loss prefers maps full of empty space
LONG_EDGE = 0.2  # length of edges between remote parts, in widths of the layout
MAX_LONG_SHARE = 0.007  # A larger share of long edges means folds, and the layout is narrower.
MIN_MEASURED_VERTICES = 5_000  # vertices whose edges are measured


def compute_robust_widths(positions: np.ndarray) -> np.ndarray:
    """Return the width of each axis, by quantiles that ignore outliers."""
    low, high = compute_axis_quantiles(positions, (LOW_QUANTILE, HIGH_QUANTILE))
    return high - low


def scale_robustly(positions: np.ndarray, stretched: float = math.inf) -> np.ndarray:
    """Center each axis and scale it to width 1 by quantiles, or by ranks if there are many outliers.

    An axis is stretched at most `stretched` times as much as the widest one.
    """
    low, high = compute_axis_quantiles(positions, (LOW_QUANTILE, HIGH_QUANTILE))
    least, most = find_axis_bounds(positions)
    span = (most - least).astype(float)
    width = high - low
    extents = np.maximum(width, width.max() / stretched)
    share = np.divide(width, span, out=np.zeros_like(width), where=span > 0)
    if share.mean() < MIN_SPAN_SHARE or share.min() <= 0:
        ranks = np.argsort(np.argsort(positions, axis=0, kind="stable"), axis=0, kind="stable")
        kept = np.divide(width, extents, out=np.ones_like(width), where=extents > 0)
        return ((ranks / len(positions) - 0.5) * kept).astype(np.float32)
    scaled = np.empty(positions.shape, np.float32)
    middles = (low + high) / 2

    def scale(block: slice) -> None:
        for axis, (middle, extent) in enumerate(zip(middles, extents, strict=True)):
            column = (positions[block, axis] - middle) / extent
            scaled[block, axis] = np.clip(column, -CLIP_BOUND, CLIP_BOUND, out=column)

    map_blocks(scale, len(positions))
    return scaled


def smooth_start(level: ArrangedLevel, positions: np.ndarray) -> np.ndarray:
    """Smooth positions twice over the graph, and scale them robustly with nearly the same proportions."""
    for _ in range(START_SMOOTHINGS):
        positions = smooth(level, positions, 1.0)
    return scale_robustly(positions, MAX_STRETCH)


def choose_width(
    n_rows: int, coarsest: ArrangedLevel, averages: np.ndarray, forces: Forces, long_share: float = 0.0
) -> float:
    """Return the best width of an initial layout: wide enough for its groups, and narrower if it is folded.

    The scale with the lowest loss shows the room that the groups need at their present positions. Apart from each
    other, they need about twice as much. Edges between remote parts of a layout show folds, in which unrelated groups
    overlap. A narrow layout lets the epochs separate them. `long_share` is that of :func:`compute_long_share`. It is 0
    for layouts by shortest paths, which have no folds. The width is bounded, because the loss does not see empty space.
    """
    rate = forces.negative_rate * forces.gamma
    losses = compute_expected_losses(coarsest, averages, np.array(CANDIDATE_SCALES), n_rows, forces.curve, rate)
    room = ROOM_FACTOR * find_lowest_scale(np.array(CANDIDATE_SCALES), losses)
    return min(MAX_WIDTH, max(MIN_WIDTH, room * MAX_LONG_SHARE / max(MAX_LONG_SHARE, long_share)))


def sample_edges(level: ArrangedLevel, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lengths and the weights of all edges of a sample of the level's rows."""
    stride = choose_stride(level.n_vertices, MIN_MEASURED_VERTICES)
    rows = np.arange(-level.first_row % stride, len(level.degree), stride)
    starts, indices, weights = level.slices
    owners, edges = locate_edges(starts, rows)
    differences = positions[level.first_row + owners] - positions[indices[edges]]
    return np.linalg.norm(differences, axis=1), weights[edges]


def compute_long_share(lengths: np.ndarray, weights: np.ndarray) -> float:
    """Return the share of the edges' weight that long edges have, if the layout has width 1."""
    total = float(weights.sum(dtype=np.float64))
    return float(weights[lengths > LONG_EDGE].sum(dtype=np.float64)) / total if total > 0 else 0.0


def find_lowest_scale(scales: np.ndarray, losses: np.ndarray) -> float:
    """Return the minimum of a parabola through the lowest loss and its neighbors, over the logarithm of the scale."""
    k = int(np.argmin(losses))
    if k in (0, len(scales) - 1):
        return float(scales[k])
    left, right = (math.log(scales[j] / scales[k]) for j in (k - 1, k + 1))
    rise_left, rise_right = (float(losses[j] - losses[k]) for j in (k - 1, k + 1))
    slope = rise_left * right * right - rise_right * left * left
    bend = rise_left * right - rise_right * left
    return float(scales[k]) * (math.exp(slope / (2 * bend)) if bend else 1.0)


def compute_expected_losses(
    level: ArrangedLevel, positions: np.ndarray, scales: np.ndarray, n_rows: int, curve: Curve, rate: float
) -> np.ndarray:
    """Return the expected loss per row for each scale (Damrich, Hamprecht 2021, arXiv:2103.14608, theorem 3.1)."""
    stride, opposite_stride = (choose_stride(level.n_vertices, count) for count in (MIN_LOSS_ROWS, MIN_LOSS_OPPOSITES))
    parts = -(-level.n_vertices // stride)
    attracted, repelled = np.zeros((2, parts, len(scales)))
    kernels.scale_losses(
        as_readonly(positions),
        *level.edges,
        level.degree,
        np.ascontiguousarray(level.mass),
        stride,
        opposite_stride,
        scales ** (2 * curve.b),
        np.float32(curve.a),
        np.float32(curve.b),
        attracted,
        repelled,
    )
    rows = np.arange(level.n_vertices) % stride % kernels.ATTRACTION_STRIDE == 0
    share, sampled = float(rows.mean()), float(level.mass[::stride].sum())
    return attracted.sum(0) / share / n_rows + repelled.sum(0) / n_rows * rate / 2 / sampled
