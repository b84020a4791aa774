"""Initial layouts that need no graph: random positions and principal components."""

import numpy as np
from threadpoolctl import threadpool_limits

from umap_sk._typing import Features, is_sparse
from umap_sk.linear_algebra.principal_directions import center_rows, compute_coordinates, find_principal_directions

MAX_COORDINATE = 1e15  # of given positions, whose squares must be finite in float32
FEATURE_LIMITS = {8: 1e150, 4: 1e15}  # by the bytes of a number: sums of squares of smaller features are finite
MIN_WIDTH_SHARE = 1e-6  # of a principal component, relative to the widest one
THIN_SHARE = 0.01  # A second principal component narrower than this share of the first one is mostly noise.


def draw_positions(n: int, n_components: int, seed: int) -> np.ndarray:
    """Draw uniform positions in [-10, 10], which depend only on row, axis and seed."""
    bits = np.random.Philox(seed).random_raw(n * n_components)
    return ((bits >> np.uint64(40)).astype(np.float32) * np.float32(20 / 2**24) - np.float32(10)).reshape(n, -1)


def compute_pca_positions(features: Features, n_components: int, seed: int) -> np.ndarray:
    """Return the leading principal components."""
    if min(features.shape) < n_components:
        raise ValueError(
            f"init='pca' needs at least n_components={n_components} features and rows, but X has shape "
            f"{features.shape}. Use init='auto', 'spectral' or 'random', or pass an array as init."
        )
    positions = compute_principal_components(features, n_components, seed)
    directions = count_varying_directions(positions)
    if directions < n_components:
        raise ValueError(
            f"init='pca' needs features that vary in n_components={n_components} directions, but those of X vary in "
            f"{directions}. Use init='auto', 'spectral' or 'random'."
        )
    return positions


def compute_principal_components(features: Features, n_components: int, seed: int) -> np.ndarray:
    """Return the principal components, scaled to [-1, 1]. Axes without variance contain rounding errors.

    The largest entry of each direction is positive.
    """
    with threadpool_limits(limits=1, user_api="blas"):  # more threads take longer for products as narrow as these
        rows = center_rows(features)
        directions = find_principal_directions(rows, n_components, seed).vectors
        farthest = np.argmax(np.abs(directions), axis=1)
        signs = np.where(directions[np.arange(n_components), farthest] < 0, -1.0, 1.0)
        positions = compute_coordinates(rows, directions * signs[:, None])
    return (positions / max(np.abs(positions).max(), np.finfo(positions.dtype).tiny)).astype(np.float32)


def count_varying_directions(positions: np.ndarray) -> int:
    """Return the number of principal components that exceed rounding errors."""
    widths = np.ptp(positions, axis=0)
    return int(np.count_nonzero(widths > MIN_WIDTH_SHARE * widths.max()))


def is_thin(positions: np.ndarray) -> bool:
    """Return whether the points lie along a line. The graph then tells more than the second component does."""
    widths = np.ptp(positions[:, :2], axis=0)
    return bool(widths.min() < THIN_SHARE * widths.max())


def choose_automatic_start(
    features: Features | None, has_lengths: bool, n_components: int, seed: int
) -> str | np.ndarray:
    """Return principal components if the features vary in enough directions, and else the name of another start."""
    positions = compute_suitable_components(features, n_components, seed)
    if positions is not None and not is_thin(positions):
        return positions
    return "pivot_mds" if has_lengths else "spectral"


def compute_suitable_components(features: Features | None, n_components: int, seed: int) -> np.ndarray | None:
    """Return the principal components, or None if there are no features that vary in enough directions."""
    if features is None or min(features.shape) < n_components or not squares_are_finite(features):
        return None
    if is_sparse(features) and features.shape[0] == features.shape[1]:  # a graph
        return None
    positions = compute_principal_components(features, n_components, seed)
    return positions if count_varying_directions(positions) == n_components else None


def squares_are_finite(features: Features) -> bool:
    """Return whether all values are finite, and small enough for sums of squares."""
    values = features.data if is_sparse(features) else features
    largest = max(abs(float(values.max())), abs(float(values.min()))) if values.size else 0.0
    return largest < FEATURE_LIMITS[features.dtype.itemsize]
