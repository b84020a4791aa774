"""Features of the training rows that a model holds beyond its fit: in its search, or for the way back alone."""

from typing import Any

import numpy as np
import scipy.sparse

from umap_sk.neighbors.distances import changes_features
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import Search
from umap_sk.neighbors.searchers import Approximate, Deferred


def searched_rows(search: Any) -> Any:
    """The training rows that a search looks among, in its own form; None from one that shows none."""
    exact = _exact(search)
    return exact.features if exact else getattr(search, "_features", None)  # those of one that is not built yet


def searched_features(search: Any) -> Any:
    """The training rows as they were given, from a search that holds them so; None from any other."""
    rows, exact = searched_rows(search), _exact(search)
    if rows is None or changes_features(exact.metric if exact else search._asked.metric):
        return None
    return rows


def _exact(search: Any) -> Search | RowSearch | None:
    """The exact search in whatever searches; None where there is none, or none yet."""
    built = search._built if isinstance(search, Deferred) else search
    exact = built.exact if isinstance(built, Approximate) else built
    return exact if isinstance(exact, Search | RowSearch) else None


def sparse_as_searched(search: Any, features: Any) -> Any:
    """New rows, sparse where the training rows are sparse, and dense where these are dense."""
    rows = searched_rows(search)
    if rows is None or scipy.sparse.issparse(rows) == scipy.sparse.issparse(features):
        return features
    return scipy.sparse.csr_array(features) if scipy.sparse.issparse(rows) else features.toarray()


def kept_features(X: Any, values: Any, search: Any) -> Any:
    """What a fit keeps for the way back: nothing where the search has it, else the caller's own array, not a copy."""
    graph = search is None and scipy.sparse.issparse(values) and values.shape[0] == values.shape[1]
    if values is None or graph or searched_features(search) is not None:
        return None
    return X if isinstance(X, np.ndarray) or scipy.sparse.issparse(X) else values


def lasting_features(features: Any, search: Any) -> Any:
    """What stays of them in a file, and without the graph: all, where the search holds the rows in any case."""
    return features if isinstance(search, Search | RowSearch | Approximate | Deferred) else None
