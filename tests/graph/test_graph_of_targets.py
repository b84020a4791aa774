"""Tests of targets in the graph, compared with umap-learn and the naive twins, and of the valid forms of y."""

import naive_set_operations as naive
import numpy as np
import pytest
import scipy.sparse
from graphs import dense, random_graph
from plain_umap_learn import plain
from umap.umap_ import (
    discrete_metric_simplicial_set_intersection,
    general_simplicial_set_intersection,
    reset_local_connectivity,
)

from umap_sk import DisconnectedWarning, Manifold, PrecomputedUMAP
from umap_sk.graph.targets import weaken_between_labels
from umap_sk.pipeline.targets import encode_labels
from umap_sk.runtime.threads import limit_threads

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 4))
LABELS = rng.integers(-1, 3, 150)  # -1 unknown
NUMBERS = np.c_[X[:, 0] + rng.normal(size=150), rng.normal(size=150)]
CLASSES = {"metric": "euclidean", "target_metric": "categorical"}
WEIGHTS = [0.0, 0.3, 0.5, 0.9, 1.0]


def matrix(manifold):
    """Return a copy of the graph for umap-learn, which changes its arguments."""
    return scipy.sparse.csr_matrix(manifold.graph, copy=True)


@pytest.fixture(scope="module")
def without():
    """Return the manifold of the same data without targets."""
    return PrecomputedUMAP(metric="euclidean").learn_manifold(X)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_labels_as_in_umap_learn(without, weight):
    """The graph equals umap-learn's, also if some labels are unknown."""
    made = PrecomputedUMAP(**CLASSES, target_weight=weight).learn_manifold(X, LABELS)
    far = 2.5 / (1 - weight) if weight < 1 else 1e12
    with plain():
        expected = discrete_metric_simplicial_set_intersection(matrix(without), LABELS, far_dist=far)
    assert abs(made.graph - expected).max() < 1e-6 and made.graph.nnz == expected.nnz


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_numbers_as_in_umap_learn(without, columns, weight):
    """For one or two columns of numbers, the graph equals umap-learn's with this package's graph of the targets."""
    y = NUMBERS[:, :columns]
    model = PrecomputedUMAP(metric="euclidean", target_metric="l2", target_weight=weight, target_n_neighbors=10)
    of_targets = PrecomputedUMAP(10, metric="euclidean", symmetrize=False).learn_manifold(y)
    with plain():
        both = general_simplicial_set_intersection(matrix(without), matrix(of_targets), weight)
        expected = reset_local_connectivity(both)
    made = model.learn_manifold(X, y[:, 0] if columns == 1 else y)
    assert abs(made.graph - expected).max() < 1e-6 and made.graph.nnz == expected.nnz


@pytest.mark.parametrize("symmetrize", [True, False])
@pytest.mark.parametrize("weight", [0.5, 0.99, 1.0])
def test_rows_are_those_of_the_twin(weight, symmetrize):
    """Weakened rows equal the twin's, and have the same bits on any number of threads."""
    graph = random_graph(0, 1300, ties=False, symmetric=symmetrize)
    labels = np.random.default_rng(1).integers(-1, 4, 1300).astype(np.int32)
    expected = naive.with_labels(dense(graph), labels, weight, symmetrize)
    found = []
    for threads in (1, 2):
        with limit_threads(threads):
            used_up = graph._replace(weights=graph.weights.copy())
            found.append(weaken_between_labels(used_up, labels, weight, symmetrize=symmetrize))
    np.testing.assert_allclose(dense(found[0]), expected, rtol=1e-6, atol=1e-30)
    for one, other in zip(*found, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("symmetrize", [True, False])
@pytest.mark.parametrize("metric, y", [("categorical", LABELS), ("euclidean", NUMBERS)])
def test_built_on_disk(tmp_path, metric, y, symmetrize):
    """A graph built on disk has the same bits as one in memory, and its folder contains no other files."""
    model = PrecomputedUMAP(metric="euclidean", target_metric=metric, symmetrize=symmetrize)
    made, built = model.learn_manifold(X, y), model.learn_manifold(X, y, directory=tmp_path / "m")
    assert sorted(path.stem for path in (tmp_path / "m").iterdir()) == (
        ["indices", "indptr", "lengths", "manifold", "weights"]
    )
    for one, other in zip(made.arrays(), Manifold.load(tmp_path / "m").arrays(), strict=True):
        assert one.tobytes() == other.tobytes()
    assert built.on_disk and Manifold.load(tmp_path / "m").parameters == made.parameters


def test_rows_that_lose_all_edges():
    """With a weight of 1, a warning counts the rows without a neighbor of their label. Their positions are NaN."""
    y = np.zeros(150, int)
    y[7] = 1
    with pytest.warns(DisconnectedWarning, match="1 of 150 rows .* the first is row 7.* or lower target_weight"):
        model = PrecomputedUMAP(**CLASSES, target_weight=1, n_epochs=2).fit(X, y)
    assert np.flatnonzero(np.isnan(model.embedding_).any(axis=1)).tolist() == [7]


@pytest.mark.parametrize("init", ["auto", "pivot_mds", "random"])
def test_labels_that_leave_no_edge(init):
    """With a weight of 1 and as many labels as rows, an error names the cure."""
    with pytest.raises(ValueError, match="target_weight=1.0 removes every edge.* set target_metric='euclidean'"):
        PrecomputedUMAP(**CLASSES, target_weight=1, init=init).fit(X, np.arange(150))


# ------------------------------------------------------------------------------------------------------ forms of y


def test_forms_of_labels():
    """Labels may have any form that says which rows are alike and which are unknown."""
    pandas, names = pytest.importorskip("pandas"), np.array(["b", "a", "c"])
    known = LABELS >= 0
    words = np.where(known, names[LABELS], None)
    forms = {
        "numbers": LABELS,
        "one column": LABELS[:, None],
        "small": LABELS.astype(np.int8),
        "floats": LABELS.astype(float),
        "with NaN": np.where(known, LABELS, np.nan),
        "list": LABELS.tolist(),
        "objects": words,
        "list of words": words.tolist(),
        "words and NaN": np.where(known, words, np.nan),
        "categories": pandas.Series(words, dtype="category"),
        "nullable": pandas.Series(np.where(known, LABELS, None), dtype="Int64"),
        "text": pandas.Series(words, dtype="string"),
        "frame": pandas.DataFrame({"label": words}),
    }
    model = PrecomputedUMAP(**CLASSES)
    expected = model.learn_manifold(X, LABELS).graph
    for name, y in forms.items():
        assert abs(model.learn_manifold(X, y).graph - expected).max() == 0, name
    everything = encode_labels(np.array(["x", "-1", "nan"]))  # any text is a label
    assert sorted(everything) == [0, 1, 2]
    assert encode_labels(np.array([True, False, True])).tolist() == [1, 0, 1]
    assert encode_labels(np.array([-1, 7, 7, 2**40])).tolist() == [-1, 0, 0, 1]


REFUSED = {
    "9 rows": ("categorical", [0] * 9, "y has 9 rows, but the data have 150 rows"),
    "one value": ("categorical", 3, "y is no array, but the data have 150 rows"),
    "fractions": (
        "categorical",
        NUMBERS[:, 0],
        "in row 0, which is no label. .* set target_metric to a metric of numbers",
    ),
    "fractions in a list": ("categorical", [0.5, *[1] * 149], "y has 0.5 in row 0, which is no label"),
    "two columns": ("categorical", NUMBERS, r"shape \(150, 2\), but target_metric='categorical' takes one label a row"),
    "nothing known": ("categorical", [None] * 150, "y knows no label"),
    "no y": ("categorical", None, "target_metric='categorical' needs targets, but y is None"),
    "no such metric": ("ordinal", LABELS, "target_metric='ordinal' is not known; the nearest name is 'categorical'"),
    "NaN": ("euclidean", [np.nan, *[1] * 149], "NaN or infinite in 1 rows, first in row 0"),
    "None": ("euclidean", [*[1] * 149, None], "NaN or infinite in 1 rows, first in row 149"),
    "words": ("l1", ["a"] * 150, "numbers are needed, one or some a row. For labels set target_metric='categorical'"),
    "sparse": ("l1", scipy.sparse.eye_array(150).tocsr(), "y is sparse"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    """The error for invalid targets names the value and the needed form, before the search for neighbors."""
    metric, y, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message):
        PrecomputedUMAP(metric="euclidean", target_metric=metric).learn_manifold(X, y)


def test_targets_that_are_all_the_same(without):
    """A single label changes only the local connectivity, as in umap-learn, and equal numbers are valid."""
    made = PrecomputedUMAP(**CLASSES).learn_manifold(X, np.ones(150)).graph.toarray()
    expected = naive.locally_connected(without.graph.toarray().astype(float), rescale=False)
    np.testing.assert_allclose(made, expected, rtol=1e-6)
    model = PrecomputedUMAP(metric="euclidean", target_metric="euclidean", n_epochs=2)
    assert np.isfinite(model.fit(X, np.ones(150)).embedding_).all()
