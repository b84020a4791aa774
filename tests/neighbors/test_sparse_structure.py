"""Tests of inconsistent sparse arrays, which every function refuses before scipy reads outside of them."""

import numpy as np
import pytest
import scipy.sparse

from umap_sk import UMAP, Manifold, PrecomputedUMAP, knn_graph
from umap_sk.metrics import distance_correlation, neighbor_recall, sampled_loss, triplet_accuracy, trustworthiness
from umap_sk.neighbors import distances
from umap_sk.neighbors.read import read_neighbors
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.runtime import side_by_side

X = np.random.default_rng(0).normal(size=(60, 4)) * (np.random.default_rng(1).random((60, 4)) < 0.7)
SETTINGS = {"n_neighbors": 5, "n_epochs": 2, "random_state": 0}
ROWS = np.arange(60)[:, None]
ARRAYS = {"knn_indices": (ROWS + np.arange(1, 6)) % 60, "knn_dists": np.tile(np.arange(1.0, 6.0), (60, 1))}


def far_index(values):
    values.indices[5] = 10**8


def negative_index(values):
    values.indices[5] = -1


def far_row(values):
    values.indptr = values.indptr.copy()
    values.indptr[3] = 2**31 - 1


def descending_row(values):
    values.indptr = values.indptr.copy()
    values.indptr[3] = 0


def few_rows(values):
    values.indptr = values.indptr[:-1]


def few_values(values):
    values.data = values.data[:-3]


def fractions(values):
    values.indices = values.indices + 0.5


BREAKS = [far_index, negative_index, far_row, descending_row, few_rows, few_values, fractions]


def broken(form, damage, array=X):
    """Return a sparse array that is damaged after it was built."""
    values = scipy.sparse.csr_array(array).asformat(form)
    damage(values)
    return values


@pytest.fixture(scope="module")
def search():
    """Return a model of sparse features."""
    return PrecomputedUMAP(metric="euclidean", **SETTINGS).fit(scipy.sparse.csr_array(X))


@pytest.fixture(scope="module")
def of_graph():
    """Return a model of a graph."""
    return PrecomputedUMAP(**SETTINGS).fit(knn_graph(**{name[4:]: array for name, array in ARRAYS.items()}))


FEATURES = {  # functions of features
    "fit": lambda values, models: PrecomputedUMAP(metric="euclidean", **SETTINGS).fit(values),
    "fit beside arrays": lambda values, models: PrecomputedUMAP(**SETTINGS).fit(values, **ARRAYS),
    "partial_fit": lambda values, models: PrecomputedUMAP(metric="cosine", **SETTINGS).partial_fit(values),
    "pynndescent": lambda values, models: PrecomputedUMAP(metric="l2", searcher="pynndescent").fit(values),
    "transform": lambda values, models: models[0].transform(values),
    "score": lambda values, models: models[0].score(values),
    "update": lambda values, models: models[0].update(values),
    "inverse_transform": lambda values, models: models[0].inverse_transform(np.zeros((1, 2)), features=values),
    "UMAP": lambda values, models: UMAP(n_neighbors=5, unique=True).fit(values),
    "triplet_accuracy": lambda values, models: triplet_accuracy(values, models[0].embedding_),
    "distance_correlation": lambda values, models: distance_correlation(values, models[0].embedding_),
}
GRAPHS = {  # functions of a square graph
    "fit": lambda graph, models: PrecomputedUMAP(**SETTINGS).fit(graph),
    "learn_manifold": lambda graph, models: PrecomputedUMAP(**SETTINGS).learn_manifold(graph),
    "transform": lambda graph, models: models[1].transform(graph),
    "update": lambda graph, models: models[1].update(graph),
    "knn_graph": lambda graph, models: UMAP(n_neighbors=5).fit(X, knn_graph=graph),
    "from_graph": lambda graph, models: Manifold.from_graph(graph),
    "read_neighbors": lambda graph, models: read_neighbors(graph, n_neighbors=5),
    "neighbor_recall": lambda graph, models: neighbor_recall(graph, models[0].embedding_),
    "trustworthiness": lambda graph, models: trustworthiness(graph, models[0].embedding_),
    "sampled_loss": lambda graph, models: sampled_loss(graph, models[0].embedding_, a=1, b=1),
}


def assert_refused(call, array):
    """Check that a call refuses the array in every format and with every damage."""
    for form in ("csr", "csc", "bsr"):
        for damage in BREAKS:
            values = broken(form, damage, array)
            with pytest.raises(ValueError, match="sparse ... array with inconsistent parts.*Build it again"):
                call(values)


@pytest.mark.parametrize("name", FEATURES)
def test_features(search, of_graph, name):
    """Damaged features are refused with the problem and the solution."""
    assert_refused(lambda values: FEATURES[name](values, (search, of_graph)), X)


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs(search, of_graph, name):
    """Damaged graphs are refused with the problem and the solution."""
    assert_refused(lambda graph: GRAPHS[name](graph, (search, of_graph)), np.minimum(np.abs(X @ X.T), 1))


OTHERS = {
    "row": ("coo", lambda values: values.row.__setitem__(3, 60), r"row\[3\] is 60, but 0 to 59 are needed"),
    "column": ("coo", lambda values: values.col.__setitem__(3, -2), r"col\[3\] is -2, but 0 to 3 are needed"),
    "length": ("coo", lambda values: setattr(values, "data", values.data[1:]), "the lengths differ"),
    "offsets": ("dia", lambda values: setattr(values, "offsets", values.offsets[1:]), "the lengths differ"),
    "list": ("lil", lambda values: values.rows[7].__setitem__(0, 99), "index 99 exceeds matrix dimension 4"),
    "long list": ("lil", lambda values: values.data.__setitem__(7, [1.0] * 10**6), "in pairs of the same length"),
    "few lists": ("lil", lambda values: setattr(values, "rows", values.rows[:9]), "must be 60 lists"),
    "no list": ("lil", lambda values: values.rows.__setitem__(7, None), "'NoneType' has no len"),
    "key": ("dok", lambda values: values._dict.__setitem__((99, 1), 1.0), "index 99 exceeds"),
    "blocks": ("bsr", lambda values: setattr(values, "data", np.ones((len(values.data), 7, 7))), "do not fill the sha"),
    "values": ("csr", lambda values: setattr(values, "data", values.data[:, None]), r"data has shape \(\d+, 1\)"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_formats(name):
    """The error for a damaged array of another format names the wrong entry."""
    form, damage, message = OTHERS[name]
    values = broken(form, damage)
    with pytest.raises(ValueError, match=f"features is a sparse {form} array with inconsistent parts.*{message}"):
        check_structure(values, "features")


@pytest.mark.parametrize("form", ["csr", "csc", "bsr", "coo", "dia", "lil", "dok"])
def test_whole_arrays_pass(form):
    """Valid arrays of any format pass, also dense ones, and those with unused entries after the last row."""
    values = scipy.sparse.csr_array(X).asformat(form)
    check_structure(values, "X")
    check_structure(X, "X")
    if form in ("csr", "csc"):
        values.indices = np.append(values.indices, [10**6])
        values.data = np.append(values.data, [1.0])
        check_structure(values, "X")


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("outside", [-1, 60, 10**9])
def test_first_index_outside(monkeypatch, dtype, outside):
    """The error names the first index outside the range, also where an earlier block of indices has none."""
    monkeypatch.setattr(side_by_side, "ROWS_AT_ONCE", 64)
    values = scipy.sparse.csr_array(X).asformat("coo")
    rows = values.row.astype(dtype)
    rows[[100, 130]] = outside
    values.coords = (rows, values.col.astype(dtype))
    with pytest.raises(ValueError, match=rf"row\[100\] is {outside}, but 0 to 59 are needed"):
        check_structure(values, "X")


def test_entries_in_another_order():
    """Columns that are exchanged after scipy marked them as sorted do not change the features."""
    values = scipy.sparse.csr_array(X)
    assert values.has_canonical_format
    first, last = values.indptr[:2] + [0, -1]
    for array in (values.indices, values.data):
        array[[first, last]] = array[[last, first]]
    prepared = distances.prepare_features(values, "euclidean")
    np.testing.assert_array_equal(prepared.toarray(), X)
    assert (np.diff(prepared.indices[: prepared.indptr[1]]) > 0).all()
