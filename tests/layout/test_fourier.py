"""Fourier transforms and convolutions are the sums of their definitions."""

import numpy as np
import pytest

from umap_sk.layout import fourier
from umap_sk.runtime.threads import limit_threads

LENGTHS = [64, 128, 192, 320, 384, 640, 960, 1600, 2048]  # with each radix, and with odd and even numbers of passes


def waves(length):
    """Return exp(-2 pi i j k / length) for all j and k, in float64."""
    k = np.arange(length)
    return np.exp(-2j * np.pi * (np.outer(k, k) % length) / length)


@pytest.mark.parametrize("length", LENGTHS)
def test_transforms_are_the_sums(length):
    """The transforms are those of the grids' sum. They treat missing rows as 0, and return only the requested rows."""
    given, kept = length // 2 - 3, length // 2 + 5
    grids = np.random.default_rng(0).normal(size=(3, given, 2 * 48)).astype(np.float32)
    whole = grids.sum(0, dtype=float)
    expected = (waves(length)[:, :given] @ (whole[:, :48] + 1j * whole[:, 48:]))[:kept]
    result = fourier.transform_columns(grids, length, kept)
    assert result.shape == (kept, 48, 2)
    assert np.abs(result[..., 0] + 1j * result[..., 1] - expected).max() < 5e-7 * np.abs(expected).max()


@pytest.mark.parametrize("length", LENGTHS)
def test_plans(length):
    """The factors are cosines and sines up to the rounding to float32."""
    plan, angles = fourier.plan_transforms(length), 2 * np.pi * np.arange(length) / length
    assert plan.radices.prod() == length
    assert np.abs(plan.factors - [np.cos(angles), np.sin(angles)]).max() < 3.1e-8
    assert plan.factors[0, [0, length // 4, length // 2]].tolist() == [1, 0, -1]


def test_corners():
    assert [fourier.choose_corners(count) for count in (1, 32, 33, 193, 225, 1000)] == [32, 32, 64, 256, 256, 1024]


def odd_kernel(n_rows, n_columns):
    """Return both components of a kernel on a periodic grid, which are odd in their own direction and even across."""
    x = np.fft.fftfreq(n_rows, 1 / n_rows)[:, None] * (np.arange(n_rows) != n_rows // 2)[:, None]
    y = np.fft.fftfreq(n_columns, 1 / n_columns) * (np.arange(n_columns) != n_columns // 2)
    factor = 1 / (1 + x**2 + y**2)
    return np.array([x * factor, y * factor], np.float32)


@pytest.mark.parametrize("corners", [(32, 32), (32, 96), (160, 64)])
def test_convolution_is_the_sum_over_the_grid(corners):
    grids = np.random.default_rng(1).random((2, *corners), np.float32)
    components = odd_kernel(2 * corners[0], 2 * corners[1])
    result = fourier.convolve(grids, fourier.transform_odd_kernel(components))
    at = np.random.default_rng(2).integers(0, corners, (30, 2))
    for row, column in [*at, (0, 0), (corners[0] - 1, corners[1] - 1)]:
        shifts = row - np.arange(corners[0])[:, None], column - np.arange(corners[1])
        expected = (components[:, *shifts].astype(float) * grids.sum(0)).sum((1, 2))
        np.testing.assert_allclose(result[row, column], expected, atol=1e-6 * np.abs(result).max())


def test_threads_change_no_bit():
    grids = np.random.default_rng(3).random((2, 160, 192), np.float32)
    results = []
    for threads in (1, 2):
        with limit_threads(threads):
            results.append(fourier.convolve(grids, fourier.transform_odd_kernel(odd_kernel(320, 384))))
    assert results[0].tobytes() == results[1].tobytes()
