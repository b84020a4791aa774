"""Where the layout begins: positions to start from, and the scale that suits them."""

import functools
import math

import numpy as np
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from umap_sk import kernels
from umap_sk._numba import readonly
from umap_sk.curve import Curve
from umap_sk.optimise import Forces, Layout, Phase, begin, run
from umap_sk.strips import ArrangedLevel, smoothed, stride_of

PASSES = 2  # of smoothing
LOWEST, HIGHEST = 0.02, 0.98  # quantiles that give centre and width of an axis
BOUND = 0.75  # widths from the centre at which far points are clipped
LEAST_WIDTH = 1e-6  # of a principal component, as a share of the widest
NARROW = 0.3  # share of the range that the quantiles must span, else ranks are used
SCALES = (6, 9, 13.5, 20, 30, 45, 67.5, 100)
TRIAL_EPOCHS = 15  # of a layout that tries a scale
# Small steps: they tear less apart in so few epochs than those of the coarse levels would.
TRIAL = Phase(0, 0, TRIAL_EPOCHS + 1, step=4.0, fall=2.0, field=False, negatives=kernels.RUN, floor=0.1)
TRIAL_RATIO = 1.75  # between the scales that are tried
MOST_TRIALS = 6  # in one direction
SAMPLED = 64  # rows, at least, whose repulsion is computed in the search for the scale
OPPOSITE = 2_048  # others that each of them is held against, at least


def random_positions(n: int, n_components: int, seed: int) -> np.ndarray:
    """Uniform positions in [-10, 10], a function of row, axis and seed alone.

    Parameters
    ----------
    n, n_components : int
        Shape.
    seed : int
        Seed.

    Returns
    -------
    ndarray of shape (n, n_components), float32
        The positions.
    """
    bits = np.random.Philox(seed).random_raw(n * n_components)
    return ((bits >> np.uint64(40)).astype(np.float32) * np.float32(20 / 2**24) - np.float32(10)).reshape(n, -1)


def pca_positions(features: np.ndarray, n_components: int, seed: int) -> np.ndarray:
    """Leading principal components, by scikit-learn with BLAS on one thread so that the bits can be repeated.

    Parameters
    ----------
    features : ndarray or sparse matrix of shape (n, n_features)
        The data.
    n_components : int
        Axes of the embedding.
    seed : int
        Seed of the randomized solver.

    Returns
    -------
    ndarray of shape (n, n_components), float32
        The positions.

    Raises
    ------
    ValueError
        If there are fewer features or rows than components, or X does not vary in so many directions.
    """
    if min(features.shape) < n_components:
        raise ValueError(
            f"init='pca' needs at least n_components={n_components} features and rows, but X has shape "
            f"{features.shape}. Use init='spectral' or 'random', or pass an array as init."
        )
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(invalid="ignore"):
        positions = PCA(n_components, random_state=seed % 2**32).fit_transform(features).astype(np.float32)
    widths = np.ptp(positions, axis=0)
    if not widths.min() > LEAST_WIDTH * widths.max():
        raise ValueError(
            f"init='pca' needs features that vary in n_components={n_components} directions, but those of X vary in "
            f"{np.count_nonzero(widths > LEAST_WIDTH * widths.max())}. Use init='spectral' or 'random'."
        )
    return positions


def scaled_robustly(positions: np.ndarray) -> np.ndarray:
    """Centre every axis and give it the width 1, by quantiles, which far points do not move; by ranks if many are far.

    Parameters
    ----------
    positions : ndarray of shape (n, d), float32
        Finite positions.

    Returns
    -------
    ndarray of shape (n, d), float32
        Positions within [-0.75, 0.75].
    """
    low, high = np.quantile(positions, [LOWEST, HIGHEST], axis=0)
    span = np.ptp(positions, axis=0).astype(float)
    width = high - low
    share = np.divide(width, span, out=np.zeros_like(width), where=span > 0)
    if share.mean() < NARROW or share.min() <= 0:
        ranks = np.argsort(np.argsort(positions, axis=0, kind="stable"), axis=0, kind="stable")
        return (ranks / len(positions) - 0.5).astype(np.float32)
    scaled = np.empty(positions.shape, np.float32)
    for axis, (middle, extent) in enumerate(zip((low + high) / 2, width, strict=True)):
        column = (positions[:, axis] - middle) / extent
        scaled[:, axis] = np.clip(column, -BOUND, BOUND, out=column)
    return scaled


def smoothed_start(level: ArrangedLevel, positions: np.ndarray) -> np.ndarray:
    """Positions after two passes of averaging over the neighbors, scaled robustly.

    Parameters
    ----------
    level : ArrangedLevel
        The finest level.
    positions : ndarray of shape (n, d), float32
        The given start.

    Returns
    -------
    ndarray of shape (n, d), float32
        Positions within [-0.75, 0.75].
    """
    for _ in range(PASSES):
        positions = smoothed(level, positions, 1.0)
    return scaled_robustly(positions)


def tried_scale(levels: tuple[ArrangedLevel, ...], positions: np.ndarray, forces: Forces, seed: int) -> float:
    """Scale from which a short layout of the coarsest level reaches the lowest loss.

    The scale of the start's own lowest loss is too narrow where the start folds groups onto each other: they need room
    to come apart. How much, only a trial can tell.

    Parameters
    ----------
    levels : tuple of ArrangedLevel
        All levels, the finest first.
    positions : ndarray of shape (n, d), float32
        Positions of the coarsest level's vertices, about 1 wide.
    forces : Forces
        Curve and rates.
    seed : int
        Seed of the trials.

    Returns
    -------
    float
        What to multiply the positions by.
    """
    n_rows, rate = levels[0].n_vertices, forces.negative_rate * forces.gamma
    layout = Layout(levels, (TRIAL._replace(depth=len(levels) - 1),), forces)
    narrow = best_scale(levels[-1], positions, n_rows, forces.curve, rate)

    @functools.cache
    def loss(power: int) -> float:
        scaled = positions * np.float32(narrow * TRIAL_RATIO**power)
        reached = run(layout, begin(layout, scaled, seed), TRIAL_EPOCHS).positions
        return float(expected_losses(levels[-1], reached, np.ones(1), n_rows, forces.curve, rate)[0])

    power, step = (2, 1) if loss(2) < loss(1) else (1, -1)
    while abs(power) < MOST_TRIALS and loss(power + step) < loss(power):
        power += step
    tried = range(power - 1, power + 2)
    return lowest_scale(narrow * TRIAL_RATIO ** np.array(tried, float), np.array([loss(p) for p in tried]))


def best_scale(level: ArrangedLevel, positions: np.ndarray, n_rows: int, curve: Curve, rate: float) -> float:
    """Scale at which positions have the lowest expected loss.

    Parameters
    ----------
    level : ArrangedLevel
        The coarsest level.
    positions : ndarray of shape (n, d), float32
        Its positions, about 1 wide.
    n_rows : int
        Rows that the level stands for.
    curve : Curve
        The curve.
    rate : float
        Weight of the repulsion: negative samples an edge, times their strength.

    Returns
    -------
    float
        What to multiply the positions by.
    """
    scales = np.array(SCALES, float)
    losses = expected_losses(level, positions, scales, n_rows, curve, rate)
    while np.argmin(losses) == len(scales) - 1 and scales[-1] < 1e6:
        more = scales[-1] * 1.5 ** np.arange(1, 4)
        losses = np.concatenate([losses, expected_losses(level, positions, more, n_rows, curve, rate)])
        scales = np.concatenate([scales, more])
    return lowest_scale(scales, losses)


def lowest_scale(scales: np.ndarray, losses: np.ndarray) -> float:
    """Where a parabola through the lowest loss and its neighbors has its lowest point, over the scales' logarithms.

    Parameters
    ----------
    scales, losses : ndarray of float
        Ascending scales and their losses.

    Returns
    -------
    float
        The scale itself where its loss is the first or the last.
    """
    k = int(np.argmin(losses))
    if k in (0, len(scales) - 1):
        return float(scales[k])
    left, right = (math.log(scales[j] / scales[k]) for j in (k - 1, k + 1))
    rise_left, rise_right = (float(losses[j] - losses[k]) for j in (k - 1, k + 1))
    slope = rise_left * right * right - rise_right * left * left
    bend = rise_left * right - rise_right * left
    return float(scales[k]) * (math.exp(slope / (2 * bend)) if bend else 1.0)


def expected_losses(
    level: ArrangedLevel, positions: np.ndarray, scales: np.ndarray, n_rows: int, curve: Curve, rate: float
) -> np.ndarray:
    """Expectation of UMAP's loss a row for every scale (Damrich, Hamprecht 2021, arXiv:2103.14608, theorem 3.1).

    Parameters
    ----------
    level : ArrangedLevel
        A level.
    positions : ndarray of shape (n, d), float32
        Its positions.
    scales : ndarray of float
        What to multiply the positions by.
    n_rows : int
        Rows that the level stands for.
    curve : Curve
        The curve.
    rate : float
        Weight of the repulsion.

    Returns
    -------
    ndarray of float
        One loss a scale: attraction of every fourth row, repulsion over 64 rows against 2,048 or more.
    """
    stride, apart = (stride_of(level.n_vertices, count) for count in (SAMPLED, OPPOSITE))
    parts = -(-level.n_vertices // stride)
    attracted, repelled = np.zeros((2, parts, len(scales)))
    kernels.scale_losses(
        readonly(positions),
        *level.edges,
        level.degree,
        np.ascontiguousarray(level.mass),
        stride,
        apart,
        scales ** (2 * curve.b),
        np.float32(curve.a),
        np.float32(curve.b),
        attracted,
        repelled,
    )
    rows = np.arange(level.n_vertices) % stride % kernels.THIN == 0
    share, sampled = float(rows.mean()), float(level.mass[::stride].sum())
    return attracted.sum(0) / share / n_rows + repelled.sum(0) / n_rows * rate / 2 / sampled
