"""Hashes and random numbers are exact, and elementary functions have a bounded error."""

import naive_numbers as naive
import numpy as np
import pytest
from compiled import compiled

COUNTERS = [0, 1, 2, 77, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1]
COUNTERS += np.random.default_rng(0).integers(0, 2**64, 200, dtype=np.uint64).tolist()


def test_mix_is_splitmix64():
    assert naive.mix(0) == 0xE220A8397B1DCDAF  # the first number of splitmix64 seeded with 0, as published
    for counter in COUNTERS:
        assert int(compiled("mix")(np.uint64(counter))) == naive.mix(counter)


def test_mix_takes_signed_numbers():
    for counter in (0, 1, 2**62, -1, -(2**63)):
        assert int(compiled("mix")(np.int64(counter))) == naive.mix(counter % 2**64)


def test_next_random_and_below():
    for counter in COUNTERS:
        assert int(compiled("next_random")(np.uint64(counter))) == naive.next_random(counter)
        for count in (1, 3, 4096, 70_000, 2**31 + 1, 2**32 - 1):
            assert int(compiled("below")(np.uint64(counter), np.uint64(count))) == naive.below(counter, count) < count
    state, drawn = 5, []
    for _ in range(4000):
        state = naive.next_random(state)
        drawn.append(int(compiled("below")(np.uint64(state), 8)))
    assert np.bincount(drawn, minlength=8).min() > 400


@pytest.mark.parametrize("b", [0.1, 0.5, 0.895, 1.0, 1.5, 2.0])
def test_power(b):
    """The relative error is below 1e-4 if the result is a normal float32, and there is no jump elsewhere."""
    rng = np.random.default_rng(1)
    x = (10 ** rng.uniform(-20, 20, 4000)).astype(np.float32)
    x = np.concatenate([x, (2.0 ** np.arange(-20, 20)).astype(np.float32), np.linspace(0.5, 4, 1000, dtype=np.float32)])
    b = np.float32(b)
    result = np.array([compiled("power")(value, b) for value in x], np.float64)
    exact = x.astype(np.float64) ** np.float64(b)
    within = (exact > 2.0**-125) & (exact < 2.0**125)
    assert np.abs(result / exact - 1)[within].max() < 1e-4
    assert (result[exact <= 2.0**-125] < 2.0**-124).all()
    assert (result[exact >= 2.0**125] > 2.0**124).all()
    assert np.isfinite(result).all()
    assert 0 <= compiled("power")(np.float32(0), b) < 1e-3


def test_exp_minus():
    rng = np.random.default_rng(2)
    x = np.concatenate([[0.0, 1e-300, 1e-9, 0.5, 699.9], rng.uniform(0, 2, 2000), rng.uniform(0, 700, 4000)])
    result = np.array([compiled("exp_minus")(value) for value in x])
    assert np.abs(result / np.exp(-x) - 1).max() < 1e-12
    assert compiled("exp_minus")(0.0) == 1
    for value in (701.0, 1e4, 1e300, np.inf):
        assert 0 <= compiled("exp_minus")(value) < 1e-300


def test_log_of():
    rng = np.random.default_rng(3)
    x = np.concatenate([1 + 10 ** rng.uniform(-12, 0, 3000), 10 ** rng.uniform(0, 30, 3000), 2.0 ** np.arange(60)])
    result = np.array([compiled("log_of")(value) for value in x])
    assert np.abs(result - np.log(x)).max() < 1e-10
    above = x > 1 + 1e-12
    assert np.abs(result[above] / np.log1p(x[above] - 1) - 1).max() < 1e-9
    assert compiled("log_of")(1.0) == 0


def test_whole_power():
    """The products in float32 have a relative error below 1e-5."""
    for base in (0.5, 0.9, 1.0):
        for exponent in range(70):
            found = compiled("whole_power")(np.float32(base), exponent)
            assert found == pytest.approx(float(np.float32(base)) ** exponent, rel=1e-5)
