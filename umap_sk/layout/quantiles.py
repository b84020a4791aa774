"""Quantiles and bounds of the axes, computed in blocks of rows."""

import math

import numpy as np

from umap_sk.runtime.side_by_side import ROWS_AT_ONCE, map_blocks

SAMPLED_VALUES = 4_096  # of an axis, by which the range of a quantile is estimated
RANK_MARGIN = 64  # sampled values on each side of the expected rank, at least seven standard deviations


def compute_axis_quantiles(positions: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Return ``np.quantile(positions, shares, axis=0)`` with the same bits. Positions must be finite."""
    if len(positions) <= ROWS_AT_ONCE:
        return np.quantile(positions, shares, axis=0)
    return np.array([[compute_quantile(column, share) for column in positions.T] for share in shares])


def compute_quantile(column: np.ndarray, share: float) -> float:
    """Return a quantile, interpolated between the two values with the nearest ranks."""
    place = (len(column) - 1) * share
    rank = min(math.floor(place), len(column) - 2)
    return float(np.quantile(select_values(column, rank), [place - rank])[0])


def select_values(column: np.ndarray, rank: int) -> np.ndarray:
    """Return the values with the given rank and the next one. The smallest value has rank 0."""
    sample = np.sort(column[:: max(1, len(column) // SAMPLED_VALUES)])
    middle = rank * len(sample) // len(column)
    low, high = sample[max(0, middle - RANK_MARGIN)], sample[min(len(sample) - 1, middle + RANK_MARGIN)]

    def between(block: slice) -> tuple[int, np.ndarray]:
        values = column[block]
        return int(np.count_nonzero(values < low)), values[(values >= low) & (values <= high)]

    counts, parts = zip(*map_blocks(between, len(column)), strict=True)
    candidates, place = np.concatenate(parts), rank - sum(counts)
    if not 0 <= place < len(candidates) - 1:
        candidates, place = column, rank
    return np.partition(candidates, [place, place + 1])[place : place + 2]


def find_axis_bounds(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest coordinate of each axis, or NaN if the axis contains NaN."""

    def ends(block: slice) -> list[tuple[float, float]]:
        return [(column.min(), column.max()) for column in positions[block].T]

    found = np.array(map_blocks(ends, len(positions)), positions.dtype)
    return found[:, :, 0].min(0), found[:, :, 1].max(0)
