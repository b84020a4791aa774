"""Preservation of each row's neighborhood, as numbers for its color."""

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from scipy import ndimage

from umap_sk._typing import AnySparse
from umap_sk.metrics.neighborhoods import compute_recall_by_row, compute_trust_by_row, list_sampled_rows

ROW_FIGURES = ("recall", "trustworthiness", "stretch")


def compute_figure(graph: AnySparse, embedding: ArrayLike, figure: str, k: int) -> tuple[np.ndarray, str, float | None]:
    """Compute a quantity for each row. Returns the numbers, their name, and the center of their color scale."""
    if figure not in ROW_FIGURES:
        raise ValueError(f"figure={figure!r}, but one of {list(ROW_FIGURES)} is needed.")
    if figure == "stretch":
        list_sampled_rows(graph, embedding, k, None, 1, 0)  # validate the arguments
        return compute_stretch(scipy.sparse.csr_array(graph), np.asarray(embedding, np.float64)), "stretch, log2", 0.0
    lists = list_sampled_rows(graph, embedding, k, None, None, 0)
    lost = ~np.isfinite(np.asarray(embedding)).all(axis=1)
    by_row = compute_recall_by_row(lists) if figure == "recall" else compute_trust_by_row(lists)
    by_row[lost] = np.nan
    return by_row, f"recall of {k} neighbors" if figure == "recall" else "trustworthiness", None


def compute_stretch(graph: scipy.sparse.csr_array, positions: np.ndarray) -> np.ndarray:
    """Return the binary log of each row's median ratio of distances in map and graph, relative to all rows."""
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    mapped = np.linalg.norm(positions[rows] - positions[graph.indices], axis=1)
    used = (graph.data > 0) & (mapped > 0)  # this is False for NaN
    rows, ratios = rows[used], np.log2(mapped[used]) - np.log2(graph.data[used].astype(np.float64))
    medians = np.full(graph.shape[0], np.nan)
    if len(rows):
        known = np.unique(rows)
        medians[known] = ndimage.median(ratios, rows, known)
    return medians - np.nanmedian(medians)
