"""Tests of the features that a model keeps for the inverse transform, for every kind of search."""

import numpy as np
import pytest
import scipy.sparse

from umap_sk.neighbors import training_rows
from umap_sk.neighbors.choice import SearchSettings
from umap_sk.neighbors.search import NoSearch, build_search
from umap_sk.neighbors.searchers import ApproximateSearch, DeferredSearch, FittedSearcher

X = np.random.default_rng(0).random((20, 4))
SEARCH = build_search(X, "euclidean", None, None)
SETS = build_search(X, "jaccard", None, None)


def deferred(metric):
    return DeferredSearch(X, SearchSettings(**dict.fromkeys(SearchSettings._fields) | {"metric": metric}), 5)


def after(made, built):
    """Return the deferred search after its index was built."""
    made._built, made._features = built, None
    return made


@pytest.mark.parametrize(
    "search",
    [
        SEARCH,
        build_search(X, "cosine", None, None),
        ApproximateSearch(SEARCH, None),
        deferred("euclidean"),
        after(deferred("euclidean"), ApproximateSearch(SEARCH, None)),
    ],
)
def test_held_by_the_search(search):
    """Features that the search already has are not kept a second time."""
    assert training_rows.get_training_features(search) is X
    assert training_rows.select_kept_features(X, X, search) is None


@pytest.mark.parametrize(
    "search",
    [
        SETS,
        ApproximateSearch(SETS, None),
        deferred("jaccard"),
        after(deferred("jaccard"), ApproximateSearch(SETS, None)),
    ],
)
def test_kept_where_the_search_holds_something_else(search):
    """If the search has converted features, a live model and a stored one keep the original ones."""
    whole = (100 * X).astype(np.int16)
    assert training_rows.get_training_features(search) is None
    assert training_rows.select_kept_features(whole, X, search) is whole
    assert training_rows.select_stored_features(whole, search) is whole


@pytest.mark.parametrize("search", [None, NoSearch("why"), FittedSearcher(object(), 20)])
def test_referred_to(search):
    """Without a search that has the features, a live model refers to them and a stored one does not contain them."""
    assert training_rows.select_kept_features(X, X, search) is X
    assert training_rows.select_kept_features(X.tolist(), X, search) is X
    assert training_rows.select_stored_features(X, search) is None


def test_a_square_sparse_matrix_beside_neighbors_is_a_graph():
    graph = scipy.sparse.csr_array(np.eye(20))
    assert training_rows.select_kept_features(graph, graph, None) is None
    assert training_rows.select_kept_features(graph, graph, NoSearch("why")) is graph


def test_new_rows_take_the_form_of_those_that_are_searched():
    """New rows become dense or sparse like the training rows. Without a known form they do not change."""
    sparse = scipy.sparse.csr_array(X)
    of_sparse = build_search(sparse, "euclidean", None, None)
    np.testing.assert_array_equal(training_rows.match_sparsity(SEARCH, sparse[:3]), X[:3])
    np.testing.assert_array_equal(
        training_rows.match_sparsity(ApproximateSearch(of_sparse, None), X[:3]).toarray(), X[:3]
    )
    assert (
        training_rows.match_sparsity(deferred("cosine"), X) is X
        and training_rows.match_sparsity(NoSearch("none"), X) is X
    )
