"""The parameters of a fit as values: what they allow, and what each step of the pipeline makes of them."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from umap_sk.layout.curve import Curve, resolve_curve
from umap_sk.layout.density import SHIFT_FACTOR, Density
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.problem import Schedule
from umap_sk.layout.spaces import Space, resolve_space
from umap_sk.neighbors.choice import SearchSettings
from umap_sk.pipeline.parameters import DEFAULTS, check_parameters
from umap_sk.pipeline.targets import TargetSettings

DISCONNECTION_DISTANCES = {"cosine": 2.0, "correlation": 2.0, "hellinger": 1.0, "jaccard": 1.0, "dice": 1.0}
"""Distances that mean "nothing in common", by metric, as in umap-learn."""


class GraphSettings(NamedTuple):
    """How the graph is learned from neighbors.

    Attributes
    ----------
    n_neighbors : int
        Neighbors of a row, the row itself included.
    local_connectivity, set_op_mix_ratio, symmetrize : float, float, bool
        As in :class:`umap_sk.PrecomputedUMAP`.
    disconnection_distance : float
        The distance at which neighbors are dropped; infinity keeps all.
    dens_lambda : float
        Weight of the density in the map, above 0 where the graph has to know the radii of its rows.
    """

    n_neighbors: int
    local_connectivity: float
    set_op_mix_ratio: float
    disconnection_distance: float
    symmetrize: bool
    dens_lambda: float

    @property
    def n_others(self) -> int:
        """Neighbors of a row, the row itself not counted."""
        return self.n_neighbors - 1

    @property
    def needs_radii(self) -> bool:
        """Whether the graph has to know the radii of its rows."""
        return self.dens_lambda > 0

    def identity(self) -> dict[str, Any]:
        """The parameters that decide the graph's edges, by which a manifold is known."""
        names = "n_neighbors", "local_connectivity", "set_op_mix_ratio", "disconnection_distance", "symmetrize"
        return {name: getattr(self, name) for name in names}


class LayoutSettings(NamedTuple):
    """How a graph is laid out.

    Attributes
    ----------
    n_components : int
        Axes of the embedding.
    init : str or array-like of shape (n_samples, n_components)
        Where the layout begins.
    rescale_init : bool
        Whether an array is smoothed and scaled.
    schedule : Schedule
        Number of epochs and of levels.
    forces : Forces
        The curve, and the rates of attraction, repulsion and density.
    space : Space or None
        Where the embedding lies, if not in Euclidean space.
    """

    n_components: int
    init: Any
    rescale_init: bool
    schedule: Schedule
    forces: Forces
    space: Space | None


class Settings(NamedTuple):
    """The parameters of a fit, checked, by the step that reads them.

    Attributes
    ----------
    graph : GraphSettings
        How the graph is learned.
    search : Asked
        How neighbors are searched among features.
    layout : LayoutSettings
        How the graph is laid out.
    targets : TargetSettings or None
        How y shapes the graph; None where it does not.
    random_state : int, RandomState, Generator or None
        What the seed is drawn from.
    verbose : bool
        Whether progress is shown.
    """

    graph: GraphSettings
    search: SearchSettings
    layout: LayoutSettings
    targets: TargetSettings | None
    random_state: Any
    verbose: bool

    @property
    def takes_distances(self) -> bool:
        """Whether X holds distances, unless neighbors are given beside it."""
        return isinstance(self.search.metric, str) and self.search.metric == "precomputed"

    @property
    def n_jobs(self) -> int | None:
        """Threads; None for numba's current number."""
        return self.search.n_jobs


def settings_of(parameters: Mapping[str, Any]) -> Settings:
    """Check parameters of :class:`umap_sk.PrecomputedUMAP`, and return the settings that they stand for.

    Parameters
    ----------
    parameters : mapping
        Parameters by name; the others have their defaults.

    Returns
    -------
    Settings
        The settings.

    Raises
    ------
    ValueError
        If a parameter has a value that it must not have, or two do not fit together.

    Examples
    --------
    >>> settings = settings_of({"n_neighbors": 10, "metric": "cosine"})
    >>> settings.graph.n_others, settings.graph.disconnection_distance
    (9, 2.0)
    """
    check_parameters(parameters)
    return make_settings(parameters)


def make_settings(parameters: Mapping[str, Any]) -> Settings:
    """Return the settings of parameters whose values have been checked one by one."""
    values = DEFAULTS | dict(parameters)
    verbose = bool(values["verbose"])
    search = SearchSettings(
        searcher=values["searcher"],
        metric=values["metric"],
        metric_params=values["metric_params"],
        n_jobs=values["n_jobs"],
        seed=None,
        verbose=verbose,
    )
    return Settings(_graph(values), search, _layout(values), _targets(values), values["random_state"], verbose)


def _graph(values: dict[str, Any]) -> GraphSettings:
    """How the graph is learned, with the metric's own disconnection distance filled in."""
    distance, metric = values["disconnection_distance"], values["metric"]
    if distance is None:
        distance = DISCONNECTION_DISTANCES.get(metric, np.inf) if isinstance(metric, str) else np.inf
    return GraphSettings(
        n_neighbors=values["n_neighbors"],
        local_connectivity=values["local_connectivity"],
        set_op_mix_ratio=values["set_op_mix_ratio"],
        disconnection_distance=distance,
        symmetrize=values["symmetrize"],
        dens_lambda=values["dens_lambda"],
    )


def _layout(values: dict[str, Any]) -> LayoutSettings:
    """How the graph is laid out; ValueError where the output metric does not go with the density."""
    space = resolve_space(values["output_metric"], values["output_metric_params"], values["n_components"])
    forces = _forces(values)
    if space and forces.density:
        raise ValueError(
            f"dens_lambda={values['dens_lambda']} keeps density by Euclidean distances in the map, but output_metric "
            f"is {values['output_metric']!r}. Set dens_lambda=0 or output_metric='euclidean'."
        )
    schedule = Schedule(values["n_epochs"], values["n_components"], values["multilevel"])
    schedule = schedule._replace(
        output_metric=values["output_metric"], output_metric_params=values["output_metric_params"]
    )
    return LayoutSettings(values["n_components"], values["init"], values["rescale_init"], schedule, forces, space)


def _forces(values: dict[str, Any]) -> Forces:
    """What pulls and pushes."""
    curve = resolve_curve(values["a"], values["b"], spread=values["spread"], min_dist=values["min_dist"])
    density = None
    if values["dens_lambda"] > 0 and values["dens_frac"] > 0:
        shift = SHIFT_FACTOR * float(values["dens_var_shift"])
        density = Density(float(values["dens_lambda"]), float(values["dens_frac"]), shift)
    return Forces(
        curve,
        float(values["repulsion_strength"]),
        negative_rate=float(values["negative_sample_rate"]),
        learning_rate=float(values["learning_rate"]),
        density=density,
    )


def _targets(values: dict[str, Any]) -> TargetSettings | None:
    """How y shapes the graph."""
    if values["target_metric"] is None:
        return None
    count = values["target_n_neighbors"] or values["n_neighbors"]
    return TargetSettings(values["target_metric"], float(values["target_weight"]), int(count))


def forces_by(settings: Settings, curve: Curve) -> Forces:
    """The forces of a map that was made with another curve than the parameters'."""
    return settings.layout.forces._replace(curve=curve)


def check_flat(settings: Settings, what: str) -> None:
    """Raise if something that moves rows by Euclidean distances meets another output metric."""
    metric = settings.layout.schedule.output_metric
    if metric != "euclidean":
        raise ValueError(
            f"{what} by Euclidean distances in the map, but output_metric={metric!r}. Fit with "
            "output_metric='euclidean'."
        )


def draw_seed(settings: Settings) -> int:
    """The seed of a run: the number that was given, or one drawn from the generator or from numpy's global one."""
    random_state = settings.random_state
    if isinstance(random_state, Integral):
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(check_random_state(random_state).randint(2**31))
