"""Checks of features and of distances for a metric."""

import numpy as np

from umap_sk._typing import Features, Metric, Parameters, is_sparse
from umap_sk.neighbors.differences import find_difference_metric
from umap_sk.neighbors.distances import get_power
from umap_sk.neighbors.functions import get_name
from umap_sk.neighbors.rows import MAX_NEGATIVE

MAX_DISTANCE = float(np.finfo(np.float32).max)  # largest distance of a graph
LARGEST_ANGLE = 2 * np.pi + 1e-3  # of longitudes, with a margin for rounding
SCALE_DOWN = "Scale the features down, for example by X / np.abs(X).max()."


def check_values(features: Features, metric: Metric, parameters: Parameters) -> None:
    """Raise an error if powers of features would overflow, frequencies are negative, or angles are in degrees."""
    stored = features.data if is_sparse(features) else features
    if not isinstance(metric, str) or metric == "nan_euclidean" or not stored.size:
        return
    low, high = float(stored.min()), float(stored.max())
    if np.isnan(low) or np.isnan(high):
        raise ValueError(f"Input X contains NaN, which metric={metric!r} does not support.")
    limit = 1e300 ** (1 / max(2, get_power(parameters)))
    if max(-low, high) >= limit and metric not in ("cosine", "correlation", "hellinger"):
        raise ValueError(
            f"X goes up to {max(-low, high):.2g}, but metric={metric!r} requires features below {limit:.0e}. "
            f"{SCALE_DOWN}"
        )
    if metric == "hellinger" and low < 0:
        raise ValueError(
            f"Negative values in data passed to metric='hellinger', which compares frequencies: X goes down to {low}. "
            "Pass counts or shares, or use another metric."
        )
    if metric == "haversine" and max(-low, high) > LARGEST_ANGLE:
        raise ValueError(
            f"X goes up to {max(-low, high):.4g}, but metric='haversine' requires latitudes and longitudes in radians. "
            "Convert degrees by np.radians(X)."
        )


def check_distances(metric: Metric, dists: np.ndarray, indices: np.ndarray) -> None:
    """Raise an error if distances overflow, are undefined for some rows, or are negative by more than rounding."""
    valid = dists <= MAX_DISTANCE
    if dists.min(initial=0.0) < 0:
        valid &= dists >= -MAX_NEGATIVE * np.abs(dists).max(axis=1, keepdims=True)
    bad = np.argwhere(~valid)
    if not len(bad):
        return
    row, place = bad[0]
    value, cure = dists[row, place], "Use another metric, or leave such rows out."
    if not isinstance(metric, str):
        cure = "The function must return a distance for all pairs of rows."
    if value > 0 or find_difference_metric(metric, {}) or metric == "minkowski":
        cure = SCALE_DOWN
    elif value < 0:
        cure = "Convert similarities to distances, where small means near (cosine: 1 - similarity)."
    name = repr(metric) if isinstance(metric, str) else get_name(metric)
    raise ValueError(
        f"By metric={name}, row {row} of X is at distance {value} from training row {indices[row, place]}, but "
        f"distances from 0 to {MAX_DISTANCE:.1e} are needed. {cure}"
    )
