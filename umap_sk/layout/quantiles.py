"""Quantiles and bounds of the axes, computed in blocks of rows."""

import math

import numpy as np

from umap_sk.runtime.side_by_side import ROWS_AT_ONCE, map_blocks

SAMPLED_VALUES = 4_096  # values that tell between which two a quantile lies
RANK_MARGIN = (
    64  # of them on either side of where it is expected: seven standard deviations in the middle, more elsewhere
)


def compute_axis_quantiles(positions: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """What ``np.quantile(positions, shares, axis=0)`` gives, with its bits, of finite positions."""
    if len(positions) <= ROWS_AT_ONCE:
        return np.quantile(positions, shares, axis=0)
    return np.array([[compute_quantile(column, share) for column in positions.T] for share in shares])


def compute_quantile(column: np.ndarray, share: float) -> float:
    """A quantile, between the two values at whose ranks it lies."""
    place = (len(column) - 1) * share
    rank = min(math.floor(place), len(column) - 2)
    return float(np.quantile(select_values(column, rank), [place - rank])[0])


def select_values(column: np.ndarray, rank: int) -> np.ndarray:
    """The values that have a rank and the next one, the smallest being of rank 0."""
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
    """Smallest and largest coordinate of every axis; NaN where there is one."""

    def ends(block: slice) -> list[tuple[float, float]]:
        return [(column.min(), column.max()) for column in positions[block].T]

    found = np.array(map_blocks(ends, len(positions)), positions.dtype)
    return found[:, :, 0].min(0), found[:, :, 1].max(0)
