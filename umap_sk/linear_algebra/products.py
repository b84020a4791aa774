"""Products of matrices with the same bits for any BLAS.

BLAS chooses the order of sums and the fused operations by the processor. Numbers are therefore rounded to whole numbers
with few bits, whose products and sums are exact in float64 (Ozaki, Ogita, Oishi, Rump, "Error-free transformations of
matrix multiplication", Numerical Algorithms 59, 2012). No order and no fused operation changes such a sum.
"""

import numpy as np

MAX_TERMS = 2**11  # of an exact sum: its bits and those of both factors are 53 together
PART_BITS = 21  # of each part of a number
ROWS_AT_ONCE = 2**14  # of the left matrix, which bound the memory of their parts
MIN_EXPONENT = -900  # of two, below which numbers count as 0


def round_to_whole_numbers(array: np.ndarray, bits: int, axis: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return whole numbers from ``-2**bits`` to ``2**bits`` in float64, and their units.

    Units are powers of two, one for each line along `axis`. The products of both are `array`, up to rounding.
    """
    largest = np.abs(array).max(axis=axis, keepdims=True, initial=0.0)
    exponents = np.maximum(np.frexp(largest)[1], MIN_EXPONENT) - bits
    return np.rint(array * np.ldexp(1.0, -exponents)), np.ldexp(1.0, exponents)


def multiply(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the product of two matrices in float64, ``left @ right``.

    The error is about ``2**-41`` times the number of terms, the largest number of a row of `left` and the largest
    number of a column of `right`.

    Examples
    --------
    >>> import numpy as np
    >>> multiply(np.array([[1.5, 2.0]]), np.array([[2.0], [0.25]]))
    array([[3.5]])
    """
    total = np.zeros((len(left), right.shape[1]))
    for first in range(0, left.shape[1], MAX_TERMS):
        terms = slice(first, first + MAX_TERMS)
        others = split_numbers(right[terms], 0)
        for start in range(0, len(left), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            for one, unit in split_numbers(left[rows, terms], 1):
                for other, other_unit in others:
                    total[rows] += one @ other * unit * other_unit
    return total


def split_numbers(array: np.ndarray, axis: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split numbers into a large and a small part. Both are whole numbers with a unit."""
    large, unit = round_to_whole_numbers(array, PART_BITS, axis)
    rest = array / unit - large
    return [(large, unit), (np.rint(rest * 2.0**PART_BITS), unit * 2.0**-PART_BITS)]
