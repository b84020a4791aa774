"""Checks of the rows that join a map, which must not be those of the map itself."""

import numpy as np

from umap_sk._typing import Features, is_sparse
from umap_sk.neighbors.validate import sample_rows

MANIFOLD_ADVICE = "learn a manifold of all rows, the old ones first, and pass it as manifold"


def check_new_indices(indices: np.ndarray, dists: np.ndarray, n_old: int) -> None:
    """Raise if neighbors of all rows are given, or if new rows are numbered from 0."""
    n_new = len(indices)
    if indices.ndim != 2 or indices.shape != dists.shape or not indices.size or indices.dtype.kind not in "iu":
        return
    largest = np.max(indices, where=indices < np.iinfo(indices.dtype).max, initial=0)
    list_themselves = (indices[:, 0] == np.arange(n_new)) & (dists[:, 0] == 0)
    if n_old <= largest < n_new or 2 * np.count_nonzero(list_themselves) > n_new > 1:
        raise ValueError(
            f"knn_indices numbers its own rows from 0 on, but these numbers belong to the {n_old} rows of the map. Row "
            f"i of the new rows has the number {n_old} + i. If these are the neighbors of all rows, pass those of the "
            f"new ones only, knn_indices[{n_old}:] and knn_dists[{n_old}:], or {MANIFOLD_ADVICE}."
        )


def check_new_features(known: Features | None, X: Features, n_old: int) -> None:
    """Raise if X begins with all rows of the map, as far as a sample of the `known` features shows."""
    if known is None or X.shape[0] < n_old:
        return
    if all(are_equal(known[[row]], X[[row]]) for row in sample_rows(n_old)):
        raise ValueError(
            f"X begins with the {n_old} rows of the map, which must not be given again. Pass the new rows only, "
            f"X[{n_old}:]."
        )


def are_equal(row: Features, other: Features) -> bool:
    """Return whether two rows have the same features."""
    first, second = (part.toarray() if is_sparse(part) else np.asarray(part) for part in (row, other))
    return bool(np.array_equal(first.astype(second.dtype), second))
