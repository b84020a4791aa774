"""The memory and time of a search for neighbors among features, measured on a few synthetic rows."""

import functools
import time
from typing import NamedTuple

import numpy as np

from umap_sk._typing import FeaturesLike, is_sparse
from umap_sk.neighbors import few_rows
from umap_sk.neighbors.choice import SearchSettings, choose_searcher, is_named
from umap_sk.neighbors.euclidean import is_euclidean
from umap_sk.neighbors.principal_axes import AXES_NUMBERS, AXES_SAMPLE, UNPROJECTED_COLUMNS
from umap_sk.neighbors.row_search import RowSearch, is_full

# Of synthetic features, which are functions of PROBE_DIMENSIONS variables.
PROBE_ROWS, CLUSTERS, DIMENSIONS = 6000, 20, 12
# Growth of the time with the rows, for an exact search and for an approximate one.
TIME_EXPONENTS = {True: 1.4, False: 1.2}


class SearchSizes(NamedTuple):
    """Sizes of features that the package searches."""

    columns: int
    stored: int | None  # entries of sparse features, None for dense ones
    exact: bool  # whether the search finds all neighbors


def describe_search(settings: SearchSettings, features: FeaturesLike) -> SearchSizes | None:
    """Return the sizes of a search by the package, or None if a library searches or nothing is searched."""
    if not is_euclidean(settings.metric):
        return None
    shape = features.shape if is_sparse(features) else np.shape(features)
    if len(shape) != 2:
        return None
    searcher = choose_searcher(settings, features)
    if not is_named(searcher, "exact", "inverted_file"):
        return None
    stored = int(features.nnz) if is_sparse(features) and not is_full(features) else None
    return SearchSizes(shape[1], stored, is_named(searcher, "exact"))


def count_search_bytes(n: int, search: SearchSizes, n_neighbors: int, threads: int) -> tuple[int, int]:
    """Return the bytes at the peak of the search, and the bytes of the index, which is kept for new rows."""
    columns, stored, _ = search
    found = 16 * n_neighbors * n  # indices, and ranks, which become distances in place
    if stored is not None:
        index = 24 * stored + 32 * n
        return max(2 * index, index + found + 20 * n * threads), index
    if n <= few_rows.MAX_ROWS:
        at_once = min(few_rows.MATRIX_NUMBERS, n * max(n, (n_neighbors + few_rows.EXTRA_CANDIDATES) * columns))
        return 8 * (3 * n * columns + 4 * at_once) + found, 16 * n
    width, sample = columns, 0
    if columns > UNPROJECTED_COLUMNS:
        width, sample = min(columns, AXES_NUMBERS[-1]) + 1, 20 * columns * min(n, AXES_SAMPLE)
    index = int(4.2 * width + 34) * n  # coordinates with padding; scales; lists of cells by group
    return max(sample, index + (4 * width + 80) * n, index + found), index


def estimate_search_seconds(n: int, search: SearchSizes, n_neighbors: int, threads: int) -> float | None:
    """Estimate the seconds of a search on this machine, or None for sparse features, whose values decide."""
    if search.stored is not None:
        return None
    rows = min(n, PROBE_ROWS)
    seconds = measure_search(rows, search.columns, search.exact, n_neighbors, threads)
    return seconds * (n / rows) ** TIME_EXPONENTS[search.exact]


@functools.lru_cache(maxsize=64)
def measure_search(rows: int, columns: int, exact: bool, n_neighbors: int, threads: int) -> float:
    """Measure the seconds of a search of synthetic rows on the current number of threads, and cache them."""
    random = np.random.default_rng(0)
    centers = random.standard_normal((CLUSTERS, DIMENSIONS), np.float32)
    latent = centers[np.arange(rows) % CLUSTERS] + 0.5 * random.standard_normal((rows, DIMENSIONS), np.float32)
    features = np.tanh(latent @ random.standard_normal((DIMENSIONS, columns), np.float32))
    RowSearch(features[: min(rows, few_rows.MAX_ROWS + 100)], "euclidean", exact=exact).find_neighbors(
        None, n_neighbors
    )
    began = time.perf_counter()
    RowSearch(features, "euclidean", exact=exact).find_neighbors(None, n_neighbors)
    return time.perf_counter() - began
