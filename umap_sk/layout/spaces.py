"""Output spaces other than Euclidean space: their distances, and the conversion of coordinates."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
from numba.core.ccallback import CFunc
from numpy.typing import ArrayLike

from umap_sk import kernels
from umap_sk._typing import DistanceWithGradient, OutputMetric, Parameters
from umap_sk.layout.angles import compute_angles, compute_sines_and_cosines
from umap_sk.layout.space_parameters import read_space_parameters
from umap_sk.neighbors.functions import get_name, order_arguments
from umap_sk.runtime.compile import as_readonly, compile_callback
from umap_sk.runtime.spelling import nearest_name
from umap_sk.runtime.threads import config

PAIRS_TYPE = numba.types.Array(numba.float32, 2, "C")
NUMBERS_TYPE = numba.types.Array(numba.float32, 1, "C")
MEASURE_TYPE = numba.void(PAIRS_TYPE, PAIRS_TYPE, numba.int64, NUMBERS_TYPE, NUMBERS_TYPE, PAIRS_TYPE)


class NamedMetric(NamedTuple):
    """A metric that has a name."""

    pairs: Callable[..., None]  # its kernel
    kind: int  # how positions are projected to the space after a step
    unit: float  # length in the space that corresponds to 1 in the plane, for the steps of the schedule


NAMED_METRICS = {
    "haversine": NamedMetric(kernels.arcs, kernels.UNIT, 0.3),
    "hyperboloid": NamedMetric(kernels.hyperboloids, kernels.HYPERBOLOID, 0.3),
    "manhattan": NamedMetric(kernels.manhattans, kernels.FLAT, 1.0),
    "chebyshev": NamedMetric(kernels.chebyshevs, kernels.FLAT, 1.0),
    "minkowski": NamedMetric(kernels.minkowskis, kernels.FLAT, 1.0),
    "cosine": NamedMetric(kernels.cosines, kernels.UNIT, 0.03),
    "correlation": NamedMetric(kernels.cosines, kernels.CENTERED_UNIT, 0.03),
    "torus": NamedMetric(kernels.toruses, kernels.WRAPPED, 1.0),
}
METRIC_PARAMETERS = {"minkowski": "p", "torus": "period"}  # names in output_metric_params
METRIC_AXES = {"haversine": (2, 2), "hyperboloid": (1, None), "cosine": (2, None), "correlation": (3, None)}
DISTANCES_PER_BLOCK = 2**22  # in memory while the nearest points are searched
BOUND_TOLERANCE = 1e-5  # by which coordinates may exceed their bounds


class Space(NamedTuple):
    """A space of the positions of a layout."""

    name: str  # of the metric, or "function" for a given function
    measure: CFunc  # compiled distances and gradients of pairs
    parameters: np.ndarray  # float32 parameters; of a given function, the errors for :func:`check_raised`
    kind: int  # as in `NamedMetric`
    unit: float
    function: DistanceWithGradient | None = None  # the given function of two points

    @property
    def measured(self) -> tuple[CFunc, np.ndarray, int]:
        """The arguments of kernels that describe the space."""
        return self.measure, self.parameters, self.kind


def resolve_space(metric: OutputMetric, params: Parameters | None, n_components: int) -> Space | None:
    """Check an output metric and its parameters, and return its space, or None for the Euclidean metric."""
    params = params or {}
    if callable(metric):
        arguments = order_arguments(metric, params, "output_metric_params")
        return make_function_space(metric, tuple(arguments.values()), n_components)
    if metric != "euclidean" and metric not in NAMED_METRICS:
        names = ", ".join(map(repr, ("euclidean", *NAMED_METRICS)))
        raise ValueError(
            f"output_metric={metric!r} is not known; the nearest name is "
            f"{nearest_name(metric, ('euclidean', *NAMED_METRICS))!r}. Use {names}, or a function compiled by numba "
            "that returns a distance and its gradient, such as those of umap.distances."
        )
    unknown = sorted(params.keys() - {METRIC_PARAMETERS.get(metric)})
    if unknown:
        taken = f"takes {METRIC_PARAMETERS[metric]!r} alone" if metric in METRIC_PARAMETERS else "takes none"
        raise ValueError(f"output_metric_params has {unknown}, but output_metric={metric!r} {taken}. Remove them.")
    if metric == "euclidean":
        return None
    fewest, most = METRIC_AXES.get(metric, (1, None))
    if n_components < fewest or n_components > (most or n_components):
        needed = f"n_components={fewest}" if most else f"at least n_components={fewest}"
        raise ValueError(f"n_components={n_components}, but output_metric={metric!r} needs {needed}.")
    known, numbers = NAMED_METRICS[metric], read_space_parameters(metric, params, n_components)
    unit = min(1.0, float(numbers.min()) / (2 * math.pi)) if metric == "torus" else known.unit
    return Space(metric, compile_measure(metric), numbers, known.kind, unit)


@functools.cache
def compile_measure(name: str) -> CFunc:
    """Compile the distances of a metric that has a name."""
    return compile_callback(NAMED_METRICS[name].pairs, MEASURE_TYPE)


def make_function_space(function: DistanceWithGradient, arguments: tuple[object, ...], n_components: int) -> Space:
    """Check what a given function returns, and return its space."""
    if not (config.DISABLE_JIT or isinstance(function, numba.core.registry.CPUDispatcher)):
        raise TypeError(
            f"output_metric={function!r} is not compiled. Put numba.njit before it; it is called with two points and "
            "the values of output_metric_params, and returns a distance and its gradient with respect to the first."
        )
    here, there = (np.linspace(start, 0.7, n_components, dtype=np.float32) for start in (0.3, 0.5))
    try:
        found = function(here, there, *arguments)
        shapes = [np.shape(value) for value in found]
    except Exception as error:
        raise ValueError(
            f"output_metric={get_name(function)} cannot be called with two points of n_components={n_components} "
            f"float32 numbers and {len(arguments)} values of output_metric_params: {get_first_line(error)}"
        ) from error
    if shapes != [(), (n_components,)]:
        raise ValueError(
            f"output_metric={get_name(function)} returns values of the shapes {shapes}, but a distance and its "
            f"gradient are needed: [(), ({n_components},)]. umap.distances has such functions, named ..._grad."
        )
    raised = np.zeros(1 + 2 * n_components, np.float32)
    measure, of_points = compile_function_measure(function, arguments), lambda x, y: function(x, y, *arguments)
    return Space("function", measure, raised, kernels.FLAT, 1.0, of_points)


def check_raised(space: Space) -> None:
    """Raise the error that a given function raised in a kernel, where numba cannot raise it."""
    if space.function is None or not space.parameters[0]:
        return
    here, there = np.split(space.parameters[1:].copy(), 2)
    space.parameters[:] = 0
    said, cause = "an error that does not come again", None  # where threads wrote two pairs of points over each other
    try:
        space.function(here, there)
    except Exception as error:
        said, cause = f"{type(error).__name__}: {error}", error
    raise ValueError(
        f"The function of output_metric raised {said}. Its points were {here.tolist()} and {there.tolist()}. Have it "
        "return a distance and a gradient for all points, also for those on one place or far apart."
    ) from cause


def get_first_line(error: Exception) -> str:
    """Return the first line of an error, since messages of numba are long."""
    return next(iter(str(error).strip().splitlines()), repr(error))


def compile_function_measure(function: DistanceWithGradient, arguments: tuple[object, ...]) -> CFunc:
    """Compile the distances of a given function. They are cached if its arguments are hashable."""
    try:
        return _compile_function(function, arguments)
    except TypeError:
        return _compile_function.__wrapped__(function, arguments)


@functools.lru_cache(maxsize=16)
def _compile_function(function: DistanceWithGradient, arguments: tuple[object, ...]) -> CFunc:
    return compile_callback(kernels.of_function(function, arguments), MEASURE_TYPE, kept=False)


def to_positions(space: Space, coordinates: np.ndarray) -> np.ndarray:
    """Return the positions that epochs move from coordinates of the embedding. Angles become unit vectors."""
    positions = np.array(coordinates, np.float32, order="C")
    if space.name == "haversine":
        polar, longitude = np.asarray(coordinates, np.float64).T
        (sine, height), (second, first) = compute_sines_and_cosines(polar), compute_sines_and_cosines(longitude)
        positions = np.stack([sine * first, sine * second, height], 1).astype(np.float32)
    placed = np.flatnonzero(np.isfinite(positions).all(axis=1))
    ended = positions[placed]
    kernels.bring_into_space(ended, space.parameters, space.kind)
    positions[placed] = ended
    return positions


def to_coordinates(metric: OutputMetric, positions: np.ndarray) -> np.ndarray:
    """Return coordinates of the embedding from the positions that epochs move. Unit vectors become angles."""
    if metric != "haversine":
        return positions
    x, y, z = positions.astype(np.float64).T
    return np.stack([compute_angles(np.sqrt(x * x + y * y), z), compute_angles(y, x)], 1).astype(np.float32)


def compute_pair_distances(space: Space, points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the distances of pairs of positions."""
    out = np.empty(len(points), np.float32)
    kernels.paired_in_space(as_readonly(points), as_readonly(others), space.measure, space.parameters, out)
    check_raised(space)
    return out


def find_nearest_in_space(space: Space, coordinates: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the `count` nearest others of each row in ascending order of distance, by brute force."""
    points, opposite = to_positions(space, coordinates), to_positions(space, others)
    out = np.empty((len(points), count), np.int64)
    step = max(1, DISTANCES_PER_BLOCK // len(opposite))
    for begin in range(0, len(points), step):
        part = points[begin : begin + step]
        distances = np.empty((len(part), len(opposite)), np.float32)
        kernels.distances_in_space(as_readonly(part), as_readonly(opposite), space.measure, space.parameters, distances)
        check_raised(space)
        near = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.lexsort((near, np.take_along_axis(distances, near, axis=1)), axis=1)
        out[begin : begin + step] = np.take_along_axis(near, order, axis=1)
    return out


def check_inside(space: Space, init: np.ndarray) -> None:
    """Raise if a given initial layout is outside of the space."""
    bounds = {
        "haversine": ((0, math.pi), (-math.pi, math.pi)),
        "torus": tuple((0, float(period)) for period in space.parameters),
    }.get(space.name, ())
    for axis, (low, high) in enumerate(bounds):
        least, most = float(init[:, axis].min()), float(init[:, axis].max())
        if least < low - BOUND_TOLERANCE or most > high + BOUND_TOLERANCE:
            what = f"{('polar angles', 'longitudes')[axis]} " if space.name == "haversine" else ""
            raise ValueError(
                f"init goes from {least:.3g} to {most:.3g} along axis {axis}, but output_metric={space.name!r} needs "
                f"{what}from {low:.4g} to {high:.4g}. Wrap or scale it, or give a name as init."
            )
    if space.name in ("cosine", "correlation"):
        rows = init - init.mean(axis=1, keepdims=True) if space.name == "correlation" else init
        bad = np.flatnonzero(np.abs(rows).max(axis=1) < 1e-6)
        if len(bad):
            what = "equal numbers" if space.name == "correlation" else "zeros"
            raise ValueError(
                f"init has {len(bad)} rows of nothing but {what}, first row {bad[0]}, which have no direction: "
                f"output_metric={space.name!r} needs one. Add a little noise."
            )
    if space.name == "hyperboloid" and np.linalg.norm(init, axis=1).max() > kernels.MAX_HYPERBOLOID_LENGTH:
        raise ValueError(
            f"init goes up to a length of {np.linalg.norm(init, axis=1).max():.3g}, but output_metric='hyperboloid' "
            f"needs lengths up to {kernels.MAX_HYPERBOLOID_LENGTH:.4g}: farther out float32 does not tell neighbors "
            "apart. Scale it down."
        )


def poincare_disk(coordinates: ArrayLike) -> np.ndarray:
    """Return the points of the Poincare disk (or ball) of an embedding with output_metric="hyperboloid".

    Parameters
    ----------
    coordinates : array-like of shape (n, n_components)
        The embedding: x of the points (x, z) of the hyperboloid ``z^2 = 1 + |x|^2``.

    Returns
    -------
    ndarray of shape (n, n_components)
        ``x / (1 + z)``, within the unit circle.

    Raises
    ------
    ValueError
        If the coordinates are not of this shape.

    Examples
    --------
    >>> import umap_sk
    >>> umap_sk.poincare_disk([[0.0, 0.75], [0.0, 0.0]])
    array([[0.        , 0.33333333],
           [0.        , 0.        ]])
    """
    points = np.asarray(coordinates, np.float64)
    if points.ndim != 2:
        raise ValueError(
            f"coordinates has shape {points.shape}, but (n, n_components) is needed. Give a single point as [point]."
        )
    return points / (1 + np.sqrt(1 + (points**2).sum(axis=1, keepdims=True)))
