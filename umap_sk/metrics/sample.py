"""Samples of rows."""

import numpy as np

DEFAULT_MAX_ROWS = 10_000  # default sample


def draw_rows(rows: np.ndarray, count: int | None, seed: int) -> np.ndarray:
    """Return a sorted sample of `count` rows, or all rows if there are not more."""
    if count is None or len(rows) <= count:
        return rows
    return rows[np.sort(np.random.RandomState(seed).choice(len(rows), count, replace=False))]
