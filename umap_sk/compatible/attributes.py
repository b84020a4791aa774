"""Attributes of umap-learn's fitted models, which plots and other packages read. The estimator provides them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array

from umap_sk._typing import FeaturesLike
from umap_sk.compatible import translation
from umap_sk.compatible.inputs import read_precomputed_knn
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.graph.scales import LocalScales, compute_memberships, solve_local_scales
from umap_sk.neighbors.read import read_neighbors
from umap_sk.neighbors.searchers import find_neighbors
from umap_sk.pipeline.place import get_features, prepare_rows, search_rows, select_neighbors
from umap_sk.umap_learn.models import UmapLearnModel, make_fitted

if TYPE_CHECKING:
    from umap_sk.compatible.umap import UMAP

SMALL_DATA_ROWS = 4096  # umap-learn uses a search index from this number of rows on

ESTIMATOR_ATTRIBUTES = "a_ b_ epoch_ feature_names_in_ manifold_ n_epochs_ n_features_in_ report_ seed_".split()
"""Attributes that the estimator has under the same name."""

ONE_ROW = "fitted to one row, which has no neighbors. Fit two rows or more."
"""The end of the messages of errors about models without a graph."""

ROW_ATTRIBUTES = ("embedding_", "rad_orig_", "rad_emb_")
"""Attributes with an entry for each row, also for the copies that unique=True leaves out."""


class EstimatorIndex:
    """A search index with the method that umap.plot calls."""

    def __init__(self, estimator: PrecomputedUMAP):
        self._estimator = estimator

    def query(self, X: FeaturesLike, k: int = 10, epsilon: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices and distances of the nearest training rows."""
        estimator = self._estimator
        _, indices, dists = search_rows(estimator._get_settings(), estimator._get_fitted(), X, k)
        return indices, dists


DERIVED_ATTRIBUTES: dict[str, Callable[["UMAP"], object]] = {
    "graph_": lambda umap: scipy.sparse.csr_matrix(umap.estimator_.graph_),  # with `*` as the product of matrices
    "_a": lambda umap: umap.estimator_.a_,
    "_b": lambda umap: umap.estimator_.b_,
    "_n_neighbors": lambda umap: umap.estimator_.n_neighbors,
    "_metric_kwds": lambda umap: umap.metric_kwds or {},
    "_sparse_data": lambda umap: scipy.sparse.issparse(umap._raw_data),
    "_raw_data": lambda umap: get_features(umap.estimator_._get_fitted()),
    "_small_data": lambda umap: len(umap.estimator_.embedding_) < SMALL_DATA_ROWS,
    "_supervised": lambda umap: getattr(umap.estimator_, "target_metric", None) is not None,
    "_knn_search_index": lambda umap: EstimatorIndex(umap.estimator_),
    "_input_hash": lambda umap: joblib.hash(umap._raw_data),
    "_disconnection_distance": lambda umap: umap.estimator_._get_settings().graph.disconnection_distance,
    "_initial_alpha": lambda umap: umap.learning_rate,
    "_output_metric_kwds": lambda umap: umap.output_metric_kwds or {},
    "_target_metric_kwds": lambda umap: umap.target_metric_kwds or {},
    "_rhos": lambda umap: compute_local_scales(umap).rho.astype(np.float32),
    "_sigmas": lambda umap: compute_local_scales(umap).sigma.astype(np.float32),
    "knn_indices": lambda umap: get_precomputed_knn(umap, 0),
    "knn_dists": lambda umap: get_precomputed_knn(umap, 1),
    "knn_search_index": lambda umap: get_precomputed_knn(umap, 2),
}
"""Attributes that are computed from the estimator and the parameters."""

MISSING_ATTRIBUTES = {
    "_knn_indices": "umap_sk.nearest_neighbors finds the neighbors of a fit",
    "_knn_dists": "umap_sk.nearest_neighbors finds the neighbors of a fit",
    "graph_dists_": "umap_sk.interop.functions.fuzzy_simplicial_set(..., return_dists=True) returns them",
    "_rp_forest": "_knn_search_index.query searches, without trees",
    "_search_graph": "_knn_search_index.query searches, without a graph",
    "_input_distance_func": "the parameters metric and metric_kwds name the metric",
    "_output_distance_func": "the parameters output_metric and output_metric_kwds name the metric",
    "_inverse_distance_func": "inverse_transform needs no gradient of the metric",
}
"""Attributes that a fit does not keep, and what to use instead."""


def get_precomputed_knn(umap: "UMAP", place: int) -> ArrayLike | None:
    """Return an entry of precomputed_knn, or None."""
    given = umap.precomputed_knn
    return given[place] if isinstance(given, tuple | list) and len(given) > place else None


def compute_local_scales(umap: "UMAP") -> LocalScales:
    """Compute the scales of the rows from `precomputed_knn`, or from another search of the features."""
    fitted, graph = umap.estimator_._get_fitted(), umap.estimator_._get_settings().graph
    given: dict[str, Any] = read_precomputed_knn(umap.precomputed_knn)
    if not given:
        features = get_features(fitted)
        assert fitted.search is not None  # since there are features
        found = find_neighbors(fitted.search, features, graph.n_others, own=True)
        given = dict(zip(("knn_indices", "knn_dists"), found, strict=True))
    neighbors, _ = read_neighbors(
        **given,
        n_neighbors=graph.n_neighbors,
        n_rows=len(fitted.embedding),
        disconnection_distance=graph.disconnection_distance,
    )
    return solve_local_scales(neighbors, graph.n_neighbors, graph.local_connectivity)


def has_one_row(umap: "UMAP") -> bool:
    """Return whether a fit has placed one row and its copies, and no other package has set the attributes."""
    return "embedding_" in vars(umap) and not {"estimator_", "_raw_data"} & vars(umap).keys()


def get_estimator(umap: "UMAP") -> PrecomputedUMAP:
    """Return the fitted estimator, or make one from the attributes that another package has set on the model.

    scanpy's ingest makes a model in this way. It sets ``embedding_``, ``_raw_data``, ``_a``, ``_b`` and
    ``_n_neighbors`` to its own map and features.
    """
    attributes = vars(umap)
    if has_one_row(umap):
        raise ValueError(f"The model was {ONE_ROW}")
    if "estimator_" in attributes or not {"embedding_", "_raw_data", "_a", "_b"} <= attributes.keys():
        return umap.estimator_
    features = check_array(umap._raw_data, accept_sparse="csr", dtype=[np.float64, np.float32])
    embedding = check_array(umap.embedding_, dtype=np.float32, ensure_all_finite=False)
    parameters = translation.translate_parameters(umap, len(embedding), targets=False)
    parameters |= {"n_neighbors": attributes.get("_n_neighbors", umap.n_neighbors), "n_components": embedding.shape[1]}
    if not callable(umap.metric):
        parameters["metric_params"] = attributes.get("_metric_kwds") or parameters["metric_params"]
    estimator = PrecomputedUMAP(**parameters)
    model = UmapLearnModel(None, embedding, (float(umap._a), float(umap._b)), features)
    estimator._publish(make_fitted(estimator._get_settings(), model))
    return estimator


def drop_attributes(umap: "UMAP") -> None:
    """Delete attributes that were set from outside, which would hide those of a fit."""
    for name in (*DERIVED_ATTRIBUTES, *ESTIMATOR_ATTRIBUTES, *ROW_ATTRIBUTES):
        umap.__dict__.pop(name, None)


def get_fitted_attribute(umap: "UMAP", name: str) -> Any:
    """Return an attribute of a fitted model, or raise an AttributeError."""
    estimator = vars(umap).get("estimator_")
    if estimator is not None:
        if name in DERIVED_ATTRIBUTES:
            try:
                return DERIVED_ATTRIBUTES[name](umap)
            except ValueError as error:  # the features were not kept
                raise AttributeError(
                    f"{type(umap).__name__!r} object has no {name}, which needs features: models with "
                    "metric='precomputed', combined and loaded ones may keep none."
                ) from error
        if name in ROW_ATTRIBUTES and umap.transform_mode == "embedding":
            if name == "rad_orig_" and estimator.dens_lambda == 0:
                raise AttributeError("rad_orig_ needs densmap=True or output_dens=True. Set one of them and fit again.")
            values, inverse = getattr(estimator, name), vars(umap).get("_unique_inverse")
            return values if inverse is None else values[inverse]
        if name in ESTIMATOR_ATTRIBUTES:
            return getattr(estimator, name)
        if name == "_unique_inverse_" and vars(umap).get("_unique_inverse") is not None:
            return umap._unique_inverse
        if name in ("_knn_indices", "_knn_dists") and (given := DERIVED_ATTRIBUTES[name[1:]](umap)) is not None:
            return np.asarray(given)[:, : estimator.n_neighbors]
        if name in MISSING_ATTRIBUTES:
            raise AttributeError(f"A fit keeps no {name}: {MISSING_ATTRIBUTES[name]}.")
        if not name.startswith("_") and hasattr(estimator, name):
            raise AttributeError(f"{type(umap).__name__!r} object has no attribute {name!r}, but its estimator_ has.")
    elif has_one_row(umap) and name in ("estimator_", *ROW_ATTRIBUTES, *DERIVED_ATTRIBUTES):
        raise AttributeError(f"The model has no {name}: it was {ONE_ROW}")
    raise AttributeError(f"{type(umap).__name__!r} object has no attribute {name!r}")


def compute_new_memberships(
    estimator: PrecomputedUMAP, X: FeaturesLike | None, neighbors: Mapping[str, ArrayLike]
) -> scipy.sparse.csr_matrix:
    """Compute membership strengths between new rows and training rows, from given neighbors or by a search."""
    settings, fitted = estimator._get_settings(), estimator._get_fitted()
    found = prepare_rows(
        settings, fitted, X, neighbors.get("knn_indices"), neighbors.get("knn_dists"), estimator.n_neighbors
    )
    rows, _ = select_neighbors(settings, fitted, found, estimator.n_neighbors)
    connectivity = max(0.0, estimator.local_connectivity - 1)
    strengths = compute_memberships(rows, estimator.n_neighbors, connectivity, new_rows=True)
    shape = (len(rows.indptr) - 1, len(estimator.embedding_))
    return scipy.sparse.csr_matrix((strengths, rows.indices, rows.indptr), shape)
