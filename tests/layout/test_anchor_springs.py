"""Anchors in one epoch and on coarse levels equal their naive twins, and initial layouts are aligned to them."""

import naive_layout as naive
import numpy as np
import pytest
from graphs import random_graph
from layouts import layout_of, step

from umap_sk.layout import anchors as springs
from umap_sk.layout.anchors import Anchors
from umap_sk.layout.optimizer import LayoutState


def some_anchors(n, d=2, seed=0):
    """Return near and far anchors with very different strengths. A third of the rows is free."""
    rng = np.random.default_rng(seed)
    strengths = np.where(rng.random(n) < 0.3, 0, 10 ** rng.uniform(-2, 1, n))
    places = np.where(strengths[:, None] > 0, rng.normal(0, 4, (n, d)), 0)
    return Anchors(places.astype(np.float32), strengths.astype(np.float32))


def any_state(layout, phase, d, seed=1):
    n = layout.levels[phase.depth].n_vertices
    rng = np.random.default_rng(seed)
    moments = np.stack([rng.normal(0, 3, (n, d)), rng.uniform(1, 9, (n, d))]).astype(np.float32)
    return LayoutState(phase.depth, rng.uniform(0, 3, (n, d)).astype(np.float32), moments, phase.first_epoch, 6, 7.0)


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("on_grid, d", [(True, 2), (False, 2), (False, 3)])
def test_the_pull_is_the_twins(on_grid, d, depth):
    """The gradient is that of an epoch without anchors plus that of the springs, for each kind of repulsion."""
    free = layout_of(random_graph(0, n=3000), depth + 1, on_grid=on_grid)
    held = free._replace(anchors=springs.aggregate_anchors(some_anchors(3000, d), free.levels, None))
    phase = next(phase for phase in free.phases if phase.depth == depth)
    state = any_state(free, phase, d)
    added = 2 * (step(held, phase, state)[1][0].astype(float) - step(free, phase, state)[1][0])
    level = free.levels[depth]
    expected = naive.pull_to_anchors(state.positions, level.degree, *held.anchors[depth])
    assert np.abs(expected).max() > 20
    np.testing.assert_allclose(added, expected, rtol=1e-3, atol=2e-3)


def test_springs_of_groups_are_the_twins():
    """Over two levels, a group has the sum of its members' springs, and free groups stay free."""
    layout = layout_of(random_graph(1, n=6000), 3)
    given = some_anchors(6000)._replace(strengths=np.where(np.arange(6000) % 5, 0, 1).astype(np.float32))
    found = springs.aggregate_anchors(given, layout.levels, None)
    order = layout.levels[0].order
    np.testing.assert_array_equal(found[0].places, given.places[order])
    for depth in (1, 2):
        finer, coarser = layout.levels[depth - 1], layout.levels[depth]
        places, strengths = naive.anchors_of_groups(coarser.owner, finer.degree, *found[depth - 1])
        np.testing.assert_allclose(found[depth].strengths, strengths, rtol=1e-4)
        np.testing.assert_allclose(found[depth].places, places, rtol=1e-4, atol=1e-4)
    assert 0 < (found[1].strengths == 0).mean() < 1


def test_anchors_of_the_rows_that_take_part():
    layout = layout_of(random_graph(2, n=2000))
    connected = np.arange(0, 4000, 2)
    given = some_anchors(4000)
    np.testing.assert_array_equal(
        springs.aggregate_anchors(given, layout.levels, connected)[0].places, given.places[::2][layout.levels[0].order]
    )


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_start_is_turned_to_its_anchors(d):
    """The alignment restores a rotated, mirrored and shifted map. It ignores free rows and does not stretch."""
    rng = np.random.default_rng(d)
    there = rng.normal(0, 5, (50, d))
    rotation = np.linalg.qr(rng.normal(size=(d, d)))[0] * -1
    here = (there @ rotation + 3).astype(np.float32)
    strengths = np.where(np.arange(50) < 20, rng.uniform(0.1, 2, 50), 0).astype(np.float32)
    places = np.where(strengths[:, None] > 0, there, 99).astype(np.float32)
    np.testing.assert_allclose(springs.align_to_anchors(here, Anchors(places, strengths)), there, atol=1e-4)
    twice = springs.align_to_anchors(here, Anchors(2 * places, strengths))
    np.testing.assert_allclose(np.ptp(twice @ np.eye(d), axis=0), np.ptp(there, axis=0), rtol=1e-4)
    np.testing.assert_array_equal(springs.align_to_anchors(here, Anchors(places, 0 * strengths)), here)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_nearest_rotation(rank):
    """The matrix is orthogonal. Its inner product is the largest one, the sum of the singular values."""
    random = np.random.default_rng(rank)
    for scale in (1e-9, 1.0, 1e12):
        matrix = scale * random.normal(size=(3, rank)) @ random.normal(size=(rank, 3))
        turn = springs.find_nearest_rotation(matrix)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        best = np.linalg.svd(matrix)[1].sum()
        np.testing.assert_allclose((turn * matrix).sum(), best, rtol=1e-6, atol=1e-12)
