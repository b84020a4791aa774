"""Anchors: places that rows are held near, each by a spring as strong as the row's edges times a strength."""

from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.layout.sell import ArrangedLevel
from umap_sk.linear_algebra.eigenpairs import eigenpairs, orthonormal_rows
from umap_sk.runtime.compile import readonly

FILLED = 1e-12  # of the unit vectors that fill up directions in which nothing varies


class Anchors(NamedTuple):
    """Where rows, or the vertices of a level, are held.

    Attributes
    ----------
    places : ndarray of shape (n, d), float32
        The places; anything finite for those that are free.
    strengths : ndarray of shape (n,), float32
        How strongly, in units of the degree; 0 for those that are free.
    """

    places: np.ndarray
    strengths: np.ndarray


def on_levels(anchors: Anchors, levels: tuple[ArrangedLevel, ...], connected: np.ndarray | None) -> tuple[Anchors, ...]:
    """Anchors of the vertices of every level, in the optimizer's order: of a group, the sum of its members' springs."""
    rows = levels[0].order if connected is None else connected[levels[0].order]
    found = [Anchors(*(np.ascontiguousarray(array[rows]) for array in anchors))]
    for finer, coarser in zip(levels, levels[1:], strict=False):
        places, strengths = found[-1]
        pulls = finer.degree.astype(np.float64) * strengths
        count = coarser.n_vertices
        whole = np.bincount(coarser.owner, pulls, count)
        sums = [np.bincount(coarser.owner, pulls * column, count) for column in places.T]
        held = whole > 0
        middle = np.zeros((count, places.shape[1]), np.float32)
        middle[held] = np.stack(sums, axis=1)[held] / whole[held, None]
        share = np.divide(whole, coarser.degree, out=np.zeros(count), where=held)
        found.append(Anchors(middle, share.astype(np.float32)))
    return tuple(found)


def known_places(anchors: Anchors) -> np.ndarray:
    """The places, NaN for rows that are free."""
    return np.where(anchors.strengths[:, None] > 0, anchors.places, np.float32(np.nan))


def turned(positions: np.ndarray, anchors: Anchors) -> np.ndarray:
    """Positions turned, mirrored and shifted so that they lie as near to their anchors as they can."""
    weights = anchors.strengths.astype(np.float64)[:, None]
    if not weights.any():
        return positions
    here = (weights * positions).sum(0) / weights.sum()
    there = (weights * anchors.places).sum(0) / weights.sum()
    own, wanted = positions - here, anchors.places - there
    products = [(weights[:, 0] * a * b).sum() for a in own.T for b in wanted.T]  # by BLAS sums vary
    turn = nearest_rotation(np.reshape(products, (own.shape[1], -1)))
    return (np.stack([(own * column).sum(1) for column in turn.T], axis=1) + there).astype(np.float32)


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """Orthogonal matrix of the largest inner product with a square one (Schoenemann, Psychometrika 31, 1966)."""
    scaled = matrix / max(np.abs(matrix).max(), 1e-300)
    right = eigenpairs((scaled[:, :, None] * scaled[:, None, :]).sum(axis=0) / len(matrix))[1]
    left = (scaled[:, :, None] * right).sum(axis=1).T
    left = orthonormal_rows(left + FILLED * np.eye(len(matrix)))
    return np.asarray((left[:, :, None] * right.T[:, None, :]).sum(axis=0))


def add_pull(positions: np.ndarray, anchors: Anchors, rate: float, out: np.ndarray) -> None:
    """Add the pull of anchors to a field that counts times degree and `rate`."""
    places, strengths = (readonly(array) for array in anchors)
    kernels.pull_to_anchors(readonly(positions), places, strengths, np.float32(1 / rate), out)
