"""Tests of pivot MDS: shortest paths, pivots, scaling, and components next to each other."""

import naive_paths as naive
import numpy as np
import pytest
import scipy.sparse
from graphs import random_graph
from scipy.spatial.distance import pdist
from scipy.stats import pearsonr

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.layout import coarsen, pivot_mds
from umap_sk.layout.edge_lengths import make_finest_lengths
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads

PIVOTS = kernels.PIVOTS


def level_of(matrix):
    """Return a dense or sparse matrix of weights as a level."""
    matrix = scipy.sparse.csr_array(matrix, dtype=np.float32)
    graph = FuzzyGraph(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
    return coarsen.make_finest_level(graph)


def grid_level(rows, columns):
    """Return a grid with edges to all eight neighbors, the positions of its vertices, and equal lengths of edges."""
    places = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), 2).reshape(-1, 2)
    along, across = (scipy.sparse.diags_array([1.0] * 3, offsets=[-1, 0, 1], shape=(n, n)) for n in (rows, columns))
    near = scipy.sparse.kron(along, across) - scipy.sparse.eye_array(rows * columns)
    return level_of(near), places.astype(float), np.ones(len(places), np.float32)


def path_level(n):
    """Return a path, and equal lengths of its edges."""
    return level_of(scipy.sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n))), np.ones(n, np.float32)


def beside_each_other(*parts):
    """Return one level that contains several levels without edges between them."""
    matrices = []
    for level in parts:
        n = level.n_vertices
        matrices.append(scipy.sparse.csr_array((level.weights, level.indices, level.indptr), (n, n)))
    return level_of(scipy.sparse.block_diag(matrices, format="csr"))


def positions_of(level, distances, n_components, seed):
    """Return positions by pivot MDS of the finest level, from the mean distances of its vertices to their neighbors."""
    return pivot_mds.compute_pivot_mds_positions(level, make_finest_lengths(level, distances), n_components, seed)


# ---------------------------------------------------------------------------------------------------- shortest paths


def random_paths(seed, n=700, edges=3):
    """Return a graph with a hub, isolated vertices, more than two blocks of rows and very different lengths."""
    level = coarsen.make_finest_level(random_graph(seed, n=n, edges=edges))
    assert n > 2 * kernels.PATH_BLOCK_ROWS
    distances = 10 ** np.random.default_rng(seed).uniform(-2, 1, n).astype(np.float32)
    return pivot_mds.make_path_graph(make_finest_lengths(level, distances), level.mass)


def pivots_of(paths, seed=0):
    """Return some vertices of each component."""
    return pivot_mds.find_first_of_components(np.random.default_rng(seed).random(len(paths.mass)), paths.component)


@pytest.mark.parametrize("seed", range(3))
def test_shortest_paths_are_the_twins(seed):
    """Paths lead from each component's pivots to all of its vertices, and to no other component."""
    paths = random_paths(seed)
    n = len(paths.mass)
    lengths = scipy.sparse.csr_array((paths.lengths, paths.indices, paths.indptr), (n, n)).toarray()
    expected = naive.shortest_paths(np.where(lengths > 0, lengths, np.inf))
    assert paths.component.max() > 5
    pivots = pivots_of(paths)
    found = pivot_mds.find_shortest_paths(paths, pivots)
    assert found.dtype == np.float32
    for component, some in enumerate(pivots):
        rows = np.flatnonzero(paths.component == component)
        assert set(some.tolist()) <= set(rows.tolist())
        np.testing.assert_allclose(found[rows], expected[np.ix_(rows, some)], rtol=1e-5)


@pytest.mark.parametrize("turned", [False, True])
def test_paths_have_the_same_bits_on_any_threads_and_in_any_order(turned):
    """The bits do not depend on the order of the rows or on the direction of a pass."""
    paths = random_paths(5, n=3000)
    pivots = pivots_of(paths)
    found = set()
    for threads in (1, 2):
        with limit_threads(threads):
            found.add(pivot_mds.find_shortest_paths(paths, pivots).tobytes())
    distances = np.full((3000, PIVOTS), np.inf, np.float32)
    distances[pivots, np.arange(PIVOTS)] = 0
    edges = as_readonly(paths.indptr), as_readonly(paths.indices), as_readonly(paths.lengths)
    changed = np.ones(-(-3000 // kernels.PATH_BLOCK_ROWS), np.int8)
    while changed.any():
        kernels.relax_paths(*edges, turned, distances, changed)
    found.add(distances.tobytes())
    order = np.random.default_rng(1).permutation(3000)
    rank = np.argsort(order)
    n = len(order)
    whole = scipy.sparse.csr_array((paths.lengths, paths.indices, paths.indptr), (n, n))[order][:, order]
    shuffled = paths._replace(
        indptr=whole.indptr.astype(np.int64),
        indices=whole.indices.astype(np.int32),
        lengths=whole.data,
        mass=paths.mass[order],
        component=paths.component[order],
    )
    found.add(pivot_mds.find_shortest_paths(shuffled, rank[pivots])[rank].tobytes())
    assert len(found) == 1


def test_a_pass_in_which_nothing_changes_says_so():
    """The flag of a block of rows is 0 after a pass that changes none of its distances."""
    level, lengths = path_level(1000)
    paths = pivot_mds.make_path_graph(make_finest_lengths(level, lengths), level.mass)
    edges = as_readonly(paths.indptr), as_readonly(paths.indices), as_readonly(paths.lengths)
    distances = np.full((1000, PIVOTS), np.inf, np.float32)
    distances[999] = 0
    changed = np.ones(4, np.int8)
    kernels.relax_paths(*edges, False, distances, changed)
    assert changed.tolist() == [0, 0, 0, 1]
    assert np.isinf(distances[:998]).all() and (distances[998] == 1).all()
    while changed.any():
        kernels.relax_paths(*edges, True, distances, changed)
    assert np.array_equal(distances[:, 0], np.arange(999, -1, -1, dtype=np.float32))


# ------------------------------------------------------------------------------------------------------------ pivots


def test_pivots_are_those_of_their_component_that_arrive_first():
    """The pivots of small components are repeated, and the order of the vertices decides ties."""
    component = np.array([1, 0, 0, 1, 1, 2] + [3] * 40)
    arrival = np.concatenate([[3.0, 2, 2, 1, 2, np.inf], np.arange(40)[::-1]])
    pivots = pivot_mds.find_first_of_components(arrival, component)
    assert pivots.shape == (4, PIVOTS)
    assert pivots[0, :4].tolist() == [1, 2, 1, 2]
    assert pivots[1, :6].tolist() == [3, 4, 0, 3, 4, 0]
    assert set(pivots[2].tolist()) == {5}
    assert pivots[3].tolist() == list(range(45, 45 - PIVOTS, -1))


def test_later_pivots_lie_far_from_earlier_ones():
    """No vertex is a pivot twice if there are enough, and each vertex has a pivot nearby."""
    level, _, lengths = grid_level(30, 30)
    paths = pivot_mds.make_path_graph(make_finest_lengths(level, lengths), level.mass)
    for seed in range(6):
        squared = pivot_mds.compute_squared_distances(paths, seed)
        assert squared.shape == (900, pivot_mds.PIVOT_BATCHES * PIVOTS)
        pivots = np.argmin(squared, axis=0)
        assert (squared.min(0) == 0).all() and len(set(pivots.tolist())) == len(pivots)
        nearest = squared.min(1) ** (2 / 3)
        assert nearest.max() <= 6 and nearest.mean() < 1.65  # 1.7 and more for random pivots


# ------------------------------------------------------------------------------------------------------- arrangements


def test_scaling_by_all_vertices_is_classical_scaling():
    """If each vertex is a pivot, the axes are those of classical scaling up to signs and lengths."""
    places = np.random.default_rng(0).normal(size=(60, 2)) * [2, 1]
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    expected = naive.classical_scaling(distances, 2)
    found = pivot_mds.compute_scaled_mds(distances**2, np.ones(60), np.zeros((60, 2)))
    for axis, other in zip(found.T, expected.T, strict=True):
        assert abs(pearsonr(axis, other).statistic) > 1 - 1e-9
        assert axis.max() == 1 and np.abs(axis).max() == 1


def test_vertices_count_by_their_mass():
    """A vertex of mass three has the effect of three vertices at one position."""
    places = np.random.default_rng(1).normal(size=(30, 3))
    mass = np.r_[np.full(10, 3.0), np.ones(20)]
    rows = np.repeat(np.arange(30), mass.astype(int))
    squared = ((places[:, None] - places[:8]) ** 2).sum(2)
    found = pivot_mds.compute_scaled_mds(squared.copy(), mass, np.zeros((30, 2)))
    expected = pivot_mds.compute_scaled_mds(squared[rows], np.ones(len(rows)), np.zeros((len(rows), 2)))
    np.testing.assert_allclose(found[rows], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [500, 3000])
def test_a_path_is_bent_and_not_torn(n):
    """The second axis of a path is a bend. Near vertices stay near, even if lengths are noisy."""
    level, _ = path_level(n)
    positions = positions_of(level, np.random.default_rng(0).uniform(0.5, 1.5, n), 2, 0)
    along, bend = positions.T
    assert abs(pearsonr(along, np.arange(n)).statistic) > 0.99
    assert abs(pearsonr(bend, (np.arange(n) - n / 2) ** 2).statistic) > 0.95
    assert np.abs(np.diff(positions, axis=0)).max() < 20 / n


@pytest.mark.parametrize("rows, columns", [(20, 30), (100, 100)])
def test_a_grid_comes_back(rows, columns):
    """Distances in the layout follow those in the plane. The larger grid has a coarse level."""
    level, places, lengths = grid_level(rows, columns)
    assert (level.n_vertices > pivot_mds.MAX_PATH_VERTICES) == (rows == 100)
    positions = positions_of(level, lengths, 2, 0)
    assert (positions.shape, positions.dtype) == ((rows * columns, 2), np.float32)
    assert len(np.unique(positions, axis=0)) > 0.99 * len(places)
    some = np.random.default_rng(0).choice(len(places), 500, replace=False)
    width = np.ptp(places, axis=0)[::-1]
    stretched = positions / np.ptp(positions, axis=0) * width  # each axis is within [-1, 1]
    assert pearsonr(pdist(stretched[some]), pdist(places[some])).statistic > (0.96 if rows < 100 else 0.94)


def test_lengths_matter():
    """Of two halves of a path, the one with longer edges is longer."""
    n = 40
    matrix = scipy.sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n))
    lengths = np.where(np.arange(n) < n // 2, 1, 9).astype(np.float32)
    axis = positions_of(level_of(matrix), lengths, 1, 0)[:, 0]
    first, second = np.ptp(axis[: n // 2]), np.ptp(axis[n // 2 :])
    assert 8 < second / first < 12


@pytest.mark.parametrize("unit", [1e-44, 1e-20, 1e20, 1e37, 3e38])
def test_the_unit_of_the_lengths_does_not_matter(unit):
    """The layout does not depend on the unit, even if sums of lengths are beyond the range of float32."""
    level, _, lengths = grid_level(12, 12)
    expected = positions_of(level, lengths, 2, 0)
    with np.errstate(all="raise", under="ignore"):
        found = positions_of(level, np.float32(unit) * lengths, 2, 0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_vertices_that_are_all_one_place(n_components):
    """A graph with all distances 0 has no axes, and its layout is random and finite."""
    level, _, lengths = grid_level(8, 8)
    positions = positions_of(level, 0 * lengths, n_components, 0)
    assert np.isfinite(positions).all() and (np.ptp(positions, axis=0) > 1).all()
    assert not np.array_equal(positions, positions_of(level, 0 * lengths, n_components, 1))


# --------------------------------------------------------------------------------------------------------- components


def are_apart(one, other):
    """Return whether a line separates two groups of points, by a test of many directions."""
    angles = np.linspace(0, 2 * np.pi, 720)
    directions = np.stack([np.cos(angles), np.sin(angles)])
    return ((one @ directions).max(0) < (other @ directions).min(0)).any()


@pytest.mark.parametrize("count", [2, 3, 9])
def test_components_do_not_overlap(count):
    """A straight line separates any two components of the same size."""
    whole = beside_each_other(*[grid_level(9, 9)[0]] * count)
    positions = positions_of(whole, np.ones(81 * count, np.float32), 2, 0)
    groups = np.split(positions, count)
    assert all(are_apart(groups[one], groups[other]) for one in range(count) for other in range(one))


def test_components_take_room_by_their_mass():
    """The largest component is in the middle, and tiny ones are around it."""
    parts = [grid_level(20, 20)[0], grid_level(12, 12)[0], path_level(60)[0], *[path_level(3)[0]] * 3]
    whole = beside_each_other(*parts)
    sizes = [part.n_vertices for part in parts]
    positions = positions_of(whole, np.ones(sum(sizes), np.float32), 2, 0).astype(float)
    groups = np.split(positions, np.cumsum(sizes)[:-1])
    centers = np.array([(group.min(0) + group.max(0)) / 2 for group in groups])
    radii = np.array([np.ptp(group, axis=0).max() / 2 for group in groups])
    assert np.argmin(np.linalg.norm(centers, axis=1)) == 0
    assert radii[0] > radii[1] > radii[2] > radii[3:].max() and radii.min() > 0
    for one in range(len(groups)):
        for other in range(one):
            assert np.linalg.norm(centers[one] - centers[other]) > max(radii[one], radii[other])


def test_a_component_is_arranged_whatever_lies_beside_it():
    """Other components change its position and its pivots, but not its shape."""
    level, places, lengths = grid_level(15, 25)
    whole = beside_each_other(level, path_level(30)[0], level)
    positions = positions_of(whole, np.ones(whole.n_vertices, np.float32), 2, 0)
    for part in (positions[:375], positions[-375:]):
        stretched = part / np.ptp(part, axis=0) * [24, 14]
        assert pearsonr(pdist(stretched), pdist(places)).statistic > 0.96


@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_many_tiny_components(n_components):
    """Pairs and single vertices have no axis, but positions of their own."""
    pair = scipy.sparse.coo_array(([1.0, 1.0], ([0, 1], [1, 0])), (2, 2))
    matrix = scipy.sparse.block_diag([pair] * 300 + [scipy.sparse.coo_array((1, 1))] * 50, format="csr")
    positions = positions_of(level_of(matrix), np.ones(650, np.float32), n_components, 0)
    assert positions.shape == (650, n_components) and np.isfinite(positions).all()
    assert len(np.unique(positions, axis=0)) == 650


# --------------------------------------------------------------------------------------------------------------- bits


@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_bits_can_be_repeated(n_components):
    """The bits are the same on one thread and two, with coarse levels and components. Another seed has other pivots."""
    level, _, lengths = grid_level(80, 80)
    level = beside_each_other(level, grid_level(10, 10)[0])
    lengths = np.resize(lengths, level.n_vertices) + np.random.default_rng(0).random(level.n_vertices, np.float32)
    found = []
    for threads, seed in ((1, 3), (2, 3), (2, 4)):
        with limit_threads(threads):
            found.append(positions_of(level, lengths, n_components, seed).tobytes())
    assert found[0] == found[1] != found[2]


def test_a_graph_in_one_direction_alone():
    """Edges are used in both directions, whichever end lists the other."""
    n = 200
    matrix = scipy.sparse.diags_array([1.0], offsets=[1], shape=(n, n))
    steps = np.diff(positions_of(level_of(matrix), np.ones(n, np.float32), 2, 0)[:, 0])
    assert (np.sign(steps) == np.sign(steps[0])).all()
