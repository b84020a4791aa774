"""Tests of local scales and memberships, compared with their naive twins on rows of every shape."""

import naive_graph as naive
import numpy as np
import pytest
from compiled import compiled

from umap_sk import kernels
from umap_sk.graph.scales import compute_memberships, mean_distances, solve_local_scales
from umap_sk.neighbors.read import Neighbors, read_neighbors


def ragged(rows):
    """Return neighbors whose rows have the given distances."""
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    distances = np.array([d for row in rows for d in row], np.float32)
    return Neighbors(indptr, np.zeros(len(distances), np.int32), distances, len(rows))


def hard_rows(seed, n):
    """Return difficult rows: empty ones, zeros, ties, one neighbor, far neighbors, and scales from 1e-6 to 1e6."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        row = np.sort(rng.gamma(2.0, 1.0, rng.integers(0, 20))) * 10 ** rng.uniform(-6, 6)
        row[: rng.integers(0, 4)] = 0
        if rng.random() < 0.2:
            row[:] = row.max(initial=0)
        if rng.random() < 0.1:
            row[-1:] *= 1e6
        rows.append(row.astype(np.float32).tolist())
    rows[:5] = [[], [0.0], [0.0] * 7, [2.5], [3.0] * 30]
    return rows


@pytest.mark.parametrize("new_rows", [False, True])
@pytest.mark.parametrize("local_connectivity", [0.0, 0.4, 1.0, 1.000005, 1.00002, 1.75, 2.0, 3.5])
def test_scales_are_the_twins(local_connectivity, new_rows):
    rows = hard_rows(0, 2 * kernels.LANES + 7)
    rho, sigma = solve_local_scales(ragged(rows), 8, local_connectivity, new_rows=new_rows)
    expected = np.array(naive.local_scales(rows, 8, local_connectivity, new_rows))
    np.testing.assert_allclose(rho, expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(sigma, expected[:, 1], rtol=1e-9)


def test_sigma_solves_its_equation():
    rows = [np.sort(np.random.default_rng(seed).uniform(1, 2, 14)).astype(np.float32) for seed in range(70)]
    for n_neighbors in (5, 10, 15):
        rho, sigma = solve_local_scales(ragged(rows), n_neighbors)
        sums = [np.exp(-(row - r) / s).sum() for row, r, s in zip(rows, rho, sigma, strict=True)]
        assert np.abs(np.array(sums) - np.log2(n_neighbors)).max() < 1e-5


def test_sigma_has_a_floor():
    same = [[2.0] * 12] * 3
    assert solve_local_scales(ragged(same), 4).sigma == pytest.approx(1e-3 * 24 / 13)
    assert solve_local_scales(ragged(same), 4, new_rows=True).sigma == pytest.approx(1e-3 * 2)
    rho, sigma = solve_local_scales(ragged([[0.0] * 12, [5.0] * 12]), 4)
    assert rho.tolist() == [0, 5]
    assert sigma == pytest.approx([1e-3 * 60 / 26, 1e-3 * 60 / 13])
    rho, sigma = solve_local_scales(ragged([[2.0] * 12, [5e6] * 12]), 4, 0.0, new_rows=True)
    assert rho.tolist() == [0, 0]
    assert sigma[0] == solve_local_scales(ragged([[2.0] * 12]), 4, 0.0, new_rows=True).sigma[0]


def test_scales_of_real_rows_do_not_depend_on_other_rows(digits):
    neighbors, _ = read_neighbors(knn_indices=digits.knn_indices, knn_dists=digits.knn_dists, n_neighbors=15)
    rho, sigma = solve_local_scales(neighbors, 15)
    rows = np.split(neighbors.distances, neighbors.indptr[1:-1])
    for i in (0, 63, 64, 1000, 1796):
        alone = solve_local_scales(ragged([rows[i]]), 15)
        assert (alone.rho[0], alone.sigma[0]) == (rho[i], sigma[i])


def test_memberships_are_the_twins():
    rows = hard_rows(1, kernels.BLOCK_ROWS + 100)
    neighbors = ragged(rows)
    scales = solve_local_scales(neighbors, 8)
    strengths = compute_memberships(neighbors, 8)
    assert strengths.dtype == np.float32
    expected = [m for row, r, s in zip(rows, *scales, strict=True) for m in naive.memberships(row, r, s)]
    np.testing.assert_allclose(strengths, expected, rtol=1e-6, atol=1e-38)
    assert strengths[neighbors.distances == 0].min() == 1
    assert strengths.min() == 0  # one is too far for float32


def test_mean_distances_are_the_twins():
    """Means equal the twin's for empty rows, zeros and scales over twelve magnitudes. The distances do not change."""
    rows = hard_rows(3, kernels.BLOCK_ROWS + 100)
    neighbors = ragged(rows)
    before = neighbors.distances.copy()
    found = mean_distances(neighbors)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, naive.mean_distances(rows), rtol=1e-6)
    assert found[0] == found[1] == 0 and found[3] == 2.5
    assert np.array_equal(neighbors.distances, before)


def test_mean_distances_at_the_end_of_float32():
    """The means of the largest and smallest float32 distances are finite and exact."""
    assert np.isfinite(mean_distances(ragged([[3e38] * 9, [3e38], [1.0]]))).all()
    assert mean_distances(ragged([[1e-44] * 9]))[0] == np.float32(1e-44)


@pytest.mark.parametrize("new_rows", [False, True])
def test_memberships_in_place(new_rows):
    neighbors = ragged(hard_rows(2, 100))
    expected = compute_memberships(neighbors, 8, 0.4, new_rows=new_rows)
    result = compute_memberships(neighbors, 8, 0.4, new_rows=new_rows, out=neighbors.distances)
    assert result is neighbors.distances
    assert result.tobytes() == expected.tobytes()


def test_memberships_without_a_scale():
    """If all distances are 0, every membership is 1."""
    assert compute_memberships(ragged([[0.0] * 12] * 2), 4).tolist() == [1.0] * 24


def hard_excesses(rng, count):
    """Return distances that are hard for Halley's method: over 60 orders of magnitude, or in two distant clusters."""
    return [
        rng.random(count),
        10.0 ** rng.uniform(-30, 30, count),
        np.where(rng.random(count) < 0.5, 0, 10.0 ** rng.uniform(-8, 8, count)),
        2.0 ** (np.arange(count) * 5.0 - 40),
        np.where(rng.random(count) < 0.5, 1e-38, 1e38),
    ][rng.integers(5)]


@pytest.mark.parametrize("seed", range(20))
def test_halleys_method_reaches_the_target(seed):
    """Halley's method solves rows of any length side by side. Without a solution its result equals the twin's."""
    rng = np.random.default_rng(seed)
    width, target = int(rng.integers(2, 60)), float(np.log2(rng.integers(2, 40)))
    rows = [hard_excesses(rng, count) for count in rng.integers(0, width + 1, kernels.LANES)]
    excess, lengths = np.zeros((width, kernels.LANES)), np.array([len(row) for row in rows])
    for lane, row in enumerate(rows):
        excess[: len(row), lane] = row
    solved = 0
    for row, sigma in zip(rows, compiled("solve_sigma")(excess, lengths, target), strict=True):
        if sigma in (0.0, kernels.LARGEST_SIGMA):
            assert naive.solve_sigma(row.tolist(), target) == sigma
        else:
            assert np.exp(-np.minimum(700, row / sigma)).sum() == pytest.approx(target, abs=1e-5)
            solved += 1
    assert solved > 0 or width <= target
