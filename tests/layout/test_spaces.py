"""Tests of output metrics: gradients equal central differences, and epochs and new rows equal their naive twins."""

import naive_layout
import naive_spaces as naive
import numba
import numpy as np
import pytest
from graphs import dense_slices, random_graph
from layouts import layout_of, step
from test_optimizer import naive_forces

from umap_sk import kernels, poincare_disk
from umap_sk.layout import optimizer, spaces
from umap_sk.layout.optimizer import LayoutState
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads

PARAMS = {"minkowski": {"p": 3.5}, "torus": {"period": [4.0, 7.0]}}
AXES = {"cosine": 3, "correlation": 4}
NAMES = list(spaces.NAMED_METRICS)
WRAPPED = ("torus",)


def space_of(name):
    return spaces.resolve_space(name, PARAMS.get(name), AXES.get(name, 2))


def points_of(name, n, seed=0):
    """Return positions everywhere in a space."""
    d = 3 if name == "haversine" else AXES.get(name, 2)
    points = np.random.default_rng(seed).normal(size=(n, d)) * (1.5 if name == "hyperboloid" else 1)
    return naive.moved(name, points, 0 * points, space_of(name).parameters.astype(float)).astype(np.float32)


def opposite(name, points):
    """Return the farthest point from each point, or the point itself if there is none."""
    if name == "torus":
        period = space_of(name).parameters
        return np.where(points < period / 2, points + period / 2, points - period / 2)
    return -points if name in ("haversine", "cosine", "correlation") else points


def measured(space, first, second):
    """Return distances and gradients of pairs of rows by a kernel that calls the compiled function."""
    first, second = (np.ascontiguousarray(points.T, np.float32) for points in (first, second))
    distance, gradient = np.empty(first.shape[1], np.float32), np.empty_like(first)
    call(space.measure, first, second, space.parameters, distance, gradient)
    return distance, gradient.T


@numba.njit
def call(measure, first, second, parameters, distance, gradient):
    measure(first, second, first.shape[1], parameters, distance, gradient)


# ------------------------------------------------------------------------------------------------------ distances


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_the_central_difference(name):
    """The gradient is correct for random, near, equal and opposite pairs."""
    space, n = space_of(name), 400
    parameters = space.parameters.astype(float)
    first, second = points_of(name, n), points_of(name, n, 1)
    second[:100] = naive.moved(name, first[:100], 0.02 * second[:100].astype(float), parameters)
    distance, gradient = measured(space, first, second)
    pairs = first.astype(float), second.astype(float)
    np.testing.assert_allclose(distance, naive.distance(name, *pairs, parameters), rtol=2e-3, atol=2e-5)
    np.testing.assert_allclose(gradient, naive.gradient(name, *pairs, parameters), rtol=2e-3, atol=2e-2)
    assert np.abs(gradient).max() > 0.5
    for second, far in ((first, False), (opposite(name, first), True)):
        distance, gradient = measured(space, first, second)
        slopes = naive.gradient(name, first.astype(float), second.astype(float), parameters, h=1e-3)
        np.testing.assert_allclose(slopes, 0, atol=3e-3)
        exact = np.abs(gradient).max(axis=1) < 3e-3  # otherwise, rounding leads to a slope
        assert np.isfinite(gradient).all() and np.linalg.norm(gradient, axis=1).max() < 2  # whose length is about 1
        assert exact.all() or (far and name in ("haversine", "torus"))
        if not far:
            assert (distance < 1e-6).all()


@pytest.mark.parametrize("name", ["haversine", "hyperboloid", "torus"])
def test_slope_is_one(name):
    """A step of length 1 along the gradient changes a distance by 1, also for remote points."""
    points = points_of(name, 300)
    if name == "hyperboloid":
        points[:50] *= 500 / np.linalg.norm(points[:50], axis=1, keepdims=True)
    _, gradient = measured(space_of(name), points[:-1], points[1:])
    np.testing.assert_allclose(np.linalg.norm(gradient, axis=1), 1, atol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_steps_end_in_the_space(name):
    """Scaled positions are projected back to the space, and positions in the space stay the same."""
    space, points = space_of(name), points_of(name, 200)
    brought = points * np.float32(1.3) if space.kind in (kernels.UNIT, kernels.CENTERED_UNIT) else points.copy()
    kernels.bring_into_space(brought, space.parameters, space.kind)
    np.testing.assert_allclose(brought, points, atol=1e-6)


# ------------------------------------------------------------------------------------------------------ one epoch


@pytest.mark.parametrize("name", NAMES)
def test_epoch_is_the_twins(name):
    """The gradient in the moments and the final positions are those of the twin."""
    space, layout = space_of(name), layout_of(random_graph(0, n=200))
    layout = layout._replace(space=space)
    phase, parameters = layout.phases[0], space.parameters.astype(float)
    positions = points_of(name, 200, 2)
    positions[5:8] = positions[4]
    rng = np.random.default_rng(3)
    moments = np.stack([rng.normal(0, 3, positions.shape), rng.uniform(1, 9, positions.shape)]).astype(np.float32)
    state = LayoutState(0, positions, moments, 4, 6)
    level, descent, forces = layout.levels[0], phase.descent, naive_forces(layout, phase, state)
    degree, count = level.degree.astype(float), phase.negatives
    drawn = naive.draws(200, 6, 4, count, kernels.BLOCK_ROWS, kernels.POOL_SIZE)
    exact = positions.astype(float)
    gradient = naive.epoch(name, exact, dense_slices(level), degree, drawn, count, forces, parameters)
    alpha = layout.forces.learning_rate * descent.step * (1 - 4 / phase.epochs) ** descent.fall * 0.01
    layout = layout._replace(forces=layout.forces._replace(learning_rate=layout.forces.learning_rate * 0.01))
    epsilon = 1e-7 + descent.floor * degree[:, None]
    place, expected = naive_layout.adam(exact, moments.astype(float), gradient, epsilon, 4, alpha)
    out, out_moments = step(layout, phase, state)
    np.testing.assert_allclose(out_moments[0], expected[0], rtol=5e-3, atol=2e-2)
    np.testing.assert_allclose(out, naive.moved(name, exact, place - exact, parameters), rtol=1e-3, atol=2e-2 * alpha)
    assert np.abs(out - positions).max() > 0.1 * alpha


def test_same_bits_on_threads():
    """An epoch has the same bits on one thread and on two."""
    layout = layout_of(random_graph(1))._replace(space=space_of("haversine"))
    positions = points_of("haversine", 2500)
    state = optimizer.make_first_state(layout, positions, 5)
    with limit_threads(1):
        whole, _ = step(layout, layout.phases[0], state)
    with limit_threads(2):
        np.testing.assert_array_equal(step(layout, layout.phases[0], state)[0], whole)


# -------------------------------------------------------------------------------------- functions that are given


@numba.njit
def around(x, y, period=(4.0, 7.0)):
    """Return the torus metric of umap-learn's documentation, whose gradient is NaN for equal points."""
    total, slope = 0.0, np.zeros_like(x)
    for i in range(x.shape[0]):
        size = abs(x[i] - y[i])
        if 2 * size < period[i]:
            total += size**2
            slope[i] = x[i] - y[i]
        else:
            total += (period[i] - size) ** 2
            slope[i] = (x[i] - y[i]) * (size - period[i]) / size
    return np.sqrt(total), slope / np.sqrt(total)


def test_function_of_umap_learn_is_the_named_metric():
    """A function with umap-learn's signature works, with and without arguments. NaN gradients move nothing."""
    layout = layout_of(random_graph(0, n=200))
    positions = points_of("torus", 200)
    positions[5:8] = positions[4]
    state = optimizer.make_first_state(layout, positions, 5)
    named, moments = step(layout._replace(space=space_of("torus")), layout.phases[0], state)
    for params in (None, {"period": (4.0, 7.0)}):
        space = spaces.resolve_space(around, params, 2)
        out, out_moments = step(layout._replace(space=space), layout.phases[0], state)
        np.testing.assert_allclose(out_moments, moments, rtol=1e-3, atol=1e-3)
        assert np.isfinite(out).all()
    assert spaces.resolve_space(around, None, 2).measure is spaces.resolve_space(around, None, 2).measure


# ------------------------------------------------------------------------------------------------------- new rows


@pytest.mark.parametrize("name", NAMES)
def test_new_row_between_its_neighbors(name):
    """A row with one neighbor ends near it, or on it if the distance is 0. A row without neighbors is NaN."""
    from umap_sk.layout.curve import Curve
    from umap_sk.layout.optimizer import Forces
    from umap_sk.layout.transform import freeze, place_rows
    from umap_sk.neighbors.read import Neighbors

    space = space_of(name)
    embedding = spaces.to_coordinates(name, points_of(name, 300))
    frozen = freeze(embedding, Forces(Curve(1.577, 0.895)), 3, space)
    indptr = np.array([0, 1, 2, 2, 4])
    neighbors = Neighbors(indptr, np.array([7, 8, 9, 10], np.int32), np.array([1, 0, 1, 1], np.float32), 300)
    new = place_rows(frozen, neighbors, 15, 1.0)
    alone = place_rows(frozen, Neighbors(indptr[:2], neighbors.indices[:1], neighbors.distances[:1], 300), 15, 1.0)
    np.testing.assert_array_equal(new[:1], alone)
    np.testing.assert_array_equal(new[1], embedding[8])
    assert np.isnan(new[2]).all()
    pairs = spaces.to_positions(space, new[:1]), spaces.to_positions(space, embedding[7:8])
    others = np.repeat(pairs[1], 300, 0), spaces.to_positions(space, embedding)
    apart = spaces.compute_pair_distances(space, *pairs)[0]
    assert apart < np.quantile(spaces.compute_pair_distances(space, *others), 0.25)


# ---------------------------------------------------------------------------------------------------- coordinates


def test_angles_there_and_back():
    """Angles become unit vectors and angles again, also at poles and at the seam."""
    space = space_of("haversine")
    angles = np.array([[0.0, 0.0], [np.pi, 0.0], [1.0, np.pi - 1e-3], [1.0, 1e-3 - np.pi], [0.3, -2.0]])
    vectors = spaces.to_positions(space, angles)
    np.testing.assert_allclose(vectors[:2], [[0, 0, 1], [0, 0, -1]], atol=1e-6)
    np.testing.assert_allclose(spaces.to_coordinates("haversine", vectors)[2:], angles[2:], atol=1e-6)
    seam = spaces.compute_pair_distances(space, vectors[2:3], vectors[3:4])
    np.testing.assert_allclose(seam, 2e-3 * np.sin(1.0), rtol=1e-3)


def test_disk():
    """Distances in the disk, by its own formula, are those on the hyperboloid."""
    points = points_of("hyperboloid", 50)
    u, v = poincare_disk(points[:25]), poincare_disk(points[25:])
    assert (np.linalg.norm(u, axis=1) < 1).all()
    ratio = ((u - v) ** 2).sum(1) / ((1 - (u**2).sum(1)) * (1 - (v**2).sum(1)))
    expected = naive.distance("hyperboloid", *(p.astype(float) for p in (points[:25], points[25:])))
    np.testing.assert_allclose(np.arccosh(1 + 2 * ratio), expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"shape \(2,\), but \(n, n_components\) is needed"):
        poincare_disk(points[0])


def test_nearest():
    """The nearest points are found by brute force, in ascending order, with ties by number."""
    for name in ("haversine", "hyperboloid", "torus"):
        coordinates = spaces.to_coordinates(name, points_of(name, 120))
        space = space_of(name)
        positions = spaces.to_positions(space, coordinates).astype(float)
        near = spaces.find_nearest_in_space(space, coordinates[:20], coordinates, 6)
        for i in range(20):
            d = naive.distance(name, positions[i][None], positions, space.parameters.astype(float))
            np.testing.assert_array_equal(near[i, 1:], np.argsort(d, kind="stable")[1:6])
        assert (as_readonly(near)[:, 0] == np.arange(20)).all()
