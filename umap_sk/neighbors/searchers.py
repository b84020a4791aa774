"""Searchers of features: the package itself, scikit-learn, an approximate library, or an object."""

from typing import NamedTuple, TypeAlias, TypedDict

import numpy as np
import scipy.sparse
from numba import get_num_threads

from umap_sk._typing import Features, is_sparse
from umap_sk.exceptions import LowRecallWarning, SlowSearchWarning, warn
from umap_sk.monitor.progress import say, show_rows
from umap_sk.neighbors import search
from umap_sk.neighbors.approximate import LIBRARIES, IndexSettings
from umap_sk.neighbors.candidates import select_candidates
from umap_sk.neighbors.choice import (
    GraphSearcher,
    NeighborSearcher,
    SearchSettings,
    check_metric_known,
    choose_searcher,
    clone_searcher,
    describe_searcher,
    is_named,
    is_small,
    translate_metric,
)
from umap_sk.neighbors.distances import prepare_features
from umap_sk.neighbors.formats import pad_rows
from umap_sk.neighbors.index import LibraryIndex, import_library
from umap_sk.neighbors.metric_checks import check_distances, check_values
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import EXTRA_NEIGHBORS, NoSearch, SklearnSearch, build_search
from umap_sk.neighbors.search_time import warn_about_time

RECALL_SAMPLE, RECALL_NUMBERS = 256, 2e10  # largest sample for the recall, and numbers that it is compared with
DOUBTFUL_RECALL = 0.9  # with less, a warning is given
DISTANCE_TOLERANCE = 1e-9  # relative tolerance of distances when found neighbors are counted


class ApproximateSearch(NamedTuple):
    """A library's index that finds candidates, and the exact distances by which they are ranked."""

    exact: SklearnSearch | RowSearch
    library: LibraryIndex


class FittedSearcher(NamedTuple):
    """A fitted object in scikit-learn's style with `kneighbors` or `transform`, whose results are not checked."""

    fitted: NeighborSearcher | GraphSearcher
    n_rows: int  # on which it was fitted


BuiltSearch: TypeAlias = SklearnSearch | RowSearch | ApproximateSearch | FittedSearcher
"""A search that new rows can use."""


class SearchFigures(TypedDict, total=False):
    """The entries of the report about a search. `recall` is None if it is unknown."""

    searcher: str
    version: str
    recall: float | None
    sampled_rows: int


class DeferredSearch:
    """A search that is built when new rows are first placed, since the fit did not need it."""

    def __init__(self, features: Features, settings: SearchSettings, count: int):
        self._features: Features | None = features
        self._settings, self._count = settings, count
        self._built: BuiltSearch | None = None

    def get(self) -> BuiltSearch:
        """Return the search, which is built at the first call."""
        if self._built is None:
            assert self._features is not None  # they are kept until the search is built
            warn(
                f"{describe_searcher(self._settings.searcher)} builds its index of {self._features.shape[0]:,} rows "
                "now, because the neighbors of the fit were precomputed or came from a checkpoint. Store the model "
                "after this to keep it.",
                SlowSearchWarning,
            )
            self._built, self._features = build_searcher(self._features, self._settings, self._count), None
        return self._built


Search: TypeAlias = BuiltSearch | DeferredSearch | NoSearch
"""What a model keeps for new rows."""


def build_searcher(features: Features, settings: SearchSettings, count: int) -> BuiltSearch:
    """Build a search of features with the chosen searcher for queries of `count` neighbors, besides the row itself."""
    searcher = settings.searcher
    if is_named(searcher, "exact", "inverted_file"):
        return build_own_search(features, settings)
    check_metric_known(settings, is_sparse(features))
    if not isinstance(searcher, str):
        return FittedSearcher(clone_searcher(searcher, settings.seed).fit(features), features.shape[0])
    import_library(LIBRARIES[searcher])
    exact = build_search(features, settings.metric, settings.metric_params, settings.n_jobs)
    known = translate_metric(LIBRARIES[searcher], settings.metric, settings.metric_params, is_sparse(features))
    assert known is not None  # checked above
    index_settings = IndexSettings(*known, count + EXTRA_NEIGHBORS + 1, settings.seed or 0, get_num_threads())
    return ApproximateSearch(exact, LibraryIndex(searcher, index_settings, to_index_rows(exact, None)))


def build_own_search(features: Features, settings: SearchSettings) -> SklearnSearch | RowSearch:
    """Build a search without a library, by the searcher "exact" or "inverted_file"."""
    finds_all = is_named(settings.searcher, "exact")
    if not finds_all:
        check_metric_known(settings, is_sparse(features))
    return build_search(features, settings.metric, settings.metric_params, settings.n_jobs, exact=finds_all)


def to_index_rows(exact: SklearnSearch | RowSearch, new: Features | None) -> Features:
    """Return the training rows (None) or new rows in the form that a library indexes."""
    if isinstance(exact, RowSearch):
        return exact.to_compared_rows(exact.features if new is None else new)
    return exact.features if new is None else prepare_features(new, exact.metric)


def search_training(
    features: Features, settings: SearchSettings, n_neighbors: int, *, estimate_recall: bool = True
) -> tuple[BuiltSearch, np.ndarray, np.ndarray, SearchFigures]:
    """Search the neighbors of the training rows. Returns the search, indices, distances and entries of the report."""
    searcher, tell = choose_searcher(settings, features), say if settings.verbose else None
    index: BuiltSearch
    if is_named(searcher, "exact", "inverted_file"):
        index = build_own_search(features, settings._replace(searcher=searcher))
        if is_named(settings.searcher, "auto") and isinstance(index, SklearnSearch):
            sparse = is_sparse(features)
            few = is_small(settings.metric, features.shape, settings.metric_params, sparse=sparse)
            if callable(settings.metric) or not few:
                warn_about_time(index, features, settings)
        with show_rows("search", settings.verbose) as show:
            indices, dists = search.find_neighbors(index, features, n_neighbors, own=True, progress=show)
        if not isinstance(index, RowSearch) or index.finds_all:
            return index, indices, dists, {"searcher": "exact"}
    else:
        if tell:
            tell(f"search: {describe_searcher(searcher)} builds its index of {features.shape[0]:,} rows")
        index, indices, dists = search_approximately(features, settings._replace(searcher=searcher), n_neighbors)
    figures: SearchFigures = {"searcher": describe_searcher(searcher)}
    if isinstance(index, ApproximateSearch):
        figures["version"] = index.library.version
    if estimate_recall:
        figures |= measure_recall(index, features, settings, dists, n_neighbors)
        warn_about_recall(figures)
        if tell and figures["recall"] is not None:
            share, rows = figures["recall"], figures["sampled_rows"]
            tell(f"search: {share:.1%} of the nearest neighbors of {rows} rows were found")
    return index, indices, dists, figures


def search_approximately(
    features: Features, settings: SearchSettings, n_neighbors: int
) -> tuple[BuiltSearch, np.ndarray, np.ndarray]:
    """Search the training rows by a library or an object."""
    if isinstance(settings.searcher, str) or hasattr(settings.searcher, "kneighbors"):
        index = build_searcher(features, settings, n_neighbors)
        return index, *find_neighbors(index, features, n_neighbors, own=True)
    check_metric_known(settings, is_sparse(features))
    fitted, n = clone_searcher(settings.searcher, settings.seed), features.shape[0]
    return FittedSearcher(fitted, n), *convert_graph(
        fitted.fit_transform(features), min(n_neighbors, n - 1), fitted, own=True
    )


def prepare_search(
    features: Features, settings: SearchSettings, count: int, *, given: bool
) -> SklearnSearch | RowSearch | NoSearch | DeferredSearch:
    """Prepare the search for new rows after a fit with precomputed neighbors or from a checkpoint.

    With precomputed neighbors, "auto" is exact: there is no index, and building one takes longer than placing a few
    rows.
    """
    searcher = settings.searcher
    if not (given and is_named(searcher, "auto")):
        searcher = choose_searcher(settings, features)
    if is_named(searcher, "auto", "exact", "inverted_file"):
        exact = not is_named(searcher, "inverted_file")
        try:
            return build_search(features, settings.metric, settings.metric_params, settings.n_jobs, exact=exact)
        except ValueError as error:  # the given neighbors take precedence
            return NoSearch(str(error).splitlines()[0])
    return DeferredSearch(features, settings._replace(searcher=searcher), count)


def find_neighbors(index: Search, features: Features, n_neighbors: int, *, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """Find neighbors with any search, as :func:`umap_sk.neighbors.search.find_neighbors` does."""
    if isinstance(index, DeferredSearch):
        index = index.get()
    if isinstance(index, ApproximateSearch):
        return _query_library(index, features, n_neighbors, own)
    if isinstance(index, FittedSearcher):
        return _query_object(index, features, n_neighbors, own)
    return search.find_neighbors(index, features, n_neighbors, own=own)


def _query_library(
    index: ApproximateSearch, features: Features, n_neighbors: int, own: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Rank a library's candidates by exact distances. Missing neighbors are -1."""
    exact, count = index.exact, index.exact.n_rows
    wanted = min(n_neighbors, count - own)
    n_queried = min(wanted + EXTRA_NEIGHBORS + own, count)
    if not own:
        check_values(features, exact.metric, getattr(exact, "parameters", {}))
    rows = to_index_rows(exact, None if own else features)
    candidates = index.library.query(rows, n_queried, get_num_threads(), own=own)
    if isinstance(exact, RowSearch):
        indices, dists = exact.rank_candidates(None if own else features, candidates, wanted)
    else:
        exactly = (exact.metric, exact.parameters)
        indices, dists = select_candidates(rows, exact.features, candidates, wanted, *exactly, own)
    dists[indices < 0] = 0
    check_distances(exact.metric, dists, indices)
    return indices, dists


def _query_object(
    index: FittedSearcher, features: Features, n_neighbors: int, own: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices and distances from an object, which may include the row itself."""
    wanted = min(n_neighbors, index.n_rows - own)
    if hasattr(index.fitted, "kneighbors"):
        dists, indices = index.fitted.kneighbors(features, n_neighbors=wanted + own)
        return np.asarray(indices), np.asarray(dists)
    return convert_graph(index.fitted.transform(features), wanted, index.fitted, own)


def convert_graph(graph: object, wanted: int, searcher: object, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """Convert a distance graph to arrays. Raise ValueError if it is invalid or has too few neighbors."""
    if not is_sparse(graph):
        raise ValueError(
            f"The searcher {type(searcher).__name__} gave {type(graph).__name__}, but a sparse graph of distances is "
            "needed, as KNeighborsTransformer(mode='distance') gives."
        )
    rows = scipy.sparse.csr_array(graph)
    counts = np.diff(rows.indptr)
    owners = np.repeat(np.arange(len(counts)), counts)
    others = counts - np.bincount(owners[rows.indices == owners], minlength=len(counts)) if own else counts
    if others.max(initial=0) < wanted:
        raise ValueError(
            f"The searcher {type(searcher).__name__} finds {others.max(initial=0)} neighbors of a row, but {wanted} "
            f"are needed. Increase it, for example by set_params(searcher__n_neighbors={wanted + 1}), or lower "
            "n_neighbors."
        )
    indices, dists = pad_rows(rows)
    return indices, dists.astype(np.float64, copy=False)


# -------------------------------------------------------------------------------------------------- reports


def measure_recall(
    index: BuiltSearch, features: Features, settings: SearchSettings, dists: np.ndarray, n_neighbors: int
) -> SearchFigures:
    """Measure the share of a sample's nearest neighbors that was found, counting ties, or None if it is unknown."""
    n, columns = features.shape
    most = RECALL_SAMPLE if isinstance(settings.metric, str) else RECALL_SAMPLE // 16
    rows = np.random.default_rng(0).choice(
        n, int(min(n, np.clip(RECALL_NUMBERS / (n * columns), 16, most))), replace=False
    )
    try:
        exact = get_exact_search(index, features, settings)
    except ValueError:  # only the searcher knows the metric
        return {"recall": None, "sampled_rows": 0}
    count = min(n_neighbors, n - 1)
    names, values = search.find_neighbors(exact, features[rows], count + 1, own=False)
    limits = search.drop_itself(rows, values, names)[0].max(axis=1)
    found = np.count_nonzero(dists[rows] <= limits[:, None] * (1 + DISTANCE_TOLERANCE), axis=1).clip(max=count).sum()
    return {"recall": round(int(found) / (len(rows) * count), 4), "sampled_rows": len(rows)}


def warn_about_recall(figures: SearchFigures) -> None:
    """Warn if a search has found few of the nearest neighbors of the sampled rows."""
    recall = figures["recall"]
    if recall is not None and recall < DOUBTFUL_RECALL:
        warn(
            f"The searcher {figures['searcher']} found {recall:.0%} of the nearest neighbors of "
            f'{figures["sampled_rows"]} sampled rows. searcher="exact" finds all of them, but takes longer. '
            "This is usual for noise in many columns, where all distances are almost equal.",
            LowRecallWarning,
        )


def get_exact_search(index: BuiltSearch, features: Features, settings: SearchSettings) -> SklearnSearch | RowSearch:
    """Return a search that finds all neighbors, using the index of another search."""
    if isinstance(index, RowSearch):
        return index.as_exact()
    if isinstance(index, ApproximateSearch):
        return index.exact
    return build_search(features, settings.metric, settings.metric_params, settings.n_jobs)
