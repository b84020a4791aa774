"""Distances in other spaces than Euclidean space, and their gradients, for many pairs at once.

Each kernel writes the distances of the pairs (first[:, q], second[:, q]) and their gradients by the first. The length
of a gradient is 1 if a step of length 1 changes the distance by 1. It is 0 where the distance has no slope, as for
equal or opposite points. `parameters` are those of the metric.
"""

import numba
import numpy as np

from umap_sk.kernels.lanes import prefer_wide_vectors
from umap_sk.kernels.numbers import f4, log_of, power
from umap_sk.runtime.compile import kernel

MIN_SLOPE_LENGTH = f4(1e-9)  # sines and lengths below which a direction is a rounding error


@kernel
def arctangent(x):
    """Return the arctangent of float32 0 <= x <= 1, by a polynomial. The error is below 2e-7.

    The result is the same on every processor.
    """
    beyond = x > f4(0.41421357)
    t = (x - f4(1)) / (x + f4(1)) if beyond else x
    z = t * t
    series = ((f4(8.05374449538e-2) * z - f4(1.38776856032e-1)) * z + f4(1.99777106478e-1)) * z - f4(3.33329491539e-1)
    return series * z * t + t + (f4(0.7853981633974483) if beyond else f4(0))


@kernel
def add_squares(first, second, count, sign, out):
    """Write the squared lengths of first + sign * second."""
    prefer_wide_vectors()
    for q in range(count):
        out[q] = f4(0)
    for k in range(first.shape[0]):
        for q in range(count):
            difference = first[k, q] + sign * second[k, q]
            out[q] += difference * difference


@kernel
def sign_of(x):
    """Return 1, -1 or 0."""
    return f4(1) if x > f4(0) else (f4(-1) if x < f4(0) else f4(0))


def arcs(first, second, count, parameters, distance, gradient):
    """Write lengths of arcs between points of the unit sphere, haversine distances: 2 atan2(|p - q|, |p + q|)."""
    prefer_wide_vectors()
    near = np.empty(count, f4)
    inverse = np.empty(count, f4)
    add_squares(first, second, count, f4(-1), near)
    add_squares(first, second, count, f4(1), inverse)
    for q in range(count):
        chord = np.sqrt(near[q])
        other = np.sqrt(inverse[q])
        shorter = chord <= other
        angle = f4(2) * arctangent((chord if shorter else other) / ((other if shorter else chord) + MIN_SLOPE_LENGTH))
        distance[q] = angle if shorter else f4(3.1415927) - angle
        sine = f4(0.5) * chord * other
        inverse[q] = f4(1) / sine if sine > MIN_SLOPE_LENGTH else f4(0)
    for k in range(first.shape[0]):
        for q in range(count):
            gradient[k, q] = ((first[k, q] - second[k, q]) - f4(0.5) * near[q] * first[k, q]) * inverse[q]


def cosines(first, second, count, parameters, distance, gradient):
    """Write 1 - p q of unit vectors, which is |p - q|^2 / 2. The gradient is tangential to the sphere."""
    prefer_wide_vectors()
    add_squares(first, second, count, f4(-1), distance)
    for q in range(count):
        distance[q] *= f4(0.5)
    for k in range(first.shape[0]):
        for q in range(count):
            gradient[k, q] = (first[k, q] - second[k, q]) - distance[q] * first[k, q]


def hyperboloids(first, second, count, parameters, distance, gradient):
    """Write lengths of geodesics of the hyperboloid z^2 = 1 + |x|^2, whose points are given by x: arcosh(z z' - x x').

    The gradient is tangential to the hyperboloid. Its components are in the frame that a boost moves from the lowest
    point.
    """
    prefer_wide_vectors()
    apart, square, other_square, along = np.zeros((4, count))
    for k in range(first.shape[0]):
        for q in range(count):
            x = np.float64(first[k, q])
            y = np.float64(second[k, q])
            square[q] += x * x
            other_square[q] += y * y
            apart[q] += (x - y) * (x - y)
            along[q] += x * (x - y)
    for q in range(count):
        z = np.sqrt(1.0 + square[q])
        rise = (2.0 * along[q] - apart[q]) / (z + np.sqrt(1.0 + other_square[q]))
        half = 0.5 * (apart[q] - rise * rise)
        half = half if half > 0.0 else 0.0
        root = np.sqrt(0.5 * half)
        distance[q] = 2.0 * log_of(root + np.sqrt(1.0 + root * root))
        sine = np.sqrt(half * (half + 2.0))
        along[q] = along[q] / (1.0 + z) - rise
        square[q] = 1.0 / sine if sine > MIN_SLOPE_LENGTH else 0.0
    for k in range(first.shape[0]):
        for q in range(count):
            x = np.float64(first[k, q])
            gradient[k, q] = (x - np.float64(second[k, q]) + x * along[q]) * square[q]


def manhattans(first, second, count, parameters, distance, gradient):
    """Write sums of absolute differences."""
    prefer_wide_vectors()
    for q in range(count):
        distance[q] = f4(0)
    for k in range(first.shape[0]):
        for q in range(count):
            difference = first[k, q] - second[k, q]
            distance[q] += abs(difference)
            gradient[k, q] = sign_of(difference)


def chebyshevs(first, second, count, parameters, distance, gradient):
    """Write the largest absolute differences."""
    prefer_wide_vectors()
    taken = np.zeros(count, f4)
    for q in range(count):
        distance[q] = f4(0)
    for k in range(first.shape[0]):
        for q in range(count):
            size = abs(first[k, q] - second[k, q])
            distance[q] = size if size > distance[q] else distance[q]
    for k in range(first.shape[0]):
        for q in range(count):
            difference = first[k, q] - second[k, q]
            slope = sign_of(difference) if abs(difference) == distance[q] else f4(0)
            gradient[k, q] = slope if taken[q] == f4(0) else f4(0)
            taken[q] += abs(slope)


def minkowskis(first, second, count, parameters, distance, gradient):
    """Write roots of sums of powers of absolute differences. parameters[0] is the exponent."""
    prefer_wide_vectors()
    p = parameters[0]
    least = f4(1e-20)
    largest = np.zeros(count, f4)
    for k in range(first.shape[0]):
        for q in range(count):
            size = abs(first[k, q] - second[k, q])
            largest[q] = size if size > largest[q] else largest[q]
    for q in range(count):
        distance[q] = f4(0)
    for k in range(first.shape[0]):
        for q in range(count):
            distance[q] += power(abs(first[k, q] - second[k, q]) / (largest[q] + least) + least, p)
    for q in range(count):
        distance[q] = largest[q] * power(distance[q] + least, f4(1) / p)
    for k in range(first.shape[0]):
        for q in range(count):
            difference = first[k, q] - second[k, q]
            slope = power(abs(difference) / (distance[q] + least) + least, p - f4(1))
            gradient[k, q] = slope * sign_of(difference)


def toruses(first, second, count, parameters, distance, gradient):
    """Write Euclidean distances, the shorter way around each axis. `parameters` are the axes' periods."""
    prefer_wide_vectors()
    for q in range(count):
        distance[q] = f4(0)
    for k in range(first.shape[0]):
        period = parameters[k]
        turns = f4(1) / period
        half = f4(0.5) * period
        for q in range(count):
            difference = first[k, q] - second[k, q]
            difference -= period * np.floor(difference * turns + f4(0.5))
            distance[q] += difference * difference
            gradient[k, q] = difference if abs(difference) < half else f4(0)
    for q in range(count):
        distance[q] = np.sqrt(distance[q])
    for k in range(first.shape[0]):
        for q in range(count):
            gradient[k, q] /= distance[q] + f4(1e-20)


def of_function(function, arguments):
    """Return a kernel for many pairs from a function of two points that returns a distance and its gradient.

    If the function raises, `parameters` become 1 and the coordinates of both points, since numba can only print the
    error.
    """

    @numba.njit
    def of_two(x, y):
        return function(x, y, *arguments)

    def pairs(first, second, count, parameters, distance, gradient):
        d = first.shape[0]
        x = np.empty(d, f4)
        y = np.empty(d, f4)
        for q in range(count):
            for k in range(d):
                x[k] = first[k, q]
                y[k] = second[k, q]
            try:
                length, slope = of_two(x, y)
                distance[q] = length
                for k in range(d):
                    gradient[k, q] = slope[k]
            except Exception:
                parameters[0] = f4(1)
                for k in range(d):
                    parameters[1 + k] = x[k]
                    parameters[1 + d + k] = y[k]
                    gradient[k, q] = f4(0)
                distance[q] = f4(0)

    return pairs
