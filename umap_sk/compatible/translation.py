"""Translation of umap-learn's parameters to those of PrecomputedUMAP, with warnings about unused ones."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from umap_sk._typing import Metric
from umap_sk.compatible.distances import METRICS, TEXT_METRICS, make_pair_function
from umap_sk.exceptions import FewerNeighborsWarning, UnusedParameterWarning, warn
from umap_sk.neighbors.distances import check_metric
from umap_sk.umap_learn.models import SHARED_PARAMETERS, resolve_metric

if TYPE_CHECKING:
    from umap_sk.compatible.umap import UMAP

UNUSED_PARAMETERS = {
    "low_memory": True,
    "transform_queue_size": 4.0,
    "angular_rp_forest": False,
    "force_approximation_algorithm": False,
    "transform_seed": 42,
    "tqdm_kwds": None,
    "optimizer": None,
    "compatibility_layout": None,
}
"""Parameters that only choose how umap-learn computes, with their defaults."""

INIT_ALIASES = {"tswspectral": "spectral", "recursive": "auto"}
"""Initial layouts of umap-learn, and what replaces them."""

ARGUMENT_ALIASES = {("mahalanobis", "vinv"): "VI", ("seuclidean", "sigma"): "V"}
"""Arguments of metrics that have other names in umap-learn."""

TARGET_METRIC_ALIASES = {"ordinal": "euclidean", "count": "euclidean", "string": "categorical"}
"""Metrics of targets, and what replaces them: numbers whose differences have the same order, and labels."""

DIFFERENCE_METRICS = {"ordinal": "manhattan", "count": "manhattan"}
"""Metrics that compare rows by the differences of their numbers. Factors such as `support_size` change no map."""

TINY_LEARNING_RATE = float(np.finfo(np.float32).tiny)
"""A learning rate that moves no row."""

NO_FEATURES_MESSAGE = (
    "The model has no features to search among. Give those of the fit by set_features, or pass neighbors of new "
    "rows: estimator_.transform(knn_indices=..., knn_dists=...)."
)
"""The message of errors about models without features."""

MESSAGE_REPLACEMENTS = {
    "The estimator was fitted without features, so it cannot search among them. Pass knn_indices and knn_dists, or fit "
    "with features as X.": NO_FEATURES_MESSAGE,
    "Pass them, row for row as in fit: inverse_transform(places, features=...)": "Set those of the fit by set_features",
    "Pass knn_indices and knn_dists of the new rows, or learn a manifold of all rows, the old ones first, and pass it "
    "as manifold": "Set the features of the fit by set_features",
    "Nothing to work on: give X (a kNN distance graph, or features with a metric), knn_indices and knn_dists, or a "
    "manifold.": "X is None. Give features, or distances with metric='precomputed'.",
    "If X contains features, pass knn_indices and knn_dists, or fit": "If X contains features, fit",
    "pass them as X beside knn_indices and knn_dists (or the manifold), pass components": "pass components",
    "metric_params": "metric_kwds",
    "and pass knn_indices and knn_dists": "and pass precomputed_knn=(indices, distances, None)",
    "et dens_lambda=0": "et densmap=False",
    "PrecomputedUMAP": "UMAP",
    "use UMAP(metric='euclidean'), whose": "use umap_sk.PrecomputedUMAP(metric='euclidean'), whose",
}
"""Parts of the estimator's error messages, and what replaces them for a UMAP."""

ESTIMATOR_REMEDIES = ("set_params(", "learn_manifold", "Pass knn_indices", "features=")
"""Parts of remedies that only the estimator has."""

_warned: set[str] = set()


def translate_parameters(umap: "UMAP", n_rows: int, *, targets: bool) -> dict[str, object]:
    """Translate the parameters of a UMAP to those of a PrecomputedUMAP for the given number of rows."""
    names = {name: getattr(umap, name) for name in (*SHARED_PARAMETERS, "searcher")}
    if has_few_rows(umap, n_rows):
        names["n_neighbors"] = max(2, n_rows - 1)
    if has_incomplete_curve(umap):
        names |= {"a": None, "b": None}
    if np.isscalar(umap.negative_sample_rate) and umap.negative_sample_rate == 0:
        names |= {"negative_sample_rate": 1, "repulsion_strength": 0.0}
    names |= translate_metric(umap) | translate_init(umap) | translate_n_epochs(umap)
    if targets:
        count, metric = umap.target_n_neighbors, umap.target_metric
        names |= {
            "target_metric": resolve_metric(TARGET_METRIC_ALIASES.get(metric, metric)),
            "target_weight": umap.target_weight,
        }
        names |= {} if count == -1 else {"target_n_neighbors": count}
    if resolve_metric(umap.output_metric) != "euclidean":
        names |= {
            "output_metric": resolve_metric(umap.output_metric),
            "output_metric_params": umap.output_metric_kwds or None,
        }
    if umap.densmap or umap.output_dens:
        names |= {name: getattr(umap, name) for name in ("dens_lambda", "dens_frac", "dens_var_shift")}
        if not umap.densmap or umap.dens_lambda == 0:  # only the radii are wanted
            names |= {"dens_lambda": 1.0, "dens_frac": 0.0}
    return names


def translate_metric(umap: "UMAP") -> dict[str, object]:
    """Translate the metric and its arguments."""
    return dict(zip(("metric", "metric_params"), convert_metric(umap.metric, umap.metric_kwds), strict=True))


def convert_metric(metric: Metric, arguments: dict[str, object] | None) -> tuple[Metric, dict[str, object] | None]:
    """Return a metric and its arguments for the estimator."""
    if callable(metric):
        return metric, arguments or None
    if metric in METRICS and metric not in TEXT_METRICS:
        return make_pair_function(metric, arguments), None
    if metric in TEXT_METRICS or metric in DIFFERENCE_METRICS:
        return DIFFERENCE_METRICS.get(metric, "string"), None
    name = resolve_metric(metric)
    if name == "precomputed":
        return name, None
    return name, {ARGUMENT_ALIASES.get((name, key), key): value for key, value in (arguments or {}).items()} or None


def translate_init(umap: "UMAP") -> dict[str, object]:
    """Translate the initial layout. A graph without a map needs none."""
    if umap.transform_mode == "graph":
        return {"init": "random"}
    return {"init": INIT_ALIASES.get(umap.init, umap.init) if isinstance(umap.init, str) else umap.init}


def translate_n_epochs(umap: "UMAP") -> dict[str, object]:
    """Translate the number of epochs. Instead of none, one epoch runs that moves no row."""
    if umap.transform_mode == "graph":
        return {"n_epochs": 1}
    if keeps_init(umap):
        one_epoch: dict[str, object] = {"n_epochs": 1, "learning_rate": TINY_LEARNING_RATE}
        return one_epoch if isinstance(umap.init, str) else one_epoch | {"rescale_init": False, "multilevel": False}
    stops = get_stop_epochs(umap)
    return {"n_epochs": umap.n_epochs if stops is None else stops[-1]}


def keeps_init(umap: "UMAP") -> bool:
    """Return whether the map must equal the initial layout."""
    no_epochs = isinstance(umap.n_epochs, int | np.integer) and umap.n_epochs == 0
    return no_epochs or (isinstance(umap.learning_rate, int | float) and umap.learning_rate == 0)


def get_stop_epochs(umap: "UMAP") -> list[int] | None:
    """Return the epochs after which maps are kept, in order, or None if `n_epochs` is no list."""
    if umap.transform_mode == "graph" or keeps_init(umap) or not isinstance(umap.n_epochs, list | tuple):
        return None
    whole = all(isinstance(stop, int | np.integer) and stop >= 0 for stop in umap.n_epochs)
    if not whole or not any(umap.n_epochs):
        raise ValueError(
            f"n_epochs={umap.n_epochs!r}, but a list needs whole numbers of at least 0, of which one is larger."
        )
    return sorted(umap.n_epochs)


def warn_about_unused(umap: "UMAP") -> None:
    """Warn once a process about each parameter that is not used or has another meaning."""
    for name, default in UNUSED_PARAMETERS.items():
        value = getattr(umap, name)
        if value != default and (name != "tqdm_kwds" or value):
            _warn_once(name, f"{name}={value!r} only chooses how umap-learn computes; it is not used here.")
    if isinstance(umap.init, str) and umap.init in INIT_ALIASES:
        _warn_once(umap.init, f"init={umap.init!r} is init={INIT_ALIASES[umap.init]!r} here, which scales as well.")
    if isinstance(umap.metric, str) and umap.metric in DIFFERENCE_METRICS:
        _warn_once(
            f"metric={umap.metric}", f"metric={umap.metric!r} compares rows by the differences of their numbers."
        )
    if umap.target_metric in ("count", "string"):
        how = "as numbers" if umap.target_metric == "count" else "as labels, which are equal or not"
        _warn_once(
            f"target_metric={umap.target_metric}", f"target_metric={umap.target_metric!r} compares targets {how}."
        )
    if has_incomplete_curve(umap):
        _warn_once(
            "a and b",
            f"a={umap.a!r} and b={umap.b!r}: one without the other is not used; both follow min_dist and spread.",
        )
    given = umap.precomputed_knn
    if isinstance(given, tuple | list) and len(given) > 2 and given[2] is not None:
        _warn_once("precomputed_knn", "The search index in precomputed_knn is not used: new rows are searched exactly.")


def check_metric_name(umap: "UMAP") -> None:
    """Raise an error if the name of the metric is unknown, and suggest the most similar name."""
    if not callable(umap.metric) and umap.metric not in (*METRICS, *DIFFERENCE_METRICS):
        check_metric(resolve_metric(umap.metric), (*METRICS, *DIFFERENCE_METRICS))


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Rewrite errors of the estimator in terms of a UMAP, or say that their remedies belong to the estimator."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if len(error.args) == 1 and isinstance(error.args[0], str):
            message = error.args[0]
            for text, replacement in MESSAGE_REPLACEMENTS.items():
                message = message.replace(text, replacement)
            if any(remedy in message for remedy in ESTIMATOR_REMEDIES):
                message += " (Methods and arguments that are named here are those of estimator_, a PrecomputedUMAP.)"
            error.args = (message,)
        raise


def has_incomplete_curve(umap: "UMAP") -> bool:
    """Return whether only one parameter of the curve was given."""
    return (umap.a is None) != (umap.b is None)


def has_few_rows(umap: "UMAP", n_rows: int) -> bool:
    """Return whether there are too few rows for `n_neighbors`, but enough for a map."""
    return n_rows > 1 and isinstance(umap.n_neighbors, int | np.integer) and bool(umap.n_neighbors >= n_rows)


def warn_about_few_rows(umap: "UMAP", n_rows: int) -> None:
    """Warn if there are too few rows for `n_neighbors`, as umap-learn does."""
    if has_few_rows(umap, n_rows):
        warn(
            f"n_neighbors={umap.n_neighbors} is larger than the {n_rows} rows allow; it is {max(2, n_rows - 1)} for "
            "this fit.",
            FewerNeighborsWarning,
        )


def warn_about_arguments(function: str, others: Mapping[str, object]) -> None:
    """Warn once a process about each argument that is not used, such as those of later versions of umap-learn."""
    for name, value in others.items():
        _warn_once(f"{function} {name}", f"{function} does not use {name}={value!r}, an argument of umap-learn's own.")


def _warn_once(name: str, message: str) -> None:
    if name not in _warned:
        _warned.add(name)
        warn(f"{message} This is said once a process.", UnusedParameterWarning)
