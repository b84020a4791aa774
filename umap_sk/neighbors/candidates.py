"""Distances of rows to candidates, for metrics that are no function of Euclidean distances."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from umap_sk._typing import Features, Metric, Parameters, is_sparse
from umap_sk.neighbors.distances import get_power
from umap_sk.neighbors.functions import make_comparison
from umap_sk.neighbors.sets import SET_FORMULAS, divide

BLOCK_NUMBERS = 2**21  # numbers that a block compares

Formula = Callable[[np.ndarray, np.ndarray], np.ndarray]


def compare_sets(formula: Callable[..., np.ndarray]) -> Formula:
    """Return a distance function from a formula of the numbers of columns in both rows and in one of them only."""

    def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        both, first, second = (np.count_nonzero(z, axis=-1) for z in (x & y, x & ~y, ~x & y))
        return formula(both, first, second, x.shape[-1])

    return distances


def haversine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the great-circle distances between points given by latitude and longitude in radians."""
    half = np.sin(0.5 * (x - y)) ** 2
    return 2 * np.arcsin(np.sqrt(half[..., 0] + np.cos(x[..., 0]) * np.cos(y[..., 0]) * half[..., 1]))


FORMULAS: dict[str, Formula] = {
    "manhattan": lambda x, y: np.abs(x - y).sum(axis=-1),
    "chebyshev": lambda x, y: np.abs(x - y).max(axis=-1),
    "canberra": lambda x, y: divide(np.abs(x - y), np.abs(x) + np.abs(y)).sum(axis=-1),
    "braycurtis": lambda x, y: divide(np.abs(x - y).sum(axis=-1), np.abs(x + y).sum(axis=-1)),
    "hamming": lambda x, y: (x != y).mean(axis=-1),
    "haversine": haversine,
    **{name: compare_sets(formula) for name, formula in SET_FORMULAS.items()},
}


def select_candidates(
    rows: Features,
    training: Features,
    candidates: np.ndarray,
    count: int,
    metric: Metric,
    parameters: Parameters,
    own: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Select each row's nearest candidates by distance and then by index.

    Missing candidates have index -1 and an infinite distance. With `own`, no row is its own neighbor.
    """
    candidates = np.sort(candidates, axis=1)
    repeated = candidates[:, 1:] == candidates[:, :-1]
    candidates[:, 1:][repeated] = -1
    if own:
        candidates[candidates == np.arange(len(candidates))[:, None]] = -1
    distances = np.where(candidates < 0, np.inf, compute_pair_distances(rows, training, candidates, metric, parameters))
    order = np.lexsort((candidates, distances), axis=1)[:, :count]
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(distances, order, 1)


def compute_pair_distances(
    rows: Features, training: Features, candidates: np.ndarray, metric: Metric, parameters: Parameters
) -> np.ndarray:
    """Return the distance of each row to each of its candidates. Entries of candidates -1 are arbitrary."""
    if isinstance(metric, Dispatcher):
        compare = make_comparison(metric, parameters)
        return np.stack([compare(rows[row : row + 1], training[nearby]) for row, nearby in enumerate(candidates)])
    formula = FORMULAS.get(metric) if isinstance(metric, str) else None
    if metric == "minkowski":
        power = get_power(parameters)
        formula = lambda x, y: (np.abs(x - y) ** power).sum(axis=-1) ** (1 / power)  # noqa: E731
    assert formula is not None  # the library was chosen because it knows the metric
    width = rows.shape[1] * candidates.shape[1]
    blocks = np.array_split(np.arange(len(candidates)), max(1, -(-len(candidates) * width // BLOCK_NUMBERS)))

    def compute(block: np.ndarray) -> np.ndarray:
        here, others = to_dense(rows[block])[:, None], to_dense(training[candidates[block].reshape(-1)])
        return formula(here, others.reshape(len(block), -1, rows.shape[1]))

    with ThreadPoolExecutor(numba.get_num_threads()) as side_by_side:
        return np.concatenate(list(side_by_side.map(compute, blocks)))


def to_dense(rows: Features) -> np.ndarray:
    """Return rows as a dense array of float64 or bool."""
    array = rows.toarray() if is_sparse(rows) else rows
    return array if array.dtype == bool else array.astype(np.float64)
