"""Neighbors beside the features of their rows: squares of distances, and indices that mean other rows, are noticed."""

from typing import Any

import numpy as np
import scipy.sparse

from umap_sk.exceptions import DoubtfulDistancesWarning, warn

LOOKED_AT = 100  # rows
MOST = 32  # neighbors of each, and other rows that they are compared with
FEWEST = 50  # neighbors in all by which something can be told
SAME = 1e-3  # by which a distance may differ from a square, as a share
ALIKE = 0.05  # by which distances that are near 1 are no further from their squares, as a share
NEARER = 0.6  # share of neighbors nearer than half of all rows: half of them are where they are drawn by lot
SQUARES: tuple[Any, ...] = ("sqeuclidean",)


def look_beside(features: Any, indices: Any, dists: Any, metric: Any) -> None:
    """Warn if distances are squares of those among the features, or if neighbors are no nearer than other rows."""
    nearer, listed, real = looks(features, np.asarray(indices), np.asarray(dists))
    if len(real) < FEWEST or not np.isfinite(real).all():
        return
    tells = (real > 0) & (np.abs(real - 1) > ALIKE)
    squares = np.abs(listed[tells] / real[tells] ** 2 - 1) < SAME
    if metric not in SQUARES and len(squares) >= FEWEST and squares.mean() > NEARER:
        warn(
            "knn_dists holds the squares of the Euclidean distances among the rows of X, which make far neighbors "
            "farther. Pass np.sqrt(knn_dists); if squares are meant, metric='sqeuclidean' says so.",
            DoubtfulDistancesWarning,
        )
    if nearer.mean() < NEARER:
        warn(
            f"The neighbors in knn_indices are no nearer to each other in X than any rows: {nearer.mean():.0%} of them "
            "are nearer than half of all rows. Indices must name rows by their place in X: if rows were sorted, "
            "shuffled or left out after the search, search again. If the search knew other features than X, this is "
            "harmless.",
            DoubtfulDistancesWarning,
        )


@np.errstate(over="ignore", invalid="ignore")
def looks(features: Any, indices: np.ndarray, dists: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of neighbors of some rows: which are nearer than half of all rows, their distances, and the real ones.

    Rows that other rows do not differ from tell nothing.
    """
    n = features.shape[0]
    drawn = np.random.default_rng(0).integers(0, n, (LOOKED_AT, MOST))
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = [(np.empty(0, bool), np.empty(0), np.empty(0))]
    for row, others in zip(np.unique(np.linspace(0, n - 1, LOOKED_AT).astype(int)), drawn, strict=False):
        names, listed = indices[row].astype(np.int64), dists[row].astype(np.float64)
        usable = np.flatnonzero((names >= 0) & (names < n) & (names != row) & np.isfinite(listed))
        nearest = usable[np.argsort(listed[usable], kind="stable")[:MOST]]
        half = np.median(euclidean(features, row, others))
        if half > 0 and len(usable) < n // 4:
            real = euclidean(features, row, names[nearest])
            found.append((real < half, listed[nearest], real))
    nearer, listed, real = map(np.concatenate, zip(*found, strict=True))
    return nearer, listed, real


def euclidean(features: Any, row: int, others: np.ndarray) -> np.ndarray:
    """Distances from one row to others."""
    block = features[np.concatenate([[row], others])]
    block = (block.toarray() if scipy.sparse.issparse(block) else np.asarray(block)).astype(np.float64)
    return np.sqrt(((block[1:] - block[0]) ** 2).sum(axis=1))
