"""Tests of graphs that are in memory only once, as rows or as slices, and of the conversion back to the same bits."""

import gc
import pickle
import weakref

import numpy as np
import pytest
from graphs import random_graph, with_star
from sklearn.neighbors import NearestNeighbors

from umap_sk import Manifold, PrecomputedUMAP, kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import WHOLE, SharedGraph, SlicedArray
from umap_sk.layout import coarsen, sell
from umap_sk.layout.problem import Schedule, make_layout_problem
from umap_sk.pipeline.settings import settings_of
from umap_sk.runtime.allocation import allocate_on_disk

ARRAYS = ("indptr", "indices", "weights")


@pytest.fixture(scope="module")
def arrays():
    points = np.random.default_rng(0).normal(size=(2500, 5))
    dists, indices = NearestNeighbors(n_neighbors=12).fit(points).kneighbors()
    return {"knn_indices": indices.astype(np.int32), "knn_dists": dists.astype(np.float32)}


def copy_of(graph):
    return FuzzyGraph(*(array.copy() for array in graph))


def unit(graph):
    """Return the graph scaled to a largest weight of 1, like that of a learned graph."""
    return graph._replace(weights=graph.weights / graph.weights.max())


def assert_same(graph, expected):
    for name in ARRAYS:
        ours, theirs = getattr(graph, name), getattr(expected, name)
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


def arranged(shared):
    """Return the levels of a graph after its rows are released, and weak references to those rows."""
    refs = [weakref.ref(array) for array in shared.rows()[1:]]
    built = list(coarsen.build_levels(shared.rows(), 3, largest=500))
    made = sell.arrange(built, 3, shared=shared)
    gc.collect()
    return made, refs


@pytest.mark.parametrize("dtype", [np.int32, np.uint32])
@pytest.mark.parametrize("n", [700, 1024, 2001])
def test_rows_come_back_from_the_slices(n, dtype):
    graph = unit(with_star(random_graph(0, n=n)))
    graph = graph._replace(indices=graph.indices.astype(dtype))
    expected = copy_of(graph)
    shared = SharedGraph(graph, WHOLE)
    del graph
    _, refs = arranged(shared)
    assert [ref() for ref in refs] == [None, None]
    assert shared.n_edges == len(expected.indices)
    apart = shared.rows(keep=False)
    assert_same(apart, expected)
    kept = shared.rows()
    assert_same(kept, expected)
    assert shared.rows().indices is kept.indices is not apart.indices


def test_what_only_half_was_given_up_comes_back():
    """If only the weights were released, as in a run stopped between the arrays, the graph has the same bits."""
    graph = unit(random_graph(1, n=300))
    expected = copy_of(graph)
    shared = SharedGraph(graph, WHOLE)
    order = np.random.default_rng(0).permutation(300).astype(np.int32)
    lanes = sell.make_slices([coarsen.make_finest_level(graph)], order, sell.invert_order(order))
    shared.release("weights", SlicedArray(order, lanes.starts, lanes.weights))
    shared.release("weights", SlicedArray(order[::-1], lanes.starts, lanes.weights))  # a second run releases them again
    assert shared.rows().indices is graph.indices
    assert_same(shared.rows(), expected)


@pytest.mark.parametrize("reason", ["others hold it", "scaled", "on disk"])
def test_graphs_that_stay(reason, tmp_path):
    graph = unit(random_graph(2, n=600))
    if reason == "scaled":  # the slices' weights are not the graph's
        graph = graph._replace(weights=graph.weights * np.float32(0.7))
    if reason == "on disk":
        weights = allocate_on_disk(tmp_path, "weights", len(graph.weights), np.float32)
        weights[:] = graph.weights
        graph = graph._replace(weights=weights)
    shared = SharedGraph(graph, () if reason == "others hold it" else WHOLE)
    arranged(shared)
    assert shared.rows().indices is graph.indices and shared.rows().weights is graph.weights


@pytest.mark.parametrize("symmetrize", [True, False])
def test_fits_of_one_manifold(arrays, symmetrize):
    """Repeated fits of one manifold, with several seeds, change neither its bits nor those of the maps."""
    model = PrecomputedUMAP(n_neighbors=12, random_state=0, n_epochs=20, symmetrize=symmetrize)
    manifold = model.learn_manifold(**arrays)
    expected = copy_of(FuzzyGraph(*manifold.arrays()))
    stored = pickle.dumps(manifold)
    first = model.fit_transform(manifold=manifold)
    assert pickle.dumps(manifold) == stored
    model.set_params(random_state=1).fit(manifold=manifold)
    assert model.set_params(random_state=0).fit_transform(manifold=manifold).tobytes() == first.tobytes()
    assert_same(FuzzyGraph(*manifold.arrays()), expected)
    assert model.fit_transform(**arrays).tobytes() == first.tobytes()
    assert_same(FuzzyGraph(*model.manifold_.arrays()), expected)


def test_a_fit_holds_its_graph_once(arrays):
    """A fit stores its graph once, also after it was pickled and loaded, and after its graph was read."""
    model = PrecomputedUMAP(n_neighbors=12, random_state=0, n_epochs=20)
    held = model.learn_manifold(**arrays)._shared
    assert held.owned == {*WHOLE}
    problem, _ = make_layout_problem(held, Schedule(20, 2, True), settings_of(model.get_params()).layout.forces, 0)
    assert not held._rows
    assert held._sliced["weights"].values is problem.levels[0].slices.weights
    loaded = pickle.loads(pickle.dumps(model.partial_fit(epochs=3, **arrays)))
    graph = loaded.graph_
    whole = model.fit_transform(**arrays)
    assert loaded.partial_fit(epochs=1000).embedding_.tobytes() == whole.tobytes()
    assert (graph != model.graph_).nnz == 0
    assert not SharedGraph(FuzzyGraph(*Manifold.from_graph(graph).arrays())).owned


def test_kernel_twin():
    """Entry t of the row at lane l of a slice is at the slice's start + 16 t + l."""
    graph = random_graph(3, n=50)
    order = np.random.default_rng(0).permutation(50).astype(np.int32)
    made = sell.make_slices([coarsen.make_finest_level(graph)], order, sell.invert_order(order))
    expected = []
    for row in range(50):
        slice_, lane = divmod(order.tolist().index(row), kernels.SLICE)
        entries = made.indices[made.starts[slice_] + lane : made.starts[slice_ + 1] : kernels.SLICE]
        expected.extend(order[entry] for entry in entries[: graph.indptr[row + 1] - graph.indptr[row]])
    out = np.empty(len(graph.indices), np.uint32)
    kernels.take_from_slices(graph.indptr, order, order.view(np.uint32), made.starts, made.indices.view(np.uint32), out)
    assert out.tolist() == expected


def test_a_directed_graph_has_its_own_indices(arrays):
    """A directed graph releases both of its arrays to the slices and shares no memory with the caller's indices."""
    indices = np.sort(arrays["knn_indices"][:, 1:], axis=1).astype(np.int32)
    dists = np.ones_like(arrays["knn_dists"][:, 1:])
    model = PrecomputedUMAP(n_neighbors=12, random_state=0, n_epochs=2, symmetrize=False, init="random")
    model.fit(knn_indices=indices, knn_dists=dists)
    held = model.manifold_._shared
    assert sorted(held._sliced) == ["indices", "weights"]
    assert not np.shares_memory(held.rows().indices, indices)
    assert_same(held.rows(), FuzzyGraph(*model.learn_manifold(knn_indices=indices, knn_dists=dists).arrays()))
