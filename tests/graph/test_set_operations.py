"""Tests of set operations of graphs and manifolds, compared with their naive twins and umap-learn."""

import itertools
import operator

import naive_set_operations as naive
import numpy as np
import pytest
import scipy.sparse
from graphs import dense, random_graph
from plain_umap_learn import plain
from umap.umap_ import (
    general_simplicial_set_intersection,
    general_simplicial_set_union,
    reset_local_connectivity,
)

from umap_sk import Manifold, PrecomputedUMAP
from umap_sk.graph import set_operations
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.runtime.threads import limit_threads

N = 1300  # more than one block
MIXES = [0.0, 0.2, 0.5, 0.7, 1.0]
OPERATIONS = {
    "union": (set_operations.unite, naive.union, {}),
    **{f"mix {w}": (set_operations.intersect, naive.intersection, {"mix_weight": w}) for w in MIXES},
    "difference": (set_operations.subtract, naive.difference, {"keep_unshared": False}),
    "unshared kept": (set_operations.subtract, naive.difference, {"keep_unshared": True}),
}


def two_graphs(symmetric=True):
    """Return two graphs of the same rows that share some edges. Some rows are empty, and weights go down to 1e-9."""
    graphs = []
    for seed, edges in ((0, 5), (1, 8)):
        graph = random_graph(seed, N, edges=edges, symmetric=symmetric, ties=False)
        graph.weights[:40] = graph.weights[:40] * np.float32(1e-9)
        graphs.append(graph)
    one, other = graphs
    rows = np.repeat(np.arange(len(one.indptr) - 1), np.diff(one.indptr))
    shared = scipy.sparse.coo_array((one.weights[::3], (rows[::3], one.indices[::3])), (N, N))
    more = scipy.sparse.csr_array((other.weights, other.indices, other.indptr), (N, N)) + shared.tocsr() / 2
    more = more.tocsr()
    more.data[::50] = 1
    return one, FuzzyGraph(more.indptr.astype(np.int64), more.indices.astype(np.int32), more.data.astype(np.float32))


def views(rows=300, **parameters):
    """Return the manifolds of the left and the right half of the columns of random points."""
    points = np.random.default_rng(0).normal(size=(rows, 6))
    model = PrecomputedUMAP(metric="euclidean", **parameters)
    return model.learn_manifold(points[:, :3]), model.learn_manifold(points[:, 3:])


def matrix(manifold):
    """Return a copy of the graph for umap-learn, which changes its arguments."""
    return scipy.sparse.csr_matrix(manifold.graph, copy=True)


@pytest.mark.parametrize("name", OPERATIONS)
def test_rows_are_those_of_the_twin(name):
    """The result of each operation equals the twin's, and has the same bits on any number of threads."""
    operation, twin, settings = OPERATIONS[name]
    left, right = two_graphs()
    expected = twin(dense(left), dense(right), **settings)
    found = []
    for threads in (1, 2):
        with limit_threads(threads):
            found.append(operation(left, right, **settings))
    assert all((np.diff(found[0].indices[a:b]) > 0).all() for a, b in itertools.pairwise(found[0].indptr))
    np.testing.assert_allclose(dense(found[0]), expected, rtol=1e-6, atol=1e-12)
    assert len(found[0].indices) == np.count_nonzero(dense(left) if "mix" not in name and name != "union" else expected)
    for one, other in zip(*found, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("symmetrize", [True, False])
@pytest.mark.parametrize("rescale", [True, False])
def test_local_connectivity(rescale, symmetrize):
    """The result equals the twin's, contains no edge of weight 0, and has the same bits on any number of threads."""
    graph = random_graph(3, N, edges=20, ties=False)
    graph.weights[graph.indptr[100] : graph.indptr[110]] = 0
    expected = naive.locally_connected(dense(graph), rescale, symmetrize)
    found = []
    for threads in (1, 2):
        with limit_threads(threads):
            used_up = graph._replace(weights=graph.weights.copy())
            found.append(set_operations.restore_connectivity(used_up, rescale=rescale, symmetrize=symmetrize))
    np.testing.assert_allclose(dense(found[0]), expected, rtol=1e-5, atol=1e-7)
    assert (found[0].weights > 0).all()
    for one, other in zip(*found, strict=True):
        assert one.tobytes() == other.tobytes()


def test_as_in_umap_learn():
    """The results equal those of umap-learn's operators and of any weight of its intersection, up to 1e-5."""
    one, other = views(150)
    with plain():
        compare_with_umap_learn(one, other)


def compare_with_umap_learn(one, other):
    """Compare every operation of two manifolds."""
    added = reset_local_connectivity(general_simplicial_set_union(matrix(one), matrix(other)), True)
    assert abs((one + other).graph - added).max() < 1e-5
    less = general_simplicial_set_intersection(matrix(one), matrix(other), 0.5, right_complement=True)
    assert abs((one - other).graph - reset_local_connectivity(less)).max() < 1e-5
    for mix in MIXES:
        both = general_simplicial_set_intersection(matrix(one), matrix(other), mix)
        expected = reset_local_connectivity(both, True)
        assert abs(one.intersection(other, mix).graph - expected).max() < 1e-5
    assert abs((one * other).graph - one.intersection(other, 0.5).graph).max() == 0


def test_what_is_kept_of_the_difference():
    """With keep_unshared, unshared edges keep their weight.

    Edges that the other manifold has with a weight of 1 vanish.
    """
    one, other = views()
    whole = one.difference(other, keep_unshared=True).graph.toarray()
    a, b = one.graph.toarray(), other.graph.toarray()
    unshared = (a == 1) & (b == 0)
    assert unshared.any() and (whole[unshared] == 1).all()
    assert ((a > 0) & (b == 1)).any() and not whole[(a > 0) & (b == 1)].any()


@pytest.mark.parametrize("call", [operator.add, operator.mul, operator.sub])
def test_a_result_is_a_manifold(call, tmp_path):
    """A result can be saved, loaded and laid out to the same bits, and the operands do not change."""
    one, other = views()
    before = one.graph.copy(), other.graph.copy()
    made = call(one, other)
    made.save(tmp_path / "made")
    settings = {"n_epochs": 5, "random_state": 0}
    fitted = PrecomputedUMAP(**settings).fit(manifold=made)
    again = PrecomputedUMAP(**settings).fit(manifold=Manifold.load(tmp_path / "made"))
    assert fitted.report_["phases"][0]["init"] == "pivot_mds" and made.owns_arrays
    np.testing.assert_array_equal(fitted.embedding_, again.embedding_)
    assert [abs(a - b).max() for a, b in zip(before, (one.graph, other.graph), strict=True)] == [0, 0]


def test_parameters_and_lengths():
    """A result has the parameters in which both agree, and mean lengths in units of their means if both have them."""
    one, _ = views()
    _, other = views(n_neighbors=8)
    made = one + other
    assert "n_neighbors" not in made.parameters and made.parameters["local_connectivity"] == 1.0
    assert (one + one).parameters == one.parameters
    a, b = one._shared.lengths.astype(float), other._shared.lengths.astype(float)
    np.testing.assert_allclose(made._shared.lengths, (a / a.mean() + b / b.mean()) / 2, rtol=1e-6)
    np.testing.assert_array_equal((one - other)._shared.lengths, one._shared.lengths)
    foreign = Manifold.from_graph(other.graph)
    assert (one + foreign)._shared.lengths is None and (foreign + foreign).parameters == {"symmetrize": True}


def test_directed_graphs():
    """The result is directed if both graphs are, and symmetric otherwise."""
    one, other = views(symmetrize=False)
    made = one + other
    rows = set_operations.unite(one._shared.rows(), other._shared.rows())
    expected = naive.locally_connected(dense(rows), rescale=True, symmetrize=False)
    np.testing.assert_allclose(made.graph.toarray(), expected, rtol=1e-5, atol=1e-7)
    assert made.parameters["symmetrize"] is False and abs(made.graph - made.graph.T).max() > 0.1
    mixed = one + views()[1]
    assert mixed.parameters["symmetrize"] is True and abs(mixed.graph - mixed.graph.T).max() == 0


def test_what_is_refused():
    """Other numbers of rows, other types, invalid weights and an empty difference are refused."""
    one, other = views()
    with pytest.raises(ValueError, match="300 and 200 rows"):
        one.union(views(200)[1])
    with pytest.raises(TypeError, match="other must be a Manifold, but is csr_array"):
        one.intersection(other.graph)
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = one + 1
    for mix in (-0.1, 1.1, np.nan, "half"):
        with pytest.raises(ValueError, match=r"mix_weight=.* from 0 \(this manifold\) to 1"):
            one.intersection(other, mix)
    ones = one.graph.copy()
    ones.data[:] = 1
    with pytest.raises(ValueError, match="No edge is left"):
        one.difference(Manifold.from_graph(ones))
