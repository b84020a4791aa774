"""An estimator's parameters: which values are allowed, and what they come to for the graph and for the layout."""

import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from umap_sk import inputs
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.layout.curve import Curve, fit_curve
from umap_sk.layout.density import SHIFT, Density
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.problem import Schedule
from umap_sk.layout.spaces import Space, space_of
from umap_sk.neighbors.choice import SEARCHER_NAMES, SearchSettings
from umap_sk.other_names import validate_names
from umap_sk.targets import settings_of

DISCONNECTION_DISTANCES = {"cosine": 2.0, "correlation": 2.0, "hellinger": 1.0, "jaccard": 1.0, "dice": 1.0}
"""Distances that mean "nothing in common", by metric, as in umap-learn."""

CONSTRAINTS: dict[str, list[Any]] = {
    "n_neighbors": [Interval(Integral, 2, None, closed="left")],
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "metric": [str, callable],
    "metric_params": [dict, None],
    "searcher": [StrOptions(set(SEARCHER_NAMES)), HasMethods("kneighbors"), HasMethods("transform")],
    "min_dist": [Interval(Real, 0, None, closed="left")],
    "spread": [Interval(Real, 1 / inputs.LARGEST_RATE, inputs.LARGEST_RATE, closed="both")],
    "a": [Interval(Real, 0, None, closed="neither"), None],
    "b": [Interval(Real, 0, None, closed="neither"), None],
    "local_connectivity": [Interval(Real, 0, None, closed="left")],
    "set_op_mix_ratio": [Interval(Real, 0, 1, closed="both")],
    "disconnection_distance": [Interval(Real, 0, None, closed="right"), None],
    "symmetrize": ["boolean"],
    "target_metric": [str, None],
    "target_weight": [Interval(Real, 0, 1, closed="both")],
    "target_n_neighbors": [Interval(Integral, 2, None, closed="left"), None],
    "init": [StrOptions(set(inputs.STARTS)), "array-like"],
    "rescale_init": ["boolean"],
    "n_epochs": [Interval(Integral, 1, None, closed="left"), None],
    "learning_rate": [Interval(Real, 0, inputs.LARGEST_RATE, closed="right")],
    "negative_sample_rate": [Interval(Real, 0, inputs.LARGEST_RATE, closed="right")],
    "repulsion_strength": [Interval(Real, 0, inputs.LARGEST_RATE, closed="both")],
    "multilevel": ["boolean"],
    "output_metric": [str, callable],
    "output_metric_params": [dict, None],
    "random_state": ["random_state", np.random.Generator],
    "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
    "verbose": ["verbose"],
    "dens_lambda": [Interval(Real, 0, inputs.LARGEST_RATE, closed="both")],
    "dens_frac": [Interval(Real, 0, 1, closed="both")],
    "dens_var_shift": [Interval(Real, 0, inputs.LARGEST_RATE, closed="both")],
    "checkpoint": [Checkpoint, str, os.PathLike, None],
}


def validate(estimator: Any, by_constraints: Callable[[], object]) -> None:
    """Validate parameters by their constraints; errors name what misspelled names are near."""
    validate_names(estimator, by_constraints, init=inputs.STARTS, searcher=SEARCHER_NAMES)


def graph_parameters(umap: Any) -> dict[str, Any]:
    """Those that decide the graph, with the metric's own disconnection distance filled in."""
    distance = umap.disconnection_distance
    if distance is None:
        distance = DISCONNECTION_DISTANCES.get(umap.metric, np.inf) if isinstance(umap.metric, str) else np.inf
    return {
        "n_neighbors": umap.n_neighbors,
        "local_connectivity": umap.local_connectivity,
        "set_op_mix_ratio": umap.set_op_mix_ratio,
        "disconnection_distance": distance,
        "symmetrize": umap.symmetrize,
    }


def known_of(umap: Any, y: Any) -> dict[str, Any]:
    """What a manifold knows of how it was learned: the graph's parameters, and where it has targets, what they were."""
    of_targets, known = settings_of(umap), graph_parameters(umap)
    hashed = {} if y is None else {"hash": inputs.fingerprints(y=y)["y"]}
    return known if of_targets is None else known | {"targets": of_targets | hashed}


def curve_of(umap: Any) -> Curve:
    """The curve: a and b as given, or fitted."""
    if (umap.a is None) != (umap.b is None):
        raise ValueError(f"a={umap.a!r} and b={umap.b!r}: give both parameters of the curve, or neither.")
    if umap.a is not None:
        return inputs.check_curve(Curve(float(umap.a), float(umap.b)))
    if umap.min_dist > umap.spread:
        raise ValueError(
            f"min_dist={umap.min_dist} must be at most spread={umap.spread}. Lower one or raise the other."
        )
    return fit_curve(float(umap.spread), float(umap.min_dist))


def forces_of(umap: Any, curve: Curve) -> Forces:
    """What pulls and pushes."""
    return Forces(
        curve,
        float(umap.repulsion_strength),
        negative_rate=float(umap.negative_sample_rate),
        learning_rate=float(umap.learning_rate),
        density=density_of(umap),
    )


def density_of(umap: Any) -> Density | None:
    """How much the map keeps density, None for not at all."""
    if not (umap.dens_lambda > 0 and umap.dens_frac > 0):
        return None
    return Density(float(umap.dens_lambda), float(umap.dens_frac), SHIFT * float(umap.dens_var_shift))


def schedule_of(umap: Any) -> Schedule:
    """How long the layout goes."""
    output = {"output_metric": umap.output_metric, "output_metric_params": umap.output_metric_params}
    return Schedule(umap.n_epochs, umap.n_components, umap.multilevel, **output, counted=True)


def output_space(umap: Any) -> Space | None:
    """Where the embedding lies, None for Euclidean space."""
    space = space_of(umap.output_metric, umap.output_metric_params, umap.n_components)
    if space and density_of(umap):
        raise ValueError(
            f"dens_lambda={umap.dens_lambda} keeps density by Euclidean distances in the map, but output_metric is "
            f"{umap.output_metric!r}. Set dens_lambda=0 or output_metric='euclidean'."
        )
    return space


def check_flat(umap: Any, what: str) -> None:
    """Raise if something that moves rows by Euclidean distances meets another output metric."""
    if umap.output_metric != "euclidean":
        raise ValueError(
            f"{what} by Euclidean distances in the map, but output_metric={umap.output_metric!r}. Fit with "
            "output_metric='euclidean'."
        )


def asked_of(umap: Any, seed: int | None = None) -> SearchSettings:
    """How features are to be searched."""
    return SearchSettings(umap.searcher, umap.metric, umap.metric_params, umap.n_jobs, seed, bool(umap.verbose))


def draw_seed(random_state: Any) -> int:
    """Seed of a run: the number that was given, or one drawn from the generator or from numpy's global one."""
    if isinstance(random_state, Integral):
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(check_random_state(random_state).randint(2**31))
