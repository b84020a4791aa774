"""Metrics by name: which are supported, and how features are prepared for them."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.metrics.pairwise import PAIRWISE_BOOLEAN_FUNCTIONS
from sklearn.neighbors import VALID_METRICS

from umap_sk._typing import Features, Metric, Parameters, SparseMatrix, is_sparse
from umap_sk.neighbors.functions import bind_arguments
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

ARGUMENTS = {"minkowski": ("p", "w"), "mahalanobis": ("VI", "V"), "seuclidean": ("V",)}
"""Arguments of metrics. Other metrics of scipy have weights, if any."""

WITHOUT_ARGUMENTS = ("chebyshev", "correlation", "haversine", "nan_euclidean", *SPARSE_METRICS)
"""Metrics without arguments."""


def check_metric(metric: Metric, others: Iterable[str] = ()) -> None:
    """Raise an error if the name of a metric is unknown, and suggest the most similar name, or one of `others`."""
    if not isinstance(metric, str) or metric in SEARCHABLE or metric in NOT_SEARCHABLE:
        return
    names = [name for name in SEARCHABLE.union(others) - {"precomputed", "pyfunc"} if len(name) > 2]
    raise ValueError(
        f"metric={metric!r} is unknown; the nearest name is {nearest_name(metric, names)!r}. Use 'precomputed' "
        "for precomputed neighbors or distances, a function of two rows, or one of: "
        f"{', '.join(sorted(SEARCHABLE.union(others) - {'precomputed', 'pyfunc'}))}."
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
        bind_arguments(metric, parameters)
        return metric, parameters
    if metric not in SEARCHABLE:
        raise ValueError(
            f"metric={metric!r} cannot be searched here. Search by a library that supports it and pass knn_indices and "
            "knn_dists, or pass a function of two rows as metric, such as one of pynndescent.distances."
        )
    name = SYNONYMS.get(metric, metric)
    if name == "pyfunc":
        return resolve_metric(_pop_argument(metric, parameters, "func", "a function of two rows"), parameters, features)
    check_arguments(metric, parameters, () if name in WITHOUT_ARGUMENTS else ARGUMENTS.get(name, ("w",)))
    if name == "minkowski":
        power = get_power(parameters)
        parameters.pop("p", None)
        if "w" in parameters or power not in POWERS:
            parameters["p"] = power
        else:
            name = POWERS[power]
    if name == "mahalanobis":
        parameters = {"VI": _get_inverse_covariance(metric, parameters, features)}
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


def _get_inverse_covariance(metric: str, parameters: dict[str, Any], features: Features | None) -> np.ndarray:
    """Return the inverse covariance of the features from the arguments of a Mahalanobis metric."""
    name = "VI" if "VI" in parameters else "V"
    given = _pop_argument(metric, parameters, name, "the covariance of the features, np.cov(X.T)")
    matrix = np.atleast_2d(np.asarray(given, np.float64))
    n = len(matrix) if features is None else features.shape[1]
    if matrix.shape != (n, n) or not np.isfinite(matrix).all():
        raise ValueError(
            f"metric={metric!r} has {name} of shape {np.shape(given)} in metric_params, but finite numbers of shape "
            f"{n, n} are needed, a row and a column for each feature. Use "
            f"{'np.cov(X.T)' if name == 'V' else 'np.linalg.inv(np.cov(X.T))'}."
        )
    try:
        return matrix if name == "VI" else np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"metric={metric!r} has a V in metric_params without an inverse. Leave out features that are constant or "
            "sums of others, or pass VI=np.linalg.pinv(V)."
        ) from None


def check_arguments(
    metric: str, parameters: Parameters, known: Sequence[str], parameter: str = "metric_params"
) -> None:
    """Raise an error if a metric does not have one of the arguments, which `parameter` contains."""
    unknown = [argument for argument in parameters if argument not in known]
    if "p" in unknown:
        raise ValueError(f"metric={metric!r} has no power p, but {parameter}={dict(parameters)}. Use 'minkowski'.")
    if unknown:
        raise ValueError(
            f"metric={metric!r} does not support {parameter}={dict(parameters)}: its arguments are "
            f"{' and '.join(known) or 'none'}. Leave {unknown[0]!r} out."
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
