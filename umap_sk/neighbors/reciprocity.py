"""Detection of rows or distances in another order, by pairs of rows that list each other and by own entries."""

import numpy as np
from numpy.typing import ArrayLike

from umap_sk.exceptions import DoubtfulDistancesWarning, warn
from umap_sk.neighbors.validate import sample_rows

SAMPLED_ENTRIES = 6_000  # entries of evenly spread rows that are checked
NUMBERS_AT_ONCE = 2**15  # neighbors of other rows that are in memory at the same time
MIN_ENTRIES = 1_000  # entries that the share of reciprocal ones needs
MIN_SHARE = 0.005  # share of reciprocal entries: above 0.1 for real data, and k / n for rows in another order
MIN_PAIRS = 15  # pairs that the comparison of distances needs
TOLERANCE = 0.05  # relative difference of two distances of a pair that approximate searches explain
UNRELATED = 0.75  # difference of these distances, relative to distances of other rows, which is 1 for another order
ADVICE = "If rows were sorted, shuffled or left out after the search, search again."


def check_reciprocity(indices: ArrayLike, dists: ArrayLike) -> None:
    """Warn if hardly any rows list each other, or if those that do list each other at unrelated distances."""
    names, values = np.asarray(indices), np.asarray(dists)
    shares, forth, back, elsewhere = compare_directions(names, values)
    if len(shares) >= MIN_ENTRIES and shares.mean() < MIN_SHARE:
        warn(
            f"Hardly any rows list each other as neighbors: only {shares.mean():.1%} of {len(shares)} sampled entries "
            f"have a counterpart. Indices must name rows by their place in knn_indices. {ADVICE} If neighbors were "
            "meant to be one-sided, this is harmless.",
            DoubtfulDistancesWarning,
        )
    elif len(forth) >= MIN_PAIRS:
        differs = np.abs(forth - back) > TOLERANCE * np.maximum(forth, back)
        difference, usual = (np.median(np.abs(np.log(forth / others))) for others in (back, elsewhere))
        if differs.mean() > 0.5 and difference > UNRELATED * usual:
            warn(
                f"Rows that list each other should have one distance, but {differs.mean():.0%} of {len(forth)} sampled "
                f"pairs have two that differ by more than {TOLERANCE:.0%}. Row i of knn_dists must have the distances "
                f"of row i of knn_indices. {ADVICE} A search among strongly compressed vectors returns such distances, "
                "too.",
                DoubtfulDistancesWarning,
            )


def check_own_entries(indices: ArrayLike, dists: ArrayLike) -> None:
    """Warn if most rows that list themselves lie farther from themselves than from their nearest neighbor."""
    names, values = np.asarray(indices), np.asarray(dists)
    rows, listed, at = sample_entries(names, values)
    is_own, usable = listed == rows[:, None], (listed >= 0) & np.isfinite(at)
    own, nearest = (np.where(which & usable, at, np.inf).min(axis=1) for which in (is_own, ~is_own))
    both = np.isfinite(own) & np.isfinite(nearest)
    farther = own[both] - nearest[both] > TOLERANCE * np.where(usable, at, 0)[both].max(axis=1)
    if len(farther) >= MIN_PAIRS and farther.mean() > 0.5:
        warn(
            f"{farther.mean():.0%} of {len(farther)} sampled rows list themselves at a larger distance than their "
            "nearest neighbor. Each entry of knn_dists must be the distance of the same entry of knn_indices. If one "
            "of the arrays was sorted alone, search again.",
            DoubtfulDistancesWarning,
        )


def sample_entries(names: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return evenly spread rows with the neighbors and the distances that they list."""
    rows = sample_rows(len(names), max(1, SAMPLED_ENTRIES // max(1, names.shape[1])))
    return rows, names[rows], values[rows].astype(np.float64)


def compare_directions(names: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return which sampled entries are reciprocal, and the positive distances of these in both directions.

    The last array contains distances of other rows, from the same columns as those of the way back.
    """
    n, width = names.shape
    rows, listed, at = sample_entries(names, values)
    usable = (listed >= 0) & (listed < n) & (listed != rows[:, None]) & np.isfinite(at)
    owners = rows[np.nonzero(usable)[0]]
    others = listed[usable].astype(np.int64)
    column = np.full(len(owners), -1)
    at_once = max(1, NUMBERS_AT_ONCE // max(1, width))
    for first in range(0, len(owners), at_once):
        part = slice(first, first + at_once)
        matches = names[others[part]] == owners[part, None]
        column[part] = np.where(matches.any(axis=1), matches.argmax(axis=1), -1)
    is_reciprocal = column >= 0
    forth = at[usable][is_reciprocal]
    listing, column = others[is_reciprocal], column[is_reciprocal]
    back = values[listing, column].astype(np.float64)
    elsewhere = values[np.roll(listing, len(listing) // 2), column].astype(np.float64)
    usable = (forth > 0) & (back > 0) & np.isfinite(back) & (elsewhere > 0) & np.isfinite(elsewhere)
    return is_reciprocal, forth[usable], back[usable], elsewhere[usable]
