"""Attributes of umap-learn's fitted models, some of which plots and other packages read, from the estimator's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from umap_sk import placing
from umap_sk.graph.scales import membership_strengths

SMALL = 4096  # rows from which umap-learn searches by an index

PUBLISHED = ("a_ b_ epoch_ feature_names_in_ graph_ manifold_ n_epochs_ n_features_in_ report_ seed_").split()
"""Attributes that are the estimator's own."""

OF_ROWS = ("embedding_", "rad_orig_", "rad_emb_")
"""Those with an entry for each row, copies that were left out by unique=True among them."""


class Index:
    """The search of an estimator under the name that umap.plot asks by."""

    def __init__(self, estimator: Any):
        self._estimator = estimator

    def query(self, X: Any, k: int = 10, epsilon: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
        """Neighbors of rows among the training rows, themselves included."""
        _, indices, dists = placing.looked_up(self._estimator, X, None, None, k)
        return indices, dists


DERIVED: dict[str, Callable[[Any], Any]] = {
    "_a": lambda umap: umap.estimator_.a_,
    "_b": lambda umap: umap.estimator_.b_,
    "_n_neighbors": lambda umap: umap.estimator_.n_neighbors,
    "_metric_kwds": lambda umap: umap.metric_kwds or {},
    "_sparse_data": lambda umap: scipy.sparse.issparse(umap._raw_data),
    "_raw_data": lambda umap: placing.features_of_fit(umap.estimator_),
    "_small_data": lambda umap: len(umap.estimator_.embedding_) < SMALL,
    "_supervised": lambda umap: getattr(umap.estimator_, "target_metric", None) is not None,
    "_knn_search_index": lambda umap: Index(umap.estimator_),
}
"""Private ones."""


def fitted_attribute(umap: Any, name: str) -> Any:
    """An attribute of a fitted model, or an AttributeError."""
    estimator = vars(umap).get("estimator_")
    if estimator is not None:
        if name in DERIVED:
            try:
                return DERIVED[name](umap)
            except ValueError as error:  # of features that are not kept, as of combined models
                raise AttributeError(f"{type(umap).__name__!r} object has no {name}: {error}") from error
        if name in OF_ROWS and umap.transform_mode == "embedding":
            values, inverse = getattr(estimator, name), vars(umap).get("_unique_inverse")
            return values if inverse is None else values[inverse]
        if name in PUBLISHED:
            return getattr(estimator, name)
    raise AttributeError(f"{type(umap).__name__!r} object has no attribute {name!r}")


def graph_of_new(estimator: Any, X: Any) -> scipy.sparse.csr_array:
    """Membership strengths between new rows and the training rows."""
    values, indices, dists = placing.looked_up(estimator, X, None, None, estimator.n_neighbors)
    neighbors, _ = placing.read_new(estimator, values, indices, dists, estimator.n_neighbors)
    connectivity = max(0.0, estimator.local_connectivity - 1)
    strengths = membership_strengths(neighbors, estimator.n_neighbors, connectivity, new_rows=True)
    shape = (len(neighbors.indptr) - 1, len(estimator.embedding_))
    return scipy.sparse.csr_array((strengths, neighbors.indices, neighbors.indptr), shape)
