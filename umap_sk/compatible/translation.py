"""umap-learn's parameters as PrecomputedUMAP's, and what is said of those that have no counterpart."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from umap_sk.compatible.distances import METRICS, OF_WORDS, of_two_rows
from umap_sk.exceptions import FewerNeighborsWarning, UnusedParameterWarning, warn
from umap_sk.umap_learn.models import SAME, known_metric

UNUSED = {
    "low_memory": True,
    "transform_queue_size": 4.0,
    "angular_rp_forest": False,
    "force_approximation_algorithm": False,
    "transform_seed": 42,
    "tqdm_kwds": None,
    "optimizer": None,
    "compatibility_layout": None,
}
"""Parameters that choose how umap-learn computes, with their defaults."""

NAMED_ELSEWHERE = {"tswspectral": "spectral", "recursive": "auto"}
"""Starts of umap-learn that are another one here."""

TARGETS = {"ordinal": "euclidean", "count": "euclidean", "string": "categorical"}
"""Metrics of targets that are another one here: numbers whose differences have the same order, and labels."""

DIFFERENCES = {"ordinal": "manhattan", "count": "manhattan"}
"""Metrics of a number that are another one here. A factor, as `support_size` is, changes no map."""

STILL = float(np.finfo(np.float32).tiny)
"""A learning rate by which nothing moves."""

WITHOUT_FEATURES = (
    "The model has no features to search among. Give those of the fit by set_features, or pass neighbors of new "
    "rows: estimator_.transform(knn_indices=..., knn_dists=...)."
)
"""What an error says where new rows have nothing to be compared with."""

WORDS = {
    "The estimator was fitted without features, so it cannot search among them. Pass knn_indices and knn_dists, or fit "
    "with features as X.": WITHOUT_FEATURES,
    "metric_params": "metric_kwds",
    "and pass knn_indices and knn_dists": "and pass precomputed_knn=(indices, distances, None)",
    "et dens_lambda=0": "et densmap=False",
    "PrecomputedUMAP": "UMAP",
}
"""What an error of the estimator says, and how it is said of a UMAP."""

ONLY_THERE = ("set_params(", "learn_manifold", "Pass knn_indices", "features=")
"""Cures that the estimator alone has."""

_said: set[str] = set()


class Distance:
    """A metric that may return a gradient beside the distance, called as umap-learn calls it: the distance alone.

    It gets copies of the rows, so that a function that writes into them leaves the features as they are.
    """

    def __init__(self, metric: Any, arguments: tuple[Any, ...]):
        self.metric, self.arguments = metric, arguments

    def __call__(self, x: Any, y: Any) -> Any:
        value = self.metric(x.copy(), y.copy(), *self.arguments)
        return value[0] if isinstance(value, tuple) else value


def translated(umap: Any, n_rows: int, *, targets: bool) -> dict[str, Any]:
    """Parameters of the PrecomputedUMAP that does what a UMAP asks for so many rows; those at rest are left out."""
    names = {name: getattr(umap, name) for name in (*SAME, "searcher")}
    if has_fewer(umap, n_rows):
        names["n_neighbors"] = n_rows - 1
    if has_half_a_curve(umap):
        names |= {"a": None, "b": None}
    names |= metric_of(umap) | start_of(umap) | length_of(umap)
    if targets:
        count, metric = umap.target_n_neighbors, umap.target_metric
        names |= {"target_metric": known_metric(TARGETS.get(metric, metric)), "target_weight": umap.target_weight}
        names |= {} if count == -1 else {"target_n_neighbors": count}
    if known_metric(umap.output_metric) != "euclidean":
        names |= {
            "output_metric": known_metric(umap.output_metric),
            "output_metric_params": umap.output_metric_kwds or None,
        }
    if umap.densmap or umap.output_dens:
        names |= {name: getattr(umap, name) for name in ("dens_lambda", "dens_frac", "dens_var_shift")}
        if not umap.densmap or umap.dens_lambda == 0:  # radii alone
            names |= {"dens_lambda": 1.0, "dens_frac": 0.0}
    return names


def metric_of(umap: Any) -> dict[str, Any]:
    """The metric with its arguments."""
    metric, parameters = called_metric(umap.metric, umap.metric_kwds)
    return {"metric": metric} if callable(metric) else {"metric": metric, "metric_params": parameters}


def called_metric(metric: Any, arguments: dict[str, Any] | None) -> tuple[Any, dict[str, Any] | None]:
    """A metric and its arguments as they are called here; a function gets them in their order."""
    if callable(metric):
        return Distance(metric, tuple((arguments or {}).values())), None
    if metric in METRICS and metric not in OF_WORDS:
        return of_two_rows(metric, arguments), None
    if metric in OF_WORDS or metric in DIFFERENCES:
        return DIFFERENCES.get(metric, "string"), None
    return known_metric(metric), arguments or None


def start_of(umap: Any) -> dict[str, Any]:
    """Where the layout begins; a graph without a layout needs no start."""
    if umap.transform_mode == "graph":
        return {"init": "random"}
    return {"init": NAMED_ELSEWHERE.get(umap.init, umap.init) if isinstance(umap.init, str) else umap.init}


def length_of(umap: Any) -> dict[str, Any]:
    """How many epochs there are, the last of several stops; one by which nothing moves where there are to be none."""
    if umap.transform_mode == "graph":
        return {"n_epochs": 1}
    if stays(umap):
        as_it_is = {} if isinstance(umap.init, str) else {"rescale_init": False, "multilevel": False}
        return {"n_epochs": 1, "learning_rate": STILL} | as_it_is
    stops = stops_of(umap)
    return {"n_epochs": umap.n_epochs if stops is None else stops[-1]}


def stays(umap: Any) -> bool:
    """Whether the start is all that is asked for."""
    none = isinstance(umap.n_epochs, int | np.integer) and umap.n_epochs == 0
    return none or (isinstance(umap.learning_rate, int | float) and umap.learning_rate == 0)


def stops_of(umap: Any) -> list[int] | None:
    """The epochs of which maps are kept, in their order, if several are asked for."""
    if umap.transform_mode == "graph" or stays(umap) or not isinstance(umap.n_epochs, list | tuple):
        return None
    if not umap.n_epochs or not all(isinstance(stop, int | np.integer) and stop >= 1 for stop in umap.n_epochs):
        raise ValueError(f"n_epochs={umap.n_epochs!r}, but a list needs one number or more, all whole and at least 1.")
    return sorted(umap.n_epochs)


def tell_unused(umap: Any) -> None:
    """Say once a process of each parameter that it is not used, or is another one here."""
    for name, default in UNUSED.items():
        value = getattr(umap, name)
        if value != default and (name != "tqdm_kwds" or value):
            _tell(name, f"{name}={value!r} only chooses how umap-learn computes; it is not used here.")
    if isinstance(umap.init, str) and umap.init in NAMED_ELSEWHERE:
        _tell(umap.init, f"init={umap.init!r} is init={NAMED_ELSEWHERE[umap.init]!r} here, which scales as well.")
    if isinstance(umap.metric, str) and umap.metric in DIFFERENCES:
        _tell(f"metric={umap.metric}", f"metric={umap.metric!r} compares rows by the differences of their numbers.")
    if umap.target_metric in ("count", "string"):
        how = "as numbers" if umap.target_metric == "count" else "as labels, which are equal or not"
        _tell(f"target_metric={umap.target_metric}", f"target_metric={umap.target_metric!r} compares targets {how}.")
    if has_half_a_curve(umap):
        _tell(
            "a and b",
            f"a={umap.a!r} and b={umap.b!r}: one without the other is not used; both follow min_dist and spread.",
        )
    given = umap.precomputed_knn
    if isinstance(given, tuple | list) and len(given) > 2 and given[2] is not None:
        _tell("precomputed_knn", "The search index in precomputed_knn is not used: new rows are searched exactly.")


@contextlib.contextmanager
def in_own_words() -> Iterator[None]:
    """Errors of the estimator by the names of a UMAP, or with a word of where its cures are."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if len(error.args) == 1 and isinstance(error.args[0], str):
            message = error.args[0]
            for theirs, ours in WORDS.items():
                message = message.replace(theirs, ours)
            if any(cure in message for cure in ONLY_THERE):
                message += " (Methods and arguments that are named here are those of estimator_, a PrecomputedUMAP.)"
            error.args = (message,)
        raise


def has_half_a_curve(umap: Any) -> bool:
    """Whether one parameter of the curve was given without the other."""
    return (umap.a is None) != (umap.b is None)


def has_fewer(umap: Any, n_rows: int) -> bool:
    """Whether there are fewer rows than neighbors are asked for, but enough for a map."""
    return n_rows > 2 and isinstance(umap.n_neighbors, int | np.integer) and bool(umap.n_neighbors >= n_rows)


def tell_fewer(umap: Any, n_rows: int) -> None:
    """Say that there are fewer rows than neighbors were asked for, as umap-learn does."""
    if has_fewer(umap, n_rows):
        warn(
            f"n_neighbors={umap.n_neighbors} is larger than the {n_rows} rows allow; it is {n_rows - 1} for this fit.",
            FewerNeighborsWarning,
        )


def tell_later_arguments(function: str, others: dict[str, Any]) -> None:
    """Say once a process of each argument that is umap-learn's, or a later version's, that it is not used."""
    for name, value in others.items():
        _tell(f"{function} {name}", f"{function} does not use {name}={value!r}, an argument of umap-learn's own.")


def _tell(name: str, message: str) -> None:
    if name not in _said:
        _said.add(name)
        warn(f"{message} This is said once a process.", UnusedParameterWarning)
