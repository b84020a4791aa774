"""Independent sets and merged edges of coarse levels equal their naive twins."""

import naive_graph as naive
import numpy as np
import pytest
from graphs import N, dense, level_of, random_graph

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import fuzzy_graph
from umap_sk.layout import coarsen
from umap_sk.neighbors.read import read_neighbors
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads

LEAST = coarsen.MIN_COARSE_WEIGHT


def same_bits(one, other):
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True) if isinstance(a, np.ndarray))


def test_finest_level():
    graph = random_graph(0)
    level = coarsen.make_finest_level(graph)
    assert level.scale == pytest.approx(1 / 0.75)
    assert level.n_vertices == N
    np.testing.assert_allclose(level.degree, dense(graph).sum(1) / 0.75, rtol=1e-6)
    assert level.mass.tolist() == [1] * N
    assert len(level.owner) == 0


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("depth", [0, 3])
def test_independent_set_is_the_twins(depth, symmetric):
    level = level_of(1, symmetric=symmetric)
    state = coarsen.find_independent_set(level, 7, depth)
    assert state.tolist() == naive.independent_set(dense(level), 7, depth, coarsen.MAX_LUBY_ROUNDS).tolist()


@pytest.mark.parametrize("seed", [0, 5, 2**32 - 1])
def test_independent_set_is_independent_and_maximal(seed):
    level = level_of(2)
    state = coarsen.find_independent_set(level, seed, 0)
    touching = dense(level) > 0
    assert set(state.tolist()) == {1, 2}
    assert not touching[state == 1][:, state == 1].any()
    assert touching[state == 2][:, state == 1].any(1).all()
    assert (state[~touching.any(1)] == 1).all()


def test_independent_set_depends_on_seed_and_depth():
    level = level_of(2)
    sets = [coarsen.find_independent_set(level, seed, depth).tolist() for seed, depth in ((0, 0), (9, 0), (0, 1))]
    assert sets[0] != sets[1]
    assert sets[0] != sets[2]


def test_leftovers_of_the_rounds_become_members(monkeypatch):
    monkeypatch.setattr(coarsen, "MAX_LUBY_ROUNDS", 1)
    level = level_of(3)
    state = coarsen.find_independent_set(level, 0, 0)
    assert state.tolist() == naive.independent_set(dense(level), 0, 0, 1).tolist()
    assert (dense(level)[state == 1][:, state == 1] > 0).any()


@pytest.mark.parametrize("symmetric", [True, False])
def test_coarse_level_is_the_twins(symmetric):
    level = level_of(4, symmetric=symmetric)
    coarse = coarsen.coarsen(level, 0, 0)
    state = coarsen.find_independent_set(level, 0, 0)
    owner = naive.owners(dense(level), state)
    assert coarse.owner.tolist() == owner.tolist()
    graph, degree, mass = naive.coarsen(dense(level, level.scale), level.degree.astype(float), level.mass, owner, LEAST)
    assert coarse.scale == 1
    np.testing.assert_allclose(dense(coarse), graph, rtol=1e-5)
    assert ((dense(coarse) > 0) == (graph > 0)).all()
    np.testing.assert_allclose(coarse.degree, degree, rtol=1e-6)
    assert coarse.mass.tolist() == mass.tolist()
    assert coarse.root.tolist() == np.flatnonzero(state == 1).tolist()
    assert coarse.owner[coarse.root].tolist() == list(range(coarse.n_vertices))
    for first, last in zip(coarse.indptr[:-1], coarse.indptr[1:], strict=True):
        assert len(set(coarse.indices[first:last].tolist())) == last - first


def test_levels_add_up():
    built = coarsen.build_levels(random_graph(5, ties=False), 3, largest=300)
    assert len(built) >= 3
    assert built[-1].n_vertices <= 600 < built[-2].n_vertices  # coarse levels may be twice as large
    for depth, (finer, coarse) in enumerate(zip(built, built[1:], strict=False)):
        assert coarse.n_vertices <= coarsen.MAX_KEPT_SHARE * finer.n_vertices
        assert coarse.mass.sum() == N
        assert coarse.degree.sum(dtype=float) == pytest.approx(finer.degree.sum(dtype=float), rel=1e-5)
        owner = naive.owners(dense(finer), coarsen.find_independent_set(finer, 3, depth))
        assert coarse.owner.tolist() == owner.tolist()
        graph, degree, mass = naive.coarsen(
            dense(finer, finer.scale), finer.degree.astype(float), finer.mass, owner, LEAST
        )
        np.testing.assert_allclose(dense(coarse), graph, rtol=1e-5)
        np.testing.assert_allclose(coarse.degree, degree, rtol=1e-5)
        assert coarse.mass.tolist() == mass.tolist()


def test_parts_of_a_level_make_the_whole(monkeypatch):
    level = level_of(12, ties=False)
    whole = coarsen.coarsen(level, 0, 0)
    monkeypatch.setattr(coarsen, "EDGES_PER_MERGE", 500)
    assert same_bits(whole, coarsen.coarsen(level, 0, 0))


def test_weak_edges_between_groups_are_left_out():
    level = level_of(13, ties=False)
    coarse = coarsen.coarsen(level, 0, 0)
    rows = np.repeat(np.arange(coarse.n_vertices), np.diff(coarse.indptr))
    weak = rows[coarse.weights < LEAST]
    assert len(weak) > 0
    assert (np.diff(coarse.indptr)[weak] == 1).all()  # only as the single edge of a vertex


def test_level_that_keeps_too_many_is_not_made(monkeypatch):
    level = level_of(6)
    kept = coarsen.coarsen(level, 0, 0).n_vertices / N
    monkeypatch.setattr(coarsen, "MAX_KEPT_SHARE", kept + 1e-9)
    assert coarsen.coarsen(level, 0, 0) is not None
    monkeypatch.setattr(coarsen, "MAX_KEPT_SHARE", kept - 1e-9)
    assert coarsen.coarsen(level, 0, 0) is None
    assert len(coarsen.build_levels(random_graph(6), 0, largest=10)) == 1


@pytest.mark.parametrize(
    ("n_components", "depth", "largest"),
    [(1, 0, 25_000), (2, 0, 10_000), (3, 0, 25_000), (2, 1, 50_000), (3, 2, 50_000)],
)
def test_largest_level_without_a_coarser_one(n_components, depth, largest):
    assert not coarsen.needs_coarsening(largest, depth, n_components=n_components)
    assert coarsen.needs_coarsening(largest + 1, depth, n_components=n_components)


def test_levels_do_not_depend_on_threads(images):
    built = []
    for threads in (1, 2):
        with limit_threads(threads):
            indices, dists = images.knn_indices, images.knn_dists
            neighbors, _ = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=15)
            built.append(coarsen.build_levels(fuzzy_graph(neighbors, 15), 0, largest=2000))
    assert len(built[0]) == len(built[1]) >= 3
    for one, two in zip(*built, strict=True):
        assert same_bits(one, two)


def test_groups_with_numbers_beyond_int32():
    """Groups may have numbers that need uint32. Two of them differ only in the highest bit."""
    level = level_of(10)
    low = naive.owners(dense(level), coarsen.find_independent_set(level, 0, 0))
    size = low.max() + 1
    far = low.astype(np.uint32) + np.uint32(2**31)
    far[::2] -= np.uint32(2**31)
    groups = np.concatenate([[0], np.cumsum(np.bincount(low))]), np.argsort(low, kind="stable")
    lengths = np.empty(size, np.int64)
    room = np.concatenate([[0], np.cumsum(np.bincount(low, np.diff(level.indptr)))]).astype(np.int64)
    indices, weights = np.empty(room[-1], np.uint32), np.empty(room[-1], np.float32)
    none = np.empty(0, np.float32)
    rules = np.float32(level.scale), np.float32(0), far, as_readonly(none), as_readonly(none)
    kernels.coarse_rows(*groups, *level.edges, *rules, 0, as_readonly(room), indices, weights, lengths)
    expected = [{} for _ in range(size)]
    rows = np.repeat(np.arange(N), np.diff(level.indptr))
    for i, j, weight in zip(rows, level.indices, level.weights * level.scale, strict=True):
        if far[j] != low[i]:
            expected[low[i]][int(far[j])] = expected[low[i]].get(int(far[j]), 0) + float(weight)
    assert indices.max() >= 2**31
    for c, wanted in enumerate(expected):
        row = slice(room[c], room[c] + lengths[c])
        assert sorted(indices[row].tolist()) == sorted(wanted)
        np.testing.assert_allclose(weights[row], [wanted[j] for j in indices[row].tolist()], rtol=1e-5)


def test_members_with_numbers_beyond_int32():
    level = level_of(11)
    state = coarsen.find_independent_set(level, 0, 0)
    number = (np.cumsum(state == 1) - 1).astype(np.uint32) + np.uint32(2**31 + 7)
    owner = np.empty(N, np.uint32)
    kernels.aggregate_strongest(as_readonly(state), as_readonly(number), 0, *level.edges, owner)
    assert (owner - np.uint32(2**31 + 7)).tolist() == naive.owners(dense(level), state).tolist()
