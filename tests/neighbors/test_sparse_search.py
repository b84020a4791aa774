"""Tests of the inverted index of sparse rows, which finds all neighbors or those that share the rarest columns."""

import naive_search as naive
import numpy as np
import pytest
import scipy.sparse

from umap_sk.neighbors import sparse_index
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.sparse_index import build_index, search_sparse
from umap_sk.runtime.threads import set_threads

METRICS = ["euclidean", "cosine", "hellinger"]


def counts(random, n=200, columns=40):
    """Return rows of a few whole numbers, with ties, copies and rows of zeros."""
    rows = random.poisson(0.06, (n, columns)).astype(np.float64)
    rows[:4], rows[-3:] = 0, rows[10]
    return rows


DATA = {
    "counts": counts,
    "signed": lambda random: counts(random) * random.normal(size=(200, 40)),
    "one of many": lambda random: np.eye(30)[random.integers(0, 30, 200)],
    "disjoint": lambda random: np.eye(200),
    "zeros": lambda random: np.zeros((200, 5)),
}


def obvious(rows, metric, k):
    """Return the neighbors by all distances between rows that are scaled for the metric."""
    if metric == "hellinger":
        rows = np.sqrt(rows)
    if metric != "euclidean":
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    ranks = naive.ranks_between(rows, rows)
    if metric != "euclidean":
        used = rows.any(axis=1)
        ranks[used[:, None] != used] = 1  # a row of zeros has no direction
    np.fill_diagonal(ranks, np.inf)
    return naive.nearest(ranks, k)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", DATA)
def test_finds_all_neighbors(name, metric):
    """The ranks are those of all distances, in ascending order and with ties by index."""
    if metric == "hellinger" and name == "signed":
        pytest.skip("Hellinger's distance is not defined for negative numbers.")
    rows = DATA[name](np.random.default_rng(0))
    index = build_index(scipy.sparse.csr_array(rows), metric, 0)
    indices, ranks = search_sparse(index, None, 6, exact=True)
    np.testing.assert_allclose(ranks, obvious(rows, metric, 6)[1], rtol=1e-12, atol=1e-15)
    assert (np.diff(ranks) >= 0).all() and not (indices == np.arange(200)[:, None]).any()
    assert (np.diff(indices)[np.diff(ranks) == 0] > 0).all()
    if name in ("one of many", "disjoint", "zeros"):
        np.testing.assert_array_equal(indices, obvious(rows, metric, 6)[0])


@pytest.mark.parametrize("budget", [10, 60, 10**6])
def test_compares_the_rows_of_rare_columns(budget, monkeypatch):
    """With a budget, a row is compared with the rows of its rarest columns, and with rows that share none."""
    monkeypatch.setattr(sparse_index, "MAX_PRODUCTS", budget)
    monkeypatch.setattr(sparse_index, "KEPT_PER_NEIGHBOR", 100)
    rows = DATA["signed"](np.random.default_rng(0))
    lists = [np.flatnonzero(rows[:, column]) for column in range(40)]
    indices, ranks = search_sparse(build_index(scipy.sparse.csr_array(rows), "euclidean", 0), None, 3, exact=False)
    every = naive.ranks_between(rows, rows)
    np.fill_diagonal(every, np.inf)
    short = 0
    for i in range(200):
        shared, whole = naive.sparse_candidates(rows[i], lists, budget)
        allowed = np.full(200, np.inf)
        places = np.flatnonzero([j in shared or not (rows[i] * rows[j]).any() for j in range(200)])
        allowed[places] = every[i, places]
        if whole:
            np.testing.assert_allclose(ranks[i], np.sort(every[i])[:3], rtol=1e-12)
        short += not whole
        assert (ranks[i] >= np.sort(every[i])[:3] * (1 - 1e-12)).all()
        np.testing.assert_allclose(ranks[i], every[i, indices[i]], rtol=1e-12, atol=1e-15)
        assert whole or (ranks[i] <= np.sort(allowed)[:3] * (1 + 1e-12) + 1e-15).all()
    assert (short == 0) == (budget == 10**6)


@pytest.mark.parametrize("metric", METRICS)
def test_new_rows_and_threads(metric, monkeypatch):
    """New rows have the same neighbors alone and together, and threads and blocks change no bit."""
    rows = counts(np.random.default_rng(0), 300)
    search = RowSearch(scipy.sparse.csr_array(rows), metric, exact=False)
    expected = search.find_neighbors(None, 5)
    with set_threads(1):
        alone = search.find_neighbors(None, 5)
    monkeypatch.setattr(sparse_index, "PROGRESS_STEPS", 1)
    for found in (alone, search.find_neighbors(None, 5)):
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    new = scipy.sparse.csr_array(counts(np.random.default_rng(1), 50))
    together = search.find_neighbors(new, 5)
    for i in (0, 10, 49):
        for one, every in zip(search.find_neighbors(new[[i]], 5), together, strict=True):
            np.testing.assert_array_equal(one[0], every[i])
