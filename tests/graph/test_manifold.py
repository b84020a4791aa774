"""Tests of the manifold: its content, the graphs that it accepts, and the errors for others."""

import joblib
import numpy as np
import pytest
import scipy.sparse

from umap_sk import Manifold, PrecomputedUMAP

SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}


@pytest.fixture
def manifold(arrays):
    """Return a manifold of the ring."""
    return PrecomputedUMAP(5).learn_manifold(**arrays)


def test_what_it_shows(manifold):
    """A manifold shows its sizes, dtypes and parameters, and its graph shares the memory of the arrays."""
    indptr, indices, weights = manifold.arrays()
    assert (indptr.dtype, indices.dtype, weights.dtype) == (np.int64, np.int32, np.float32)
    graph = manifold.graph
    assert isinstance(graph, scipy.sparse.csr_array) and graph.shape == (60, 60) and manifold.n_samples == 60
    assert np.shares_memory(graph.data, weights) and np.shares_memory(graph.indices, indices)
    assert repr(manifold) == f"Manifold(n_samples=60, edges={graph.nnz}, n_neighbors=5)"
    assert manifold.parameters == {
        "n_neighbors": 5,
        "local_connectivity": 1.0,
        "set_op_mix_ratio": 1.0,
        "disconnection_distance": np.inf,
        "symmetrize": True,
    }


def with_every_entry_twice(graph):
    """Return the graph as an unsorted CSR matrix that lists each neighbor twice, with half the weight each."""
    graph = graph.tocoo()
    rows, columns, values = (np.r_[array, array[::-1]] for array in (graph.row, graph.col, graph.data))
    order = np.argsort(rows, kind="stable")
    indptr = np.r_[0, np.cumsum(np.bincount(rows))]
    return scipy.sparse.csr_matrix((values[order] / 2, columns[order], indptr), graph.shape)


def with_diagonal_and_zeros(graph):
    """Return the graph in float64 with a diagonal and with stored zeros in its corners."""
    out = scipy.sparse.lil_matrix(graph.astype(np.float64))
    out.setdiag(1)
    out = out.tocoo()
    ends = [0, 59]
    data = np.r_[out.data, 0, 0]
    return scipy.sparse.coo_matrix((data, (np.r_[out.row, ends], np.r_[out.col, ends[::-1]])), out.shape)


@pytest.mark.parametrize(
    "form",
    [
        lambda graph: graph,
        scipy.sparse.csc_matrix,
        scipy.sparse.coo_array,
        with_every_entry_twice,
        with_diagonal_and_zeros,
    ],
)
def test_from_graph(manifold, form):
    """Memberships in any sparse form are used unchanged, and the given graph is not modified."""
    given = form(manifold.graph)
    before = joblib.hash(given)
    taken = Manifold.from_graph(given)
    assert joblib.hash(given) == before
    for ours, theirs in zip(taken.arrays(), manifold.arrays(), strict=True):
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    assert taken.parameters == {} and repr(taken) == f"Manifold(n_samples=60, edges={manifold.graph.nnz})"
    expected = PrecomputedUMAP(**SETTINGS, init="spectral").fit_transform(manifold=manifold)
    assert np.array_equal(PrecomputedUMAP(**SETTINGS | {"n_neighbors": 9}).fit_transform(manifold=taken), expected)


def test_from_graph_shares_memory(manifold):
    """A canonical graph of float32 is not copied."""
    graph = manifold.graph
    assert np.shares_memory(Manifold.from_graph(graph).arrays()[2], graph.data)


@pytest.mark.parametrize(
    "graph, error, message",
    [
        (np.eye(3), TypeError, "needs a scipy sparse graph .* got ndarray. Wrap a dense matrix"),
        (scipy.sparse.csr_array(np.ones((3, 4))), ValueError, r"must be square .* has shape \(3, 4\)"),
        (scipy.sparse.csr_array((1, 1)), ValueError, "at least 2 rows"),
        (scipy.sparse.csr_array(-np.ones((3, 3))), ValueError, "finite and at least 0"),
        (scipy.sparse.csr_array(np.full((3, 3), np.nan)), ValueError, "finite and at least 0"),
        (scipy.sparse.csr_array(np.ones((3, 3), bool)), TypeError, r"dtype bool. Use .astype\(np.float32\)"),
        (scipy.sparse.csr_array((3, 3)), ValueError, "no edge with a positive weight"),
        (scipy.sparse.csr_array(np.eye(3)), ValueError, "no edge with a positive weight between two different rows"),
    ],
)
def test_from_graph_refuses(graph, error, message):
    """A matrix that is no graph of memberships is refused."""
    with pytest.raises(error, match=message):
        Manifold.from_graph(graph)


def test_manifold_does_not_change(arrays):
    """A manifold stays the same, however many maps are computed from it."""
    manifold = PrecomputedUMAP(5).learn_manifold(**arrays)
    before = joblib.hash(manifold.arrays())
    first = PrecomputedUMAP(**SETTINGS).fit_transform(manifold=manifold)
    PrecomputedUMAP(**SETTINGS, min_dist=0.5, multilevel=False).fit(manifold=manifold)
    assert joblib.hash(manifold.arrays()) == before
    assert np.array_equal(PrecomputedUMAP(**SETTINGS).fit_transform(manifold=manifold), first)


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
def test_learn_manifold_leaves_the_estimator_alone(arrays):
    """The method learn_manifold changes neither an unfitted nor a fitted estimator."""
    model = PrecomputedUMAP(**SETTINGS)
    model.learn_manifold(**arrays)
    assert vars(model) == vars(PrecomputedUMAP(**SETTINGS))
    before = joblib.hash(model.fit(**arrays))
    manifold = model.learn_manifold(knn_indices=arrays["knn_indices"][:, :4], knn_dists=arrays["knn_dists"][:, :4])
    assert manifold.graph.nnz < model.graph_.nnz
    assert joblib.hash(model) == before


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_neighbors", 4),
        ("local_connectivity", 1.5),
        ("set_op_mix_ratio", 0.5),
        ("symmetrize", False),
        ("disconnection_distance", 0.5),
    ],
)
def test_manifold_of_other_parameters(arrays, name, value):
    """The error names a parameter of the graph that differs, and both values. Layout parameters may differ."""
    manifold = PrecomputedUMAP(5).learn_manifold(**arrays)
    here = PrecomputedUMAP(5).set_params(**{name: value})
    there = "inf" if name == "disconnection_distance" else repr(getattr(PrecomputedUMAP(5), name))
    with pytest.raises(ValueError, match=f"learned with other parameters: {name}={there} there, {value} here"):
        here.fit(manifold=manifold)
    assert manifold.parameters["n_neighbors"] == 5
    PrecomputedUMAP(5, n_components=3, n_epochs=1, spread=2.0, metric="cosine", disconnection_distance=np.inf).fit(
        manifold=manifold
    )


def test_manifold_beside_other_data(ring, arrays):
    """Data that contradict the manifold are refused."""
    manifold = PrecomputedUMAP(5).learn_manifold(**arrays)
    with pytest.raises(ValueError, match="Both a manifold and kNN arrays were given"):
        PrecomputedUMAP(5).fit(manifold=manifold, **arrays)
    with pytest.raises(ValueError, match="X has 10 rows, but the manifold has 60"):
        PrecomputedUMAP(5).fit(ring[2][:10], manifold=manifold)
    with pytest.raises(TypeError, match="manifold must be a Manifold, but is csr_array. Use Manifold.from_graph"):
        PrecomputedUMAP(5).fit(manifold=manifold.graph)
