"""Tests of searchers other than the exact one: their neighbors, their indices in models and their errors."""

import importlib
import pickle

import numba
import numpy as np
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import make_blobs
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors

from umap_sk import LowRecallWarning, PrecomputedUMAP, SlowSearchWarning
from umap_sk.monitor import progress
from umap_sk.neighbors import choice, index, row_search, search_time, searchers
from umap_sk.neighbors.choice import SearchSettings, choose_searcher, is_small
from umap_sk.neighbors.euclidean import scale_rows
from umap_sk.neighbors.search import build_search
from umap_sk.neighbors.search import find_neighbors as exactly
from umap_sk.runtime.threads import limit_threads


@pytest.fixture(scope="module")
def points():
    """Return overlapping clusters in 12 columns."""
    return make_blobs(600, 12, centers=5, cluster_std=3.0, random_state=0)[0]


def asked(searcher="auto", metric="euclidean", parameters=None, seed=3):
    return SearchSettings(searcher, metric, parameters, None, seed, False)


def skip_without(library):
    pytest.importorskip({"usearch": "usearch.index"}.get(library, library))


class ByTransform(TransformerMixin, BaseEstimator):
    """A searcher with only fit and transform, like those of sklearn-ann."""

    def __init__(self, n_neighbors=5, metric="euclidean", random_state=None):
        self.n_neighbors, self.metric, self.random_state = n_neighbors, metric, random_state

    def fit(self, X, y=None):
        self.nearest_ = NearestNeighbors(n_neighbors=self.n_neighbors).fit(X)
        return self

    def transform(self, X):
        return self.nearest_.kneighbors_graph(X, mode="distance")


@pytest.mark.parametrize(
    "library, metric",
    [(library, metric) for library in ("hnswlib", "faiss", "usearch") for metric in ("euclidean", "cosine")]
    + [pytest.param("pynndescent", "euclidean", marks=pytest.mark.long)],
)
def test_library_finds_the_exact_neighbors(points, library, metric):
    """A library finds nearly all neighbors, with exact distances.

    A new row has the same neighbors alone, in a batch and after pickling.
    """
    skip_without(library)
    found, indices, dists, figures = searchers.search_training(points[:550], asked(library, metric), 9)
    exact = build_search(points[:550], metric, None, None)
    true_indices, true_dists = exactly(exact, points[:550], 9, own=True)
    same = indices == true_indices
    assert same.mean() > 0.99 and figures["recall"] > 0.99 and figures["searcher"] == library
    np.testing.assert_array_equal(dists[same], true_dists[same])
    new = searchers.find_neighbors(found, points[550:], 9, own=False)
    true_new = exactly(exact, points[550:], 9, own=False)
    missed = (new[0] != true_new[0]).all(axis=1)  # a search of PyNNDescent may start and end in another cluster
    assert missed.sum() <= (library == "pynndescent")
    assert (new[0] == true_new[0])[~missed].mean() > 0.99
    alone = searchers.find_neighbors(found, points[560:561], 9, own=False)
    again = searchers.find_neighbors(pickle.loads(pickle.dumps(found)), points[550:], 9, own=False)
    for a, b, c in zip(new, alone, again, strict=True):
        np.testing.assert_array_equal(a[10:11], b)
        np.testing.assert_array_equal(a, c)


@pytest.mark.long
def test_pynndescent_takes_sparse_rows_and_repeats(points):
    """PyNNDescent finds the neighbors of sparse rows, and a seed makes them repeatable."""
    skip_without("pynndescent")
    sparse = scipy.sparse.csr_array(np.maximum(points, 0))
    first = searchers.search_training(sparse, asked("pynndescent"), 9)
    again = searchers.search_training(sparse, asked("pynndescent"), 9)
    assert first[3]["recall"] > 0.97
    np.testing.assert_array_equal(first[1], again[1])


@pytest.mark.parametrize("library", ["hnswlib", "faiss", "usearch"])
def test_few_and_repeated_rows(library):
    """Fewer rows than neighbors have all others as neighbors.

    Equal rows are each other's neighbors but not their own.
    """
    skip_without(library)
    few = np.arange(10.0).reshape(5, 2)
    _, indices, dists, _ = searchers.search_training(few, asked(library), 9)
    np.testing.assert_array_equal(indices, exactly(build_search(few, "euclidean", None, None), few, 9, own=True)[0])
    _, indices, dists, figures = searchers.search_training(np.ones((40, 3)), asked(library), 5)
    assert indices.min() >= 0 and not (indices == np.arange(40)[:, None]).any()
    assert not dists.any() and figures["recall"] == 1


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "hellinger"])
@pytest.mark.parametrize("own", [True, False])
def test_sparse_candidates_are_compared_block_by_block(monkeypatch, metric, own):
    """Candidates of sparse rows have the indices and distances of dense rows, without a dense copy of all rows."""
    rng = np.random.default_rng(0)
    rows, new = (rng.random((n, 30)) * (rng.random((n, 30)) < 0.2) for n in (200, 70))
    candidates = rng.integers(-1, 200, (200 if own else 70, 12))
    candidates[5] = -1
    monkeypatch.setattr(row_search, "DENSE_NUMBERS", 12 * 30 * 16)
    scaled, found = [], []
    monkeypatch.setattr(row_search, "scale_rows", lambda X, *a: scaled.append(len(X)) or scale_rows(X, *a))
    for convert in (np.asarray, scipy.sparse.csr_array):
        scaled.clear()
        exact = row_search.RowSearch(convert(rows), metric, exact=True)
        found.append(exact.rank_candidates(None if own else convert(new), candidates, 5))
    assert max(scaled) <= 12 * 16
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_recall_is_the_share_that_was_found(points):
    """The recall is 7 / 9 if two of nine neighbors are hidden. Neighbors at the distance of a tie count as found."""
    skip_without("faiss")
    made = searchers.search_training(points, asked("faiss"), 9)[0]
    dists = exactly(build_search(points, "euclidean", None, None), points, 9, own=True)[1]
    dists[:, [2, 5]] = np.inf
    assert searchers.measure_recall(made, points, asked("faiss"), dists, 9)["recall"] == pytest.approx(7 / 9, abs=1e-4)
    line = np.repeat(np.arange(8.0), 3)[:, None]
    made = searchers.search_training(line, asked("faiss"), 3)[0]
    assert searchers.measure_recall(made, line, asked("faiss"), np.tile([0.0, 0.0, 1.0], (24, 1)), 3)["recall"] == 1


class FindsFarRows(NearestNeighbors):
    """A searcher that skips some of the nearest rows."""

    skipped = 0

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        found = super().kneighbors(X, n_neighbors + self.skipped)
        return tuple(np.delete(array, slice(1, 1 + self.skipped), axis=1) for array in found)


def test_a_low_recall_is_reported(points, monkeypatch, recwarn):
    """A searcher that misses more than a tenth of the neighbors causes a warning, and one that finds all does not."""
    model = PrecomputedUMAP(metric="euclidean", n_epochs=1, searcher=FindsFarRows())
    model.fit(points)
    assert not recwarn.list
    monkeypatch.setattr(FindsFarRows, "skipped", 4)
    with pytest.warns(LowRecallWarning, match='FindsFarRows found 79% .* of 256 sampled rows. searcher="exact"'):
        model.fit(points)


def test_model_keeps_its_index(points, monkeypatch):
    """The map with a library equals that of its arrays, and a stored model builds no index."""
    skip_without("hnswlib")
    settings = {"n_epochs": 20, "random_state": 3, "n_jobs": 1}
    model = PrecomputedUMAP(metric="euclidean", searcher="hnswlib", **settings).fit(points[:550])
    _, indices, dists, figures = searchers.search_training(points[:550], asked("hnswlib"), 14)
    assert model.report_["search"] == figures
    arrays = PrecomputedUMAP(**settings).fit(points[:550], knn_indices=indices, knn_dists=dists)
    np.testing.assert_array_equal(model.embedding_, arrays.embedding_)
    placed = model.transform(points[550:])
    stored = pickle.dumps(model)
    monkeypatch.setattr(index.LibraryIndex, "__init__", None)
    np.testing.assert_array_equal(pickle.loads(stored).transform(points[550:]), placed)


def test_stored_index_that_cannot_be_read(points, monkeypatch):
    """The error names the version of the library that stored the index, and the installed one."""
    monkeypatch.setattr(pytest.importorskip("hnswlib"), "__version__", "0.9", raising=False)
    found = pickle.loads(pickle.dumps(searchers.search_training(points, asked("hnswlib"), 9)[0]))
    found.library._stored, found.library.version = b"damaged", "0.1"
    with pytest.raises(ValueError, match=r"stored by hnswlib 0\.1 and cannot be read by 0\.9: "):
        searchers.find_neighbors(found, points[:2], 9, own=False)


def test_objects(points):
    """Objects with kneighbors or transform give the exact map. They are copied and get the seed."""
    settings = {"metric": "euclidean", "n_epochs": 20, "random_state": 3}
    exact = PrecomputedUMAP(**settings).fit(points[:550])
    placed = exact.transform(points[550:])
    for searcher in (KNeighborsTransformer(), NearestNeighbors(), ByTransform(15)):
        model = PrecomputedUMAP(**settings, searcher=searcher).fit(points[:550])
        np.testing.assert_array_equal(model.graph_.indices, exact.graph_.indices)
        np.testing.assert_allclose(model.transform(points[550:]), placed, atol=0.02)
        assert model.report_["search"] == {
            "searcher": type(searcher).__name__, "recall": 1.0, "sampled_rows": 256
        }  # fmt: skip
        assert not vars(searcher).keys() & {"n_samples_fit_", "nearest_"}
    assert model._fitted.search.fitted.random_state == 3 and searcher.random_state is None
    assert clone(model).set_params(searcher__n_neighbors=20).searcher.n_neighbors == 20


def test_what_an_object_gives_is_checked(points):
    """An object with too few neighbors, without a graph or with another metric is refused."""
    with pytest.raises(ValueError, match=r"finds 4 neighbors .* 14 are needed.*searcher__n_neighbors=15"):
        PrecomputedUMAP(metric="euclidean", searcher=ByTransform()).fit(points)
    with pytest.raises(ValueError, match=r"metric='cosine', but the searcher ByTransform has metric='euclidean'"):
        PrecomputedUMAP(metric="cosine", searcher=ByTransform(15)).fit(points)

    class NoGraph(ByTransform):
        def transform(self, X):
            return X

    with pytest.raises(ValueError, match="NoGraph gave ndarray, but a sparse graph"):
        PrecomputedUMAP(metric="euclidean", searcher=NoGraph(15)).fit(points)
    with pytest.raises(ValueError, match="The 'searcher' parameter of PrecomputedUMAP"):
        PrecomputedUMAP(metric="euclidean", searcher="pynndecent").fit(points)
    assert choice._name_metric("minkowski", 2) == choice._name_metric("l2", 2) == "euclidean"


@pytest.mark.parametrize(
    "searcher, metric, parameters, message",
    [
        ("hnswlib", "manhattan", None, r"does not search by metric='manhattan'.*correlation, cosine, euclidean"),
        ("faiss", "minkowski", {"p": 3}, r"does not search by metric='minkowski' with \{'p': 3\}"),
        ("pynndescent", "mahalanobis", {"V": np.eye(12)}, "does not search by metric='mahalanobis'"),
        ("usearch", max, None, "does not search by metric=<built-in function max>"),
    ],
)
def test_metrics_that_a_library_does_not_know(points, searcher, metric, parameters, message):
    """A metric that the library lacks is refused with a list of those that it has."""
    with pytest.raises(ValueError, match=message):
        PrecomputedUMAP(metric=metric, metric_params=parameters, searcher=searcher).fit(points)


def test_refusals(points, monkeypatch):
    """Sparse rows, a precomputed X, unknown metrics, too large features and missing libraries are refused."""
    with pytest.raises(ValueError, match=r"searcher='faiss' does not support sparse features"):
        PrecomputedUMAP(metric="euclidean", searcher="faiss").fit(scipy.sparse.csr_array(points))
    with pytest.raises(ValueError, match=r"searcher='faiss', but metric='precomputed'"):
        PrecomputedUMAP(searcher="faiss").fit(points)
    with pytest.raises(ValueError, match=r"X goes up to .* below 1e\+17"):
        index.to_float32(points * 1e20)
    dists, indices = NearestNeighbors(n_neighbors=15).fit(points).kneighbors(points)
    with pytest.raises(ValueError, match=r"metric='euclidian' is unknown; the nearest name is 'euclidean'"):
        PrecomputedUMAP(metric="euclidian").fit(points, knn_indices=indices, knn_dists=dists)

    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"searcher='hnswlib' needs .*: python -m pip install chroma-hnswlib"):
        index.import_library(index.LIBRARIES["hnswlib"])


def test_rule_of_auto(monkeypatch):
    """The automatic choice depends on rows, columns, metric and installed libraries."""
    compiled = numba.njit(lambda x, y: 1.0)
    assert is_small("euclidean", (12_000, 784)) and not is_small("euclidean", (12_001, 784))
    assert is_small("manhattan", (10_000, 1_000)) and not is_small("manhattan", (10_001, 1_000))
    assert is_small("hamming", (100_000, 10)) and not is_small("hamming", (100_001, 10))
    assert is_small("manhattan", (4_096, 10**6)) and is_small("manhattan", (30_000, 10**6), sparse=True)
    assert is_small("hamming", (30_000, 784), {"w": 1}) and not is_small("hamming", (100_000, 10), {"w": 1})
    assert is_small("minkowski", (10**7, 5), {"p": 3}) and not is_small("minkowski", (12_001, 6), {"p": 3})
    assert is_small("minkowski", (100_000, 10), {"p": 1}) and not is_small("minkowski", (12_001, 5))
    assert is_small("jaccard", (30_000, 784)) and not is_small("jaccard", (30_001, 784))
    assert is_small(compiled, (12_000, 10)) and not is_small(compiled, (12_001, 10))
    assert is_small(max, (30_000, 10)) and not is_small(max, (30_001, 10))
    assert is_small("l1", (10**7, 5)) and not is_small("l1", (10**7, 6)) and not is_small("l2", (10**7, 5))
    many = np.broadcast_to(np.zeros(1), (600_000, 8))
    for metric, parameters in (("euclidean", None), ("hellinger", None), ("minkowski", {"p": 2})):
        assert choose_searcher(asked(metric=metric, parameters=parameters), many) == "inverted_file"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert (
        choose_searcher(asked(metric="manhattan"), many) == "pynndescent"
        and choose_searcher(asked("exact"), many) == "exact"
    )
    assert choose_searcher(asked(metric=max), many) == "exact"
    assert choice.identify_searcher(asked(metric="manhattan"), many) == "pynndescent"
    assert choose_searcher(asked(metric="mahalanobis", parameters={"V": np.eye(8)}), many) == "exact"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert (
        choose_searcher(asked(metric="manhattan"), many) == "exact"
        and choice.identify_searcher(asked("exact"), many) == "auto"
    )


@numba.njit
def weighted(x, y, first=1.0, second=1.0):
    """Return a distance with one weight for the first two columns and another one for the rest."""
    total = 0.0
    for column in range(x.shape[0]):
        total += (first if column < 2 else second) * abs(x[column] - y[column])
    return total


@pytest.mark.parametrize("parameters", [{"second": 50.0, "first": 1.0}, {"second": 50.0}])
def test_arguments_of_functions_are_ordered(parameters):
    """PyNNDescent ignores the names of arguments, so it gets them in the order of the function, with its defaults."""
    _, passed = choice.translate_metric(index.LIBRARIES["pynndescent"], weighted, parameters, False)
    assert list(passed.items()) == [("first", 1.0), ("second", 50.0)]


@pytest.mark.long
def test_arguments_of_functions_in_pynndescent(points):
    """PyNNDescent finds the neighbors by a function with named arguments."""
    skip_without("pynndescent")
    parameters = {"second": 50.0, "first": 2.0}
    search = asked("pynndescent", metric=weighted, parameters=parameters)
    assert searchers.search_training(points, search, 9)[-1]["recall"] > 0.95


def test_exact_search_of_many_rows(points, monkeypatch, capsys):
    """Without PyNNDescent, a long exact search warns, reports progress and finds the same neighbors in blocks."""
    expected = exactly(build_search(points, "manhattan", None, None), points, 9, own=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(choice, "EXACT_NUMBERS", 100)
    monkeypatch.setattr(choice, "LEAST_EXACT_ROWS", 100)
    monkeypatch.setattr("umap_sk.neighbors.differences.NUMBERS_PER_CALL", 1)  # 256 rows at once for each thread
    monkeypatch.setattr(progress, "_make_rich_bar", lambda: None)
    many = asked(metric="manhattan")._replace(verbose=True)
    with limit_threads(1):
        searchers.search_training(points, many, 9)  # this search is too short for a warning
    assert [line.split(", about")[0] for line in capsys.readouterr().err.splitlines()] == [
        "search: 42 %", "search: 85 %"
    ]  # fmt: skip
    monkeypatch.setattr(search_time, "WARN_SECONDS", 0)
    with pytest.warns(SlowSearchWarning, match=r"All 600 rows .* takes about .* pip install pynndescent"):
        _, *found, figures = searchers.search_training(points, many, 9)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert figures == {"searcher": "exact"}


def test_a_function_of_few_rows_may_be_slow(points, monkeypatch):
    """A function that is not compiled is called for each pair of rows, so the warning does not depend on the number."""
    monkeypatch.setattr(search_time, "WARN_SECONDS", 0)
    with pytest.warns(SlowSearchWarning, match=r"All 60 rows .* takes about .* a function compiled by numba"):
        searchers.search_training(points[:60], asked(metric=lambda x, y: float(np.abs(x - y).sum())), 9)


def test_estimate_of_a_search_counts_what_is_done_once_only_once(points, monkeypatch):
    """Fixed costs count once: with 0.1 s for a call and 1 ms for each row, 600 rows take 0.7 s and not 60 s."""
    monkeypatch.setattr(search_time, "_time_search", lambda made, features: 0.1 + 0.001 * len(features))
    index = build_search(points, "manhattan", None, None)
    assert search_time.estimate_seconds(index, points) == pytest.approx(0.7, rel=0.01)


def test_blocks_of_repeated_rows(monkeypatch):
    """A row has the right neighbors even if copies crowd it out of its own list."""
    rows = np.repeat(np.arange(3.0), 40)[:, None] * np.ones(2)
    expected = exactly(build_search(rows, "manhattan", None, None), rows, 5, own=True)
    monkeypatch.setattr("umap_sk.neighbors.search.ROWS_PER_CALL", 50)
    found = exactly(build_search(rows, "manhattan", None, None), rows, 5, own=True)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_index_beside_given_neighbors(points):
    """If neighbors are given, the index is built at the first transform of features, with a warning, and is kept."""
    skip_without("faiss")
    dists, indices = NearestNeighbors(n_neighbors=15).fit(points[:550]).kneighbors(points[:550])
    model = PrecomputedUMAP(metric="euclidean", searcher="faiss", n_epochs=10, random_state=0)
    model.fit(points[:550], knn_indices=indices, knn_dists=dists)
    with pytest.warns(SlowSearchWarning, match="faiss builds its index of 550 rows now"):
        placed = model.transform(points[550:])
    exact = PrecomputedUMAP(metric="euclidean", n_epochs=10, random_state=0)
    expected = exact.fit(points[:550], knn_indices=indices, knn_dists=dists).transform(points[550:])
    assert np.mean(placed == expected) > 0.9
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(points[550:]), placed)


def test_run_of_another_searcher_is_another_run(points, tmp_path):
    """Exact and automatic searches share a run.

    A library's search has its own, and the same transform after resumption.
    """
    skip_without("faiss")
    settings = {"metric": "euclidean", "n_epochs": 10, "random_state": 0, "checkpoint": tmp_path}
    runs = [PrecomputedUMAP(**settings, searcher=name).fit(points[:550]) for name in ("auto", "exact", "faiss")]
    assert len(list(tmp_path.iterdir())) == 2
    again = PrecomputedUMAP(**settings, searcher="faiss").fit(points[:550])
    assert again.report_["phases"][-1]["name"] == "resume"
    with pytest.warns(SlowSearchWarning, match="came from a checkpoint"):
        np.testing.assert_array_equal(again.transform(points[550:]), runs[2].transform(points[550:]))
