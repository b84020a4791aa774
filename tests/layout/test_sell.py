"""Tests of levels in the optimizer's order: the same graph, on any threads, in memory or in files."""

import copy
import functools

import naive_graph as naive
import naive_layout
import numpy as np
import pytest
from compiled import compiled
from graphs import N, alone, dense, dense_slices, level_of, random_graph, rows_of_slices, with_star
from layouts import FORCES
from sklearn.neighbors import NearestNeighbors

from umap_sk import PrecomputedUMAP, kernels
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout import coarsen, optimizer, problem, sell
from umap_sk.layout import run as layout_run
from umap_sk.layout.curve import Curve
from umap_sk.layout.start import Start, make_array_start
from umap_sk.runtime import allocation
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads


def several(seed=0, n=9000, largest=500):
    """Return levels with more than one block of rows each, except for the last."""
    built = coarsen.build_levels(random_graph(seed, n=n), 3, largest)
    assert len(built) >= 3 and built[1].n_vertices > kernels.BLOCK_ROWS
    return built


def entries_of(level, row):
    """Return the indices of a row's entries in the slices, in their order."""
    slice_, lane = divmod(row, kernels.SLICE)
    return np.arange(level.slices.starts[slice_] + lane, level.slices.starts[slice_ + 1], kernels.SLICE)


def assert_same_arrays(one, other):
    for ours, theirs in zip(one, other, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


def flat(arranged):
    """Return all arrays of all levels."""
    return [array for level in arranged for array in (*level.slices, *level[1:-1])]


# ------------------------------------------------------------------------------------------------------------ graph


@pytest.mark.parametrize("dtype", [np.int32, np.uint32])
def test_slices_hold_the_edges_of_their_level(dtype):
    """Edges of a row keep their order, with new numbers and scaled weights. Edges to itself with weight 0 follow."""
    graph = with_star(random_graph(0))
    built = coarsen.build_levels(graph._replace(indices=graph.indices.astype(dtype)), 3, largest=500)
    assert len(built) >= 2 and np.diff(built[0].indptr).max() > kernels.BLOCK_ROWS
    for level, arranged in zip(built, sell.arrange(built, 3), strict=True):
        n, rank = level.n_vertices, np.argsort(arranged.order)
        starts, indices, weights = arranged.slices
        assert indices.dtype == arranged.order.dtype == dtype and weights.dtype == np.float32
        assert len(starts) == -(-n // kernels.SLICE) + 1 and starts[0] == 0
        assert starts[-1] == len(indices) == len(weights)
        lengths = np.diff(level.indptr)[arranged.order]
        widths = [lengths[first : first + kernels.SLICE].max() for first in range(0, n, kernels.SLICE)]
        assert (np.diff(starts) == np.multiply(widths, kernels.SLICE)).all()
        for row in range(n):
            own = slice(*level.indptr[arranged.order[row] :][:2])
            entries = entries_of(arranged, row)
            real, filling = entries[: lengths[row]], entries[lengths[row] :]
            assert indices[real].tolist() == rank[level.indices[own]].tolist()
            assert weights[real].tobytes() == (level.weights[own] * np.float32(level.scale)).tobytes()
            assert (indices[filling] == row).all()
            assert (weights[filling] == 0).all()
        beyond = rows_of_slices(arranged.slices) >= n
        assert beyond.any() == (n % kernels.SLICE > 0)
        assert (weights[beyond] == 0).all() and (indices[beyond] == n - 1).all()
        assert arranged.degree.tobytes() == level.degree[arranged.order].tobytes()
        assert arranged.mass.tolist() == level.mass[arranged.order].tolist()


@pytest.mark.parametrize("n", [1, 15, 16, 17, kernels.BLOCK_ROWS, kernels.BLOCK_ROWS + 1])
def test_any_number_of_rows(n):
    """Slices contain the graph for any number of rows, also if the last row is alone in its slice."""
    indptr = np.arange(n + 1)  # a ring, in which every row has the next one as its neighbor
    level = coarsen.make_finest_level(
        coarsen.FuzzyGraph(indptr, ((np.arange(n) + 1) % n).astype(np.int32), np.ones(n, np.float32))
    )
    arranged = alone(level)
    assert arranged.order.tolist() == list(range(n))
    assert len(arranged.slices.indices) == -(-n // kernels.SLICE) * kernels.SLICE
    assert dense_slices(arranged).tolist() == dense(level).tolist()


def test_edges_are_read_only_and_unsigned():
    arranged = alone(level_of(1))
    for view, array in zip(arranged.edges, arranged.slices, strict=True):
        assert np.shares_memory(view, array) and not view.flags.writeable
    assert arranged.edges[1].dtype == np.uint32


# ------------------------------------------------------------------------------------------------------------ order


def test_orders_are_permutations():
    built = several()
    for level, order in zip(built, sell.find_orders(built, 3), strict=True):
        assert order.dtype == level.indices.dtype
        assert sorted(order.tolist()) == list(range(level.n_vertices))


def test_longer_rows_come_first_in_every_block():
    """The order is that of a stable sort by length. All rows with at least BLOCK_ROWS edges count as equally long."""
    lengths = np.random.default_rng(2).integers(0, 40, 3 * kernels.BLOCK_ROWS + 77)
    before = np.random.default_rng(3).permutation(len(lengths)).astype(np.uint32)
    lengths[before[[3, 5, 900, 1500]]] = [kernels.BLOCK_ROWS - 1, kernels.BLOCK_ROWS, 5000, kernels.BLOCK_ROWS]
    order = before.copy()
    kernels.longest_first(np.concatenate([[0], np.cumsum(lengths)]), order)
    for first in range(0, len(order), kernels.BLOCK_ROWS):
        block = before[first : first + kernels.BLOCK_ROWS]
        longest = np.argsort(-np.minimum(kernels.BLOCK_ROWS, lengths[block]), kind="stable")
        assert order[first : first + kernels.BLOCK_ROWS].tolist() == block[longest].tolist()


def test_groups_stand_together(monkeypatch):
    """Without the order within blocks, the members of a vertex are adjacent on each level above."""
    for functions in (kernels, sell.few_rows):
        monkeypatch.setattr(functions, "longest_first", lambda lengths, order: None)
    built = several()
    orders = sell.find_orders(built, 3)
    for coarse, finer_order, order in zip(built[1:], orders, orders[1:], strict=False):
        groups = coarse.owner[finer_order]
        assert groups[np.flatnonzero(np.diff(groups, prepend=-1))].tolist() == order.tolist()
        ends = np.flatnonzero(np.diff(groups, append=-1))
        assert all((np.diff(part) > 0).all() for part in np.split(finer_order, ends[:-1] + 1))


def test_the_coarsest_level_is_grouped_as_well(monkeypatch):
    """The vertices of the coarsest level are grouped by further levels, unless there is only one level."""
    for functions in (kernels, sell.few_rows):
        monkeypatch.setattr(functions, "longest_first", lambda lengths, order: None)
    built = several(largest=1000)
    assert built[-1].n_vertices > sell.MAX_TOP_VERTICES
    above = coarsen.coarsen(built[-1], 3, len(built) - 1)
    groups = above.owner[sell.find_orders(built, 3)[-1]]
    assert np.count_nonzero(np.diff(groups)) == above.n_vertices - 1
    assert sell.find_orders(built[:1], 3)[0].tolist() == list(range(built[0].n_vertices))


def test_neighbors_are_near_in_memory():
    """In a shuffled ring, most edges of the arranged graph connect rows within a few hundred."""
    n = 20_000
    name = np.random.default_rng(5).permutation(n)
    near = name[(np.argsort(name)[:, None] + [-2, -1, 1, 2]) % n].astype(np.int32)
    graph = coarsen.FuzzyGraph(4 * np.arange(n + 1), near.ravel(), np.ones(4 * n, np.float32))
    built = coarsen.build_levels(graph, 0, largest=1000)
    finest = sell.arrange(built, 0)[0]
    apart = np.abs(finest.slices.indices - rows_of_slices(finest.slices))[finest.slices.weights > 0]
    shuffled = np.abs(near - np.arange(n)[:, None])
    assert np.median(shuffled) > 4000
    assert np.quantile(apart, 0.9) < 2 * kernels.BLOCK_ROWS


def test_owners_are_under_the_new_numbers():
    built = several()
    arranged = sell.arrange(built, 3)
    assert [len(array) for array in (arranged[0].owner, arranged[0].row_owner)] == [0, 0]
    owner = np.arange(built[0].n_vertices)  # of each row, with the original numbers of the levels
    for finer, level, original in zip(arranged, arranged[1:], built[1:], strict=False):
        assert level.order[level.owner].tolist() == original.owner[finer.order].tolist()
        owner = original.owner[owner]
        assert level.order[level.row_owner].tolist() == owner[arranged[0].order].tolist()
        assert np.bincount(level.row_owner, minlength=level.n_vertices).tolist() == level.mass.tolist()
        assert np.bincount(level.owner, finer.mass, level.n_vertices).tolist() == level.mass.tolist()


def test_arranged_levels_depend_on_the_seed_not_on_threads():
    built = several(largest=1000)
    one, two = [], []
    for threads, found in ((1, one), (2, two)):
        with limit_threads(threads):
            found.extend(flat(sell.arrange(built, 3)))
    assert_same_arrays(one, two)
    other = flat(sell.arrange(built, 4))  # the seed of the groups above the coarsest level
    assert any(a.tobytes() != b.tobytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("largest", [coarsen.COARSEST_VERTICES, 500])
@pytest.mark.parametrize("init", ["array", "random"])
def test_shuffled_rows_of_the_data(init, largest, monkeypatch):
    """With other row numbers, each row keeps its neighbors and its initial position."""
    monkeypatch.setattr(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=largest))
    graph = random_graph(6, ties=False, hub=False)
    name = np.random.default_rng(1).permutation(N)
    matrix = dense(graph)[name][:, name]
    rows, columns = np.nonzero(matrix)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=N))])
    shuffled = coarsen.FuzzyGraph(indptr, columns.astype(np.int32), matrix[rows, columns].astype(np.float32))
    place = np.random.default_rng(2).normal(size=(N, 2)).astype(np.float32)
    for one, given in ((graph, place), (shuffled, place[name])):
        lonely = np.diff(one.indptr) == 0
        run = layout_run.begin(
            SharedGraph(one),
            make_array_start(given) if init == "array" else Start(init),
            problem.Schedule(5, 2, True),
            FORCES,
            0,
        )
        assert (len(run.problem.levels) > 1) == (largest < N)
        whole = np.zeros((N, N))
        whole[np.ix_(run.rows, run.rows)] = dense_slices(run.problem.levels[0])
        np.testing.assert_allclose(whole, dense(one) / dense(one).max(), rtol=1e-6)
        assert np.isnan(layout_run.compute_embedding(run, lonely)).all(1).tolist() == lonely.tolist()
        kept = layout_run.begin(
            SharedGraph(one), make_array_start(given, rescale=False), problem.Schedule(5, 2, False), FORCES, 0
        )
        assert layout_run.compute_embedding(kept, lonely)[~lonely].tobytes() == given[~lonely].tobytes()
        assert lonely.any()


# ------------------------------------------------------------------------------------------- positions on their way


def test_average():
    finer, level = sell.arrange(coarsen.build_levels(random_graph(7), 0, largest=1)[:2], 0)
    mass = np.random.default_rng(0).integers(1, 9, N).astype(np.float32)
    positions = np.random.default_rng(1).normal(size=(N, 3)).astype(np.float32)
    level = level._replace(mass=np.bincount(level.owner, mass).astype(np.float32))
    result = sell.average_groups(level, mass, positions)
    expected = [np.average(positions[level.owner == c], 0, mass[level.owner == c]) for c in range(level.n_vertices)]
    assert result.dtype == np.float32 and finer.n_vertices == N
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("d", [2, 3])
def test_smoothed_is_the_twins(share, d):
    """Means are the twin's for rows with more edges than are gathered at once, and for edges within a coarse vertex."""
    positions = np.random.default_rng(2).normal(size=(N, d)).astype(np.float32)
    for depth, level in enumerate(sell.arrange(coarsen.build_levels(random_graph(8), 0, largest=1)[:2], 0)):
        own = positions[: level.n_vertices]
        graph = dense_slices(level)
        assert (graph > 0).sum(1).max() > kernels.GATHERED_EDGES
        inside = np.maximum(0, level.degree - graph.sum(1)) if depth else np.zeros(len(graph))
        if depth:
            np.testing.assert_allclose(level.inside, inside, rtol=1e-4, atol=1e-4)
            assert inside.max() > 1
        result = sell.smooth(level, own, share)
        np.testing.assert_allclose(result, naive.smooth(graph, own, inside, share), rtol=1e-4, atol=1e-5)
        if not depth:
            assert level.inside.size == 0
            lonely = graph.sum(1) == 0
            assert lonely.any()
            assert (result[lonely] == own[lonely]).all()


def test_slice_sums():
    level = alone(level_of(9))
    sums = np.full(N, np.nan, np.float32)
    kernels.slice_sums(level.edges[0], level.edges[2], sums)
    np.testing.assert_allclose(sums, dense_slices(level).sum(1), rtol=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_jitter_is_the_twins(d):
    """Equal positions are moved apart by a small distance."""
    positions = np.full((N, d), 3.0, np.float32)
    kernels.jitter(positions, 0, np.float32(0.25))
    np.testing.assert_allclose(positions, naive.jitter(np.full((N, d), 3.0), 0.25), rtol=1e-6)
    assert np.abs(positions - 3).max() <= 0.25 and len(np.unique(positions[:, 0])) > 0.99 * N


def test_prolongation_is_the_twins():
    built = sell.arrange(coarsen.build_levels(random_graph(9), 0, largest=100), 0)
    assert len(built) >= 3
    for depth in (1, 2):
        finer, coarse = built[depth - 1], built[depth]
        positions = np.random.default_rng(depth).normal(size=(coarse.n_vertices, 2)).astype(np.float32)
        graph, degree = dense_slices(finer), finer.degree.astype(float)
        expected = naive.prolongation(graph, degree, coarse.owner, positions, finest=depth == 1, amount=sell.JITTER)
        result = sell.prolong(built, depth, positions)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def pulled_both_ways(initial, first, width, positions, own, indices, weights, settings):
    """Return a slice's gradients by the kernels for two and for any dimensions, and the curvatures of the former."""
    plane, anywhere, curvatures = initial.copy(), initial.copy(), np.zeros_like(own[0])
    count = width * kernels.SLICE
    gathered = np.empty(count, np.uint64)
    compiled("gather_places")(first, count, positions.reshape(-1).view(np.uint64), indices, gathered)
    here = weights[first : first + count]
    compiled("pull_in_plane")(width, gathered.view(np.float32), *own, here, settings, *plane, curvatures)
    buffers = np.empty((2, count), np.float32), np.empty(count, np.float32)
    compiled("pull_anywhere")(first, width, positions, own, indices, weights, settings, *buffers, anywhere)
    return plane, anywhere, curvatures


def test_two_dimensions_have_no_arithmetic_of_their_own():
    """Both kernels return the same bits, for equal positions and for clipped pairs."""
    rng = np.random.default_rng(3)
    width, first = 5, 2 * kernels.SLICE
    positions = (rng.normal(size=(300, 2)) * 10 ** rng.uniform(-4, 2, (300, 1))).astype(np.float32)
    indices = rng.integers(0, 300, first + width * kernels.SLICE).astype(np.uint32)
    weights = rng.random(len(indices), np.float32)
    weights[::7] = 0
    own = positions[: kernels.SLICE].T.copy()
    indices[first : first + kernels.SLICE] = np.arange(kernels.SLICE)
    curve = Curve(1.4, 0.3)  # clips the pull on near pairs
    settings = optimizer.make_settings(FORCES._replace(curve=curve))[0]
    initial = rng.normal(size=(2, kernels.SLICE)).astype(np.float32)
    plane, anywhere, curvatures = pulled_both_ways(initial, first, width, positions, own, indices, weights, settings)
    ends = positions[indices[first:].reshape(width, kernels.SLICE)].astype(float) - own.T
    f = naive_layout.forces(a=curve.a, b=curve.b, attraction=FORCES.attraction)
    terms = naive_layout.attract(ends, f)
    assert 10 < np.count_nonzero(np.abs(terms) == kernels.CLIP) < terms.size / 2
    expected = initial + (terms * weights[first:].reshape(width, kernels.SLICE, 1)).sum(0).T
    np.testing.assert_allclose(plane, expected, rtol=1e-3, atol=1e-3)
    assert plane.tobytes() == anywhere.tobytes()
    for lane, others in enumerate(indices[first:].reshape(width, kernels.SLICE).T):
        star = np.zeros((width + 1, width + 1))
        star[0, 1:] = weights[first + lane :: kernels.SLICE]
        bend = naive_layout.curvatures(star, np.vstack([own[:, lane], positions[others]]), f)[0, 0]
        assert curvatures[lane] == pytest.approx(bend, rel=1e-3)


def test_pull_of_ends_that_almost_coincide():
    """The pull is the twin's, even if squared distances are 0 or smaller than the number that is added to them."""
    ends = np.repeat(np.geomspace(1e-9, 1e-3, kernels.SLICE), 2).reshape(-1, 2).astype(np.float32) * [1, -0.5]
    ends[0] = 0
    own, weights = np.zeros((2, kernels.SLICE), np.float32), np.ones(kernels.SLICE, np.float32)
    indices = np.arange(kernels.SLICE, dtype=np.uint32)
    arguments = ends.astype(np.float32), own, indices, weights, optimizer.make_settings(FORCES)[0]
    f = naive_layout.forces(a=FORCES.curve.a, b=FORCES.curve.b, attraction=FORCES.attraction)
    expected = naive_layout.attract(ends, f).T
    assert np.abs(expected).max() < kernels.CLIP
    for pull in pulled_both_ways(own, 0, 1, *arguments)[:2]:
        np.testing.assert_allclose(pull, expected, rtol=1e-3)


# ------------------------------------------------------------------------------------------------------------ files


def test_arrays_beside_an_array(tmp_path):
    """The arrays are in memory for an array in memory, and in files for a view of a memory map."""
    assert allocation.choose_allocator(np.arange(3)[1:]) is allocation.allocate_in_memory
    np.save(tmp_path / "array.npy", np.arange(3))
    mapped = np.load(tmp_path / "array.npy", mmap_mode="r")
    for view in (mapped, as_readonly(mapped[1:]), np.asarray(mapped).view(np.uint64)):
        made = allocation.choose_allocator(view)("name", 5, np.float32)
        assert isinstance(made.base, np.memmap) and made.dtype == np.float32 and made.tolist() == [0] * 5
        made[:] = 7
        assert made.tolist() == [7] * 5
    assert [path.name for path in tmp_path.iterdir()] == ["array.npy"]


def files_without_a_name(folder):
    """Return the bytes of deleted files in a folder that this process maps."""
    with open("/proc/self/maps") as lines:
        deleted = [line.split(maxsplit=5) for line in lines if line.rstrip().endswith("(deleted)")]
    found = [line[0].split("-") for line in deleted if line[5].startswith(str(folder))]
    return sum(int(last, 16) - int(first, 16) for first, last in found)


@pytest.fixture
def stored(ring, tmp_path):
    """Return a manifold in files, and one of the same graph in memory."""
    model = PrecomputedUMAP(6)
    in_memory = model.learn_manifold(knn_indices=ring[0], knn_dists=ring[1])
    on_disk = model.learn_manifold(knn_indices=ring[0], knn_dists=ring[1], directory=tmp_path / "m")
    return on_disk, in_memory, tmp_path / "m"


def assert_laid_out_from(stored, place):
    """Check that slices are in files, which vanish with the layout, and that the map is that of the graph in memory."""
    on_disk, in_memory, folder = stored
    settings = {"n_neighbors": 6, "n_epochs": 20, "random_state": 0}
    names = sorted(path.name for path in folder.iterdir())
    model = PrecomputedUMAP(**settings).partial_fit(manifold=on_disk, epochs=5)
    finest = model._fitted.run.layout.problem.levels[0]
    for array in finest.slices[1:]:
        assert isinstance(array.base, np.memmap)
    assert files_without_a_name(place) >= finest.slices.indices.nbytes + finest.slices.weights.nbytes
    assert sorted(path.name for path in folder.iterdir()) == names
    expected = PrecomputedUMAP(**settings).partial_fit(manifold=in_memory, epochs=5)
    assert_same_arrays(flat(model._fitted.run.layout.problem.levels), flat(expected._fitted.run.layout.problem.levels))
    del finest, array
    model.partial_fit(epochs=15)
    assert model.embedding_.tobytes() == expected.partial_fit(epochs=15).embedding_.tobytes()
    del model
    assert files_without_a_name(place) == 0


def test_slices_of_a_graph_in_files_lie_beside_it(stored):
    assert_laid_out_from(stored, stored[2])


def test_slices_of_a_graph_in_a_folder_that_cannot_be_written(stored, monkeypatch, tmp_path):
    """The slices are then in temporary files. The test replaces the check, since a superuser can write anywhere."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(allocation.tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(allocation.os, "access", lambda folder, mode: folder != stored[2])
    assert_laid_out_from(stored, tmp_path / "temporary")


def test_edges_of_levels_that_were_left_are_released(monkeypatch):
    """Each level's edges are released after its phase.

    An earlier copy of the run still continues with the same bits.
    """
    monkeypatch.setattr(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=50))
    rows = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    dists, indices = NearestNeighbors(n_neighbors=10).fit(rows).kneighbors(rows)
    settings = {"n_neighbors": 10, "n_epochs": 60, "random_state": 3}
    whole = PrecomputedUMAP(**settings).fit_transform(knn_indices=indices, knn_dists=dists)
    model = PrecomputedUMAP(**settings).partial_fit(knn_indices=indices, knn_dists=dists)
    early = copy.copy(model)
    while model.epoch_ < model.n_epochs_ - 1:
        depth = model._fitted.run.layout.state.depth
        model.partial_fit()
        held = [len(level.slices.indices) > 0 for level in layout_run.get_problem(model._fitted.run.layout).levels]
        assert held == [number <= depth for number in range(3)]
    assert np.array_equal(model.partial_fit().embedding_, whole)
    assert np.array_equal(early.partial_fit(epochs=100).embedding_, whole)
