"""Attributes of umap-learn's fitted models, some of which plots and other packages read, from the estimator's."""

from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_array

from umap_sk.compatible import translation
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.graph.scales import compute_memberships
from umap_sk.pipeline.place import get_features, prepare_rows, select_neighbors
from umap_sk.umap_learn.models import OtherModel, fitted_of

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
        estimator = self._estimator
        found = prepare_rows(estimator._get_settings(), estimator._get_fitted(), X, count=k)
        return found.knn_indices, found.knn_dists


DERIVED: dict[str, Callable[[Any], Any]] = {
    "_a": lambda umap: umap.estimator_.a_,
    "_b": lambda umap: umap.estimator_.b_,
    "_n_neighbors": lambda umap: umap.estimator_.n_neighbors,
    "_metric_kwds": lambda umap: umap.metric_kwds or {},
    "_sparse_data": lambda umap: scipy.sparse.issparse(umap._raw_data),
    "_raw_data": lambda umap: get_features(umap.estimator_._get_fitted()),
    "_small_data": lambda umap: len(umap.estimator_.embedding_) < SMALL,
    "_supervised": lambda umap: getattr(umap.estimator_, "target_metric", None) is not None,
    "_knn_search_index": lambda umap: Index(umap.estimator_),
    "_input_hash": lambda umap: joblib.hash(umap._raw_data),
    "_disconnection_distance": lambda umap: umap.estimator_._get_settings().graph.disconnection_distance,
    "_initial_alpha": lambda umap: umap.learning_rate,
    "_output_metric_kwds": lambda umap: umap.output_metric_kwds or {},
    "_target_metric_kwds": lambda umap: umap.target_metric_kwds or {},
    "knn_indices": lambda umap: given_neighbors(umap, 0),
    "knn_dists": lambda umap: given_neighbors(umap, 1),
    "knn_search_index": lambda umap: given_neighbors(umap, 2),
}
"""Those that are known."""

NOT_KEPT = {
    "_knn_indices": "umap_sk.nearest_neighbors finds the neighbors of a fit",
    "_knn_dists": "umap_sk.nearest_neighbors finds the neighbors of a fit",
    "graph_dists_": "umap_sk.interop.functions.fuzzy_simplicial_set(..., return_dists=True) returns them",
    "_sigmas": "umap_sk.interop.functions.fuzzy_simplicial_set returns them",
    "_rhos": "umap_sk.interop.functions.fuzzy_simplicial_set returns them",
    "_rp_forest": "_knn_search_index.query searches, without trees",
    "_search_graph": "_knn_search_index.query searches, without a graph",
    "_input_distance_func": "the parameters metric and metric_kwds name the metric",
    "_output_distance_func": "the parameters output_metric and output_metric_kwds name the metric",
    "_inverse_distance_func": "inverse_transform needs no gradient of the metric",
}
"""Those that a fit does not keep, and what serves instead."""


def given_neighbors(umap: Any, place: int) -> Any:
    """An entry of precomputed_knn, or None."""
    given = umap.precomputed_knn
    return given[place] if isinstance(given, tuple | list) and len(given) > place else None


def assembled(umap: Any) -> PrecomputedUMAP:
    """The fitted estimator; or one that places new rows by the attributes that another package has set on the model.

    scanpy's ingest makes a model so, of a map and of features that it has: ``embedding_``, ``_raw_data``, ``_a``,
    ``_b`` and ``_n_neighbors``.
    """
    attributes = vars(umap)
    if "estimator_" not in attributes and len(attributes.get("embedding_", ())) == 1:
        raise ValueError("The model was fitted to one row, which has no neighbors. Fit two rows or more.")
    if "estimator_" in attributes or not {"embedding_", "_raw_data", "_a", "_b"} <= attributes.keys():
        return umap.estimator_
    features = check_array(umap._raw_data, accept_sparse="csr", dtype=[np.float64, np.float32])
    places = check_array(umap.embedding_, dtype=np.float32, ensure_all_finite=False)
    asked = translation.translated(umap, len(places), targets=False)
    asked |= {"n_neighbors": attributes.get("_n_neighbors", umap.n_neighbors), "n_components": places.shape[1]}
    if not callable(umap.metric):
        asked["metric_params"] = attributes.get("_metric_kwds") or asked["metric_params"]
    estimator = PrecomputedUMAP(**asked)
    given = OtherModel(None, places, (float(umap._a), float(umap._b)), features)
    estimator._publish(fitted_of(estimator._get_settings(), given))
    return estimator


def forget(umap: Any) -> None:
    """Drop attributes that were set from outside, so that those of a fit are seen."""
    for name in (*DERIVED, *PUBLISHED, *OF_ROWS):
        vars(umap).pop(name, None)


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
        if name == "_unique_inverse_" and vars(umap).get("_unique_inverse") is not None:
            return umap._unique_inverse
        if name in NOT_KEPT:
            raise AttributeError(f"A fit keeps no {name}: {NOT_KEPT[name]}.")
    raise AttributeError(f"{type(umap).__name__!r} object has no attribute {name!r}")


def graph_of_new(estimator: Any, X: Any, neighbors: dict[str, Any]) -> scipy.sparse.csr_array:
    """Membership strengths between new rows and the training rows, which are searched where no neighbors are given."""
    settings, fitted = estimator._get_settings(), estimator._get_fitted()
    found = prepare_rows(settings, fitted, X, **neighbors, count=estimator.n_neighbors)
    rows, _ = select_neighbors(settings, fitted, found, estimator.n_neighbors)
    connectivity = max(0.0, estimator.local_connectivity - 1)
    strengths = compute_memberships(rows, estimator.n_neighbors, connectivity, new_rows=True)
    shape = (len(rows.indptr) - 1, len(estimator.embedding_))
    return scipy.sparse.csr_array((strengths, rows.indices, rows.indptr), shape)
