"""Checks of precomputed neighbors against features: squared distances, and indices of other rows."""

import numpy as np
from numpy.typing import ArrayLike

from umap_sk._typing import Features, Metric, is_sparse
from umap_sk.exceptions import DoubtfulDistancesWarning, warn
from umap_sk.neighbors.validate import sample_rows

COMPARED_ROWS = 100
COMPARED_NEIGHBORS = 32  # neighbors per row, and random rows that they are compared with
MIN_NEIGHBORS = 50  # neighbors that a warning has to be based on
SQUARE_TOLERANCE = 1e-3  # relative tolerance between a distance and a square
UNIT_MARGIN = 0.05  # distances this close to 1 are skipped, since their squares are too similar
NEAR_SHARE = 0.6  # share of neighbors closer than the median row; it is 0.5 for random neighbors


def check_against_features(features: Features, indices: ArrayLike, dists: ArrayLike, metric: Metric) -> None:
    """Warn if distances are squared Euclidean distances, or if neighbors are no closer than random rows."""
    nearer, listed, real = sample_distances(features, np.asarray(indices), np.asarray(dists))
    if len(real) < MIN_NEIGHBORS or not np.isfinite(real).all():
        return
    tells = (real > 0) & (np.abs(real - 1) > UNIT_MARGIN)
    squares = np.abs(listed[tells] / real[tells] ** 2 - 1) < SQUARE_TOLERANCE
    if metric != "sqeuclidean" and len(squares) >= MIN_NEIGHBORS and squares.mean() > NEAR_SHARE:
        warn(
            "knn_dists contains the squared Euclidean distances between the rows of X, which make far neighbors "
            "farther. Pass np.sqrt(knn_dists), or set metric='sqeuclidean' if squares are intended.",
            DoubtfulDistancesWarning,
        )
    if nearer.mean() < NEAR_SHARE:
        warn(
            f"The neighbors in knn_indices are no nearer to each other in X than any rows: {nearer.mean():.0%} of them "
            "are nearer than half of all rows. Indices must name rows by their place in X: if rows were sorted, "
            "shuffled or left out after the search, search again. If the search knew other features than X, this is "
            "harmless.",
            DoubtfulDistancesWarning,
        )


@np.errstate(over="ignore", invalid="ignore")
def sample_distances(
    features: Features, indices: np.ndarray, dists: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compare the neighbors of some rows with the features.

    Returns whether each neighbor is closer than the median row, its given distance, and its distance by the features.
    Rows that equal most other rows are skipped.
    """
    n = features.shape[0]
    drawn = np.random.default_rng(0).integers(0, n, (COMPARED_ROWS, COMPARED_NEIGHBORS))
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = [(np.empty(0, bool), np.empty(0), np.empty(0))]
    for row, others in zip(sample_rows(n, COMPARED_ROWS), drawn, strict=False):
        names, listed = indices[row].astype(np.int64), dists[row].astype(np.float64)
        usable = np.flatnonzero((names >= 0) & (names < n) & (names != row) & np.isfinite(listed))
        nearest = usable[np.argsort(listed[usable], kind="stable")[:COMPARED_NEIGHBORS]]
        half = np.median(compute_euclidean(features, row, others))
        if half > 0 and len(usable) < n // 4:
            real = compute_euclidean(features, row, names[nearest])
            found.append((real < half, listed[nearest], real))
    nearer, listed, real = map(np.concatenate, zip(*found, strict=True))
    return nearer, listed, real


def compute_euclidean(features: Features, row: int, others: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances from one row to others."""
    block = features[np.concatenate([[row], others])]
    block = (block.toarray() if is_sparse(block) else np.asarray(block)).astype(np.float64)
    return np.sqrt(((block[1:] - block[0]) ** 2).sum(axis=1))
