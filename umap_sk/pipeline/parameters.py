"""The parameters of a fit: which values they may have, and their defaults."""

import os
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_parameter_constraints

from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.layout.curve import MAX_RATE
from umap_sk.layout.start import START_NAMES
from umap_sk.neighbors.choice import SEARCHER_NAMES
from umap_sk.runtime.spelling import nearest_name, validate_names

CONSTRAINTS: dict[str, list[Any]] = {
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

DEFAULTS: dict[str, Any] = {
    "n_neighbors": 15,
    "n_components": 2,
    "metric": "precomputed",
    "metric_params": None,
    "searcher": "auto",
    "min_dist": 0.1,
    "spread": 1.0,
    "a": None,
    "b": None,
    "local_connectivity": 1.0,
    "set_op_mix_ratio": 1.0,
    "disconnection_distance": None,
    "symmetrize": True,
    "target_metric": None,
    "target_weight": 0.5,
    "target_n_neighbors": None,
    "init": "auto",
    "rescale_init": True,
    "n_epochs": None,
    "learning_rate": 1.0,
    "negative_sample_rate": 5,
    "repulsion_strength": 1.0,
    "output_metric": "euclidean",
    "output_metric_params": None,
    "multilevel": True,
    "dens_lambda": 0.0,
    "dens_frac": 0.3,
    "dens_var_shift": 0.1,
    "random_state": None,
    "n_jobs": None,
    "verbose": False,
}
"""The default of every parameter, but for the checkpoint, which no step of the pipeline reads."""


def validate(estimator: Any, by_constraints: Callable[[], object]) -> None:
    """Validate parameters by their constraints; errors name what misspelled names are near."""
    validate_names(estimator, by_constraints, init=START_NAMES, searcher=SEARCHER_NAMES)


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise ValueError if a parameter is not known, or has a value that it must not have."""
    unknown = sorted(parameters.keys() - CONSTRAINTS.keys())
    if unknown:
        raise ValueError(
            f"{unknown[0]!r} is no parameter; the nearest name is {nearest_name(unknown[0], CONSTRAINTS)!r}."
        )
    values = SimpleNamespace(**parameters)
    validate(values, lambda: validate_parameter_constraints(CONSTRAINTS, dict(parameters), "settings_of"))
