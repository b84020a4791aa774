"""The features of the training rows that a model keeps after its fit, in its search or for the inverse transform."""

from typing import Any

import numpy as np
import scipy.sparse

from umap_sk.neighbors.distances import changes_features
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import SklearnSearch
from umap_sk.neighbors.searchers import ApproximateSearch, DeferredSearch


def get_training_rows(search: Any) -> Any:
    """Return the training rows of a search in its own form, or None if it does not expose them."""
    exact = _find_exact_search(search)
    # The features of a search that is not built yet.
    return exact.features if exact else getattr(search, "_features", None)


def get_training_features(search: Any) -> Any:
    """Return the training rows as they were passed, or None if the search has none or has changed them."""
    rows, exact = get_training_rows(search), _find_exact_search(search)
    if rows is None or changes_features(exact.metric if exact else search._settings.metric):
        return None
    return rows


def _find_exact_search(search: Any) -> SklearnSearch | RowSearch | None:
    """Return the exact search inside a search, or None if there is none or none yet."""
    built = search._built if isinstance(search, DeferredSearch) else search
    exact = built.exact if isinstance(built, ApproximateSearch) else built
    return exact if isinstance(exact, SklearnSearch | RowSearch) else None


def match_sparsity(search: Any, features: Any) -> Any:
    """Convert new rows to sparse or dense rows like the training rows."""
    rows = get_training_rows(search)
    if rows is None or scipy.sparse.issparse(rows) == scipy.sparse.issparse(features):
        return features
    return scipy.sparse.csr_array(features) if scipy.sparse.issparse(rows) else features.toarray()


def select_kept_features(X: Any, values: Any, search: Any) -> Any:
    """Return the features to keep for the inverse transform: the caller's array, or None if the search has it."""
    graph = search is None and scipy.sparse.issparse(values) and values.shape[0] == values.shape[1]
    if values is None or graph or get_training_features(search) is not None:
        return None
    return X if isinstance(X, np.ndarray) or scipy.sparse.issparse(X) else values


def select_stored_features(features: Any, search: Any) -> Any:
    """Return the features to store in a file or without the graph, or None if the search has no rows."""
    return features if isinstance(search, SklearnSearch | RowSearch | ApproximateSearch | DeferredSearch) else None
