"""The loss curve: the expected loss per row, computed from a sample of the current level every few epochs."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from umap_sk.layout.optimizer import Forces
from umap_sk.layout.run import LayoutRun, count_planned_epochs, get_problem
from umap_sk.layout.sell import ArrangedLevel, choose_stride, locate_edges
from umap_sk.layout.spaces import Space, compute_pair_distances

CURVE_POINTS = 10  # of a whole schedule
MAX_SAMPLED_ROWS, MIN_SAMPLED_ROWS = 128, 48  # bounds of the sample of one row in a hundred
N_OTHERS = 8  # random vertices that each sampled row is compared with
MIN_SQUARED_DISTANCE = 1e-6


class LossSample(NamedTuple):
    """Pairs of vertices, whose terms add up to the loss per row."""

    ends: np.ndarray  # (2, m): first the edges of some vertices, then these vertices with random others
    attraction: np.ndarray  # (m,) float32 weights
    repulsion: np.ndarray  # (m,) float32 weights; the ends of an edge also repel each other


def draw_sample(level: ArrangedLevel, n_rows: int, forces: Forces, count: int, others: int = N_OTHERS) -> LossSample:
    """Draw about `count` vertices of a level with their edges, and pair them with random vertices."""
    rows = np.arange(0, level.n_vertices, choose_stride(level.n_vertices, count))
    edges, weights = list_edges(level, rows)
    pairs = _draw_pairs(level.n_vertices, rows, others)
    share = level.n_vertices / (len(rows) * n_rows)  # of a sampled vertex in the loss per row
    rate = share * forces.gamma * forces.negative_rate / (2 * n_rows)
    near, far = (level.mass[ends[1]].astype(np.float64) for ends in (edges, pairs))
    far[np.isin(pairs[0] * level.n_vertices + pairs[1], edges[0] * level.n_vertices + edges[1])] = 0
    drawn = far.reshape(len(rows), len(far) // len(rows))  # no columns for a single vertex
    beyond = n_rows - level.mass[rows] - np.bincount(np.searchsorted(rows, edges[0]), near, len(rows))
    far = (
        drawn / np.maximum(drawn.sum(axis=1), 1e-9)[:, None] * beyond[:, None]
    ).ravel()  # represent all that are no neighbors
    ends = np.concatenate([edges, pairs], axis=1)
    repulsion = rate * level.degree[ends[0]] * np.concatenate([near, far])
    attraction = share * np.concatenate([weights, np.zeros(len(far))])
    return LossSample(ends, attraction.astype(np.float32), repulsion.astype(np.float32))


def compute_loss(sample: LossSample, positions: np.ndarray, forces: Forces, space: Space | None = None) -> float:
    """Return the loss per row. With t = a d^2b, attraction has ``log(1 + t)`` and repulsion ``log(1 + 1 / t)``."""
    a, b = forces.curve
    ends = positions[sample.ends[0]], positions[sample.ends[1]]
    apart = ends[0] - ends[1]
    squares = compute_pair_distances(space, *ends) ** 2 if space else np.einsum("ij,ij->i", apart, apart)
    squares = np.maximum(squares, np.float32(MIN_SQUARED_DISTANCE))
    log_t = np.float32(math.log(a)) + np.float32(b) * np.log(squares)
    log_of_1_t = np.logaddexp(0, log_t)
    return float((sample.attraction + sample.repulsion) @ log_of_1_t - sample.repulsion @ log_t)


def make_loss_recorder(losses: list[tuple[int, int, float]], run: LayoutRun) -> Callable[[LayoutRun], None]:
    """Return a callback for each epoch that sometimes appends epoch, number of vertices and loss to a list."""
    last, n_rows = count_planned_epochs(run), get_problem(run).levels[0].n_vertices
    every, count = max(1, last // CURVE_POINTS), min(MAX_SAMPLED_ROWS, max(MIN_SAMPLED_ROWS, n_rows // 100))
    samples: dict[int, LossSample] = {}

    def after_epoch(run: LayoutRun) -> None:
        state = run.state
        if state.epoch % every and state.epoch not in (1, last):
            return
        if state.depth not in samples:
            samples.clear()
            samples[state.depth] = draw_sample(get_problem(run).levels[state.depth], n_rows, run.forces, count)
        loss = compute_loss(samples[state.depth], state.positions, run.forces, get_problem(run).space)
        losses.append((state.epoch, len(state.positions), loss))

    return after_epoch


def list_edges(level: ArrangedLevel, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two ends of the edges of some rows, and their weights."""
    starts, indices, weights = level.slices
    owners, edges = locate_edges(starts, rows)
    real = weights[edges] > 0
    ends = np.stack([owners[real], indices[edges[real]].astype(np.int64)])
    return ends, weights[edges[real]]


def _draw_pairs(n: int, rows: np.ndarray, others: int) -> np.ndarray:
    """Pair each row with some random others, or with all of them if there are few."""
    step = np.arange(1, n)[None, :] if n - 1 <= others else np.random.RandomState(0).randint(1, n, (len(rows), others))
    other = (rows[:, None] + step) % n
    return np.stack([np.repeat(rows, other.shape[1]), other.ravel()])
