"""The curve 1 / (1 + a d^2b) that says how near two points of the embedding are."""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import curve_fit

LARGEST_RATE = 1e12  # rates and scales: a layout squares what it makes of them, in float32
STEEPEST = 30.0  # exponent b


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
    distances = np.linspace(0, 3, 300)  # in units of the spread: the solver starts at a = b = 1, whatever the units
    shift = min_dist / spread
    target = np.where(distances < shift, 1.0, np.exp(shift - distances))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), distances, target)
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
    """The same curve, if float32 can follow it."""
    if not 1 / STEEPEST <= curve.b <= STEEPEST:
        raise ValueError(
            f"b={curve.b} is no exponent of a curve: give 1/{STEEPEST:.0f} to {STEEPEST:.0f} (default: 0.9)."
        )
    halves = -math.log10(curve.a) / (2 * curve.b)
    if abs(halves) > math.log10(LARGEST_RATE) or abs(math.log10(curve.a)) > 30:
        raise ValueError(
            f"a={curve.a} with b={curve.b}: points are near up to a distance of a ** (-1 / 2b) = 1e{halves:+.0f}, but "
            f"{1 / LARGEST_RATE:.0e} to {LARGEST_RATE:.0e} is needed, and a from 1e-30 to 1e+30. Give a nearer 1, "
            "or min_dist and spread instead."
        )
    return curve
