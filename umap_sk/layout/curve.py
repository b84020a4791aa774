"""The curve 1 / (1 + a d^2b), which is the similarity of two points of the map at distance d."""

import functools
import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.runtime.compile import get_python_function

FIT_ROUNDS = 30  # of the fit. Only the first 20 change the result.
exponential = get_python_function(kernels.exponential)  # returns the same bits on every machine
log_of = get_python_function(kernels.log_of)

MAX_RATE = 1e12  # of rates and scales, since a layout squares products of them in float32
MAX_EXPONENT = 30.0  # of b


class Curve(NamedTuple):
    """Parameters of the similarity ``1 / (1 + a d ** (2 b))`` of two points at distance d of the embedding.

    Attributes
    ----------
    a, b : float
        Both positive.
    """

    a: float
    b: float


@functools.lru_cache(maxsize=64)
def fit_curve(spread: float = 1.0, min_dist: float = 0.1) -> Curve:
    """Fit the curve to an exponential that begins at `min_dist` (McInnes et al. 2018, section 3.2, definition 11).

    Examples
    --------
    >>> curve = fit_curve(1.0, 0.1)
    >>> round(curve.a, 3), round(curve.b, 3)
    (1.577, 0.895)
    """
    distances = np.linspace(0, 3, 300)[1:]  # in units of the spread, without 0, where every curve is 1
    shift = min_dist / spread
    target = np.where(distances < shift, 1.0, exponential(np.maximum(0.0, distances - shift)))
    logarithms = log_of(1024 * distances) - log_of(1024.0)
    a, b = 1.0, 1.0
    for _ in range(FIT_ROUNDS):
        step = compute_gauss_newton_step(a, b, logarithms, target)
        a, b = a * min(2.0, max(0.5, 1 + step[0] / a)), b * min(2.0, max(0.5, 1 + step[1] / b))
    return Curve(float(a * spread ** (-2 * b)), float(b))


def resolve_curve(a: float | None, b: float | None, *, spread: float, min_dist: float) -> Curve:
    """Return the curve with the parameters given, or fit it to `spread` and `min_dist`.

    Raises
    ------
    ValueError
        If one of `a` and `b` is missing, float32 cannot follow the curve, or `min_dist` is above `spread`.
    """
    if a is not None and b is not None:
        return check_curve(Curve(float(a), float(b)))
    if a is not None or b is not None:
        raise ValueError(f"a={a!r} and b={b!r}: give both parameters of the curve, or neither.")
    if min_dist > spread:
        raise ValueError(f"min_dist={min_dist} must be at most spread={spread}. Lower one or raise the other.")
    return fit_curve(float(spread), float(min_dist))


def check_curve(curve: Curve) -> Curve:
    """Return the curve if float32 can represent it, and raise otherwise."""
    if not 1 / MAX_EXPONENT <= curve.b <= MAX_EXPONENT:
        raise ValueError(
            f"b={curve.b} is no exponent of a curve: give 1/{MAX_EXPONENT:.0f} to {MAX_EXPONENT:.0f} (default: 0.9)."
        )
    halves = -math.log10(curve.a) / (2 * curve.b)
    if abs(halves) > math.log10(MAX_RATE) or abs(math.log10(curve.a)) > 30:
        raise ValueError(
            f"a={curve.a} with b={curve.b}: points are near up to a distance of a ** (-1 / 2b) = 1e{halves:+.0f}, but "
            f"{1 / MAX_RATE:.0e} to {MAX_RATE:.0e} is needed, and a from 1e-30 to 1e+30. Give a nearer 1, "
            "or min_dist and spread instead."
        )
    return curve


def compute_gauss_newton_step(a: float, b: float, logarithms: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Return the steps of a and b by the Gauss-Newton method, for distances with these logarithms."""
    powers = exponential(-2 * b * logarithms)
    similarities = 1 / (1 + a * powers)
    missing = target - similarities
    by_a = -similarities * similarities * powers
    by_b = 2 * a * by_a * logarithms
    aa, ab, bb = (float((x * y).sum()) for x, y in ((by_a, by_a), (by_a, by_b), (by_b, by_b)))
    of_a, of_b = float((by_a * missing).sum()), float((by_b * missing).sum())
    determinant = aa * bb - ab * ab
    return (bb * of_a - ab * of_b) / determinant, (aa * of_b - ab * of_a) / determinant
