"""Which searcher features are searched by, and whether it knows their metric."""

import importlib.util
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numba.core.dispatcher import Dispatcher

from umap_sk.neighbors import distances
from umap_sk.neighbors.approximate import LIBRARIES, Library
from umap_sk.neighbors.euclidean import ANGULAR

NAMES = ("auto", "exact", "inverted_file", *LIBRARIES)
FEW_ROWS = 12_000  # up to which "auto" finds all neighbors by metrics that are a function of Euclidean distances
FEW_ROWS_OTHERS = 30_000  # and by all others
EUCLIDEAN = ("euclidean", "sqeuclidean", *ANGULAR)
FEW_COLUMNS, BY_TREES = 5, ("manhattan", "chebyshev", "minkowski")  # that trees search fast at any number of rows
ALIASES = {"l2": "euclidean", "l1": "manhattan", "cityblock": "manhattan"}


class Asked(NamedTuple):
    """How features are to be searched: parameters of the estimator, and the seed of its run."""

    searcher: Any
    metric: Any
    metric_params: dict[str, Any] | None
    n_jobs: int | None
    seed: int | None
    verbose: bool


def chosen(asked: Asked, features: Any) -> Any:
    """The searcher that "auto" stands for, by rows, columns, metric and what is installed; any other as it is."""
    if not is_named(asked.searcher, "auto"):
        return asked.searcher
    sparse = scipy.sparse.issparse(features)
    if is_small(asked.metric, np.shape(features)):
        return "exact"
    if _is_euclidean(asked):
        return "inverted_file"
    found = known_by(LIBRARIES["pynndescent"], asked.metric, asked.metric_params, sparse)
    return "pynndescent" if found and importlib.util.find_spec("pynndescent") else "exact"


def is_small(metric: Any, shape: tuple[int, ...]) -> bool:
    """Whether "auto" is exact: a rule that no clock has a part in, so that all machines have the same neighbors."""
    rows, columns = shape if len(shape) == 2 else (0, 0)
    name = _plain(metric, 2) if isinstance(metric, str) else None
    if columns <= FEW_COLUMNS and name in BY_TREES:
        return True
    return rows <= (FEW_ROWS if name in EUCLIDEAN else FEW_ROWS_OTHERS)


def _is_euclidean(asked: Asked) -> bool:
    """Whether the metric is a function of Euclidean distances, and has no arguments that change it."""
    parameters = dict(asked.metric_params or {})
    power = parameters.pop("p", 2)
    return isinstance(asked.metric, str) and _plain(asked.metric, power) in EUCLIDEAN and not parameters


def for_identity(asked: Asked, features: Any) -> Any:
    """The searcher that counts for what a run is; those that find the same are the same."""
    try:
        searcher = chosen(asked, features)
    except ValueError:  # no array, as will be told
        return asked.searcher
    return "auto" if is_named(searcher, "exact") else searcher


def known_by(
    library: Library, metric: Any, metric_params: dict[str, Any] | None, sparse: bool
) -> tuple[Any, dict[str, Any]] | None:
    """A metric, and its arguments, as a library knows it; None if it does not."""
    if sparse and not library.sparse:
        return None
    if not isinstance(metric, str):
        return (metric, dict(metric_params or {})) if library.functions and isinstance(metric, Dispatcher) else None
    if metric not in distances.SEARCHED or (sparse and metric not in distances.OF_SPARSE):
        return None
    if metric in ANGULAR:
        metric = "euclidean"
    name, parameters = distances.resolved(metric, metric_params, None)
    name = ALIASES.get(name, name)
    if name not in library.metrics or set(parameters) - ({"p"} if name == "minkowski" else set()):
        return None
    return library.metrics[name], parameters


def is_named(searcher: Any, name: str) -> bool:
    """Whether a searcher is the one of that name, and no object."""
    return isinstance(searcher, str) and searcher == name


def name_of(searcher: Any) -> str:
    """What a report calls a searcher."""
    return searcher if isinstance(searcher, str) else type(searcher).__name__


def check_searches(metric: Any, searcher: Any) -> None:
    """Raise if a searcher was chosen, and there is nothing that it could search."""
    if is_named(metric, "precomputed") and not is_named(searcher, "auto"):
        raise ValueError(
            f"searcher={name_of(searcher)!r}, but metric='precomputed' takes neighbors that are known already. Set "
            "metric to what the features are compared by, or searcher='auto'."
        )


def check_metric_of(asked: Asked, sparse: bool) -> None:
    """Raise if a library does not know a metric, or an object has another one."""
    searcher = asked.searcher
    if is_named(searcher, "inverted_file"):
        if not _is_euclidean(asked):
            raise ValueError(
                f"searcher='inverted_file' does not search by metric={asked.metric!r}. Use one of "
                f"{', '.join(sorted(EUCLIDEAN))}, or searcher='exact'."
            )
        return
    if isinstance(searcher, str):
        library = LIBRARIES[searcher]
        if sparse and not library.sparse:
            raise ValueError(
                f"searcher={searcher!r} takes no sparse features. Give X as an array (X.toarray()), or use "
                "searcher='pynndescent' or 'exact'."
            )
        if known_by(library, asked.metric, asked.metric_params, sparse) is None:
            names = {name for name in library.metrics if not sparse or name in distances.OF_SPARSE}
            what = f"metric={asked.metric!r}" + (f" with {asked.metric_params}" if asked.metric_params else "")
            raise ValueError(
                f"searcher={searcher!r} does not search by {what}. Use one of "
                f"{', '.join(sorted(names | set(ANGULAR)))}, or searcher='exact'."
            )
        return
    theirs = getattr(searcher, "metric", None)
    if not (isinstance(theirs, str) and isinstance(asked.metric, str)):
        return
    pair = [_plain(asked.metric, (asked.metric_params or {}).get("p", 2)), _plain(theirs, getattr(searcher, "p", 2))]
    if pair[0] != pair[1]:
        raise ValueError(
            f"metric={asked.metric!r}, but the searcher {type(searcher).__name__} has metric={theirs!r}. Set one to "
            "the other, for example by set_params(searcher__metric=...)."
        )


def _plain(metric: str, power: Any) -> Any:
    """One name for each metric that has several."""
    name: Any = distances.SAME.get(metric, metric)
    if name == "minkowski":
        name = distances.POWERS.get(power, (name, power))
    return ALIASES.get(name, name)


def takes_sparse(searcher: Any) -> bool:
    """Whether a searcher takes sparse features, as far as is known before it is tried."""
    return searcher not in LIBRARIES or LIBRARIES[searcher].sparse if isinstance(searcher, str) else True
