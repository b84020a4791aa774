"""The choice of a searcher, and whether it supports a metric."""

import importlib.util
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from numba.core.dispatcher import Dispatcher
from sklearn.base import clone

from umap_sk._typing import Features, FeaturesLike, Metric, Parameters, SparseMatrix, is_sparse
from umap_sk.neighbors import distances
from umap_sk.neighbors.approximate import LIBRARIES, Library
from umap_sk.neighbors.differences import CODES, TREE_COLUMNS
from umap_sk.neighbors.euclidean import ANGULAR
from umap_sk.neighbors.functions import order_arguments

SEARCHER_NAMES = ("auto", "exact", "inverted_file", *LIBRARIES)
EXACT_ROWS = 12_000  # up to this, "auto" is exact for functions of Euclidean distances and compiled functions
EXACT_NUMBERS = 10**11  # the same for metrics of differences: rows x rows x columns, which take about ten seconds
LEAST_EXACT_ROWS = 4096  # of these, whatever the columns
EXACT_ROWS_OTHERS = 30_000  # the same for all other metrics
EUCLIDEAN_METRICS = ("euclidean", "sqeuclidean", *ANGULAR)
TREE_METRICS = ("manhattan", "chebyshev")  # and powers of Minkowski
METRIC_ALIASES = {"l2": "euclidean", "l1": "manhattan", "cityblock": "manhattan"}


class NeighborSearcher(Protocol):
    """A user's object that searches, such as scikit-learn's `NearestNeighbors`."""

    def fit(self, X: Features) -> "NeighborSearcher":
        """Search among these rows from now on."""
        ...

    def kneighbors(self, X: Features, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the distances and indices of the nearest rows."""
        ...


class GraphSearcher(Protocol):
    """A user's object that makes a graph of distances, such as scikit-learn's `KNeighborsTransformer`."""

    def fit(self, X: Features) -> "GraphSearcher":
        """Search among these rows from now on."""
        ...

    def transform(self, X: Features) -> SparseMatrix:
        """Return the distances to the nearest rows."""
        ...

    def fit_transform(self, X: Features) -> SparseMatrix:
        """Return the distances between these rows."""
        ...


Searcher: TypeAlias = str | NeighborSearcher | GraphSearcher
"""A searcher by its name, or as an object."""

SearcherObject = TypeVar("SearcherObject", bound=NeighborSearcher | GraphSearcher)


class SearchSettings(NamedTuple):
    """The estimator's parameters of a search, and the seed of its run."""

    searcher: Searcher
    metric: Metric
    metric_params: Parameters | None
    n_jobs: int | None
    seed: int | None
    verbose: bool


def choose_searcher(settings: SearchSettings, features: FeaturesLike) -> Searcher:
    """Return the searcher that "auto" stands for, by size, metric and installed libraries, or any other as is."""
    if not is_named(settings.searcher, "auto"):
        return settings.searcher
    sparse = is_sparse(features)
    if is_small(settings.metric, np.shape(features), settings.metric_params, sparse=sparse):
        return "exact"
    if _is_euclidean(settings):
        return "inverted_file"
    found = translate_metric(LIBRARIES["pynndescent"], settings.metric, settings.metric_params, sparse)
    return "pynndescent" if found and importlib.util.find_spec("pynndescent") else "exact"


def is_small(
    metric: Metric, shape: tuple[int, ...], metric_params: Parameters | None = None, *, sparse: bool = False
) -> bool:
    """Return whether "auto" is exact. The rule involves no timing, so all machines find the same neighbors."""
    rows, columns = shape if len(shape) == 2 else (0, 0)
    if not isinstance(metric, str):
        return rows <= (EXACT_ROWS if isinstance(metric, Dispatcher) else EXACT_ROWS_OTHERS)
    name, others = _split_power(metric, metric_params)
    if columns <= TREE_COLUMNS and (name in TREE_METRICS or isinstance(name, tuple)):
        return True
    if name in CODES and not others and not sparse:
        return rows <= LEAST_EXACT_ROWS or rows * rows * columns <= EXACT_NUMBERS
    return rows <= (EXACT_ROWS if name in EUCLIDEAN_METRICS or isinstance(name, tuple) else EXACT_ROWS_OTHERS)


def _is_euclidean(settings: SearchSettings) -> bool:
    """Return whether the metric is a function of Euclidean distances without arguments that change it."""
    if not isinstance(settings.metric, str):
        return False
    name, others = _split_power(settings.metric, settings.metric_params)
    return name in EUCLIDEAN_METRICS and not others


def _split_power(metric: str, metric_params: Parameters | None) -> tuple[str | tuple[str, float], Parameters]:
    """Return one name for a metric and its power, and the other arguments."""
    parameters = metric_params or {}
    others = {name: value for name, value in parameters.items() if name != "p"}
    return _name_metric(metric, distances.get_power(parameters)), others


def identify_searcher(settings: SearchSettings, features: FeaturesLike) -> Searcher:
    """Return the searcher that identifies a run. Searchers with equal results are identified."""
    try:
        searcher = choose_searcher(settings, features)
    except ValueError:  # not an array; validation reports this later
        return settings.searcher
    return "auto" if is_named(searcher, "exact") else searcher


def translate_metric(
    library: Library, metric: Metric, metric_params: Parameters | None, sparse: bool
) -> tuple[Metric, dict[str, object]] | None:
    """Return a library's name and arguments of a metric, or None if the library does not support it."""
    if sparse and not library.sparse:
        return None
    if not isinstance(metric, str):
        is_called = library.functions and isinstance(metric, Dispatcher)
        return (metric, order_arguments(metric, metric_params or {})) if is_called else None
    if metric not in distances.SEARCHABLE or (sparse and metric not in distances.SPARSE_METRICS):
        return None
    if metric in ANGULAR:
        metric = "euclidean"
    name, parameters = distances.resolve_metric(metric, metric_params, None)
    if not isinstance(name, str):
        return None
    name = METRIC_ALIASES.get(name, name)
    if name not in library.metrics or set(parameters) - ({"p"} if name == "minkowski" else set()):
        return None
    return library.metrics[name], parameters


def is_named(searcher: Searcher | Metric, *names: str) -> bool:
    """Return whether a searcher or a metric is one of these strings, since objects may compare in other ways."""
    return isinstance(searcher, str) and searcher in names


def describe_searcher(searcher: Searcher) -> str:
    """Return the name of a searcher for reports."""
    return searcher if isinstance(searcher, str) else type(searcher).__name__


def clone_searcher(searcher: SearcherObject, seed: int | None) -> SearcherObject:
    """Return an unfitted copy of a searcher, with the run's seed if it has none."""
    copy = clone(searcher)
    parameters = copy.get_params(deep=False) if hasattr(copy, "get_params") else {}
    if "random_state" in parameters and parameters["random_state"] is None:
        copy.set_params(random_state=seed)
    return copy


def check_search_used(metric: Metric, metric_params: Parameters | None, searcher: Searcher) -> None:
    """Raise an error if parameters of a search were set, but there are no features to search."""
    if not is_named(metric, "precomputed"):
        return
    cure = "but metric='precomputed' means precomputed neighbors. Set metric to the metric of the features, or"
    if not is_named(searcher, "auto"):
        raise ValueError(f"searcher={describe_searcher(searcher)!r}, {cure} searcher='auto'.")
    if metric_params:
        raise ValueError(f"metric_params={metric_params!r}, {cure} metric_params=None.")


def check_metric_known(settings: SearchSettings, sparse: bool) -> None:
    """Raise an error if a library does not support a metric, or a searcher object has another one."""
    searcher = settings.searcher
    if is_named(searcher, "inverted_file"):
        if not _is_euclidean(settings):
            raise ValueError(
                f"searcher='inverted_file' does not search by metric={settings.metric!r}. Use one of "
                f"{', '.join(sorted(EUCLIDEAN_METRICS))}, or searcher='exact'."
            )
        return
    if isinstance(searcher, str):
        library = LIBRARIES[searcher]
        if sparse and not library.sparse:
            raise ValueError(
                f"searcher={searcher!r} does not support sparse features. Pass X as an array (X.toarray()), or use "
                "searcher='pynndescent' or 'exact'."
            )
        if translate_metric(library, settings.metric, settings.metric_params, sparse) is None:
            names = {name for name in library.metrics if not sparse or name in distances.SPARSE_METRICS}
            what = f"metric={settings.metric!r}" + (f" with {settings.metric_params}" if settings.metric_params else "")
            raise ValueError(
                f"searcher={searcher!r} does not search by {what}. Use one of "
                f"{', '.join(sorted(names | set(ANGULAR)))}, or searcher='exact'."
            )
        return
    theirs = getattr(searcher, "metric", None)
    if not (isinstance(theirs, str) and isinstance(settings.metric, str)):
        return
    pair = [
        _name_metric(settings.metric, distances.get_power(settings.metric_params or {})),
        _name_metric(theirs, getattr(searcher, "p", 2)),
    ]
    if pair[0] != pair[1]:
        raise ValueError(
            f"metric={settings.metric!r}, but the searcher {type(searcher).__name__} has metric={theirs!r}. Set one to "
            "the other, for example by set_params(searcher__metric=...)."
        )


def _name_metric(metric: str, power: float) -> str | tuple[str, float]:
    """Return one name for each metric that has several, with the power if it has no name."""
    name = distances.SYNONYMS.get(metric, metric)
    if name == "minkowski":
        if power not in distances.POWERS:
            return name, power
        name = distances.POWERS[power]
    return METRIC_ALIASES.get(name, name)


def takes_sparse(searcher: Searcher) -> bool:
    """Return whether a searcher supports sparse features, as far as this is known in advance."""
    return searcher not in LIBRARIES or LIBRARIES[searcher].sparse if isinstance(searcher, str) else True
