"""How well a map keeps each row's neighborhood, as numbers to color it by."""

from typing import Any

import numpy as np
import scipy.sparse

from umap_sk.metrics.neighborhoods import compute_recall_by_row, compute_trust_by_row, list_sampled_rows

FIGURES = ("recall", "trustworthiness", "stretch")


def figure_by_row(graph: Any, embedding: Any, figure: str, k: int) -> tuple[np.ndarray, str, float | None]:
    """A figure of every row, what it is called, and the value in the middle of its colors."""
    if figure not in FIGURES:
        raise ValueError(f"figure={figure!r}, but one of {list(FIGURES)} is needed.")
    if figure == "stretch":
        list_sampled_rows(graph, embedding, k, None, 1, 0)  # what it refuses
        return stretch_by_row(scipy.sparse.csr_array(graph), np.asarray(embedding, np.float64)), "stretch, log2", 0.0
    lists = list_sampled_rows(graph, embedding, k, None, None, 0)
    most = int(lists.lengths.max(initial=0))
    if figure == "trustworthiness" and most <= k:  # which would be recall
        raise ValueError(
            f"Trustworthiness needs more than k={k} neighbors a row, but a row of the graph has {most} at most. Search "
            f"more neighbors (3 k is good), or lower k to less than {most}."
        )
    lost = ~np.isfinite(np.asarray(embedding)).all(axis=1)
    by_row = compute_recall_by_row(lists) if figure == "recall" else compute_trust_by_row(lists)
    by_row[lost] = np.nan
    return by_row, f"recall of {k} neighbors" if figure == "recall" else "trustworthiness", None


def stretch_by_row(graph: scipy.sparse.csr_array, positions: np.ndarray) -> np.ndarray:
    """Logarithm to base 2 of each row's median ratio of distances, in the map and in the graph, to that of all rows."""
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    mapped = np.linalg.norm(positions[rows] - positions[graph.indices], axis=1)
    used = (graph.data > 0) & (mapped > 0)  # false for NaN
    ratios = np.full(len(rows), np.nan)
    ratios[used] = np.log2(mapped[used]) - np.log2(graph.data[used].astype(np.float64))
    medians = _medians(rows[used], ratios[used], graph.shape[0])
    return medians - np.nanmedian(medians)


def _medians(rows: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Median of each row's values; NaN where there is none."""
    order = np.lexsort((values, rows))
    lengths = np.bincount(rows, minlength=count)
    first = np.cumsum(lengths) - lengths
    filled = np.flatnonzero(lengths)
    low, high = first[filled] + (lengths[filled] - 1) // 2, first[filled] + lengths[filled] // 2
    medians = np.full(count, np.nan)
    medians[filled] = (values[order[low]] + values[order[high]]) / 2
    return medians
