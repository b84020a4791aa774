"""The curve 1 / (1 + a d^2b), which is the similarity of two points of the map at distance d."""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import curve_fit

from umap_sk import kernels
from umap_sk.runtime.compile import get_python_function

FITTED_SPREADS = 0.5, 5.0  # Other spreads are the unit of their fit, which would often fail otherwise.
DIGITS = 9  # significant digits of fitted parameters
exponential = get_python_function(kernels.exponential)  # returns the same bits on every machine
log_of = get_python_function(kernels.log_of)

MAX_RATE = 1e12  # of rates and scales, since a layout squares products of them in float32
MAX_EXPONENT = 30.0  # of b


class Curve(NamedTuple):
    """Positive parameters of the similarity ``1 / (1 + a d ** (2 b))`` of two points at distance d of the embedding."""

    a: float
    b: float


@functools.lru_cache(maxsize=64)
def fit_curve(spread: float = 1.0, min_dist: float = 0.1) -> Curve:
    """Fit the curve to an exponential that begins at `min_dist` (McInnes et al. 2018, section 3.2, definition 11).

    MINPACK begins at umap-learn's initial values, and therefore ends at its parameters. They are rounded, since their
    last digits differ between processors.

    Examples
    --------
    >>> curve = fit_curve(1.0, 0.1)
    >>> round(curve.a, 3), round(curve.b, 3)
    (1.577, 0.895)
    """
    unit = 1.0 if FITTED_SPREADS[0] <= spread <= FITTED_SPREADS[1] else spread
    distances = np.linspace(0, 3 * spread, 300)[1:] / unit  # without 0, where every curve is 1
    decay = exponential(np.maximum(0.0, distances - min_dist / unit) * (unit / spread))
    logarithms = log_of(1024 * distances) - log_of(1024.0)

    def compute_similarities(_: np.ndarray, a: float, b: float) -> np.ndarray:
        return 1 / (1 + a * exponential(-2 * b * logarithms))

    fitted, _ = curve_fit(compute_similarities, distances, decay)
    a, b = fitted[0] * unit ** (-2 * fitted[1]), fitted[1]
    return Curve(float(f"{a:.{DIGITS}g}"), float(f"{b:.{DIGITS}g}"))


def resolve_curve(a: float | None, b: float | None, *, spread: float, min_dist: float) -> Curve:
    """Return the curve with the parameters given, or fit it to `spread` and `min_dist`."""
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
