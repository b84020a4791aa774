"""The settings of the steps of a fit, which are made from its parameters."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from umap_sk._typing import Parameters
from umap_sk.layout.curve import Curve, resolve_curve
from umap_sk.layout.density import SHIFT_FACTOR, Density
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.problem import Schedule
from umap_sk.layout.spaces import Space, resolve_space
from umap_sk.neighbors.choice import SearchSettings
from umap_sk.pipeline.parameters import ParameterValues, RandomState, check_parameters
from umap_sk.pipeline.targets import EdgeParameters, TargetSettings

DISCONNECTION_DISTANCES = {"cosine": 2.0, "correlation": 2.0, "hellinger": 1.0, "jaccard": 1.0, "dice": 1.0}
"""Distances that mean "nothing in common", by metric, as in umap-learn."""


class GraphSettings(NamedTuple):
    """The settings for learning the graph from neighbors, as in :class:`umap_sk.PrecomputedUMAP`."""

    n_neighbors: int
    local_connectivity: float
    set_op_mix_ratio: float
    disconnection_distance: float  # infinity keeps all neighbors
    symmetrize: bool
    dens_lambda: float  # above 0, the graph needs the radii of its rows

    @property
    def n_others(self) -> int:
        """Number of neighbors of a row, without the row itself."""
        return self.n_neighbors - 1

    @property
    def edge_parameters(self) -> EdgeParameters:
        """The parameters of the edges' weights."""
        return {
            "n_neighbors": self.n_neighbors,
            "local_connectivity": self.local_connectivity,
            "set_op_mix_ratio": self.set_op_mix_ratio,
            "symmetrize": self.symmetrize,
        }

    def get_identity(self) -> dict[str, object]:
        """Return the parameters that determine the edges, which a manifold stores."""
        return {**self.edge_parameters, "disconnection_distance": self.disconnection_distance}


class LayoutSettings(NamedTuple):
    """The settings for the layout of a graph."""

    n_components: int
    init: str | ArrayLike
    rescale_init: bool  # whether an array as `init` is smoothed and scaled
    schedule: Schedule
    forces: Forces
    space: Space | None  # None for Euclidean space


class Settings(NamedTuple):
    """The valid parameters of a fit, grouped by the step that uses them."""

    graph: GraphSettings
    search: SearchSettings
    layout: LayoutSettings
    targets: TargetSettings | None  # None if y is not used
    random_state: RandomState  # the source of the seed
    verbose: bool
    owner: str  # name of the estimator in messages

    @property
    def takes_distances(self) -> bool:
        """Whether X contains distances, unless neighbors are given as well."""
        return isinstance(self.search.metric, str) and self.search.metric == "precomputed"

    @property
    def n_jobs(self) -> int | None:
        """Number of threads, or None for numba's current number."""
        return self.search.n_jobs


def settings_of(parameters: Parameters) -> Settings:
    """Check parameters of :class:`umap_sk.PrecomputedUMAP`, and return their settings. Missing ones have defaults."""
    check_parameters(parameters)
    return make_settings(parameters)


def make_settings(parameters: Mapping[str, Any], owner: str = "PrecomputedUMAP") -> Settings:
    """Return the settings of parameters whose values have been checked one by one."""
    names = parameters.keys() & set(ParameterValues._fields)
    values = ParameterValues(**{name: _as_python_number(parameters[name]) for name in names})
    verbose = bool(values.verbose)
    search = SearchSettings(
        searcher=values.searcher,
        metric=values.metric,
        metric_params=values.metric_params,
        n_jobs=values.n_jobs,
        seed=None,
        verbose=verbose,
    )
    graph, layout, targets = _make_graph_settings(values), _make_layout_settings(values), _make_target_settings(values)
    return Settings(graph, search, layout, targets, values.random_state, verbose, owner)


def _as_python_number(value: Any) -> Any:
    """Return a number of numpy as one of Python, whose sums cannot overflow. Other values stay as they are."""
    return value.item() if isinstance(value, np.generic) else value


def _make_graph_settings(values: ParameterValues) -> GraphSettings:
    """Return the settings of the graph, with the metric's default for the disconnection distance."""
    distance, metric = values.disconnection_distance, values.metric
    if distance is None:
        distance = DISCONNECTION_DISTANCES.get(metric, np.inf) if isinstance(metric, str) else np.inf
    return GraphSettings(
        n_neighbors=values.n_neighbors,
        local_connectivity=values.local_connectivity,
        set_op_mix_ratio=values.set_op_mix_ratio,
        disconnection_distance=distance,
        symmetrize=values.symmetrize,
        dens_lambda=values.dens_lambda,
    )


def _make_layout_settings(values: ParameterValues) -> LayoutSettings:
    """Return the settings of the layout. Raises ValueError if the output metric does not support densities."""
    space = resolve_space(values.output_metric, values.output_metric_params, values.n_components)
    forces = _make_forces(values)
    if space and forces.density:
        raise ValueError(
            f"dens_lambda={values.dens_lambda} keeps density by Euclidean distances in the map, but output_metric "
            f"is {values.output_metric!r}. Set dens_lambda=0 or output_metric='euclidean'."
        )
    schedule = Schedule(values.n_epochs, values.n_components, values.multilevel)
    schedule = schedule._replace(output_metric=values.output_metric, output_metric_params=values.output_metric_params)
    return LayoutSettings(values.n_components, values.init, values.rescale_init, schedule, forces, space)


def _make_forces(values: ParameterValues) -> Forces:
    """Return the curve, the rates and the density of the layout."""
    curve = resolve_curve(values.a, values.b, spread=values.spread, min_dist=values.min_dist)
    density = None
    if values.dens_lambda > 0 and values.dens_frac > 0:
        shift = SHIFT_FACTOR * float(values.dens_var_shift)
        density = Density(float(values.dens_lambda), float(values.dens_frac), shift)
    return Forces(
        curve,
        float(values.repulsion_strength),
        negative_rate=float(values.negative_sample_rate),
        learning_rate=float(values.learning_rate),
        density=density,
    )


def _make_target_settings(values: ParameterValues) -> TargetSettings | None:
    """Return the settings of targets, or None if no target_metric is set."""
    if values.target_metric is None:
        return None
    count = values.target_n_neighbors or values.n_neighbors
    return TargetSettings(values.target_metric, float(values.target_weight), int(count))


def replace_curve(settings: Settings, curve: Curve) -> Forces:
    """Return the forces of a map that was made with another curve than that of the parameters."""
    return settings.layout.forces._replace(curve=curve)


def check_flat(settings: Settings, what: str) -> None:
    """Raise if the output metric is not Euclidean. The message begins with `what`."""
    metric = settings.layout.schedule.output_metric
    if metric != "euclidean":
        raise ValueError(
            f"{what} by Euclidean distances in the map, but output_metric={metric!r}. Fit with "
            "output_metric='euclidean'."
        )


def draw_seed(settings: Settings) -> int:
    """Return the seed of a run: the given integer, or one from the given generator or from numpy's global one."""
    random_state = settings.random_state
    if isinstance(random_state, Integral):
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(check_random_state(random_state).randint(2**31))
