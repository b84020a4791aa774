"""The expected losses of few rows in numpy, with the bits of the kernel, so that nothing has to be compiled."""

import numpy as np

from umap_sk import kernels
from umap_sk.layout.sell import locate_edges
from umap_sk.runtime.compile import get_python_function

log_of = get_python_function(kernels.log_of)


def multiply_add(a: np.ndarray, b: np.ndarray | np.float32, c: np.ndarray | np.float32) -> np.ndarray:
    """Return ``a * b + c`` in float32, rounded once.

    The product is exact in float64. Its sum is rounded to odd there, so that the second rounding sees on which side of
    a midpoint it lies (Boldo, Melquiond 2008).
    """
    product, term = a.astype(np.float64) * b, np.float64(c)
    total = product + term
    added = total - product
    error = (product - (total - added)) + (term - added)  # exact (Knuth's TwoSum)
    is_even = total.view(np.int64) % 2 == 0
    odd = np.nextafter(total, np.copysign(np.inf, error))
    return np.where(is_even & (error != 0), odd, total).astype(np.float32)


def power(x: np.ndarray, b: np.float32) -> np.ndarray:
    """Return x ** b, as the kernel of this name does."""
    bits = x.view(np.int32)
    mantissa = ((bits & np.int32(0x007FFFFF)) | np.int32(0x3F800000)).view(np.float32)
    p = np.full_like(x, kernels.LOG2[0])
    for coefficient in kernels.LOG2[1:]:
        p = multiply_add(mantissa, p, coefficient)
    y = b * (((bits >> 23) - np.int32(127)).astype(np.float32) + p)
    y = np.clip(y, np.float32(-126), np.float32(126))
    z = y + np.float32(12582912.0)
    f = y - (z - np.float32(12582912.0))
    q = np.full_like(x, kernels.EXP2[0])
    for coefficient in kernels.EXP2[1:]:
        q = multiply_add(q, f, coefficient)
    shift = (z.view(np.int32) - np.int32(0x4B400000)) << 23
    return (q.view(np.int32) + shift).view(np.float32)


@np.errstate(all="ignore")
def scale_losses(
    positions: np.ndarray,
    starts: np.ndarray,
    indices: np.ndarray,
    weights: np.ndarray,
    degree: np.ndarray,
    mass: np.ndarray,
    stride: int,
    opposite_stride: int,
    powers: np.ndarray,
    a: np.float32,
    b: np.float32,
    attracted: np.ndarray,
    repelled: np.ndarray,
) -> None:
    """Write the expected losses of scaled positions, from a sample of the rows."""
    n, parts = len(positions), len(attracted)
    rows = np.arange(n)
    rows = rows[rows % stride % kernels.ATTRACTION_STRIDE == 0]
    owners, edges = locate_edges(rows, starts)
    squares = sum_squares(positions[owners] - positions[indices[edges]], kernels.CLOSEST)
    pairs = (a * power(squares, b)).astype(np.float64)
    for g, scale in enumerate(powers):
        losses = weights[edges] * log_of(1.0 + pairs * scale)
        attracted[:, g] += np.bincount(owners // stride, losses, parts)
    whole = np.cumsum(mass, dtype=np.float64)[-1]
    for part in range(parts):
        own, others = part * stride, np.arange(part % opposite_stride, n, opposite_stride)
        squares = np.maximum(sum_squares(positions[own] - positions[others], np.float32(0)), np.float32(1e-9))
        pairs = (a * power(squares, b)).astype(np.float64)
        shares = np.where(others != own, mass[others], 0).astype(np.float64)
        terms = shares * log_of(1.0 + 1.0 / (pairs * powers[:, None]))
        share = (whole - mass[own]) / np.cumsum(shares)[-1]
        repelled[part] = np.cumsum(terms, axis=1)[:, -1] * share * degree[own]


def sum_squares(differences: np.ndarray, first: np.float32) -> np.ndarray:
    """Return `first` plus the squares of each row, added one by one."""
    squares = np.full(len(differences), first)
    for column in differences.T:
        squares += column**2
    return squares
