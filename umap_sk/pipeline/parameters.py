"""The valid values and the defaults of the parameters of a fit."""

import os
from collections.abc import Callable
from numbers import Integral, Real
from types import SimpleNamespace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_parameter_constraints

from umap_sk._typing import Metric, OutputMetric, Parameters
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.layout.curve import MAX_RATE
from umap_sk.layout.start import START_NAMES
from umap_sk.neighbors.choice import SEARCHER_NAMES, Searcher
from umap_sk.runtime.spelling import nearest_name, validate_names

CONSTRAINTS: dict[str, list[object]] = {
    "n_neighbors": [Interval(Integral, 2, None, closed="left")],
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "metric": [str, callable],
    "metric_params": [dict, None],
    "searcher": [StrOptions(set(SEARCHER_NAMES)), HasMethods("kneighbors"), HasMethods("transform")],
    "min_dist": [Interval(Real, 0, None, closed="left")],
    "spread": [Interval(Real, 1 / MAX_RATE, MAX_RATE, closed="both")],
    "a": [Interval(Real, 0, None, closed="neither"), None],
    "b": [Interval(Real, 0, None, closed="neither"), None],
    "local_connectivity": [Interval(Real, 0, None, closed="left")],
    "set_op_mix_ratio": [Interval(Real, 0, 1, closed="both")],
    "disconnection_distance": [Interval(Real, 0, None, closed="right"), None],
    "symmetrize": ["boolean"],
    "target_metric": [str, None],
    "target_weight": [Interval(Real, 0, 1, closed="both")],
    "target_n_neighbors": [Interval(Integral, 2, None, closed="left"), None],
    "init": [StrOptions(set(START_NAMES)), "array-like"],
    "rescale_init": ["boolean"],
    "n_epochs": [Interval(Integral, 1, None, closed="left"), None],
    "learning_rate": [Interval(Real, 0, MAX_RATE, closed="right")],
    "negative_sample_rate": [Interval(Real, 0, MAX_RATE, closed="right")],
    "repulsion_strength": [Interval(Real, 0, MAX_RATE, closed="both")],
    "multilevel": ["boolean"],
    "output_metric": [str, callable],
    "output_metric_params": [dict, None],
    "random_state": ["random_state", np.random.Generator],
    "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
    "verbose": ["verbose"],
    "dens_lambda": [Interval(Real, 0, MAX_RATE, closed="both")],
    "dens_frac": [Interval(Real, 0, 1, closed="both")],
    "dens_var_shift": [Interval(Real, 0, MAX_RATE, closed="both")],
    "checkpoint": [Checkpoint, str, os.PathLike, None],
}

RandomState: TypeAlias = Integral | np.random.RandomState | np.random.Generator | None
"""The source of a seed."""


class ParameterValues(NamedTuple):
    """The values of all parameters except the checkpoint, which no step of the pipeline uses, and their defaults."""

    n_neighbors: int = 15
    n_components: int = 2
    metric: Metric = "precomputed"
    metric_params: dict[str, object] | None = None
    searcher: Searcher = "auto"
    min_dist: float = 0.1
    spread: float = 1.0
    a: float | None = None
    b: float | None = None
    local_connectivity: float = 1.0
    set_op_mix_ratio: float = 1.0
    disconnection_distance: float | None = None
    symmetrize: bool = True
    target_metric: str | None = None
    target_weight: float = 0.5
    target_n_neighbors: int | None = None
    init: str | ArrayLike = "auto"
    rescale_init: bool = True
    n_epochs: int | None = None
    learning_rate: float = 1.0
    negative_sample_rate: float = 5
    repulsion_strength: float = 1.0
    output_metric: OutputMetric = "euclidean"
    output_metric_params: dict[str, object] | None = None
    multilevel: bool = True
    dens_lambda: float = 0.0
    dens_frac: float = 0.3
    dens_var_shift: float = 0.1
    random_state: RandomState = None
    n_jobs: int | None = None
    verbose: bool = False


def validate_parameters(estimator: BaseEstimator | SimpleNamespace, check: Callable[[], object]) -> None:
    """Run a check of constraints, and add suggestions for misspelled names to its errors."""
    validate_names(estimator, check, init=START_NAMES, searcher=SEARCHER_NAMES)


def check_parameters(parameters: Parameters) -> None:
    """Raise ValueError if a parameter is unknown or has an invalid value."""
    unknown = sorted(parameters.keys() - CONSTRAINTS.keys())
    if unknown:
        raise ValueError(
            f"{unknown[0]!r} is no parameter; the nearest name is {nearest_name(unknown[0], CONSTRAINTS)!r}."
        )
    values = SimpleNamespace(**parameters)
    validate_parameters(values, lambda: validate_parameter_constraints(CONSTRAINTS, dict(parameters), "settings_of"))
