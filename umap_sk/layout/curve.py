"""The curve 1 / (1 + a d^2b) that says how near two points of the embedding are."""

import functools
from typing import NamedTuple

import numpy as np
from scipy.optimize import curve_fit


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
