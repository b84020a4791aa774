"""The density term has the gradient of its objective, and acts in the right epochs."""

import naive_density as naive
import numpy as np
import pytest
from graphs import dense_slices, random_graph
from layouts import layout_of, step
from test_optimizer import state_of

from umap_sk.graph.shared import SharedGraph
from umap_sk.layout import density, optimizer
from umap_sk.layout.density import Density
from umap_sk.runtime.threads import limit_threads

SHIFT, WEIGHT = 0.2, 3.0


def radii_of(graph, seed=3):
    """Return log radii of a graph's rows, with NaN for rows without edges."""
    radii = np.random.default_rng(seed).normal(2, 1.5, len(graph.indptr) - 1).astype(np.float32)
    radii[np.diff(graph.indptr) == 0] = np.nan
    return radii


def dense_layout(graph, n_levels=1, share=1.0, shift=SHIFT, **options):
    """Return a layout problem with a density term."""
    forces = Density(WEIGHT, share, shift)
    layout = layout_of(graph, n_levels, density=forces, **options)
    held = SharedGraph(graph, radii=radii_of(graph))
    return layout._replace(target=density.make_density_target(held, layout.levels[0]))


@pytest.mark.parametrize("d, softening", [(1, 0.0), (2, 0.0), (2, 0.5), (3, 0.0)])
def test_it_is_the_gradient_of_the_correlation(d, softening):
    """The force equals central differences of the correlation, also for rows with one edge or none."""
    graph = random_graph(1, n=70, edges=6)
    layout = dense_layout(graph)
    level, (a, b) = layout.levels[0], layout.forces.curve
    positions = np.random.default_rng(4).normal(size=(70, d)).astype(np.float32)
    settings = optimizer.make_settings(layout.forces, softening=softening)
    out = np.zeros_like(positions)
    density.add_density(layout.forces.density, layout.target, level, positions, settings, out)
    rules = a, b, softening, WEIGHT, SHIFT
    expected = naive.gradient(dense_slices(level), positions, radii_of(graph)[level.order], *rules)
    found = out * (layout.forces.negative_rate * level.degree[:, None])
    assert (level.degree == 0).any()
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).mean())
    assert not found[level.degree == 0].any()


def test_one_place_and_one_radius():
    """If all rows or all radii are equal, the density term is 0, without divisions by 0."""
    graph = random_graph(1, n=70, edges=6)
    layout = dense_layout(graph, shift=0.0)
    settings = optimizer.make_settings(layout.forces)
    out = np.zeros((70, 2), np.float32)
    rules = layout.levels[0], np.ones((70, 2), np.float32), settings, out
    density.add_density(layout.forces.density, layout.target, *rules)
    assert not out.any()
    alike = SharedGraph(graph, radii=np.ones(70, np.float32))
    target = density.make_density_target(alike, layout.levels[0])
    assert not target.radii.any()


@pytest.mark.parametrize("share, first", [(0.0, 36), (0.25, 27), (0.5, 18), (1.0, 0)])
def test_when_it_acts(share, first):
    """The term acts in the last epochs. Its weight increases linearly to the full weight."""
    layout = dense_layout(random_graph(0), share=share)
    assert optimizer.count_epochs(layout.phases) == 36
    state = state_of(layout, layout.phases[0], 0)
    weights = []
    for epoch in range(36):
        phase = next(p for p in layout.phases if epoch < p.first_epoch + p.epochs)
        now = optimizer.get_current_density(layout, phase, state._replace(epoch=epoch))
        weights.append(now.weight if now else 0.0)
    grown = np.arange(1, 36 - first + 1) / (36 - first) if share else []
    np.testing.assert_allclose(weights, WEIGHT * np.r_[np.zeros(first), grown])


def test_coarse_levels_do_without():
    """Epochs on coarse levels equal those of a layout without density."""
    graph = random_graph(0)
    layout, plain = dense_layout(graph, 3, on_grid=True), layout_of(graph, 3, on_grid=True)
    for phase in layout.phases:
        state = state_of(layout, phase, 1)
        same = np.array_equal(step(layout, phase, state)[0], step(plain, phase, state)[0])
        assert same == (phase.depth > 0)


@pytest.mark.parametrize("d, on_grid", [(2, True), (2, False), (3, False)])
def test_same_bits_on_threads(d, on_grid):
    layout = dense_layout(random_graph(0), on_grid=on_grid)
    phase = layout.phases[-1]
    state = state_of(layout, phase, phase.epochs // 2, d=d)
    with limit_threads(1):
        whole = step(layout, phase, state)
    with limit_threads(2):
        for got, expected in zip(step(layout, phase, state), whole, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_sampled_repulsion_stays():
    """With a tiny weight, an epoch equals one without density, with the same random numbers."""
    graph = random_graph(0)
    layout, plain = dense_layout(graph), layout_of(graph)
    forces = layout.forces._replace(density=layout.forces.density._replace(weight=1e-20))
    phase = layout.phases[-1]
    for d in (2, 3):
        state = state_of(layout, phase, 3, d=d)
        found, expected = step(layout._replace(forces=forces), phase, state), step(plain, phase, state)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-4)
