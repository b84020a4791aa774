"""Tests of graphs of few rows, which numpy computes with the same bits as the kernels."""

import numpy as np
import pytest

from umap_sk import kernels
from umap_sk.graph import few_rows, fuzzy_union, scales
from umap_sk.neighbors.read import Neighbors


def ragged(n, seed, longest=30):
    """Return sorted rows of random lengths, among them empty ones, with zeros, ties and far neighbors."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, longest + 1, n)
    lengths[rng.choice(n, n // 20)] = 0
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    steps = np.concatenate([rng.permutation(np.arange(1, n))[:length] for length in lengths])
    indices = ((np.repeat(np.arange(n), lengths) + steps) % n).astype(np.int32)
    rows = [np.sort(rng.exponential(10.0 ** rng.integers(-3, 4), length)) for length in lengths]
    for row in rows[::7]:
        row[: rng.integers(0, len(row) + 1)] = 0
    for row in rows[::5]:
        row[:] = np.round(row, 1)
    return Neighbors(indptr, indices, np.concatenate(rows).astype(np.float32), n)


@pytest.fixture
def by_kernels(monkeypatch):
    """Return a function that computes with the kernels what numpy would compute for few rows."""

    def compute(function, *given, **options):
        with monkeypatch.context() as patched:
            patched.setattr(few_rows, "are_few", lambda indptr: False)
            return function(*given, **options)

    return compute


@pytest.mark.parametrize("new_rows", [False, True])
@pytest.mark.parametrize("local_connectivity", [0.0, 0.4, 1.0, 1.5, 3.0, 40.0, 1e300])
def test_scales_are_those_of_the_kernels(by_kernels, local_connectivity, new_rows):
    """Scales and memberships have the bits of the kernels for rows of all lengths, with zeros and ties."""
    neighbors = ragged(1500, seed=1)
    given = neighbors, 12, local_connectivity
    for function in (scales.solve_local_scales, scales.compute_memberships):
        found = function(*given, new_rows=new_rows)
        for one, other in zip(
            np.atleast_2d(found), np.atleast_2d(by_kernels(function, *given, new_rows=new_rows)), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    assert few_rows.are_few(neighbors.indptr)


def test_sums_are_those_of_the_kernels(by_kernels):
    """Sums and means of distances have the bits of the kernels."""
    neighbors = ragged(2048, seed=2)
    for function in (scales.sum_distances, scales.mean_distances):
        np.testing.assert_array_equal(function(neighbors), by_kernels(function, neighbors))


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("symmetrize", [True, False])
def test_graphs_are_those_of_the_kernels(by_kernels, ratio, symmetrize):
    """The symmetric and the directed graph have the bits of the kernels."""

    def graph():
        return fuzzy_union.fuzzy_graph(ragged(1500, seed=3), 12, set_op_mix_ratio=ratio, symmetrize=symmetrize)

    for one, other in zip(graph(), by_kernels(graph), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_long_rows_are_left_to_the_kernels():
    """Graphs with many or long rows are left to the kernels, since padding the rows would need too much memory."""
    short = np.arange(4097) * 15
    assert few_rows.are_few(short)
    assert not few_rows.are_few(np.concatenate([short[:-1], [short[-1] + 300]]))
    assert not few_rows.are_few(np.arange(4098) * 15) and not few_rows.are_few(np.zeros(1, np.int64))
    assert kernels.LANES < 4096
