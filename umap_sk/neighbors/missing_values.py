"""Euclidean distances between rows with missing values."""

import numpy as np

NUMBERS_AT_ONCE = 2**20  # differences that are in memory at once


def compute_nan_euclidean(rows: np.ndarray, others: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Return each row's distances to the `others` that `names` lists for it, by scikit-learn's nan_euclidean_distances.

    Scikit-learn multiplies matrices, so that the last bits of its distances depend on threads and on the other rows.
    """
    found, columns = np.empty(names.shape), rows.shape[1]
    step = max(1, NUMBERS_AT_ONCE // (names.shape[1] * columns))
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        differences = others[names[part]].astype(np.float64) - rows[part, None]
        known = np.count_nonzero(~np.isnan(differences), axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN without a column that both have
            found[part] = np.sqrt(columns / known * np.nansum(differences**2, axis=2))
    return found
