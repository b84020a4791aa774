"""Who searches features: scikit-learn's exact search, a library that finds nearly all neighbors, or a given object."""

import time
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numba import get_num_threads
from sklearn.base import clone

from umap_sk.exceptions import SlowSearchWarning, warn
from umap_sk.monitor.progress import say
from umap_sk.monitor.units import duration
from umap_sk.neighbors import search
from umap_sk.neighbors.approximate import LIBRARIES, Wanted
from umap_sk.neighbors.choice import Asked, check_metric_of, chosen, is_named, is_small, known_by, name_of
from umap_sk.neighbors.index import Index, imported
from umap_sk.neighbors.search import EXTRA, NoSearch, Search, build_search

SAMPLE, PAIRS = 256, 2e10  # rows that a recall is of at most, and numbers that they are compared with
TRIED = 0.2  # seconds of an exact search that tell what all of it takes


class Approximate(NamedTuple):
    """An index of a library, whose candidates are put in order by exact distances.

    Attributes
    ----------
    exact : Search
        The rows, and how their distances are computed.
    library : Index
        What finds the candidates.
    """

    exact: Search
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
    if is_named(searcher, "exact"):
        return build_search(features, asked.metric, asked.metric_params, asked.n_jobs)
    check_metric_of(asked, scipy.sparse.issparse(features))
    if not isinstance(searcher, str):
        return Object(_copied(asked).fit(features), features.shape[0])
    imported(LIBRARIES[searcher])
    exact = build_search(features, asked.metric, asked.metric_params, asked.n_jobs, "brute")
    known = known_by(LIBRARIES[searcher], asked.metric, asked.metric_params, scipy.sparse.issparse(features))
    assert known is not None  # checked above
    wanted = Wanted(*known, count + EXTRA + 1, asked.seed or 0, get_num_threads())
    return Approximate(exact, Index(searcher, wanted, exact.nearest._fit_X))


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
    if is_named(searcher, "exact"):
        exact = built(features, asked._replace(searcher=searcher), n_neighbors)
        if is_named(asked.searcher, "auto") and not is_small(asked.metric, features.shape):
            warn_of_time(exact, features, asked)
        found = search.find_neighbors(exact, features, n_neighbors, own=True, tell=tell)
        return exact, *found, {"searcher": "exact"}
    if tell:
        tell(f"search: {name_of(searcher)} builds its index of {features.shape[0]:,} rows")
    made, indices, dists = nearly_all(features, asked._replace(searcher=searcher), n_neighbors)
    figures: dict[str, Any] = {"searcher": name_of(searcher)}
    if isinstance(made, Approximate):
        figures["version"] = made.library.version
    figures |= recall_of(made, features, asked, indices, n_neighbors)
    if tell and figures["recall"] is not None:
        tell(f"search: {figures['recall']:.1%} of the nearest neighbors of {figures['sampled_rows']} rows were found")
    return made, indices, dists, figures


def nearly_all(features: Any, asked: Asked, n_neighbors: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """A search by a library or an object, and what it finds of the training rows."""
    if isinstance(asked.searcher, str) or hasattr(asked.searcher, "kneighbors"):
        made = built(features, asked, n_neighbors)
        return made, *find_neighbors(made, features, n_neighbors, own=True)
    check_metric_of(asked, scipy.sparse.issparse(features))
    fitted, n = _copied(asked), features.shape[0]
    return Object(fitted, n), *listed(fitted.fit_transform(features), min(n_neighbors, n - 1), fitted, own=True)


def search_for_new(features: Any, asked: Asked, count: int, *, given: bool) -> Search | NoSearch | Deferred:
    """What new rows are searched by, where the fit found no neighbors: they were given, or came from a checkpoint.

    Beside given ones "auto" is exact, since no index is there, and to build one takes longer than some rows do.
    """
    searcher = asked.searcher
    if not (given and is_named(searcher, "auto")):
        searcher = chosen(asked, features)
    if is_named(searcher, "auto") or is_named(searcher, "exact"):
        return search.search_beside(features, asked.metric, asked.metric_params, asked.n_jobs)
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
    exact, count = made.exact, made.exact.nearest.n_samples_fit_
    training = exact.nearest._fit_X
    wanted = min(n_neighbors, count - own)
    asked = min(wanted + EXTRA + own, count)
    features = training if own else search.ready(features, exact.metric, exact.parameters)
    ask = made.library.own if own else made.library.ask
    candidates = ask(features, asked, get_num_threads())
    shape = len(candidates), wanted
    indices, dists = np.full(shape, -1, np.int64), np.zeros(shape)
    for i in range(len(candidates)):
        names = np.unique(candidates[i])
        names = names[(names >= 0) & (names != i)] if own else names[names >= 0]
        names, values = search.nearest_first(names, search.distances_to(exact, features[i : i + 1], training[names]))
        indices[i, : len(names[:wanted])], dists[i, : len(names[:wanted])] = names[:wanted], values[:wanted]
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


def recall_of(made: Any, features: Any, asked: Asked, indices: np.ndarray, n_neighbors: int) -> dict[str, Any]:
    """The share of a sample's nearest neighbors, ties counted, that was found; None where none can be told."""
    n, columns = features.shape
    most = SAMPLE if isinstance(asked.metric, str) else SAMPLE // 16
    rows = np.random.default_rng(0).choice(n, int(min(n, np.clip(PAIRS / (n * columns), 16, most))), replace=False)
    try:
        exact = getattr(made, "exact", None) or build_search(
            features, asked.metric, asked.metric_params, asked.n_jobs, "brute"
        )
    except ValueError:  # a metric that only the searcher knows
        return {"recall": None, "sampled_rows": 0}
    prepared = exact.nearest._fit_X
    count = min(n_neighbors, n - 1)
    names, _ = search.find_neighbors(exact, features[rows], count + 1, own=False)
    found = 0
    for i, row in enumerate(rows):
        others, mine = names[i][names[i] != row][:count], np.unique(indices[row])
        mine = mine[(mine >= 0) & (mine != row)]
        limit, near = (search.distances_to(exact, prepared[[row]], prepared[np.sort(x)]) for x in (others, mine))
        found += min(count, int((near <= limit.max()).sum()))
    return {"recall": round(found / (len(rows) * count), 4), "sampled_rows": len(rows)}


def warn_of_time(made: Search, features: Any, asked: Asked) -> None:
    """Warn that an exact search will take long, with the time and the cure."""
    n = features.shape[0]
    cure = "Use a metric that PyNNDescent knows, or a function that numba has compiled"
    if known_by(LIBRARIES["pynndescent"], asked.metric, asked.metric_params, scipy.sparse.issparse(features)):
        cure = "Install PyNNDescent (python -m pip install pynndescent)"
    warn(
        f"All {n:,} rows are searched exactly, which takes about {duration(seconds_of(made, features))}. {cure}, "
        "choose another searcher, or pass knn_indices and knn_dists; searcher='exact' says that exact is meant.",
        SlowSearchWarning,
    )


def seconds_of(made: Search, features: Any) -> float:
    """Seconds of an exact search of all rows, by those of a few."""
    n, rows = features.shape[0], 1
    while True:
        began = time.perf_counter()
        search.find_neighbors(made, features[:rows], 10, own=False)
        passed = time.perf_counter() - began
        if passed > TRIED or 4 * rows > n:
            return passed / rows * n
        rows *= 4
