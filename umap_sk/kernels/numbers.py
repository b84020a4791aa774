"""Random numbers by counters, powers and logarithms, which all kernels share."""

import numpy as np
from numba import uint64

from umap_sk.kernels.lanes import multiply_add
from umap_sk.runtime.compile import kernel

f4 = np.float32
BLOCK_ROWS = 1024  # rows of a block, which share a pool of negatives


@kernel
def mix(value):
    """Return 64 well mixed bits of a counter, by Splitmix64 (Steele, Lea, Flood 2014)."""
    z = uint64(value) + uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@kernel
def next_random(state):
    """Return the next state of a 64-bit linear congruential generator, whose high bits are used."""
    return state * uint64(6364136223846793005) + uint64(1442695040888963407)


@kernel
def below(state, count):
    """Return a whole number in [0, count) from the high half of 64 random bits."""
    return np.int64(((state >> uint64(32)) * uint64(count)) >> uint64(32))


@kernel
def power(x, b):
    """Return x ** b for float32 x > 0, by polynomials of the float's bits. The relative error is below 1e-4.

    The result is the same on every processor.
    """
    bits = f4(x).view(np.int32)
    m = np.int32((bits & np.int32(0x007FFFFF)) | np.int32(0x3F800000)).view(f4)
    p = multiply_add(m, f4(0.0439287), f4(-0.4094755))
    p = multiply_add(m, p, f4(1.6101775))
    p = multiply_add(m, p, f4(-3.5202188))
    p = multiply_add(m, p, f4(5.0697557))
    p = multiply_add(m, p, f4(-2.7941536))
    y = b * (f4((bits >> np.int32(23)) - np.int32(127)) + p)
    y = max(f4(-126), min(f4(126), y))
    z = y + f4(12582912.0)
    f = y - (z - f4(12582912.0))
    q = multiply_add(f4(0.00961813), f, f4(0.05550411))
    q = multiply_add(q, f, f4(0.24022651))
    q = multiply_add(q, f, f4(0.69314718))
    q = multiply_add(q, f, f4(1.0))
    shift = (f4(z).view(np.int32) - np.int32(0x4B400000)) << np.int32(23)
    return np.int32(f4(q).view(np.int32) + np.int32(shift)).view(f4)


@kernel
def exp_minus(x):
    """Return exp(-x) for float64 x >= 0, and 1e-304 for x beyond 700. The relative error is below 1e-12.

    The result is the same on every processor.
    """
    return exponential(min(x, 700.0))


@kernel
def exponential(x):
    """Return exp(-x) for float64 x from -700 to 700."""
    y = x * -1.4426950408889634
    z = y + 6755399441055744.0
    f = (y - (z - 6755399441055744.0)) * 0.6931471805599453
    p = f * 2.505210838544172e-08 + 2.755731922398589e-07
    p = p * f + 2.755731922398589e-06
    p = p * f + 2.48015873015873e-05
    p = p * f + 0.0001984126984126984
    p = p * f + 0.001388888888888889
    p = p * f + 0.008333333333333333
    p = p * f + 0.041666666666666664
    p = p * f + 0.16666666666666666
    p = p * f + 0.5
    p = p * f + 1.0
    p = p * f + 1.0
    shift = (np.float64(z).view(np.int64) - np.int64(0x4338000000000000)) << np.int64(52)
    return np.int64(np.float64(p).view(np.int64) + shift).view(np.float64)


@kernel
def log_of(x):
    """Return the natural logarithm of float64 x >= 1. The absolute error is below 1e-10.

    The result is the same on every processor.
    """
    bits = np.float64(x).view(np.int64) + np.int64(0x95F6200000000)  # moves sqrt(1/2)..sqrt(2) into one binade
    exponent = (bits >> np.int64(52)) - np.int64(1023)
    m = np.int64((bits & np.int64(0xFFFFFFFFFFFFF)) + np.int64(0x3FE6A09E00000000)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    t = s * s
    series = 1.0 + t * (1 / 3 + t * (1 / 5 + t * (1 / 7 + t * (1 / 9 + t * (1 / 11)))))
    return exponent * 0.6931471805599453 + 2.0 * s * series
