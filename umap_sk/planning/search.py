"""The search for neighbors in a plan: memory by its arrays, time by a search of made-up rows."""

import functools
import time
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from umap_sk.neighbors import few_rows
from umap_sk.neighbors.choice import Asked, chosen
from umap_sk.neighbors.euclidean import is_euclidean
from umap_sk.neighbors.principal_axes import FEW_COLUMNS, MOST_AXES, sampled_rows
from umap_sk.neighbors.row_search import RowSearch, is_full

ROWS, CLUSTERS, LATENT = 6000, 20, 12  # of made-up features; and columns of which the others are functions
EXPONENTS = {True: 1.4, False: 1.2}  # of the rows in the time, where all neighbors are found and where nearly all


class Searched(NamedTuple):
    """Features that the package searches.

    Attributes
    ----------
    columns : int
    stored : int or None
        Stored entries of sparse features; None for dense ones.
    exact : bool
        Whether all neighbors are found.
    """

    columns: int
    stored: int | None
    exact: bool


def searched_of(estimator: Any, features: Any) -> Searched | None:
    """The search of features, if the package itself does it; None if a library or nobody does."""
    asked = Asked(estimator.searcher, estimator.metric, estimator.metric_params, None, None, False)
    if not is_euclidean(estimator.metric) or len(np.shape(features)) != 2:
        return None
    searcher = chosen(asked, features)
    if not isinstance(searcher, str) or searcher not in ("exact", "inverted_file"):
        return None
    sparse = scipy.sparse.issparse(features) and not is_full(features)
    return Searched(features.shape[1], int(features.nnz) if sparse else None, searcher == "exact")


def search_memory(n: int, searched: Searched, n_neighbors: int, threads: int) -> tuple[int, int]:
    """Bytes at the peak of the search, and bytes of the index, which stays for new rows."""
    columns, stored, _ = searched
    found = 16 * n_neighbors * n  # indices, and ranks, which become distances
    if stored is not None:
        index = 24 * stored + 32 * n
        return max(2 * index, index + found + 20 * n * threads), index
    if n <= few_rows.MOST:
        at_once = min(few_rows.NUMBERS, n * max(n, (n_neighbors + few_rows.EXTRA) * columns))
        return 8 * (3 * n * columns + 4 * at_once) + found, 16 * n
    width, sample = columns, 0
    if columns > FEW_COLUMNS:
        width, sample = min(columns, MOST_AXES) + 1, 20 * columns * sampled_rows(n, columns)
    index = int(4.2 * width + 34) * n  # coordinates in slots, which are not all full; scales; groups' lists of cells
    return max(sample, index + (4 * width + 80) * n, index + found), index


def search_seconds(n: int, searched: Searched, n_neighbors: int, threads: int) -> float | None:
    """Seconds of the search on this machine; None for sparse features, whose time depends on their values."""
    if searched.stored is not None:
        return None
    rows = min(n, ROWS)
    seconds = measured(rows, searched.columns, searched.exact, n_neighbors, threads)
    return seconds * (n / rows) ** EXPONENTS[searched.exact]


@functools.lru_cache(maxsize=64)
def measured(rows: int, columns: int, exact: bool, n_neighbors: int, threads: int) -> float:
    """Seconds of a search of made-up rows, on the threads in force, which the result is kept for."""
    random = np.random.default_rng(0)
    centers = random.standard_normal((CLUSTERS, LATENT), np.float32)
    latent = centers[np.arange(rows) % CLUSTERS] + 0.5 * random.standard_normal((rows, LATENT), np.float32)
    features = np.tanh(latent @ random.standard_normal((LATENT, columns), np.float32))
    RowSearch(features[: min(rows, few_rows.MOST + 100)], "euclidean", exact=exact).neighbors(None, n_neighbors)
    began = time.perf_counter()
    RowSearch(features, "euclidean", exact=exact).neighbors(None, n_neighbors)
    return time.perf_counter() - began
