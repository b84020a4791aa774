"""Parameters of output metrics, as numbers for the kernels."""

import math
from typing import TypeGuard

import numpy as np

from umap_sk._typing import Parameters


def read_space_parameters(metric: str, params: Parameters, n_components: int) -> np.ndarray:
    """Return the exponent of "minkowski", the periods of "torus", and an empty array for other metrics."""
    if metric == "minkowski":
        p = params.get("p", 2.0)
        if not is_number(p) or not 1 <= p <= 30:
            raise ValueError(
                f"output_metric_params={{'p': {p!r}}}, but an exponent from 1 to 30 is needed; for infinity use "
                "output_metric='chebyshev'."
            )
        return np.array([p], np.float32)
    if metric == "torus":
        period = params.get("period", 2 * math.pi)
        if find_numeric_shape(period) not in ((), (n_components,)):
            raise ValueError(
                f"output_metric_params={{'period': {period!r}}}, but n_components={n_components}: give one number for "
                f"all axes, or {n_components} of them."
            )
        periods = np.full(n_components, period, np.float32)
        if not ((periods > 0) & np.isfinite(periods)).all():
            raise ValueError(f"output_metric_params={{'period': {period!r}}}, but periods must be positive.")
        return periods
    return np.empty(0, np.float32)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is one real number."""
    return find_numeric_shape(value) == ()


def find_numeric_shape(value: object) -> tuple[int, ...] | None:
    """Return the shape of real numbers, and None for anything else."""
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        return None
    return array.shape if array.dtype.kind in "fiu" else None
