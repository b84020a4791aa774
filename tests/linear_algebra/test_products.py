"""Tests of products by BLAS whose sums are exact, without any rounding by BLAS."""

from fractions import Fraction

import numpy as np
import pytest

from umap_sk.linear_algebra.products import (
    MAX_TERMS,
    PART_BITS,
    ROWS_AT_ONCE,
    multiply,
    round_to_whole_numbers,
    split_numbers,
)

RNG = np.random.default_rng


@pytest.mark.parametrize("axis", [0, 1])
def test_whole_numbers(axis):
    """Numbers are rounded to multiples of a power of two, which is chosen for each line so that all bits are used."""
    array = RNG(0).normal(size=(30, 20)) * 10.0 ** RNG(1).integers(-200, 200, 20)
    array[3], array[:, 4] = 0, 0
    numbers, unit = round_to_whole_numbers(array, 20, axis)
    assert (numbers == np.rint(numbers)).all() and np.abs(numbers).max() <= 2**20
    assert (np.frexp(unit)[0] == 0.5).all() and unit.shape[axis] == 1
    assert (np.abs(numbers * unit - array) <= unit / 2).all()
    lines = np.abs(array).max(axis=axis) > 0
    assert (np.abs(numbers).max(axis=axis)[lines] >= 2**19).all()


def test_numbers_too_small_to_be_scaled_are_zero():
    numbers, unit = round_to_whole_numbers(np.array([[5e-324, 1e-300]]), 20, 1)
    assert not numbers.any() and np.isfinite(unit).all()


@pytest.mark.parametrize("terms", [1, 100, MAX_TERMS, MAX_TERMS + 1, 5000])
def test_product(terms):
    left, right = RNG(2).normal(size=(7, terms)), RNG(3).normal(size=(terms, 5))
    largest = np.abs(left).max(axis=1)[:, None] * np.abs(right).max(axis=0)
    assert (np.abs(multiply(left, right) - left @ right) <= 2.0**-38 * largest * np.sqrt(terms)).all()


def test_rows_are_multiplied_alone():
    """The rows of the left matrix are multiplied in blocks, and none depends on its block."""
    left, right = RNG(2).normal(size=(ROWS_AT_ONCE + 3, 4)), RNG(3).normal(size=(4, 2))
    expected = np.concatenate([multiply(left[:-5], right), multiply(left[-5:], right)])
    np.testing.assert_array_equal(multiply(left, right), expected)


def test_product_of_sums_in_any_order():
    """A product has the same bits for any order of its terms, and the products of parts are exact."""
    left, right = RNG(4).normal(size=(3, 1000)), RNG(5).normal(size=(1000, 2))
    order = RNG(6).permutation(1000)
    np.testing.assert_array_equal(multiply(left, right), multiply(left[:, order], right[order]))
    (one, _), (other, _) = split_numbers(left, 1)[0], split_numbers(right, 0)[1]
    exact = sum(Fraction(a) * Fraction(b) for a, b in zip(one[0], other[:, 1], strict=True))
    assert Fraction((one @ other)[0, 1]) == exact


def test_sums_are_exact_at_their_largest():
    """The largest possible sums of products are exact in float64."""
    largest = np.full((1, MAX_TERMS), 2.0**PART_BITS)
    assert (largest @ largest.T)[0, 0] == 2**53
    odd = largest - 1
    assert int((odd @ odd.T)[0, 0]) == MAX_TERMS * (2**PART_BITS - 1) ** 2
