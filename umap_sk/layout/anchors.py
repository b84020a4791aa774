"""Anchors: springs that pull rows towards positions of the map.

The strength of a spring is a multiple of its row's degree.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from umap_sk import kernels
from umap_sk.layout.curve import MAX_RATE
from umap_sk.layout.init import MAX_COORDINATE
from umap_sk.layout.sell import ArrangedLevel
from umap_sk.linear_algebra.eigenpairs import compute_eigenpairs, orthonormalize_rows
from umap_sk.runtime.compile import as_readonly

FILL_LENGTH = 1e-12  # length of unit vectors that complete a basis where the positions vary in fewer directions

AnchorsLike: TypeAlias = ArrayLike | tuple[ArrayLike, ArrayLike]
"""Positions, or positions and strengths."""


class Anchors(NamedTuple):
    """The anchors of the rows, or of the vertices of a level."""

    places: np.ndarray  # (n, d) float32; rows without an anchor have any finite position
    strengths: np.ndarray  # float32 multiples of the degree, 0 for rows without an anchor


def check_anchors(anchors: AnchorsLike | None, n_rows: int, n_components: int, rate: float) -> Anchors | None:
    """Check the anchors, and return them as float32, or None if there are none.

    The anchors are positions, or a tuple of positions and strengths. Rows with NaN or with a strength of 0 are free.
    """
    if anchors is None:
        return None
    if rate < 1 / MAX_RATE:
        raise ValueError(f"negative_sample_rate={rate}, but beside anchors at least {1 / MAX_RATE:.0e} is needed.")
    places, strength = anchors if isinstance(anchors, tuple) and len(anchors) == 2 else (anchors, 1.0)
    try:
        places, strengths = np.asarray(places), np.asarray(strength)
    except ValueError as error:
        raise ValueError(
            f"anchors are no array: {error}. Places with a strength are a tuple: (places, 1.0)."
        ) from error
    if places.dtype.kind not in "fiu" or strengths.dtype.kind not in "fiu":
        raise TypeError(f"anchors must be real numbers, but have dtypes {places.dtype} and {strengths.dtype}.")
    if places.shape != (n_rows, n_components):
        raise ValueError(
            f"anchors have places of shape {places.shape}, but {n_rows} rows and n_components={n_components} axes are "
            f"needed: ({n_rows}, {n_components}), with NaN in the rows that are free."
        )
    if strengths.shape not in ((), (n_rows,)) or not np.all((strengths >= 0) & (strengths <= MAX_RATE)):
        raise ValueError(
            f"The strength of anchors must be one number, or {n_rows} of them, from 0 to {MAX_RATE:.0e}, but has "
            f"shape {strengths.shape} and goes from {strengths.min()} to {strengths.max()}."
        )
    free = np.isnan(places).all(axis=1) | (strengths == 0)
    bad = np.flatnonzero(~free & ~(np.abs(places) <= MAX_COORDINATE).all(axis=1))
    if len(bad):
        raise ValueError(
            f"The anchor of row {bad[0]} is {places[bad[0]]}: give finite places up to {MAX_COORDINATE:.0e}, or NaN on "
            "every axis of a row that is free."
        )
    if free.all():
        raise ValueError("anchors hold no row: all places are NaN, or all strengths 0. Leave them out, or give some.")
    arrays = np.where(free[:, None], 0, places).astype(np.float32), np.where(free, 0, strengths).astype(np.float32)
    return Anchors(*(np.ascontiguousarray(array) for array in arrays))


def aggregate_anchors(
    anchors: Anchors, levels: tuple[ArrangedLevel, ...], connected: np.ndarray | None
) -> tuple[Anchors, ...]:
    """Return the anchors of the vertices of every level, in the optimizer's order.

    The spring of a group is the sum of the springs of its members.
    """
    rows = levels[0].order if connected is None else connected[levels[0].order]
    anchors_of_levels = [Anchors(*(np.ascontiguousarray(array[rows]) for array in anchors))]
    for finer, coarser in zip(levels, levels[1:], strict=False):
        places, strengths = anchors_of_levels[-1]
        pulls = finer.degree.astype(np.float64) * strengths
        count = coarser.n_vertices
        whole = np.bincount(coarser.owner, pulls, count)
        sums = [np.bincount(coarser.owner, pulls * column, count) for column in places.T]
        pulled = whole > 0
        middle = np.zeros((count, places.shape[1]), np.float32)
        middle[pulled] = np.stack(sums, axis=1)[pulled] / whole[pulled, None]
        share = np.divide(whole, coarser.degree, out=np.zeros(count), where=pulled)
        anchors_of_levels.append(Anchors(middle, share.astype(np.float32)))
    return tuple(anchors_of_levels)


def mask_free_rows(anchors: Anchors) -> np.ndarray:
    """Return the positions of the anchors, with NaN for rows that are free."""
    return np.where(anchors.strengths[:, None] > 0, anchors.places, np.float32(np.nan))


def align_to_anchors(positions: np.ndarray, anchors: Anchors) -> np.ndarray:
    """Rotate, mirror and shift positions so that the weighted squared distances to their anchors are smallest."""
    weights = anchors.strengths.astype(np.float64)[:, None]
    if not weights.any():
        return positions
    here = (weights * positions).sum(0) / weights.sum()
    there = (weights * anchors.places).sum(0) / weights.sum()
    own, wanted = positions - here, anchors.places - there
    products = [(weights[:, 0] * a * b).sum() for a in own.T for b in wanted.T]  # sums of BLAS vary
    turn = find_nearest_rotation(np.reshape(products, (own.shape[1], -1)))
    return (np.stack([(own * column).sum(1) for column in turn.T], axis=1) + there).astype(np.float32)


def find_nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """Return the orthogonal matrix with the largest inner product with `matrix`.

    This is the orthogonal Procrustes problem (P. H. Schoenemann, Psychometrika 31, 1966).
    """
    scaled = matrix / max(np.abs(matrix).max(), 1e-300)
    right = compute_eigenpairs((scaled[:, :, None] * scaled[:, None, :]).sum(axis=0) / len(matrix))[1]
    left = (scaled[:, :, None] * right).sum(axis=1).T
    left = orthonormalize_rows(left + FILL_LENGTH * np.eye(len(matrix)))
    return np.asarray((left[:, :, None] * right.T[:, None, :]).sum(axis=0))


def add_pull(positions: np.ndarray, anchors: Anchors, rate: float, out: np.ndarray) -> None:
    """Add the pull of the anchors to a field, which is later multiplied by the degree and `rate`."""
    places, strengths = (as_readonly(array) for array in anchors)
    kernels.pull_to_anchors(as_readonly(positions), places, strengths, np.float32(1 / rate), out)
