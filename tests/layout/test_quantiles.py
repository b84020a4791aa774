"""Quantiles of many rows have numpy's bits, for any blocks and any values."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from umap_sk.layout import quantiles
from umap_sk.runtime import side_by_side

SHARES = (0.02, 0.5, 0.98)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Make blocks and samples so small that the rows of these tests exceed them."""
    for module in (side_by_side, quantiles):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 1000)
    monkeypatch.setattr(quantiles, "SAMPLED_VALUES", 300)


def recipes(n):
    """Return columns of n values of many kinds, by name."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=n)
    yield "normal", values
    yield "sorted", np.sort(values)
    yield "constant", np.full(n, 2.5)
    yield "ties", rng.integers(0, 3, n)
    yield "heavy tails", rng.standard_cauchy(n)
    yield "far apart", np.where(np.arange(n) % 7, 1e-9, 1e15) * values
    tail = np.zeros(n)
    tail[:: max(1, n // 300)] = 1 + values[:: max(1, n // 300)] ** 2  # values that the sample does not represent
    yield "misleading", tail


@pytest.mark.parametrize("n", [2, 3, 1000, 1001, 4999, 5000, 5051])
def test_quantiles_have_the_bits_of_numpys(n):
    for name, column in recipes(n):
        positions = np.stack([column, -column[::-1]], axis=1).astype(np.float32)
        found = quantiles.compute_axis_quantiles(positions, SHARES)
        assert_array_equal(found, np.quantile(positions, SHARES, axis=0), err_msg=name)
        ends = [positions.min(0), positions.max(0)]
        assert_array_equal(quantiles.find_axis_bounds(positions), ends, err_msg=name)


def test_most_values_are_not_sorted():
    """The quantiles of many values are computed from the values near them."""
    column = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    seen = []
    partition = np.partition

    def watched(values, places):
        seen.append(len(values))
        return partition(values, places)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "partition", watched)
        quantiles.select_values(column, 2000)
    assert seen[0] < len(column) // 2
