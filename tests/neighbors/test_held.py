"""Which features a model holds for the way back, whoever searches."""

import numpy as np
import pytest
import scipy.sparse

from umap_sk.neighbors import held
from umap_sk.neighbors.choice import Asked
from umap_sk.neighbors.search import NoSearch, build_search
from umap_sk.neighbors.searchers import Approximate, Deferred, Object

X = np.random.default_rng(0).random((20, 4))
SEARCH = build_search(X, "euclidean", None, None)
SETS = build_search(X, "jaccard", None, None)


def deferred(metric):
    return Deferred(X, Asked(**dict.fromkeys(Asked._fields) | {"metric": metric}), 5)


def after(made, built):
    """The search as it stands once it has been built."""
    made._built, made._features = built, None
    return made


@pytest.mark.parametrize(
    "search",
    [
        SEARCH,
        build_search(X, "cosine", None, None),
        Approximate(SEARCH, None),
        deferred("euclidean"),
        after(deferred("euclidean"), Approximate(SEARCH, None)),
    ],
)
def test_held_by_the_search(search):
    """Nothing is kept twice, and what is held is what was given."""
    assert held.searched_features(search) is X
    assert held.kept_features(X, X, search) is None


@pytest.mark.parametrize(
    "search",
    [SETS, Approximate(SETS, None), deferred("jaccard"), after(deferred("jaccard"), Approximate(SETS, None))],
)
def test_kept_where_the_search_holds_something_else(search):
    """They stay with a stored model, which holds as much in any case."""
    whole = (100 * X).astype(np.int16)
    assert held.searched_features(search) is None
    assert held.kept_features(whole, X, search) is whole
    assert held.lasting_features(whole, search) is whole


@pytest.mark.parametrize("search", [None, NoSearch("why"), Object(object(), 20)])
def test_referred_to(search):
    """Where nothing else holds them, a live model refers to them and a stored one has none."""
    assert held.kept_features(X, X, search) is X
    assert held.kept_features(X.tolist(), X, search) is X
    assert held.lasting_features(X, search) is None


def test_a_square_sparse_matrix_beside_neighbors_is_a_graph():
    graph = scipy.sparse.csr_array(np.eye(20))
    assert held.kept_features(graph, graph, None) is None
    assert held.kept_features(graph, graph, NoSearch("why")) is graph


def test_new_rows_take_the_form_of_those_that_are_searched():
    """Sparse rows become dense where the training rows are, and the other way round; others stay as they are."""
    sparse = scipy.sparse.csr_array(X)
    of_sparse = build_search(sparse, "euclidean", None, None)
    np.testing.assert_array_equal(held.sparse_as_searched(SEARCH, sparse[:3]), X[:3])
    np.testing.assert_array_equal(held.sparse_as_searched(Approximate(of_sparse, None), X[:3]).toarray(), X[:3])
    assert held.sparse_as_searched(deferred("cosine"), X) is X and held.sparse_as_searched(NoSearch("none"), X) is X
