"""Distances by a function of two rows, which numba may have compiled.

The function receives copies of the rows, so that it cannot change the features. It returns the distance, or like the
functions of umap-learn a tuple of the distance and its gradient.
"""

import inspect
from collections.abc import Callable

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError
from numba.extending import overload

from umap_sk._typing import DistanceFunction, Features, Parameters, is_sparse

Comparison = Callable[[Features, Features], np.ndarray]
"""A function that returns the distances of one row, of shape (1, n_features), to other rows."""


def get_name(metric: Callable[..., object]) -> str:
    """Return the name of a function for messages."""
    return getattr(metric, "__name__", type(metric).__name__)


def bind_arguments(
    metric: Callable[..., object], parameters: Parameters, name: str = "metric_params"
) -> inspect.BoundArguments | None:
    """Return the arguments of a call with two rows, or None if the function does not say which ones it takes.

    `name` is the estimator's parameter that contains the arguments, for messages.
    """
    try:
        signature = inspect.signature(metric)
    except ValueError:
        return None
    try:
        bound = signature.bind(None, None, **parameters)
    except TypeError as error:
        raise ValueError(
            f"The metric {get_name(metric)} cannot be called with two rows and {name}="
            f"{dict(parameters) or None!r}: {error}. Its arguments are {signature}; give a value for each one after "
            "the rows."
        ) from None
    bound.apply_defaults()
    return bound


def order_arguments(
    metric: Callable[..., object], parameters: Parameters, name: str = "metric_params"
) -> dict[str, object]:
    """Return the arguments in the order of the function, with its defaults, for calls by position."""
    bound = bind_arguments(metric, parameters, name)
    return dict(parameters) if bound is None or not parameters else dict(list(bound.arguments.items())[2:])


def make_comparison(metric: DistanceFunction, parameters: Parameters) -> Comparison:
    """Return a comparison of one row with others by a function and its arguments."""
    bound = bind_arguments(metric, parameters)
    arguments = tuple(parameters.values()) if bound is None else bound.args[2:]
    if isinstance(metric, Dispatcher):
        return lambda row, others: _compare_compiled(metric, arguments, row, others)
    by_name = {} if bound is None else bound.kwargs

    def compare(row: Features, others: Features) -> np.ndarray:
        ends = range(1, others.shape[0] + 1)
        pairs = ((row, others[end - 1 : end]) if is_sparse(others) else (row[0], others[end - 1]) for end in ends)
        copies = ((x.copy(), y.copy()) for x, y in pairs)  # type: ignore[union-attr]
        return np.array([get_distance(metric(*pair, *arguments, **by_name)) for pair in copies], np.float64)

    return compare


def compute_all(compare: Comparison, rows: Features, others: Features) -> np.ndarray:
    """Return the distances of rows to others."""
    return np.stack([compare(rows[row : row + 1], others) for row in range(rows.shape[0])])


def get_distance(value: float | tuple[float, np.ndarray]) -> float:
    """Return the distance from what a function returns."""
    return value[0] if isinstance(value, tuple) else value


@overload(get_distance)
def _get_compiled_distance(value):
    if isinstance(value, numba.types.BaseTuple):
        return lambda value: value[0]
    return lambda value: value


@numba.njit(nogil=True)
def _fill(metric, arguments, row, others, out):
    x, y = np.empty_like(row), np.empty_like(row)
    for j in range(others.shape[0]):
        x[:] = row
        y[:] = others[j]
        out[j] = get_distance(metric(x, y, *arguments))


def _compare_compiled(metric: Dispatcher, arguments: tuple[object, ...], row: Features, others: Features) -> np.ndarray:
    """Compare by a compiled function, which compiled code calls."""
    if is_sparse(others):
        raise ValueError(
            f"The metric {get_name(metric)} is compiled by numba, which does not support sparse rows. Pass X as an "
            "array (X.toarray()), or a function that is not compiled."
        )
    out = np.empty(others.shape[0])
    try:
        _fill(metric, arguments, np.asarray(row)[0], np.asarray(others), out)
    except (NumbaError, TypeError) as error:
        raise ValueError(
            f"numba cannot compile a call of the metric {get_name(metric)} with two rows of {others.dtype}"
            f"{f' and the arguments {arguments}' if arguments else ''}. Convert the features to the type that it takes "
            "(X.astype(...)), or pass the function without numba.njit."
        ) from error
    return out
