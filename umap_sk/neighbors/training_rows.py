"""The features of the training rows that a model keeps after its fit, in its search or for the inverse transform."""

import numpy as np
import scipy.sparse

from umap_sk._typing import Features, FeaturesLike, is_sparse
from umap_sk.neighbors.distances import changes_features
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import SklearnSearch
from umap_sk.neighbors.searchers import ApproximateSearch, DeferredSearch, Search


def get_training_rows(search: Search | None) -> Features | None:
    """Return the training rows of a search in its own form, or None if it does not expose them."""
    exact = _find_exact_search(search)
    # The features of a search that is not built yet.
    return exact.features if exact else getattr(search, "_features", None)


def get_training_features(search: Search | None) -> Features | None:
    """Return the training rows as they were passed, or None if the search has none or has changed them."""
    rows, exact = get_training_rows(search), _find_exact_search(search)
    if exact:
        metric = exact.metric
    elif isinstance(search, DeferredSearch):
        metric = search._settings.metric
    else:
        return None
    return None if changes_features(metric) else rows


def _find_exact_search(search: Search | None) -> SklearnSearch | RowSearch | None:
    """Return the exact search inside a search, or None if there is none or none yet."""
    built = search._built if isinstance(search, DeferredSearch) else search
    exact = built.exact if isinstance(built, ApproximateSearch) else built
    return exact if isinstance(exact, SklearnSearch | RowSearch) else None


def match_sparsity(search: Search | None, features: Features) -> Features:
    """Convert new rows to sparse or dense rows like the training rows."""
    rows = get_training_rows(search)
    if rows is None or is_sparse(rows) == is_sparse(features):
        return features
    return features.toarray() if is_sparse(features) else scipy.sparse.csr_array(features)


def select_kept_features(X: FeaturesLike | None, values: Features | None, search: Search | None) -> Features | None:
    """Return the features to keep for the inverse transform: the caller's array, or None if the search has it."""
    graph = search is None and is_sparse(values) and values.shape[0] == values.shape[1]
    if values is None or graph or get_training_features(search) is not None:
        return None
    return X if isinstance(X, np.ndarray) or is_sparse(X) else values


def select_stored_features(features: Features | None, search: Search | None) -> Features | None:
    """Return the features to store in a file or without the graph, or None if the search has no rows."""
    return features if isinstance(search, SklearnSearch | RowSearch | ApproximateSearch | DeferredSearch) else None
