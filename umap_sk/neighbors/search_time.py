"""The time of an exact search, which is estimated before it begins."""

import time

from umap_sk._typing import Features, is_sparse
from umap_sk.exceptions import SlowSearchWarning, warn
from umap_sk.monitor.units import format_seconds
from umap_sk.neighbors import search
from umap_sk.neighbors.approximate import LIBRARIES
from umap_sk.neighbors.choice import SearchSettings, translate_metric
from umap_sk.neighbors.search import SklearnSearch

PROBE_SECONDS, FIRST_PROBE_ROWS = 0.2, 256  # least seconds and rows of a probe of the exact search
FIRST_PROBE_ROWS_OF_FUNCTIONS = 8  # each of which calls a function for all rows
WARN_SECONDS = 120  # shorter searches cause no warning


def warn_about_time(index: SklearnSearch, features: Features, settings: SearchSettings) -> None:
    """Warn that an exact search will take long, and suggest alternatives."""
    n, seconds = features.shape[0], estimate_seconds(index, features)
    if seconds < WARN_SECONDS:
        return
    cure = "Use a metric that PyNNDescent supports, or a function compiled by numba"
    if translate_metric(LIBRARIES["pynndescent"], settings.metric, settings.metric_params, is_sparse(features)):
        cure = "Install PyNNDescent (python -m pip install pynndescent)"
    warn(
        f"All {n:,} rows are searched exactly, which takes about {format_seconds(seconds)}. {cure}, "
        "choose another searcher, or pass knn_indices and knn_dists. Set searcher='exact' if you want this.",
        SlowSearchWarning,
    )


def estimate_seconds(index: SklearnSearch, features: Features) -> float:
    """Estimate the seconds of an exact search of all rows from two parts, so that constant costs count once."""
    n, rows = features.shape[0], FIRST_PROBE_ROWS if isinstance(index.metric, str) else FIRST_PROBE_ROWS_OF_FUNCTIONS
    before = _time_search(index, features[:1])
    while True:
        passed = _time_search(index, features[:rows])
        if passed > PROBE_SECONDS or 4 * rows > n:
            return before + max(0.0, passed - before) / rows * n
        rows *= 4


def _time_search(index: SklearnSearch, features: Features) -> float:
    """Return the seconds of a search of some rows."""
    began = time.perf_counter()
    search.find_neighbors(index, features, 10, own=False)
    return time.perf_counter() - began
