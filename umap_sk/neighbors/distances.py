"""Metrics by name: which are supported, and how features are prepared for them."""

import inspect
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import PAIRWISE_BOOLEAN_FUNCTIONS
from sklearn.neighbors import VALID_METRICS

from umap_sk._typing import DistanceFunction, Features, Metric, Parameters, SparseMatrix, is_sparse
from umap_sk.runtime.spelling import nearest_name

SYNONYMS = {
    "infinity": "chebyshev",
    "p": "minkowski",
    "sokalmichener": "rogerstanimoto",  # both are 2 d / (n + d), where d of n features differ
}
"""Names that only scikit-learn's trees know, and the names of its other functions."""

POWERS = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}
"""Names of Minkowski metrics by their power."""

SPARSE_METRICS = ("cityblock", "cosine", "euclidean", "hellinger", "l1", "l2", "manhattan", "sqeuclidean")
"""Metrics that support sparse features."""

SEARCHABLE = frozenset(itertools.chain("precomputed hellinger".split(), *VALID_METRICS.values()))
"""Metrics by which neighbors can be searched."""

NOT_SEARCHABLE = frozenset(
    """angular binary_jaccard bit_hamming bit_jaccard categorical circular_kantorovich circular_wasserstein count
    diagonal_gaussian_energy dot euclidean_exact gaussian_energy hierarchical_categorical hyperboloid inner_product ip
    jensen-shannon jensen_shannon jensenshannon kantorovich kulczynski1 kulsinski linf linfinity linfty ll_dirichlet
    matching myers ordinal poincare proxy_cosine sinkhorn softmax_hellinger spearmanr spherical_gaussian_energy
    standardised_euclidean string symmetric-kl symmetric_kl symmetric_kullback_liebler tanimoto taxicab true_angular
    tsss wasserstein wasserstein_1d weighted_minkowski wminkowski""".split()
)
"""Metrics of other libraries, which may only describe precomputed neighbors."""

RESERVED = frozenset(inspect.signature(pairwise_distances).parameters) - {"kwds"}
"""Arguments that scikit-learn's functions use themselves, so that they never reach a function of two rows."""


def check_metric(metric: Metric) -> None:
    """Raise an error if the name of a metric is unknown, and suggest the most similar name."""
    if not isinstance(metric, str) or metric in SEARCHABLE or metric in NOT_SEARCHABLE:
        return
    names = [name for name in SEARCHABLE - {"precomputed", "pyfunc"} if len(name) > 2]
    raise ValueError(
        f"metric={metric!r} is unknown; the nearest name is {nearest_name(metric, names)!r}. Use 'precomputed' "
        "for precomputed neighbors or distances, a function of two rows, or one of: "
        f"{', '.join(sorted(SEARCHABLE - {'precomputed', 'pyfunc'}))}."
    )


def takes_sparse(metric: Metric) -> bool:
    """Return whether a metric supports sparse features, or a graph."""
    return not isinstance(metric, str) or metric in ("precomputed", "minkowski", "p", *SPARSE_METRICS)


def resolve_metric(
    metric: Metric, metric_params: Parameters | None, features: Features | None
) -> tuple[Metric, dict[str, object]]:
    """Check a metric and its arguments, and return them under the names that scikit-learn and scipy share."""
    parameters = dict(metric_params or {})
    if not isinstance(metric, str):
        _check_arguments(metric, parameters)
        return metric, parameters
    if metric not in SEARCHABLE:
        raise ValueError(
            f"metric={metric!r} cannot be searched here. Search by a library that supports it and pass knn_indices and "
            "knn_dists, or pass a function of two rows as metric, such as one of pynndescent.distances."
        )
    name = SYNONYMS.get(metric, metric)
    if name == "pyfunc":
        return resolve_metric(_pop_argument(metric, parameters, "func", "a function of two rows"), parameters, features)
    if name == "minkowski":
        power = get_power(parameters)
        parameters.pop("p", None)
        if "w" in parameters or power not in POWERS:
            parameters["p"] = power
        else:
            name = POWERS[power]
    if name == "mahalanobis" and "VI" not in parameters:
        covariance = _pop_argument(metric, parameters, "V", "the covariance of the features, np.cov(X.T)")
        parameters["VI"] = np.linalg.inv(np.atleast_2d(covariance))
    if name == "seuclidean" and "V" not in parameters:
        _pop_argument(metric, parameters, "V", "the variances of the features, np.var(X, axis=0)")
    if is_sparse(features) and name not in SPARSE_METRICS:
        raise ValueError(
            f"metric={metric!r} does not support sparse features; X is a sparse {features.format} matrix. Pass it as "
            "an array (X.toarray()), or use 'euclidean', 'manhattan', 'cosine' or 'hellinger'."
        )
    return name, parameters


def get_power(parameters: Mapping[str, Any]) -> float:
    """Return the power of a Minkowski metric from its arguments."""
    power: float = parameters.get("p", 2)
    if np.asarray(power).dtype.kind not in "fiu":
        raise TypeError(f"The power p in metric_params is {power!r}, but a number of at least 1 is needed.")
    return power


def _pop_argument(metric: str, parameters: dict[str, Any], name: str, what: str) -> Any:
    """Remove an argument that a metric requires from the others, and return it."""
    if name not in parameters:
        raise ValueError(f"metric={metric!r} needs metric_params={{{name!r}: ...}}: {what}.")
    return parameters.pop(name)


def _check_arguments(metric: DistanceFunction, parameters: Parameters) -> None:
    """Raise an error if an argument would not reach a function of two rows."""
    reserved = RESERVED.intersection(parameters)
    if reserved:
        name = min(reserved)
        raise ValueError(
            f"metric_params={{{name!r}: ...}} does not reach the function {getattr(metric, '__name__', metric)}, since "
            f"scikit-learn's pairwise_distances has an argument {name!r} itself. Rename the function's argument, "
            "or bind its value by functools.partial."
        )


def changes_features(metric: Metric) -> bool:
    """Return whether :func:`prepare_features` changes the values of features."""
    return isinstance(metric, str) and SYNONYMS.get(metric, metric) in PAIRWISE_BOOLEAN_FUNCTIONS


def prepare_features(features: Features, metric: Metric) -> Features:
    """Prepare features for scikit-learn's search: booleans for set metrics, canonical format for sparse rows."""
    if is_sparse(features):
        return make_canonical(features)
    return features.astype(bool) if changes_features(metric) else features


def make_canonical(features: SparseMatrix) -> SparseMatrix:
    """Return sparse rows with sorted columns and no duplicates, with int32 indices if possible."""
    parts = features.data, features.indices, features.indptr
    rows = scipy.sparse.csr_array(parts, shape=features.shape)  # drop cached flags, which may be outdated
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if not rows.data.all():
        rows = rows.copy()
        rows.eliminate_zeros()
    if rows.indices.dtype != np.int32 and max(rows.nnz, *rows.shape) < 2**31:
        parts = rows.data, rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
        rows = scipy.sparse.csr_array(parts, shape=rows.shape)
    return rows
