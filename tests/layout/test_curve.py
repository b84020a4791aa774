"""The curve is that of umap-learn if its solver finds one, and there is a curve for each spread."""

import warnings

import numpy as np
import pytest
from umap.umap_ import find_ab_params

from umap_sk.layout.curve import fit_curve


@pytest.mark.parametrize("spread", [0.5, 1, 1.5, 2, 5])
@pytest.mark.parametrize("min_dist", [0, 0.01, 0.1, 0.25, 0.5])
def test_curve_is_umap_learns(spread, min_dist):
    """The parameters are those of umap-learn in eight digits, although the minimum is flat."""
    assert tuple(fit_curve(spread, min_dist)) == pytest.approx(find_ab_params(spread, min_dist), rel=1e-8)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
def test_curve_is_the_same_in_other_units(share):
    """The curve is the same in each unit. For a spread of 0.1 or 10, umap-learn's solver finds negative parameters."""
    unit = fit_curve(1.0, share)
    distances = np.linspace(0.01, 3, 50)
    for spread in (1e-3, 0.1, 10.0, 1e3):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            a, b = fit_curve(spread, share * spread)
        assert min(a, b) > 0
        similarity = 1 / (1 + a * (distances * spread) ** (2 * b))
        assert similarity == pytest.approx(1 / (1 + unit.a * distances ** (2 * unit.b)), rel=1e-6)


def test_curve_has_the_lowest_squared_error():
    a, b = fit_curve(1.0, 0.3)
    distances = np.linspace(0, 3, 300)
    target = np.where(distances < 0.3, 1, np.exp(-(distances - 0.3)))

    def error(a, b):
        return ((1 / (1 + a * distances ** (2 * b)) - target) ** 2).sum()

    for other in ((1.01 * a, b), (0.99 * a, b), (a, 1.01 * b), (a, 0.99 * b)):
        assert error(a, b) < error(*other)
