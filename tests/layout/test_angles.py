"""Sines, cosines and angles equal those of numpy."""

import numpy as np

from umap_sk.layout.angles import compute_angles, compute_sines_and_cosines


def test_sines_and_cosines():
    angles = np.r_[np.linspace(-40, 40, 10_001), np.arange(-8, 9) * np.pi / 4, 1e5, -1e5]
    sines, cosines = compute_sines_and_cosines(angles)
    np.testing.assert_allclose(sines, np.sin(angles), atol=1e-10)
    np.testing.assert_allclose(cosines, np.cos(angles), atol=1e-10)
    near = np.abs(angles) < 7
    np.testing.assert_allclose(sines[near], np.sin(angles[near]), atol=1e-15)


def test_angles():
    """Angles have numpy's values and signs in each quadrant, on the axes and at the origin."""
    random = np.random.default_rng(0)
    ends = [-1.0, -0.0, 0.0, 1.0, 1e-300]
    y, x = np.concatenate([random.normal(size=(2, 5_000)), np.stack(np.meshgrid(ends, ends)).reshape(2, -1)], axis=1)
    found = compute_angles(y, x)
    np.testing.assert_allclose(found, np.arctan2(y, x), atol=1e-15, rtol=1e-15)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(y))
