"""Tests of the field: the grid and its near field approximate the sum over all pairs."""

import naive_layout as naive
import numpy as np
import pytest

from umap_sk import kernels
from umap_sk.layout import repulsion
from umap_sk.layout.curve import fit_curve
from umap_sk.layout.optimizer import SETTINGS_DTYPE
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads

CURVE = repulsion.RepulsionKernel(1.577, 0.895, 0.8)


def forces_of(curve=CURVE):
    return naive.forces(**curve._asdict())


def points(n, width, seed=0):
    """Return uniform points in a rectangle away from the origin, with pairs that nearly coincide."""
    rng = np.random.default_rng(seed)
    positions = rng.uniform(0, 1, (n, 2)) * [width, width / 2] + [3, -7]
    positions[1 : n // 4 : 2] = positions[: n // 4 - 1 : 2] + rng.normal(0, 0.05, (n // 8, 2))
    return positions.astype(np.float32)


def settings_of(seed=3, epoch=0, curve=CURVE):
    settings = np.zeros(1, SETTINGS_DTYPE).view(np.recarray)
    settings.a, settings.b, settings.gamma, settings.softening = curve
    settings.seed, settings.epoch = seed, epoch
    return settings


def field_at(positions, spacing, curve=CURVE, near=False, scale=1.0):
    grid = repulsion.make_grid_field(positions, spacing, curve, near=near)
    out = np.full_like(positions, np.nan)
    repulsion.read_field(grid, positions, scale, out)
    return grid.frame, out


def added_near(positions, frame, curve=CURVE, **seeds):
    out = np.zeros_like(positions)
    repulsion.add_near_field(repulsion.sort_near_points(positions, frame), 1.0, settings_of(curve=curve, **seeds), out)
    return out


def rms(values):
    return np.sqrt((values**2).mean())


# ------------------------------------------------------------------------------------------------------------ frame


def test_spacing_follows_the_curve():
    for spread in (0.25, 1.0, 4.0):
        for min_dist in (0.1 * spread, 0.8 * spread):
            a, b = fit_curve(spread, min_dist)
            distance = repulsion.choose_spacing(a, b) / repulsion.DEFAULT_SPACING
            a1, b1 = fit_curve(1.0, 0.1)
            halves = (1 / a) ** (1 / (2 * b)), (1 / a1) ** (1 / (2 * b1))
            assert distance == pytest.approx(halves[0] / halves[1], rel=1e-4)


@pytest.mark.parametrize("n, width", [(1, 0.0), (5, 0.0), (3000, 20.0), (50, 1000.0)])
def test_frame_covers_all_positions(n, width):
    positions = points(n, width) if width else np.full((n, 2), 2.5, np.float32)
    frame = repulsion.make_frame(positions, 0.125)
    assert frame.spacing == 0.125 or width > 100
    assert frame.origin == tuple(positions.min(0).astype(float))
    assert frame.extent == pytest.approx(np.ptp(positions, axis=0).astype(float))
    cells = (positions - positions.min(0)) * np.float32(1 / frame.spacing)
    assert (cells.astype(int).max(0) + 1 < frame.shape).all()
    for side, count in zip(frame.extent, frame.shape, strict=True):
        assert side / frame.spacing + 2 < count <= 1.16 * (side / frame.spacing + 4) + 32
        assert (count + 1) % 32 == 0


@pytest.mark.parametrize("n", [1, 31, 32, 33, 96, 101])
def test_any_row_may_be_the_outermost(n):
    """The extreme row may be in a whole vector of coordinates or in the rest, at both ends of both axes."""
    for row in range(n):
        for outermost in (np.array([-3, 5]), np.array([4, -2])):
            positions = np.zeros((n, 2), np.float32)
            positions[row] = outermost
            boxes = np.empty((1, 4), np.float32)
            kernels.bounding_boxes(as_readonly(positions), boxes)
            assert boxes[0].tolist() == [*positions.min(0), *-positions.max(0)]


@pytest.mark.parametrize("most", [repulsion.MAX_CELLS, repulsion.MAX_CELLS // 4])
def test_cells_grow_with_a_map_that_is_too_wide(most):
    spacings = []
    for width in np.array([100.0, 200.0, 201.0, 1e4]) * most / repulsion.MAX_CELLS:
        positions = np.array([[0, 0], [width, width / 3]], np.float32)
        frame = repulsion.make_frame(positions, 0.125, most)
        assert max(frame.extent) / frame.spacing < most
        steps = np.log(frame.spacing / 0.125) / np.log(repulsion.SPACING_GROWTH)
        assert steps == pytest.approx(round(steps), abs=1e-6)
        if steps > 0.5:
            assert max(frame.extent) / (frame.spacing / repulsion.SPACING_GROWTH) > most - 3
        spacings.append(frame.spacing)
    assert spacings[0] == 0.125
    assert spacings[1] == spacings[2] < spacings[3]


# ------------------------------------------------------------------------------------------------------------- grid


@pytest.mark.parametrize("softening", [0.0, 0.5])
@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize("n", [40, 5000])
def test_grid_field_is_the_sum_over_the_masses_on_the_grid(n, near, softening):
    """The field equals the twin's sum over the grid, also for more rows than two blocks or parts."""
    positions, spacing, curve = points(n, 4.0), 0.2, CURVE._replace(softening=softening)
    frame, result = field_at(positions, spacing, curve, near=near, scale=0.5)
    reach = repulsion.NEAR_FIELD_CELLS * spacing if near else 0
    some = np.random.default_rng(1).choice(n, 40, replace=False)
    masses = naive.deposit(positions, frame.origin, spacing)
    expected = naive.grid_field(positions[some], masses, frame.origin, spacing, reach, forces_of(curve))
    np.testing.assert_allclose(result[some], 0.5 * expected, rtol=1e-3, atol=1e-4 * rms(expected))


@pytest.mark.parametrize("spacing", [0.05, 0.4])
@pytest.mark.parametrize("min_dist", [0.1, 0.8])
def test_grid_field_nears_the_sum_over_all_pairs(min_dist, spacing):
    """Without the near field, the error is below 8 % of the root mean square."""
    curve = repulsion.RepulsionKernel(*fit_curve(1.0, min_dist))
    positions = np.random.default_rng(2).normal(0, 5, (1500, 2)).astype(np.float32)
    exact = naive.whole_field(positions, positions, forces_of(curve))
    smooth = exact - naive.near_field(positions, repulsion.NEAR_FIELD_CELLS * spacing, forces_of(curve))
    _, result = field_at(positions, spacing, curve, near=True)
    assert rms(result - smooth) < 0.08 * rms(exact)


def test_field_with_a_near_field_that_samples_all_is_the_sum_over_all_pairs():
    positions, spacing = points(600, 50.0), 0.15
    frame, result = field_at(positions, spacing, near=True)
    assert most_around(positions, frame) <= kernels.NEAR_SAMPLES
    result += added_near(positions, frame)
    exact = naive.whole_field(positions, positions, forces_of())
    assert rms(result - exact) < 0.08 * rms(exact)
    _, coarse = field_at(positions, spacing)
    assert rms(coarse - exact) > 0.2 * rms(exact)  # the grid alone lacks pairs that nearly touch


def most_around(positions, frame):
    cells = ((positions - positions.min(0)) / (repulsion.NEAR_FIELD_CELLS * frame.spacing)).astype(int)
    return max((np.abs(cells - cell).max(1) <= 1).sum() for cell in cells)


def test_some_rows_are_read_as_all_are():
    positions = points(2 * kernels.BLOCK_ROWS + 100, 20.0)
    grid = repulsion.make_grid_field(positions, 0.2, CURVE)
    whole = np.empty_like(positions)
    repulsion.read_field(grid, positions, 1.0, whole)
    for first, last in ((kernels.BLOCK_ROWS, kernels.BLOCK_ROWS + 300), (2 * kernels.BLOCK_ROWS, len(positions))):
        part = np.empty((last - first, 2), np.float32)
        repulsion.read_field(grid, positions, 1.0, part, first)
        assert part.tobytes() == whole[first:last].tobytes()


@pytest.mark.parametrize("heavy", [False, True])
def test_deposit_may_be_cut_into_parts(heavy):
    """Each part of the rows has its own grid, so parts may be deposited in any order."""
    positions = points(5003, 9.0)
    frame = repulsion.make_frame(positions, 0.25)
    mass = (
        np.random.default_rng(4).integers(1, 9, len(positions)).astype(np.float32) if heavy else np.ones(0, np.float32)
    )
    arguments = as_readonly(positions), as_readonly(mass), *repulsion.get_cell_arguments(frame)
    corners = frame.shape[0] + 1, frame.shape[1] + 1
    shape = (repulsion.GRID_PARTS, corners[0] * corners[1])
    whole, cut = np.empty(shape, np.float32), np.full(shape, np.nan, np.float32)
    kernels.deposit(*arguments, 0, repulsion.GRID_PARTS, whole)
    for first, last in ((5, repulsion.GRID_PARTS), (0, 2), (2, 5)):
        kernels.deposit(*arguments, first, last, cut)
    assert cut.tobytes() == whole.tobytes()
    ends = np.arange(repulsion.GRID_PARTS + 1) * len(positions) // repulsion.GRID_PARTS
    sums = np.add.reduceat(mass, ends[:-1]) if heavy else np.diff(ends)
    assert whole.sum(1, dtype=float) == pytest.approx(sums, rel=1e-6)
    expected = np.zeros(corners)
    for corner, there in naive.deposit(positions, frame.origin, 0.25, mass if heavy else None).items():
        expected[corner] = there
    np.testing.assert_allclose(whole.sum(0).reshape(corners), expected, rtol=1e-5, atol=1e-4)


def test_field_does_not_depend_on_threads():
    positions = points(20_000, 60.0)
    results = []
    for threads in (1, 2):
        repulsion.transform_kernel.cache_clear()
        with limit_threads(threads):
            frame, out = field_at(positions, 0.15, near=True)
            repulsion.add_near_field(repulsion.sort_near_points(positions, frame), 0.5, settings_of(), out)
            results.append(out)
    assert results[0].tobytes() == results[1].tobytes()


# ------------------------------------------------------------------------------------------------------- near field


@pytest.mark.parametrize("width", [30.0, 6.0, 1.0])
def test_near_field_is_the_twins(width):
    """The near field is the twin's, with few or hundreds of vertices in nearby cells, or the whole map in reach."""
    positions = points(1300, width)
    frame = repulsion.make_frame(positions, 0.15)
    origin = np.array(frame.origin, np.float32)
    rules = origin, repulsion.NEAR_FIELD_CELLS * frame.spacing, 3, 9, kernels.NEAR_SAMPLES, kernels.BLOCK_ROWS
    expected = naive.sampled_near_field(positions, *rules, forces_of())
    result = added_near(positions, frame, seed=3, epoch=9)
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=2e-3 * rms(expected))


def test_near_field_that_samples_all_is_exact():
    positions = points(600, 50.0)
    frame = repulsion.make_frame(positions, 0.15)
    assert most_around(positions, frame) <= kernels.NEAR_SAMPLES
    expected = naive.near_field(positions, repulsion.NEAR_FIELD_CELLS * frame.spacing, forces_of())
    np.testing.assert_allclose(added_near(positions, frame), expected, rtol=1e-3, atol=1e-4 * rms(expected))


def test_near_field_has_the_right_mean():
    positions = points(400, 4.0)
    frame = repulsion.make_frame(positions, 0.15)
    expected = naive.near_field(positions, repulsion.NEAR_FIELD_CELLS * frame.spacing, forces_of())
    drawn = np.stack([added_near(positions, frame, epoch=epoch) for epoch in range(100)])
    assert len({one.tobytes() for one in drawn}) == 100
    error = drawn.mean(0) - expected
    assert np.abs(error / (drawn.std(0) / 10 + 1e-3)).max() < 6


def test_near_field_of_some_rows_is_that_of_all():
    positions = points(2 * kernels.BLOCK_ROWS + 100, 8.0)
    frame = repulsion.make_frame(positions, 0.15)
    whole = added_near(positions, frame)
    for first, last in (
        (kernels.BLOCK_ROWS, 2 * kernels.BLOCK_ROWS),
        (0, kernels.BLOCK_ROWS),
        (2 * kernels.BLOCK_ROWS, len(positions)),
    ):
        part = np.zeros((last - first, 2), np.float32)
        repulsion.add_near_field(repulsion.sort_near_points(positions, frame), 1.0, settings_of(), part, first)
        assert part.tobytes() == whole[first:last].tobytes()


def test_near_field_adds_and_scales():
    positions = points(1300, 6.0)
    frame = repulsion.make_frame(positions, 0.15)
    out = np.ones_like(positions)
    repulsion.add_near_field(repulsion.sort_near_points(positions, frame), 0.25, settings_of(), out)
    np.testing.assert_allclose(out, 1 + 0.25 * added_near(positions, frame), rtol=1e-5, atol=1e-5)
