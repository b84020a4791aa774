"""One epoch equals its naive twin, also in blocks of rows."""

import naive_layout as naive
import numpy as np
import pytest
from compiled import compiled
from graphs import dense_slices, random_graph, with_star
from layouts import FORCES, layout_of, some_rows, step

from umap_sk import kernels
from umap_sk.layout import optimizer, sell
from umap_sk.layout import repulsion as field
from umap_sk.layout.curve import Curve
from umap_sk.layout.optimizer import LayoutState
from umap_sk.layout.schedule import SOFTENING_STEPS
from umap_sk.runtime.compile import as_readonly

START_WIDTH = 7.0


def state_of(layout, phase, done, width=3.0, d=2, seed=8):
    """Return a state of a phase with equal and remote points, moments, and an initial layout of any width."""
    n = layout.levels[phase.depth].n_vertices
    rng = np.random.default_rng(seed)
    positions = rng.uniform(0, width, (n, d))
    positions[5:8] = positions[4]
    positions[10:12] += [[width], [-width]]
    moments = np.stack([rng.normal(0, 3, (n, d)), rng.uniform(1, 9, (n, d))])
    if phase.descent.momentum is not None:
        moments = moments[:1] / 10  # the last step
    arrays = (array.astype(np.float32) for array in (positions, moments))
    return LayoutState(phase.depth, *arrays, phase.first_epoch + done, 6, START_WIDTH)


def unit_of(phase):
    """Return the unit of lengths and of Adam's steps: the initial width on coarse levels, and 1 on the graph."""
    return START_WIDTH if phase.depth else 1.0


def sharpest_bend(curve):
    """Return the largest second derivative of the attraction's loss relative to its factor, at least 1."""
    d = np.geomspace(1e-3, 1e3, 1000)
    before, here, after = (np.log1p(curve.a * (d * (1 + h)) ** (2 * curve.b)) for h in (-1e-4, 0, 1e-4))
    return max(1.0, ((after - 2 * here + before) / 1e-4 / ((after - before) / 2)).max())


def softening_of(phase, state):
    """Return the softening: the square of a length that decreases in steps."""
    step = np.floor(SOFTENING_STEPS * (state.epoch - phase.first_epoch) / phase.epochs)
    fallen = (1 - step / SOFTENING_STEPS) ** phase.descent.softening_fall
    return (unit_of(phase) * phase.descent.softening * fallen) ** 2


def naive_forces(layout, phase, state):
    forces = layout.forces
    return naive.forces(
        a=forces.curve.a,
        b=forces.curve.b,
        gamma=forces.gamma * phase.descent.repulsion,
        attraction=forces.attraction,
        rate=forces.negative_rate,
        softening=softening_of(phase, state),
    )


def assert_epoch_is_the_twins(layout, phase, state, repulsion):
    level = layout.levels[phase.depth]
    degree, descent = level.degree.astype(float), phase.descent
    f = naive_forces(layout, phase, state)
    gradient = naive.attraction(dense_slices(level), state.positions, f) + repulsion
    done = state.epoch - phase.first_epoch
    alpha = layout.forces.learning_rate * descent.step * (1 - done / phase.epochs) ** descent.fall
    epsilon = 1e-7 + descent.floor * degree[:, None]
    out, out_moments = step(layout, phase, state)
    if descent.momentum is not None:
        curvatures = naive.curvatures(dense_slices(level), state.positions, f) + epsilon
        if phase.depth:
            inside = np.maximum(0, degree - dense_slices(level).sum(1))
            curvatures += naive.inner_curvature(inside, degree)[:, None]
        beta = descent.momentum * (np.clip(done / (phase.epochs * descent.momentum_rise), 0, 1) if phase.depth else 1)
        alpha /= sharpest_bend(layout.forces.curve)
        expected = naive.heavy_ball(state.positions, state.moments, gradient, curvatures, beta, alpha)
        np.testing.assert_allclose(out_moments, expected[1], rtol=1e-3, atol=2e-3)
        np.testing.assert_allclose(out, expected[0], rtol=1e-5, atol=2e-3)
        assert 0 < (np.abs(out_moments) == 1).mean() < 0.9  # some steps are clipped
        return
    expected = naive.adam(state.positions, state.moments, gradient, epsilon, done, unit_of(phase) * alpha)
    np.testing.assert_allclose(out_moments[0], expected[1][0], rtol=1e-3, atol=2e-3)
    np.testing.assert_allclose(out_moments[1], expected[1][1], rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(out, expected[0], rtol=1e-5, atol=1e-3 * alpha)
    assert np.abs(out - state.positions).max() > 0.1 * alpha


# ------------------------------------------------------------------------------------------------------ one epoch


@pytest.mark.parametrize("floor", [0.0, 3e-8])
def test_adam_of_tiny_gradients_is_the_twins(floor):
    """Adam's step equals the twin's for gradients of about 1e-7, for which the addition to the denominator matters."""
    rng = np.random.default_rng(10)
    n, d, alpha, done = 40, 2, 0.7, 2
    positions, gradient, first = (rng.normal(size=(n, d)) * size for size in (1.0, 1e-7, 1e-7))
    arrays = positions, np.stack([first, rng.uniform(0, 2e-14, (n, d))]), np.repeat(rng.integers(1, 9, n), d), gradient
    positions, moments, degrees, gradient = (array.astype(np.float32) for array in arrays)
    gradient[:5], moments[:, :5] = 0, 0
    corrections = {"correction1": 1 - 0.5 ** (done + 1), "correction2": 1 - 0.9 ** (done + 1)}
    settings = optimizer.make_settings(FORCES, step=alpha, floor=floor, **corrections)[0]
    out, out_moments = np.full_like(positions, np.nan), np.full_like(moments, np.nan)
    compiled("adam_block")(0, 0, n, positions, moments, degrees, settings, gradient, out, out_moments)
    epsilon = 1e-7 + floor * degrees.reshape(n, d).astype(float)
    expected = naive.adam(*(a.astype(float) for a in (positions, moments, gradient)), epsilon, done, alpha)
    np.testing.assert_allclose(out, expected[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(out_moments, expected[1], rtol=1e-5)
    assert (out[:5] == positions[:5]).all()


def sampled(layout, phase, state):
    picked = np.arange(layout.levels[0].n_vertices)
    for level in layout.levels[1 : phase.depth + 1]:
        picked = level.owner[picked]
    degree = layout.levels[phase.depth].degree.astype(float)
    rules = phase.negatives, kernels.BLOCK_ROWS, kernels.POOL_SIZE, naive_forces(layout, phase, state)
    return naive.sampled_repulsion(state.positions, degree, picked, state.seed, state.epoch, *rules)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_sampled_epoch_is_the_twins(d, last):
    """An epoch equals the twin's for rows without edges, and for a row with more edges than are gathered at once."""
    layout = layout_of(with_star(random_graph(0)) if d == 2 else random_graph(0))
    longest = np.diff(layout.levels[0].slices.starts).max() / kernels.SLICE
    assert longest > (kernels.CHUNK_SIZE if d == 2 else 400) > kernels.GATHERED_EDGES
    phase = layout.phases[-1 if last else 0]
    state = state_of(layout, phase, done=phase.epochs // 2, d=d)
    assert_epoch_is_the_twins(layout, phase, state, sampled(layout, phase, state))


@pytest.mark.parametrize("depth", [2, 1])
def test_sampled_epoch_of_a_coarse_level_is_the_twins(depth):
    """On a coarse level, vertices are drawn by mass, and Adam has a floor."""
    layout = layout_of(random_graph(1, n=6000), 3)
    phase = next(p for p in layout.phases if p.depth == depth)
    assert phase.descent.floor > 0 and phase.descent.softening > 0
    for done in (0, phase.epochs - 1):
        state = state_of(layout, phase, done)
        assert_epoch_is_the_twins(layout, phase, state, sampled(layout, phase, state))


def test_attraction_of_a_directed_graph():
    layout = layout_of(random_graph(2, symmetric=False), attraction=2.0)
    phase = layout.phases[-1]
    state = state_of(layout, phase, done=3, width=30.0)
    assert_epoch_is_the_twins(layout, phase, state, sampled(layout, phase, state))


def on_grid(layout, phase, state, cells=1.0, near=False):
    """Return the twin's repulsion on the grid, with the mass of each vertex."""
    level, f = layout.levels[state.depth], naive_forces(layout, phase, state)
    frame = field.make_frame(state.positions, cells * field.choose_spacing(*layout.forces.curve), 1000 // cells)
    origin, reach = np.array(frame.origin, np.float32), field.NEAR_FIELD_CELLS * frame.spacing
    masses = naive.deposit(state.positions, origin, frame.spacing, level.mass)
    push = naive.grid_field(state.positions, masses, origin, frame.spacing, reach if near else 0, f)
    if near:
        rules = origin, reach, state.seed, state.epoch, kernels.NEAR_SAMPLES, kernels.BLOCK_ROWS
        push += naive.sampled_near_field(state.positions, *rules, f)
    return f.rate * level.degree[:, None].astype(float) * push / layout.levels[0].n_vertices


@pytest.mark.parametrize(
    ("majorized", "curve"), [(False, FORCES.curve), (True, FORCES.curve), (True, Curve(0.12, 1.9))]
)
@pytest.mark.parametrize("near", [False, True])
def test_field_epoch_is_the_twins(near, majorized, curve):
    layout = layout_of(random_graph(3, n=1300), on_grid=True, majorized=majorized, curve=curve)
    phase = layout.phases[-1]
    assert phase.descent.near
    first_near = int(np.ceil(optimizer.NEAR_FIELD_START * phase.epochs))
    state = state_of(layout, phase, done=first_near if near else first_near - 1)
    assert_epoch_is_the_twins(layout, phase, state, on_grid(layout, phase, state, near=near))


@pytest.mark.parametrize("majorized", [False, True])
def test_arranging_epochs_on_the_field_are_the_twins(majorized):
    """The epochs have softening, wider cells, and a floor. They have no near field."""
    layout = layout_of(random_graph(3, n=1300), on_grid=True, majorized=majorized)
    phase = layout.phases[0]
    assert phase.descent.softening > 0 and phase.descent.floor > 0 and not phase.descent.near
    finest, widths = field.choose_spacing(*FORCES.curve), []
    for done in (0, phase.epochs // 2, phase.epochs - 1):
        state = state_of(layout, phase, done)
        cells = min(optimizer.COARSE_SPACING_FACTOR, max(1, int(softening_of(phase, state) ** 0.5 / finest)))
        widths.append(cells)
        assert_epoch_is_the_twins(layout, phase, state, on_grid(layout, phase, state, cells))
    assert widths[0] == optimizer.COARSE_SPACING_FACTOR and widths[-1] == 1


@pytest.mark.parametrize("majorized", [False, True])
@pytest.mark.parametrize("depth", [2, 1])
def test_field_epoch_of_a_coarse_level_is_the_twins(depth, majorized):
    """The cells are wider and contain masses. There is no near field."""
    layout = layout_of(random_graph(1, n=6000), 3, on_grid=True, majorized=majorized)
    phase = next(p for p in layout.phases if p.depth == depth)
    assert phase.field and phase.descent.floor > 0 and layout.levels[depth].mass.max() > 2
    for done in (0, phase.epochs - 1):
        state = state_of(layout, phase, done)
        assert_epoch_is_the_twins(layout, phase, state, on_grid(layout, phase, state, optimizer.COARSE_SPACING_FACTOR))


@pytest.mark.parametrize("depth", [0, 1])
def test_sampled_repulsion_has_the_right_mean(depth):
    """The mean gradient over many seeds is the attraction plus the sum over all pairs, weighted by mass."""
    layout = layout_of(random_graph(4, n=1500), 2)
    phase = next(p for p in layout.phases if p.depth == depth)._replace(field=False)
    state = state_of(layout, phase, 0)
    level, f = layout.levels[depth], naive_forces(layout, phase, state)
    state = state._replace(moments=np.zeros_like(state.moments))
    gradients = [2 * step(layout, phase, state._replace(seed=seed))[1][0] for seed in range(200)]
    y = state.positions.astype(float)
    push = np.stack([level.mass @ naive.repel(place - y, f) for place in y]) / 1500
    expected = naive.attraction(dense_slices(level), y, f) + f.rate * level.degree[:, None] * push
    error = np.mean(gradients, 0) - expected
    size = np.std(gradients, 0) / np.sqrt(200) + 1e-3
    assert np.abs(error / size).max() < 6
    assert np.abs((error / size).mean()) < 0.3


def step_blocks(layout, phase, state):
    """Run an epoch in three calls with some rows each, the last rows first."""
    n, d = state.positions.shape
    out, out_moments = np.full_like(state.positions, np.nan), np.full_like(state.moments, np.nan)
    for first, last in (
        (2 * kernels.BLOCK_ROWS, n),
        (0, kernels.BLOCK_ROWS),
        (kernels.BLOCK_ROWS, 2 * kernels.BLOCK_ROWS),
    ):
        levels = list(layout.levels)
        levels[phase.depth] = some_rows(levels[phase.depth], first, last)
        here = state._replace(moments=state.moments[:, first:last].copy())
        rows = np.empty((last - first, d), np.float32), np.empty_like(here.moments)
        optimizer.step_rows(layout._replace(levels=tuple(levels)), phase, here, *rows)
        out[first:last], out_moments[:, first:last] = rows
    return out, out_moments


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize(
    "d, on_grid, majorized", [(2, True, True), (2, True, False), (2, False, False), (3, False, False)]
)
def test_blocks_of_rows_make_the_whole_epoch(d, on_grid, majorized, depth):
    graph = random_graph(5, n=(5 * depth + 3) * kernels.BLOCK_ROWS + 10)
    layout = layout_of(graph, depth + 1, on_grid=on_grid, majorized=majorized)
    phase = layout.phases[0]
    state = state_of(layout, phase, done=phase.epochs - 1, width=20.0, d=d)
    assert len(state.positions) > 2 * kernels.BLOCK_ROWS
    whole, blocks = step(layout, phase, state), step_blocks(layout, phase, state)
    assert [array.tobytes() for array in blocks] == [array.tobytes() for array in whole]


@pytest.mark.parametrize("d", [2, pytest.param(3, marks=pytest.mark.long)])
def test_wide_slices_are_summed_in_parts(d):
    """The pulls and curvatures of a row with very many edges are the twin's, and an epoch moves the row by them."""
    graph = with_star(random_graph(0, n=kernels.PART_WIDTH + 500))
    layout = layout_of(graph, gamma=0.0, on_grid=d == 2, majorized=d == 2)
    level, phase = layout.levels[0], layout.phases[-1]
    assert level.parts[:, 1].tolist() == [0, 1]
    state = state_of(layout, phase, done=1, d=d)
    f, rows = naive_forces(layout, phase, state), level.parts[0, 0] * kernels.SLICE + np.arange(kernels.SLICE)
    edges = dense_slices(level)[rows]
    settings = optimizer.make_epoch_settings(layout, phase, state)
    packed = optimizer.pack_positions(as_readonly(state.positions))
    _, pulls, curvatures = sell.sum_wide_slices(level, as_readonly(state.positions), packed, settings)
    pull = naive.attraction(edges, state.positions, f, rows)
    np.testing.assert_allclose(pulls.sum(0), pull, rtol=1e-4, atol=1e-4)
    whole, blocks = step(layout, phase, state), step_blocks(layout, phase, state)
    assert [array.tobytes() for array in blocks] == [array.tobytes() for array in whole]
    if d == 3:
        np.testing.assert_allclose(2 * whole[1][0][rows] - state.moments[0][rows], pull, rtol=1e-4, atol=1e-4)
        return
    curvature = naive.curvatures(edges, state.positions, f, rows)
    np.testing.assert_allclose(curvatures.sum(0)[:, :1], curvature, rtol=1e-4)
    beta, alpha = settings["momentum"][0], settings["step"][0]
    before = state.positions[rows], state.moments[:, rows]
    _, moments = naive.heavy_ball(*before, pull, curvature, beta, alpha)
    np.testing.assert_allclose(whole[1][:, rows], moments, rtol=1e-3, atol=1e-4)
