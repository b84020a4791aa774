"""Sines, cosines and angles, computed by sums and square roots only.

The functions of libraries differ between processors in the last bits.
"""

import math

import numpy as np

SERIES_TERMS = 9  # of the series of sine and cosine, whose errors are then below 1e-15
QUARTER_TURN = 1.5707963267341256, 6.077100506506192e-11  # the leading bits of pi / 2, and the rest
ANGLE_HALVINGS = 2  # before the series of the arctangent is summed
ARCTANGENT_TERMS = 12  # of the series of the arctangent


def compute_sines_and_cosines(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sines and cosines of float64 angles. The absolute error is below 1e-10 for angles up to about 1e5."""
    quarters = np.rint(angles / QUARTER_TURN[0])
    rest = (angles - quarters * QUARTER_TURN[0]) - quarters * QUARTER_TURN[1]
    square, sine, cosine = rest * rest, np.zeros(rest.shape), np.zeros(rest.shape)
    for k in range(SERIES_TERMS, -1, -1):
        sine = (-1) ** k / math.factorial(2 * k + 1) + square * sine
        cosine = (-1) ** k / math.factorial(2 * k) + square * cosine
    sine *= rest
    turned = quarters % 4
    swapped = turned % 2 == 1
    sines, cosines = np.where(swapped, cosine, sine), np.where(swapped, sine, cosine)
    return np.where(turned >= 2, -sines, sines), np.where((turned == 1) | (turned == 2), -cosines, cosines)


def compute_angles(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the angles of the points (x, y) to the first axis, from -pi to pi in float64, like ``numpy.arctan2``."""
    far, near = np.maximum(np.abs(x), np.abs(y)), np.minimum(np.abs(x), np.abs(y))
    tangent = near / np.where(far > 0, far, 1.0)
    for _ in range(ANGLE_HALVINGS):
        tangent = tangent / (1 + np.sqrt(1 + tangent * tangent))
    square, series = tangent * tangent, np.zeros(tangent.shape)
    for k in range(ARCTANGENT_TERMS, -1, -1):
        series = (-1) ** k / (2 * k + 1) + square * series
    angle = 2.0**ANGLE_HALVINGS * tangent * series
    angle = np.where(np.abs(y) > np.abs(x), math.pi / 2 - angle, angle)
    return np.copysign(np.where(np.signbit(x), math.pi - angle, angle), y)
