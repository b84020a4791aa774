"""Who searches features: the package itself, scikit-learn, a library that finds nearly all neighbors, or an object."""

import time
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numba import get_num_threads
from sklearn.base import clone

from umap_sk.exceptions import SlowSearchWarning, warn
from umap_sk.monitor.progress import say, show_rows
from umap_sk.monitor.units import format_seconds
from umap_sk.neighbors import search
from umap_sk.neighbors.approximate import LIBRARIES, Wanted
from umap_sk.neighbors.candidates import nearest_candidates
from umap_sk.neighbors.choice import Asked, check_metric_of, chosen, is_named, is_small, known_by, name_of
from umap_sk.neighbors.distances import prepared
from umap_sk.neighbors.index import Index, imported
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import EXTRA, NoSearch, Search, build_search

SAMPLE, PAIRS = 256, 2e10  # rows that a recall is of at most, and numbers that they are compared with
TRIED, LEAST_TRIED = 0.2, 256  # seconds and rows of an exact search by which the time of all of it is estimated
ROUNDING = 1e-9  # of distances, by which a neighbor may be beyond the last one
PATIENCE = 120  # seconds of a search that nobody is warned of


class Approximate(NamedTuple):
    """An index of a library, whose candidates are put in order by exact distances.

    Attributes
    ----------
    exact : Search or RowSearch
        The rows, and how their distances are computed.
    library : Index
        What finds the candidates.
    """

    exact: Search | RowSearch
    library: Index


class Object(NamedTuple):
    """A fitted object in scikit-learn's style, which is taken at its word.

    Attributes
    ----------
    fitted : object
        With `kneighbors`, or with `transform` to a graph of distances.
    n_rows : int
        That it was fitted on.
    """

    fitted: Any
    n_rows: int


class Deferred:
    """A search that is built when new rows are first placed: the fit got its neighbors elsewhere."""

    def __init__(self, features: Any, asked: Asked, count: int):
        self._features, self._asked, self._count = features, asked, count
        self._built: Any = None

    def get(self) -> Any:
        """The search, built now and kept, if it has not been."""
        if self._built is None:
            warn(
                f"{name_of(self._asked.searcher)} builds its index of {self._features.shape[0]:,} rows now, since the "
                "neighbors of the fit were given or came from a checkpoint. It is kept: store the model after this.",
                SlowSearchWarning,
            )
            self._built, self._features = built(self._features, self._asked, self._count), None
        return self._built


# --------------------------------------------------------------------------------------------------------- the search


def built(features: Any, asked: Asked, count: int) -> Any:
    """A search of features by the searcher that was chosen; `count` neighbors will be asked for, one's own not."""
    searcher = asked.searcher
    if is_named(searcher, "exact") or is_named(searcher, "inverted_file"):
        finds_all = is_named(searcher, "exact")
        if not finds_all:
            check_metric_of(asked, scipy.sparse.issparse(features))
        return build_search(features, asked.metric, asked.metric_params, asked.n_jobs, exact=finds_all)
    check_metric_of(asked, scipy.sparse.issparse(features))
    if not isinstance(searcher, str):
        return Object(_copied(asked).fit(features), features.shape[0])
    imported(LIBRARIES[searcher])
    exact = build_search(features, asked.metric, asked.metric_params, asked.n_jobs, trees=False)
    known = known_by(LIBRARIES[searcher], asked.metric, asked.metric_params, scipy.sparse.issparse(features))
    assert known is not None  # checked above
    wanted = Wanted(*known, count + EXTRA + 1, asked.seed or 0, get_num_threads())
    return Approximate(exact, Index(searcher, wanted, as_indexed(exact, None)))


def as_indexed(exact: Search | RowSearch, new: Any) -> Any:
    """The training rows (None) or new ones as a library gets them."""
    if isinstance(exact, RowSearch):
        return exact.as_compared(exact.features if new is None else new)
    return exact.features if new is None else prepared(new, exact.metric)


def _copied(asked: Asked) -> Any:
    """An unfitted copy of a searcher, with the run's seed where it has none."""
    searcher = clone(asked.searcher)
    parameters = searcher.get_params(deep=False) if hasattr(searcher, "get_params") else {}
    if "random_state" in parameters and parameters["random_state"] is None:
        searcher.set_params(random_state=asked.seed)
    return searcher


def search_training(
    features: Any, asked: Asked, n_neighbors: int
) -> tuple[Any, np.ndarray, np.ndarray, dict[str, Any]]:
    """A search of the training rows, their neighbors and distances, and what a report says of it."""
    searcher, tell = chosen(asked, features), say if asked.verbose else None
    if is_named(searcher, "exact") or is_named(searcher, "inverted_file"):
        made = built(features, asked._replace(searcher=searcher), n_neighbors)
        if is_named(asked.searcher, "auto") and isinstance(made, Search):
            if not is_small(asked.metric, features.shape):
                warn_of_time(made, features, asked)
        with show_rows("search", asked.verbose) as show:
            indices, dists = search.find_neighbors(made, features, n_neighbors, own=True, progress=show)
        if not isinstance(made, RowSearch) or made.finds_all:
            return made, indices, dists, {"searcher": "exact"}
        figures: dict[str, Any] = {"searcher": "inverted_file", **recall_of(made, features, asked, dists, n_neighbors)}
        tell_recall(tell, figures)
        return made, indices, dists, figures
    if tell:
        tell(f"search: {name_of(searcher)} builds its index of {features.shape[0]:,} rows")
    made, indices, dists = nearly_all(features, asked._replace(searcher=searcher), n_neighbors)
    figures = {"searcher": name_of(searcher)}
    if isinstance(made, Approximate):
        figures["version"] = made.library.version
    figures |= recall_of(made, features, asked, dists, n_neighbors)
    tell_recall(tell, figures)
    return made, indices, dists, figures


def tell_recall(tell: Any, figures: dict[str, Any]) -> None:
    """Show how many of the nearest neighbors were found, where that is known."""
    if tell and figures["recall"] is not None:
        tell(f"search: {figures['recall']:.1%} of the nearest neighbors of {figures['sampled_rows']} rows were found")


def nearly_all(features: Any, asked: Asked, n_neighbors: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """A search by a library or an object, and what it finds of the training rows."""
    if isinstance(asked.searcher, str) or hasattr(asked.searcher, "kneighbors"):
        made = built(features, asked, n_neighbors)
        return made, *find_neighbors(made, features, n_neighbors, own=True)
    check_metric_of(asked, scipy.sparse.issparse(features))
    fitted, n = _copied(asked), features.shape[0]
    return Object(fitted, n), *listed(fitted.fit_transform(features), min(n_neighbors, n - 1), fitted, own=True)


def search_for_new(features: Any, asked: Asked, count: int, *, given: bool) -> Search | RowSearch | NoSearch | Deferred:
    """What new rows are searched by, where the fit found no neighbors: they were given, or came from a checkpoint.

    Beside given ones "auto" is exact, since no index is there, and to build one takes longer than some rows do.
    """
    searcher = asked.searcher
    if not (given and is_named(searcher, "auto")):
        searcher = chosen(asked, features)
    if any(is_named(searcher, name) for name in ("auto", "exact", "inverted_file")):
        exact = not is_named(searcher, "inverted_file")
        return search.search_beside(features, asked.metric, asked.metric_params, asked.n_jobs, exact=exact)
    return Deferred(features, asked._replace(searcher=searcher), count)


def find_neighbors(made: Any, features: Any, n_neighbors: int, *, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """Neighbors of rows by whatever searches, as :func:`umap_sk.neighbors.search.find_neighbors` has them."""
    if isinstance(made, Deferred):
        made = made.get()
    if isinstance(made, Approximate):
        return _by_library(made, features, n_neighbors, own)
    if isinstance(made, Object):
        return _by_object(made, features, n_neighbors, own)
    return search.find_neighbors(made, features, n_neighbors, own=own)


def _by_library(made: Approximate, features: Any, n_neighbors: int, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """Candidates of a library, the nearest of them by exact distances; -1 for those that it did not find."""
    exact, count = made.exact, made.exact.n_rows
    wanted = min(n_neighbors, count - own)
    asked = min(wanted + EXTRA + own, count)
    if not own:
        search.check_values(features, exact.metric, getattr(exact, "parameters", {}))
    rows = as_indexed(exact, None if own else features)
    ask = made.library.own if own else made.library.ask
    candidates = ask(rows, asked, get_num_threads())
    if isinstance(exact, RowSearch):
        indices, dists = exact.distances(None if own else features, candidates, wanted)
    else:
        exactly = (exact.metric, exact.parameters)
        indices, dists = nearest_candidates(rows, exact.features, candidates, wanted, *exactly, own)
    dists[indices < 0] = 0
    search.check_distances(exact.metric, dists, indices)
    return indices, dists


def _by_object(made: Object, features: Any, n_neighbors: int, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """Neighbors and distances as an object gives them, the row itself among them or not."""
    wanted = min(n_neighbors, made.n_rows - own)
    if hasattr(made.fitted, "kneighbors"):
        dists, indices = made.fitted.kneighbors(features, n_neighbors=wanted + own)
        return np.asarray(indices), np.asarray(dists)
    return listed(made.fitted.transform(features), wanted, made.fitted, own)


def listed(graph: Any, wanted: int, searcher: Any, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """A graph of distances as arrays; ValueError if it is none, or has fewer neighbors in every row than are wanted."""
    if not scipy.sparse.issparse(graph):
        raise ValueError(
            f"The searcher {type(searcher).__name__} gave {type(graph).__name__}, but a sparse graph of distances is "
            "needed, as KNeighborsTransformer(mode='distance') gives."
        )
    graph = scipy.sparse.csr_array(graph)
    counts = np.diff(graph.indptr)
    owners, places = np.repeat(np.arange(len(counts)), counts), np.arange(graph.nnz)
    others = counts - np.bincount(owners[graph.indices == owners], minlength=len(counts)) if own else counts
    if others.max(initial=0) < wanted:
        raise ValueError(
            f"The searcher {type(searcher).__name__} finds {others.max(initial=0)} neighbors of a row, but {wanted} "
            f"are needed. Give it more, for example by set_params(searcher__n_neighbors={wanted + 1}), or lower "
            "n_neighbors."
        )
    indices = np.full((len(counts), counts.max(initial=1)), -1, np.int64)
    dists = np.zeros(indices.shape)
    columns = places - graph.indptr[owners]
    indices[owners, columns], dists[owners, columns] = graph.indices, graph.data
    return indices, dists


# -------------------------------------------------------------------------------------------------- what is told of it


def recall_of(made: Any, features: Any, asked: Asked, dists: np.ndarray, n_neighbors: int) -> dict[str, Any]:
    """The share of a sample's nearest neighbors, ties counted, that was found; None where it is not known."""
    n, columns = features.shape
    most = SAMPLE if isinstance(asked.metric, str) else SAMPLE // 16
    rows = np.random.default_rng(0).choice(n, int(min(n, np.clip(PAIRS / (n * columns), 16, most))), replace=False)
    try:
        exact = all_of(made, features, asked)
    except ValueError:  # a metric that only the searcher knows
        return {"recall": None, "sampled_rows": 0}
    count = min(n_neighbors, n - 1)
    names, values = search.find_neighbors(exact, features[rows], count + 1, own=False)
    others = names != rows[:, None]
    others[others.all(axis=1), -1] = False  # the row is beyond its like
    limits = values[others].reshape(len(rows), count).max(axis=1)
    found = np.count_nonzero(dists[rows] <= limits[:, None] * (1 + ROUNDING), axis=1).clip(max=count).sum()
    return {"recall": round(int(found) / (len(rows) * count), 4), "sampled_rows": len(rows)}


def all_of(made: Any, features: Any, asked: Asked) -> Search | RowSearch:
    """A search that finds all neighbors, with what another one has built."""
    if isinstance(made, RowSearch):
        return made.exactly()
    if isinstance(made, Approximate):
        return made.exact
    return build_search(features, asked.metric, asked.metric_params, asked.n_jobs)


def warn_of_time(made: Search, features: Any, asked: Asked) -> None:
    """Warn that an exact search will take long, with the time and the cure."""
    n, seconds = features.shape[0], seconds_of(made, features)
    if seconds < PATIENCE:
        return
    cure = "Use a metric that PyNNDescent knows, or a function that numba has compiled"
    if known_by(LIBRARIES["pynndescent"], asked.metric, asked.metric_params, scipy.sparse.issparse(features)):
        cure = "Install PyNNDescent (python -m pip install pynndescent)"
    warn(
        f"All {n:,} rows are searched exactly, which takes about {format_seconds(seconds)}. {cure}, "
        "choose another searcher, or pass knn_indices and knn_dists; searcher='exact' says that exact is meant.",
        SlowSearchWarning,
    )


def seconds_of(made: Search, features: Any) -> float:
    """Seconds of an exact search of all rows, by those of two parts, so that what is done once counts once."""
    n, rows = features.shape[0], LEAST_TRIED
    before = _timed(made, features[:1])
    while True:
        passed = _timed(made, features[:rows])
        if passed > TRIED or 4 * rows > n:
            return before + max(0.0, passed - before) / rows * n
        rows *= 4


def _timed(made: Search, features: Any) -> float:
    """Seconds of the search of some rows."""
    began = time.perf_counter()
    search.find_neighbors(made, features, 10, own=False)
    return time.perf_counter() - began
