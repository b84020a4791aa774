"""Tests of concurrent fits in processes and threads: their results and their numbers of threads."""

import numba
import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import kneighbors_graph

import umap_sk
from umap_sk import PrecomputedUMAP
from umap_sk.layout import transform
from umap_sk.runtime.threads import FEW_ROWS

GRAPH = kneighbors_graph(load_digits().data, 40, mode="distance", include_self=True)
GRID = {"min_dist": [0.1, 0.5], "n_neighbors": [5, 15]}


def search(n_jobs, own_n_jobs=None):
    umap = PrecomputedUMAP(n_epochs=20, random_state=0, n_jobs=own_n_jobs)
    return GridSearchCV(umap, GRID, cv=3, n_jobs=n_jobs, error_score="raise").fit(GRAPH)


@pytest.fixture(scope="module")
def alone():
    return search(1)


@pytest.mark.parametrize(
    "backend, own_n_jobs",
    [
        ("loky", None),
        ("threading", -1),
        *(pytest.param(*case, marks=pytest.mark.long) for case in (("loky", -1), ("threading", None))),
    ],
)
@pytest.mark.filterwarnings("ignore::umap_sk.UMAPWarning")
def test_grid_search_in_parallel(alone, backend, own_n_jobs):
    """A parallel grid search has the scores and the best map of a sequential one, with any backend."""
    options = {"max_nbytes": 1000} if backend == "loky" else {}  # X reaches the processes as a read-only memory map
    with parallel_config(backend, **options):
        together = search(2, own_n_jobs)
    for name in ("split0_test_score", "split1_test_score", "split2_test_score"):
        np.testing.assert_array_equal(together.cv_results_[name], alone.cv_results_[name])
    assert together.best_params_ == alone.best_params_
    np.testing.assert_array_equal(together.best_estimator_.embedding_, alone.best_estimator_.embedding_)


def threads_of_a_fit(n_jobs=None):
    return PrecomputedUMAP(n_epochs=1, init="random", n_jobs=n_jobs).fit(GRAPH).report_["threads"]


@pytest.mark.parametrize("own_n_jobs", [None, -1])
def test_processes_share_the_processors(own_n_jobs):
    """A fit in a worker of joblib uses no more threads than joblib allows."""
    with parallel_config("loky", inner_max_num_threads=1):
        assert Parallel(n_jobs=2)(delayed(threads_of_a_fit)(own_n_jobs) for _ in range(2)) == [1, 1]


def test_callers_threads_are_restored():
    """A fit uses the caller's number of threads by default, and always restores it."""
    before = numba.get_num_threads()
    assert threads_of_a_fit(1) == 1 and numba.get_num_threads() == before
    assert threads_of_a_fit() == before
    numba.set_num_threads(1)
    try:
        assert threads_of_a_fit() == 1 == numba.get_num_threads()
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2"])
def test_numbers_of_threads_that_are_none(n_jobs):
    with pytest.raises(ValueError, match=f"n_jobs={n_jobs!r}, but a number of threads is needed, -1 for all, or None"):
        umap_sk.plan(n_samples=100, timed=False, n_jobs=n_jobs)


def test_transform_from_many_threads():
    """Several threads can call transform of one model at the same time."""
    model = PrecomputedUMAP(n_epochs=5, random_state=0).fit(GRAPH)
    expected = model.transform(GRAPH)
    parts = np.array_split(np.arange(GRAPH.shape[0]), 8)
    with parallel_config("threading"):
        places = Parallel(n_jobs=4)(delayed(model.transform)(GRAPH[rows]) for rows in parts)
    np.testing.assert_array_equal(np.concatenate(places), expected)


@pytest.mark.parametrize("n_rows, few", [(1, True), (FEW_ROWS, True), (FEW_ROWS + 1, False)])
def test_few_rows_keep_to_one_thread(n_rows, few, monkeypatch):
    """transform uses one thread for few rows, because idle threads would occupy processors."""
    model = PrecomputedUMAP(n_epochs=2, random_state=0).fit(GRAPH)
    threads, place = [], transform.place_rows

    def counting(*arguments):
        threads.append(numba.get_num_threads())
        return place(*arguments)

    monkeypatch.setattr(transform, "place_rows", counting)
    before = numba.get_num_threads()
    model.transform(GRAPH[np.arange(n_rows) % GRAPH.shape[0]])
    assert threads == [1 if few else before] and numba.get_num_threads() == before
