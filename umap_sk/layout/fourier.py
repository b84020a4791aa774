"""Convolutions of a grid with an odd kernel by Fourier transforms whose bits are the same on every machine."""

import functools
import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.layout.angles import compute_sines_and_cosines
from umap_sk.runtime.threads import use_one_thread

CORNERS_UNIT = 2 * kernels.TRANSFORM_LANES  # the number of corners along a side is a multiple of it
RADICES = 4, 2, 3, 5
MAX_SERIAL_CORNERS = 2**14  # corners of a grid whose transforms are as fast on one thread as on two


class TransformPlan(NamedTuple):
    """The constants of transforms of one length."""

    radices: np.ndarray  # int64 numbers whose product is the length
    factors: np.ndarray  # (2, length) float32 twiddle factors: cosine and sine of 2 pi k / length


def choose_corners(fewest: int) -> int:
    """Return the smallest number of corners of a side that has fast transforms and is not below `fewest`."""
    units = -(-fewest // CORNERS_UNIT)
    while split_length(units) is None:
        units += 1
    return units * CORNERS_UNIT


def split_length(length: int) -> list[int] | None:
    """Return radices whose product is the length, or None if there are none."""
    radices = []
    for radix in RADICES:
        while length % radix == 0:
            radices.append(radix)
            length //= radix
    return radices if length == 1 else None


@functools.lru_cache(maxsize=8)
def plan_transforms(length: int) -> TransformPlan:
    """Return the constants of transforms of some length.

    The C library's sine and cosine differ from machine to machine. Sums and products of float64 do not.
    """
    k = np.arange(length)
    quarters = (8 * k + length) // (2 * length)  # nearest multiple of pi / 2
    angle = (4 * k - quarters * length) * (math.pi / 2) / length
    sine, cosine = compute_sines_and_cosines(angle)
    turned = np.array([(cosine, sine), (-sine, cosine), (-cosine, -sine), (sine, -cosine)])
    factors = np.ascontiguousarray(turned[quarters % 4, :, k].T, np.float32)
    return TransformPlan(np.array(split_length(length)), factors)


def transform_columns(grids: np.ndarray, length: int, n_rows: int) -> np.ndarray:
    """Return `n_rows` rows of the transforms of all columns of the sum of complex grids.

    A row of a grid contains the real parts of all columns, and then their imaginary parts. The result has both parts
    side by side, as its last axis.
    """
    out = np.empty((n_rows, grids.shape[2] // 2, 2), np.float32)
    kernels.transform_columns(*plan_transforms(length), grids, out)
    return out


def transform_odd_kernel(kernel: np.ndarray) -> np.ndarray:
    """Return the transforms of both components of an odd kernel on a periodic grid, divided by the number of its cells.

    The first component, minus i times the second one, has the returned transforms. The columns of the output are the
    first half of the kernel's rows, since the other half follows by symmetry.
    """
    n_rows, n_columns = kernel.shape[1:]
    half = n_rows // 2 + 1
    by_column = transform_columns(np.concatenate([kernel[0], -kernel[1]], axis=1)[None], n_rows, half)
    lanes = -(-half // kernels.TRANSFORM_LANES) * kernels.TRANSFORM_LANES
    turned = np.zeros((1, n_columns, 2, lanes), np.float32)
    turned[0, :, :, :half] = by_column.transpose(1, 2, 0)
    by_row = transform_columns(turned.reshape(1, n_columns, 2 * lanes), n_columns, n_columns)
    return np.ascontiguousarray(by_row.transpose(2, 0, 1)) * np.float32(1 / (2 * n_rows * n_columns))


def convolve(grids: np.ndarray, transformed: np.ndarray) -> np.ndarray:
    """Return both components of the convolution of the sum of grids with an odd kernel, at the corners of the grids.

    Beyond the corners, the periodic grid is 0.
    """
    n_rows, n_columns = grids.shape[1:]
    with use_one_thread(n_rows * n_columns <= MAX_SERIAL_CORNERS):
        packed = transform_columns(grids, 2 * n_rows, 2 * n_rows)
        rows = np.empty((1, 2 * n_rows, 2 * n_columns), np.float32)
        kernels.convolve_rows(*plan_transforms(2 * n_columns), packed, transformed, rows[0])
        return transform_columns(rows, 2 * n_rows, n_rows)
