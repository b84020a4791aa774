"""Tests of initial layouts: scaling, ranks, widths, and the same bits on each call."""

import functools

import naive_graph
import naive_layout as naive
import numpy as np
import pytest
from graphs import alone, clusters_level, dense, dense_slices, random_graph, ring_level

from umap_sk import kernels
from umap_sk.graph.shared import WHOLE, SharedGraph
from umap_sk.layout import coarsen, init, optimizer, start, width
from umap_sk.layout.curve import Curve, fit_curve
from umap_sk.layout.problem import Schedule, make_layout_problem
from umap_sk.layout.spectral import compute_spectral_positions
from umap_sk.layout.start import Start, compute_start_positions
from umap_sk.runtime.threads import limit_threads


def spread_out(seed, n=500):
    """Return three axes with different centers and widths, and a few outliers."""
    rng = np.random.default_rng(seed)
    positions = rng.normal(size=(n, 3)) * [1, 1e-2, 1e4] + [0, 1, -3e4]
    positions[:3] += np.ptp(positions, axis=0)
    return positions.astype(np.float32)


def test_random_positions():
    positions = init.draw_positions(20_000, 3, 5)
    assert (positions.shape, positions.dtype) == ((20_000, 3), np.float32)
    assert -10 <= positions.min() < -9.99
    assert 9.99 < positions.max() < 10
    for axis in positions.T:
        assert np.abs(np.histogram(axis, 10, (-10, 10))[0] - 2000).max() < 200
    assert np.abs(np.corrcoef(positions.T) - np.eye(3)).max() < 0.03
    assert np.array_equal(positions, init.draw_positions(20_000, 3, 5))
    assert np.array_equal(positions[:100], init.draw_positions(100, 3, 5))
    assert not np.array_equal(positions, init.draw_positions(20_000, 3, 6))


def test_pca_positions(digits):
    positions = init.compute_pca_positions(digits.features, 3, 0)
    assert np.array_equal(positions, init.compute_pca_positions(digits.features, 3, 0))
    centered = digits.features - digits.features.mean(0)
    leading = np.linalg.svd(centered, full_matrices=False)[2][:3]
    expected = np.abs(centered @ leading.T)
    np.testing.assert_allclose(np.abs(positions), expected / expected.max(), atol=1e-4)
    with pytest.raises(ValueError, match="needs at least n_components=65 features and rows.*1797, 64"):
        init.compute_pca_positions(digits.features, 65, 0)


def test_scaled_robustly():
    positions = spread_out(0)
    scaled = width.scale_robustly(positions)
    np.testing.assert_allclose(scaled, naive.scaled_robustly(positions), atol=1e-5)
    assert scaled.dtype == np.float32
    assert np.abs(scaled).max() == width.CLIP_BOUND
    low, high = np.quantile(scaled, [width.LOW_QUANTILE, width.HIGH_QUANTILE], axis=0)
    np.testing.assert_allclose(low, -0.5, atol=1e-3)
    np.testing.assert_allclose(high, 0.5, atol=1e-3)


@pytest.mark.parametrize("case", ["thin", "far", "flat quantiles", "one point"])
def test_axes_are_stretched_twice_as_much_as_the_widest_at_most(case):
    positions = np.random.default_rng(1).normal(size=(500, 3)).astype(np.float32) * np.float32([10, 6, 1])
    if case == "far":
        positions[0] = 1000
    elif case == "flat quantiles":
        positions[5:, 1] = 3
    elif case == "one point":
        positions[:] = 3
    scaled = width.scale_robustly(positions, width.MAX_STRETCH)
    np.testing.assert_allclose(scaled, naive.scaled_robustly(positions, 2), atol=1e-5)
    if case == "thin":
        spread = np.quantile(scaled, width.HIGH_QUANTILE, axis=0) - np.quantile(scaled, width.LOW_QUANTILE, axis=0)
        assert spread[:2].tolist() == pytest.approx([1, 1]) and 0.18 < spread[2] < 0.22


@pytest.mark.parametrize("case", ["far", "flat quantiles", "constant"])
def test_ranks_where_few_points_are_far(case):
    positions = np.random.default_rng(1).normal(size=(500, 2)).astype(np.float32)
    if case == "far":
        positions[0] = 1000
    elif case == "flat quantiles":
        positions[5:, 1] = 3
    else:
        positions[:, 1] = 3
    scaled = width.scale_robustly(positions)
    np.testing.assert_allclose(scaled, naive.scaled_robustly(positions), atol=1e-6)
    assert scaled.min() == -0.5
    assert scaled.max() == pytest.approx(0.5 - 1 / 500)
    assert sorted(scaled[:, 0].tolist()) == scaled[np.argsort(positions[:, 0], kind="stable"), 0].tolist()


def test_smoothed_start_is_the_twins():
    level = alone(coarsen.make_finest_level(random_graph(0)))
    graph = dense_slices(level)
    positions = np.random.default_rng(2).normal(size=(level.n_vertices, 3)).astype(np.float32)
    positions[graph.sum(1) == 0] = 0
    expected = positions.astype(float)
    for _ in range(width.START_SMOOTHINGS):
        expected = naive_graph.smooth(graph, expected, np.zeros(level.n_vertices), 1.0)
    smoothed = width.smooth_start(level, positions)
    assert np.abs(smoothed).max() == width.CLIP_BOUND
    np.testing.assert_allclose(smoothed, naive.scaled_robustly(expected), atol=1e-4)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("min_dist, size, rate", [(0.1, 1, 7.0), (0.8, 1, 7.0), (0.1, 1e-6, 0.0)])
def test_expected_losses_are_the_twins(min_dist, size, rate, symmetric, monkeypatch):
    """Attraction and loss are correct, also for edges as short as the number that is added to their squares."""
    monkeypatch.setattr(width, "MIN_LOSS_OPPOSITES", 100)
    finest = coarsen.make_finest_level(random_graph(1, n=600, symmetric=symmetric))
    curve = fit_curve(1.0, min_dist)
    f = naive.forces(a=curve.a, b=curve.b, rate=rate, gamma=0.5)
    for level in map(alone, (finest, coarsen.coarsen(finest, 0, 0))):
        positions = np.random.default_rng(2).uniform(-0.75, 0.75, (level.n_vertices, 2)).astype(np.float32)
        positions *= np.float32(size)
        positions[1:9] = positions[0]
        scales = np.array([3.0, 10.0, 100.0])
        losses = width.compute_expected_losses(level, positions, scales, 600, curve, rate / 2)
        stride, opposite_stride = (max(1, level.n_vertices // count) - 1 | 1 for count in (width.MIN_LOSS_ROWS, 100))
        assert level.n_vertices < 600 or (stride, opposite_stride) == (9, 5)
        arguments = dense_slices(level), level.degree.astype(float), level.mass.astype(float), positions
        rules = stride, opposite_stride, kernels.ATTRACTION_STRIDE, 600, f
        expected = [naive.expected_loss(*arguments, scale, *rules) for scale in scales]
        np.testing.assert_allclose(losses, expected, rtol=1e-4)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("symmetric", [True, False])
def test_long_share_is_the_twins(symmetric, d):
    """The share equals the twin's, with rows at one position, and on a coarse level as well."""
    finest = coarsen.make_finest_level(random_graph(1, n=600, symmetric=symmetric))
    for level in map(alone, (finest, coarsen.coarsen(finest, 0, 0))):
        spread = np.random.default_rng(2).uniform(-0.75, 0.75, (level.n_vertices, d)).astype(np.float32)
        for power in (1, 2, 5):
            positions = np.sign(spread) * np.abs(spread) ** np.float32(power)
            positions[1:9] = positions[0]
            found = width.compute_long_share(*width.sample_edges(level, positions))
            assert 0 < found < 1
            assert found == pytest.approx(naive.long_share(dense_slices(level), positions), rel=1e-5)


def test_long_share_of_folds():
    """A closed curve has no long edges, whatever its density. Rows on the wrong side have long ones.

    The share of edges of length 0, and of edges without weight, is 0.
    """
    level, n = alone(ring_level()), 400
    angle = 2 * np.pi * (level.order / n) ** 2
    curve = (np.stack([np.cos(angle), np.sin(angle)], 1) / 2).astype(np.float32)
    assert width.compute_long_share(*width.sample_edges(level, curve)) == 0
    folded = curve.copy()
    folded[level.order % 20 == 0] *= -1
    assert width.compute_long_share(*width.sample_edges(level, folded)) == pytest.approx(0.1, rel=0.2)
    lengths, weights = width.sample_edges(level, np.zeros_like(curve))
    assert width.compute_long_share(lengths, weights) == 0
    assert width.compute_long_share(lengths + 1, weights) == 1
    assert width.compute_long_share(lengths + 1, np.zeros_like(weights)) == 0


def test_long_share_of_a_sample(monkeypatch):
    """The share in a sample of the rows is close to that in all rows."""
    level = alone(coarsen.make_finest_level(random_graph(2, n=20_000, hub=False)))
    positions = np.random.default_rng(3).normal(size=(20_000, 2)).astype(np.float32) ** 3 / 10
    found = []
    for measured in (2_000, 20_000):
        monkeypatch.setattr(width, "MIN_MEASURED_VERTICES", measured)
        found.append(width.compute_long_share(*width.sample_edges(level, positions)))
    assert found[0] == pytest.approx(found[1], rel=0.1) and found[0] != found[1]


def test_lowest_scale():
    """The minimum is that of a parabola, or the first or last scale."""
    scales = np.array([2.0, 3.0, 5.0, 8.0, 13.0])
    losses = (np.log(scales) - np.log(4.4)) ** 2 + 7
    assert width.find_lowest_scale(scales, losses) == pytest.approx(4.4)
    rng = np.random.default_rng(0)
    for losses in rng.random((50, 5)):
        assert width.find_lowest_scale(scales, losses) == pytest.approx(naive.lowest_scale(scales, losses), rel=1e-6)
    assert width.find_lowest_scale(scales, scales) == 2 and width.find_lowest_scale(scales, -scales) == 13
    assert width.find_lowest_scale(scales, np.ones(5)) == 2


@pytest.mark.parametrize("limit", ["room", "folds", "widest", "narrowest"])
def test_suited_width_is_the_twins(limit, monkeypatch):
    """The width is the room on the coarsest level, less if the finest level has long edges, within bounds."""
    fine, coarse = alone(coarsen.make_finest_level(random_graph(1, n=600))), alone(ring_level())
    positions = np.random.default_rng(2).uniform(-0.75, 0.75, (600, 2)).astype(np.float32)
    share = width.compute_long_share(*width.sample_edges(fine, positions))
    angle = 2 * np.pi * coarse.order / 400
    averages = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    forces = optimizer.Forces(Curve(1.577, 0.895), gamma=0.5, negative_rate=7.0)
    monkeypatch.setattr(width, "MIN_LOSS_OPPOSITES", 100)
    f = naive.forces(a=1.577, b=0.895, rate=7.0, gamma=0.5)
    rules = (
        *(max(1, coarse.n_vertices // count) - 1 | 1 for count in (width.MIN_LOSS_ROWS, 100)),
        kernels.ATTRACTION_STRIDE,
        600,
        f,
    )
    arguments = dense_slices(coarse), coarse.degree.astype(float), coarse.mass.astype(float), averages
    scales = np.array(width.CANDIDATE_SCALES)
    losses = np.array([naive.expected_loss(*arguments, scale, *rules) for scale in scales])
    assert 0 < np.argmin(losses) < len(scales) - 1
    room = width.ROOM_FACTOR * naive.lowest_scale(scales, losses)
    folded, widest, narrowest, expected = {
        "room": (10 * share, 1e6, 0.0, room),
        "folds": (0.5 * share, 1e6, 0.0, 0.5 * room),
        "widest": (10 * share, 0.7 * room, 0.0, 0.7 * room),
        "narrowest": (0.5 * share, 1e6, 0.9 * room, 0.9 * room),
    }[limit]
    for name, value in (("MAX_LONG_SHARE", folded), ("MAX_WIDTH", widest), ("MIN_WIDTH", narrowest)):
        monkeypatch.setattr(width, name, value)
    assert width.choose_width(600, coarse, averages, forces, share) == pytest.approx(expected, rel=1e-3)


def start_of_a_graph(init, seed=3):
    """Return an initial layout from a small graph, its width, and the problem."""
    held = SharedGraph(random_graph(seed, n=900), WHOLE, np.linspace(1, 2, 900, dtype=np.float32))
    forces = optimizer.Forces(fit_curve())
    problem, coarsest = make_layout_problem(held, Schedule(20, 2, True), forces, 0, distances=held.lengths)
    return *compute_start_positions(Start(init), problem, coarsest, None, 2, 0), problem


@pytest.mark.parametrize("init", ["pivot_mds", "spectral", "random"])
def test_width_of_a_start_by_name(monkeypatch, init):
    """The width of pivot MDS depends on the room only, since it has no folds. Those of other layouts are constants."""
    monkeypatch.setattr(start, "PIVOT_MDS_SMOOTHINGS", 0)
    positions, found, problem = start_of_a_graph(init, seed=1)
    assert width.compute_robust_widths(positions) == pytest.approx(found, rel=0.05)  # 4 % less if they are ranks
    (level,) = problem.levels
    scaled = (positions / found).astype(np.float32)
    room = width.choose_width(900, level, scaled, problem.forces)
    assert width.MIN_WIDTH < room < width.MAX_WIDTH
    assert found == pytest.approx({"pivot_mds": room, "spectral": 12, "random": 28}[init], rel=1e-2)


def test_paths_on_a_coarse_level_are_smoothed(monkeypatch):
    """On a coarse level, positions are smoothed over their neighbors and scaled. On the graph itself, they are not."""
    alone, _, _ = start_of_a_graph("pivot_mds")
    monkeypatch.setattr(start, "PIVOT_MDS_SMOOTHINGS", 0)
    assert np.array_equal(start_of_a_graph("pivot_mds")[0], alone)
    monkeypatch.setattr(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=500))
    rough, width_of_rough, problem = start_of_a_graph("pivot_mds")
    monkeypatch.undo()
    monkeypatch.setattr(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=500))
    positions, found, _ = start_of_a_graph("pivot_mds")
    assert found == width_of_rough
    level, smooth = problem.levels[1], rough.astype(float)
    graph = dense_slices(level)
    for _ in range(4):
        smooth = naive_graph.smooth(graph, smooth, level.degree - graph.sum(1), 1.0)
    expected = found * width.scale_robustly(smooth.astype(np.float32))
    assert np.abs(positions - expected).mean() < 0.02  # both are jittered
    assert np.abs(positions - rough).mean() > 1


def test_spectral_positions_are_eigenvectors():
    level = ring_level()
    positions = compute_spectral_positions(level, 2, 0).positions.astype(float)
    graph = dense(level, level.scale)
    walk = graph / graph.sum(1, keepdims=True)
    values = np.sort(np.linalg.eigvalsh(walk))[::-1]
    np.testing.assert_allclose(walk @ positions, positions * values[[1, 2]], atol=2e-3)
    assert np.abs(positions).max(0).tolist() == [1, 1]
    assert positions.max(0).tolist() == [1, 1]


@pytest.mark.parametrize("make", [ring_level, clusters_level])
@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_spectral_positions_can_be_repeated(make, n_components):
    results = []
    for threads in (1, 2):
        with limit_threads(threads):
            results.append(compute_spectral_positions(make(), n_components, 4).positions)
    assert results[0].shape == (make().n_vertices, n_components)
    assert results[0].tobytes() == results[1].tobytes()


def test_components_lie_apart():
    level = clusters_level()
    positions = compute_spectral_positions(level, 2, 0).positions
    groups = np.split(positions, [300, 420])
    centers = np.array([(group.min(0) + group.max(0)) / 2 for group in groups])
    radii = [np.abs(group - center).max() for group, center in zip(groups, centers, strict=True)]
    assert radii[0] > radii[1] > radii[2] > 0
    assert np.linalg.norm(centers[0]) < np.linalg.norm(centers[1]) < np.linalg.norm(centers[2])
    for one in range(3):
        for other in range(one):
            assert np.linalg.norm(centers[one] - centers[other]) > max(radii[one], radii[other])
