"""Positions of new rows equal those of their naive twin, and each depends on its own row only."""

import naive_graph
import naive_layout as naive
import naive_numbers
import numpy as np
import pytest
from compiled import compiled

from umap_sk import kernels
from umap_sk.layout import optimizer, transform
from umap_sk.layout.curve import Curve
from umap_sk.layout.optimizer import Forces
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads

FORCES = Forces(Curve(1.4, 0.85), gamma=0.8, negative_rate=6.0, learning_rate=0.9)
F = naive.forces(a=1.4, b=0.85, gamma=0.8, attraction=2.0, rate=6.0, step=0.9 * transform.FIRST_PLACEMENT_STEP)
N_TRAINING = 500


def training_map(d, lost=0):
    positions = np.random.default_rng(0).uniform(0, 9, (N_TRAINING, d)).astype(np.float32)
    positions[1:lost:3] = np.nan
    return positions


def new_rows(seed, n, k=12):
    """Return rows with 1 to k neighbors. Some are very tight, some have distance 0, and some have none."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, k + 1, n)
    lengths[::9] = 0
    indices = [np.sort(rng.choice(N_TRAINING, length, replace=False)) for length in lengths]
    distances = [np.sort(rng.uniform(1, 3, length)) * 10 ** rng.uniform(-4, 4) for length in lengths]
    for row in distances[5::9]:
        row[:1] = 0
    return list(zip(indices, distances, strict=True))


def neighbors_of(rows):
    indptr = np.concatenate([[0], np.cumsum([len(indices) for indices, _ in rows])])
    indices = np.concatenate([indices for indices, _ in rows]).astype(np.int32)
    return Neighbors(indptr, indices, np.concatenate([ds for _, ds in rows]).astype(np.float32), N_TRAINING)


def placed(frozen, rows, **options):
    return transform.place_rows(frozen, neighbors_of(rows), 12, 1.0, **options)


def strengths_of(distances):
    (scales,) = naive_graph.local_scales([np.float32(distances).tolist()], 12, 0.0, new_rows=True)
    return np.maximum(naive_graph.memberships(np.float32(distances), *scales), 1e-30)


def field_push(frozen):
    """Return the push of all placed rows by the grid.

    Outside of the grid, it is that of the nearest position inside.
    """
    rows = frozen.positions[~np.isnan(frozen.positions[:, 0])]
    frame = frozen.field.frame
    masses = naive.deposit(rows, frame.origin, frame.spacing)
    most = np.array(frozen.field.values.shape[:2]) - 2

    def push(place, _):
        inside = np.clip(place, frame.origin, frame.origin + most * frame.spacing)
        return naive.grid_field([inside], masses, frame.origin, frame.spacing, 0, F)[0] / len(rows)

    return push


def pool_push(frozen, indices, distances):
    """Return the mean push of a run of the map's pool. Its beginning depends on the row's content."""
    state = naive.content_of_row(indices, distances, frozen.seed)

    def push(place, _):
        nonlocal state
        state = naive_numbers.next_random(state)
        run = naive_numbers.below(state, kernels.POOL_SIZE)
        drawn = frozen.pool.T[run : run + transform.ROW_NEGATIVES].astype(float)
        return naive.repel(place - drawn, F).mean(0)

    return push


@pytest.mark.parametrize("lost", [0, 300])
@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_places_are_the_twins(d, lost):
    frozen = transform.freeze(training_map(d, lost), FORCES, 7)
    rows = new_rows(1, 60)
    for epochs, tolerance in ((0, 1e-5), (1, 1e-4), (4, 1e-3), (transform.PLACEMENT_EPOCHS, 2e-2)):
        result = placed(frozen, rows, epochs=epochs)
        assert (result.shape, result.dtype) == ((60, d), np.float32)
        for place, (indices, distances) in zip(result, rows, strict=True):
            usable = ~np.isnan(frozen.positions[indices, 0])
            indices, distances = indices[usable], distances[usable]
            if len(indices) == 0:
                assert np.isnan(place).all()
                continue
            near = frozen.positions[indices].astype(float)
            if distances[0] == 0:
                assert place.tolist() == near[0].tolist()
                continue
            push = field_push(frozen) if d == 2 else pool_push(frozen, indices, distances)
            expected = naive.place_row(strengths_of(distances), near, push, epochs, F)
            np.testing.assert_allclose(place, expected, atol=tolerance)


def test_rows_without_a_usable_neighbor_are_nan():
    positions = training_map(2, lost=300)
    lost = np.flatnonzero(np.isnan(positions[:, 0]))
    frozen = transform.freeze(positions, FORCES, 7)
    assert frozen.n_placed == N_TRAINING - len(lost)
    rows = [(lost[:5], np.arange(1, 6)), (lost[:0], np.arange(0)), (np.r_[lost[:2], 400], np.array([0, 1, 2]))]
    result = placed(frozen, rows)
    assert np.isnan(result).all(1).tolist() == [True, True, False]
    assert result[2].tobytes() == placed(frozen, [(np.array([400]), np.array([2.0]))]).tobytes()


@pytest.mark.parametrize("d", [2, 3])
def test_a_place_depends_on_its_row_alone(d):
    """The bits do not depend on the order, on other rows or on threads."""
    frozen = transform.freeze(training_map(d, lost=30), FORCES, 7)
    rows = new_rows(2, 300)
    whole = placed(frozen, rows)
    order = np.random.default_rng(3).permutation(300)
    assert placed(frozen, [rows[i] for i in order]).tobytes() == whole[order].tobytes()
    for i in range(0, 300, 7):
        assert placed(frozen, [rows[i]]).tobytes() == whole[i].tobytes()
    for first, last in ((0, 10), (10, 170), (170, 300)):
        assert placed(frozen, rows[first:last]).tobytes() == whole[first:last].tobytes()
    for threads in (1, 2):
        with limit_threads(threads):
            assert placed(frozen, rows).tobytes() == whole.tobytes()
    again = transform.freeze(training_map(d, lost=30), FORCES, 7)
    assert placed(again, rows).tobytes() == whole.tobytes()


def test_sampled_places_depend_on_the_content_and_the_seed():
    """Rows with the same neighbors but other distances have other random vertices."""
    positions = training_map(3)
    indices = np.array([3, 1, 4, 15])
    same = [(indices, np.full(4, distance)) for distance in (1.0, 2.0)] + [(indices + 1, np.ones(4))]
    hashes = {naive.content_of_row(*row, seed) for row in same for seed in (7, 8)}
    assert len(hashes) == 6
    for indices, distances in same:
        for seed in (7, 8):
            content = compiled("content_of_row")(0, 4, indices.astype(np.uint32), distances.astype(np.float32), seed)
            assert int(content) == naive.content_of_row(indices, distances, seed)
    one, other, _ = placed(transform.freeze(positions, FORCES, 7), same)
    assert one.tolist() != other.tolist()
    assert placed(transform.freeze(positions, FORCES, 8), same)[0].tolist() != one.tolist()


def test_pool_holds_rows_that_have_a_place():
    positions = training_map(3, lost=300)
    frozen = transform.freeze(positions, FORCES, 7)
    assert frozen.pool.shape == (3, 2 * kernels.POOL_SIZE)
    assert (frozen.pool[:, : kernels.POOL_SIZE] == frozen.pool[:, kernels.POOL_SIZE :]).all()
    drawn = {tuple(column) for column in frozen.pool.T.tolist()}
    assert drawn == {tuple(row) for row in positions[~np.isnan(positions[:, 0])].tolist()}


def test_far_rows_are_pulled_in_from_beyond_the_grid():
    """A step beyond the grid must not read outside of the field."""
    positions = training_map(2)
    positions[0] = [9, 9]
    frozen = transform.freeze(positions, FORCES._replace(learning_rate=200.0), 7)
    rows = [(np.array([0]), np.array([1.0]))]
    f = naive.forces(a=1.4, b=0.85, gamma=0.8, attraction=2.0, rate=6.0, step=200 * transform.FIRST_PLACEMENT_STEP)
    expected = naive.place_row([1.0], positions[:1].astype(float), field_push(frozen), 2, f)
    assert np.abs(expected - positions[0]).max() > 50
    np.testing.assert_allclose(placed(frozen, rows, epochs=2)[0], expected, rtol=1e-3)


def pulled(neighbors, training, first=0, factor=1.0):
    """Return positions after ten epochs without repulsion. Neighbors begin at `first`, and strengths have a factor."""
    settings = np.zeros(1, optimizer.SETTINGS_DTYPE).view(np.recarray)
    settings.a, settings.b = FORCES.curve
    settings.attraction, settings.step, settings.negatives = 2, 0.5, kernels.RUN_LENGTH
    strengths = np.linspace(0.1, 1, len(neighbors.indices), dtype=np.float32) * np.float32(factor)
    indices = (neighbors.indices.astype(np.int64) + first).astype(np.uint32)
    arrays = (as_readonly(a) for a in (neighbors.indptr, indices, neighbors.distances, strengths, training))
    out = np.empty((len(neighbors.indptr) - 1, 3), np.float32)
    pool, grid = np.zeros((3, 2 * kernels.POOL_SIZE), np.float32), (np.float32(0),) * 3
    kernels.place_rows(*arrays, pool, grid, settings, 10, out)
    assert np.isfinite(out).all()
    return out


def test_only_the_ratios_of_strengths_count():
    """A row with tiny strengths moves as far as any other."""
    neighbors = neighbors_of([row for row in new_rows(5, 50) if len(row[0])])
    usual, tiny = (pulled(neighbors, training_map(3), factor=factor) for factor in (1.0, 2.0**-30))
    assert usual.tobytes() == tiny.tobytes()


def test_training_rows_beyond_int32_are_read(tmp_path):
    """Neighbors with numbers above 2^31, in a sparse file, have the effect of those in a small map."""
    n = 2**31 + 5000
    large = np.memmap(tmp_path / "training", np.float32, "w+", shape=(n, 3))
    large[n - N_TRAINING :] = training_map(3)
    neighbors = neighbors_of([row for row in new_rows(4, 50) if len(row[0])])
    far = pulled(neighbors, large, first=n - N_TRAINING)
    assert far.tobytes() == pulled(neighbors, training_map(3)).tobytes()
