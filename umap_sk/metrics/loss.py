"""The loss of a map, from its graph and a sample of rows."""

from collections.abc import Callable

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from umap_sk._typing import AnySparse, OutputMetric, Parameters
from umap_sk.graph.manifold import Manifold
from umap_sk.layout.spaces import compute_pair_distances, resolve_space, to_positions
from umap_sk.metrics.sample import draw_rows
from umap_sk.neighbors.sparse_structure import check_structure

MIN_DISSIMILARITY = 1e-4  # lower bound of 1 - v, so that coincident points do not make the loss infinite
REPELLING_ROWS = 10_000  # largest sample of the rows that repel


def sampled_loss(
    graph: Manifold | AnySparse,
    embedding: ArrayLike,
    *,
    a: float,
    b: float,
    negative_sample_rate: float = 5.0,
    repulsion_strength: float = 1.0,
    output_metric: OutputMetric = "euclidean",
    output_metric_params: Parameters | None = None,
    max_rows: int | None = 2_000,
    random_state: int = 0,
) -> float:
    r"""Return the loss per row that UMAP's sampling minimizes in expectation, from a sample of rows.

    ``1 / n (sum_ij s_ij log(1 + a d_ij^2b) - g r / (2 n) sum_i deg_i sum_v log(1 - 1 / (1 + a d_iv^2b)))``, with s the
    weights divided by the largest, deg a row's sum of them, r the `negative_sample_rate` and g the
    `repulsion_strength` (Damrich and Hamprecht, "On UMAP's true loss function", NeurIPS 2021). The outer sums are
    over a sample of rows, the sum over v over at most 10,000 others. Losses of maps are comparable only if graph and
    curve are the same, and therefore `min_dist`.

    Parameters
    ----------
    graph : Manifold or sparse array of shape (n, n)
        Membership strengths, as in ``estimator.graph_``.
    embedding : array-like of shape (n, n_components)
        Positions of the rows in the map.
    a, b : float
        Parameters of the curve, as in ``estimator.a_`` and ``estimator.b_``.
    negative_sample_rate, repulsion_strength : float, default=5.0 and 1.0
        As in the estimator.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        As in the estimator.
    max_rows : int or None, default=2_000
        Number of rows to sample; None for all.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    float
        The loss; lower is better.
    """
    check_structure(graph, "graph")
    weights = scipy.sparse.csr_array(graph.graph if isinstance(graph, Manifold) else graph)
    positions, squares_of = prepare_positions(embedding, output_metric, output_metric_params)
    placed = np.flatnonzero(np.isfinite(positions).all(axis=1))
    rows = draw_rows(placed, max_rows, random_state)
    columns = draw_rows(placed, REPELLING_ROWS, random_state + 1)
    part = weights[rows]
    strengths = part.data / float(weights.data.max())
    ends = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
    nearest = (MIN_DISSIMILARITY / (a * (1 - MIN_DISSIMILARITY))) ** (1 / b)
    squares = np.maximum(squares_of(positions[rows][ends], positions[part.indices]), nearest)
    attraction = np.nansum(strengths * np.log1p(a * squares**b))
    degrees = np.bincount(ends, strengths, len(rows))
    repulsion = 0.0
    for i, degree in zip(rows, degrees, strict=True):
        others = columns[columns != i]
        squares = np.maximum(squares_of(positions[i], positions[others]), nearest)
        repulsion += degree * np.log1p(1 / (a * squares**b)).mean() * (len(placed) - 1)
    rate = repulsion_strength * negative_sample_rate / (2 * len(placed))
    return float((attraction + rate * repulsion) / len(rows))


def prepare_positions(
    embedding: ArrayLike, metric: OutputMetric, params: Parameters | None
) -> tuple[np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]:
    """Return the positions of an embedding, and a function for their squared distances."""
    positions = np.asarray(embedding, np.float64)
    space = resolve_space(metric, params, positions.shape[1])
    if space is None:
        return positions, _compute_squares

    def squares(points: np.ndarray, others: np.ndarray) -> np.ndarray:
        points = np.ascontiguousarray(np.broadcast_to(points, others.shape))
        return (
            np.maximum(compute_pair_distances(space, points, np.ascontiguousarray(others)).astype(np.float64), 0) ** 2
        )

    return to_positions(space, positions), squares


def _compute_squares(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return squared Euclidean distances along the last axis."""
    return ((points - others) ** 2).sum(axis=-1)
