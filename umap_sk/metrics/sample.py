"""The rows that stand for all."""

import numpy as np

ROWS = 10_000  # to sample by default


def drawn(rows: np.ndarray, count: int | None, seed: int) -> np.ndarray:
    """`count` of the rows in order, or all of them where there are no more."""
    if count is None or len(rows) <= count:
        return rows
    return rows[np.sort(np.random.RandomState(seed).choice(len(rows), count, replace=False))]
