"""Metrics by name: which are known, which of them search features, and how features are made ready for them."""

import inspect
import itertools
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import PAIRWISE_BOOLEAN_FUNCTIONS
from sklearn.neighbors import VALID_METRICS

from umap_sk.runtime.spelling import nearest_name

SAME = {
    "infinity": "chebyshev",
    "p": "minkowski",
    "sokalmichener": "rogerstanimoto",  # 2 d / (n + d), where d of n features differ, is the formula of both
}
"""Names that scikit-learn's trees have for what its other functions know by another name."""

POWERS = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}
"""Minkowski metrics that have a name."""

OF_SPARSE = ("cityblock", "cosine", "euclidean", "hellinger", "l1", "l2", "manhattan", "sqeuclidean")
"""Metrics that take sparse features."""

SEARCHED = frozenset(itertools.chain("precomputed hellinger".split(), *VALID_METRICS.values()))
"""Metrics that neighbors of features are searched by."""

ELSEWHERE = frozenset(
    """angular binary_jaccard bit_hamming bit_jaccard categorical circular_kantorovich circular_wasserstein count
    diagonal_gaussian_energy dot euclidean_exact gaussian_energy hierarchical_categorical hyperboloid inner_product ip
    jensen-shannon jensen_shannon jensenshannon kantorovich kulczynski1 kulsinski linf linfinity linfty ll_dirichlet
    matching myers ordinal poincare proxy_cosine sinkhorn softmax_hellinger spearmanr spherical_gaussian_energy
    standardised_euclidean string symmetric-kl symmetric_kl symmetric_kullback_liebler tanimoto taxicab true_angular
    tsss wasserstein wasserstein_1d weighted_minkowski wminkowski""".split()
)
"""Metrics of umap-learn, PyNNDescent, scipy and the libraries that search: they tell what neighbors are of."""

RESERVED = frozenset(inspect.signature(pairwise_distances).parameters) - {"kwds"}
"""Arguments that never reach a function of two rows, since scikit-learn's own functions take them."""


def check_metric(metric: Any) -> None:
    """Raise if a metric's name is known to nobody, with the name that is spelled most like it."""
    if not isinstance(metric, str) or metric in SEARCHED or metric in ELSEWHERE:
        return
    names = (name for name in SEARCHED | ELSEWHERE if len(name) > 2)
    raise ValueError(
        f"metric={metric!r} is not known; the nearest name is {nearest_name(metric, names)!r}. Use 'precomputed' for "
        "given neighbors or distances, a function of two rows, or one of: "
        f"{', '.join(sorted(SEARCHED - {'precomputed', 'pyfunc'}))}."
    )


def takes_sparse(metric: Any) -> bool:
    """Whether a metric takes sparse features, or a graph."""
    return not isinstance(metric, str) or metric in ("precomputed", "minkowski", "p", *OF_SPARSE)


def resolved(metric: Any, metric_params: dict[str, Any] | None, features: Any) -> tuple[Any, dict[str, Any]]:
    """A metric under the name, and with the arguments, by which all of scikit-learn and scipy know it; checks both."""
    parameters = dict(metric_params or {})
    if not isinstance(metric, str):
        _check_reach(metric, parameters)
        return metric, parameters
    if metric not in SEARCHED:
        raise ValueError(
            f"metric={metric!r} is not searched here. Search by a library that knows it and pass knn_indices and "
            "knn_dists, or give a function of two rows as metric."
        )
    name = SAME.get(metric, metric)
    if name == "pyfunc":
        return resolved(_argument(metric, parameters, "func", "a function of two rows"), parameters, features)
    if name == "minkowski":
        power = parameters.pop("p", 2)
        if "w" in parameters or power not in POWERS:
            parameters["p"] = power
        else:
            name = POWERS[power]
    if name == "mahalanobis" and "VI" not in parameters:
        covariance = _argument(metric, parameters, "V", "the covariance of the features, np.cov(X.T)")
        parameters["VI"] = np.linalg.inv(np.atleast_2d(covariance))
    if name == "seuclidean" and "V" not in parameters:
        _argument(metric, parameters, "V", "the variances of the features, np.var(X, axis=0)")
    if scipy.sparse.issparse(features) and name not in OF_SPARSE:
        raise ValueError(
            f"metric={metric!r} does not take sparse features; X is a sparse {features.format} matrix. Give it as an "
            "array (X.toarray()), or use 'euclidean', 'manhattan', 'cosine' or 'hellinger'."
        )
    return name, parameters


def _argument(metric: str, parameters: dict[str, Any], name: str, what: str) -> Any:
    """Take an argument that a metric needs out of the others."""
    if name not in parameters:
        raise ValueError(f"metric={metric!r} needs metric_params={{{name!r}: ...}}: {what}.")
    return parameters.pop(name)


def _check_reach(metric: Any, parameters: dict[str, Any]) -> None:
    """Raise if an argument would not reach a function of two rows."""
    taken = RESERVED.intersection(parameters)
    if taken:
        name = min(taken)
        raise ValueError(
            f"metric_params={{{name!r}: ...}} does not reach the function {getattr(metric, '__name__', metric)}, since "
            f"scikit-learn's pairwise_distances has an argument {name!r} itself. Give the function's argument another "
            "name, or bind its value by functools.partial."
        )


def changes_features(metric: Any) -> bool:
    """Whether :func:`prepared` makes other values of features."""
    return isinstance(metric, str) and SAME.get(metric, metric) in PAIRWISE_BOOLEAN_FUNCTIONS


def prepared(features: Any, metric: Any) -> Any:
    """Features as scikit-learn's search wants them: booleans for a metric of sets, sparse ones in canonical format."""
    if scipy.sparse.issparse(features):
        return canonical(features)
    return features.astype(bool) if changes_features(metric) else features


def canonical(features: Any) -> Any:
    """Sparse rows with sorted columns, each once, and the narrow indices that scikit-learn's search wants."""
    parts = features.data, features.indices, features.indptr
    features = scipy.sparse.csr_array(
        parts, shape=features.shape
    )  # without what it knew of itself before it was changed
    if not features.has_canonical_format:
        features = features.copy()
        features.sum_duplicates()
    if not features.data.all():
        features = features.copy()
        features.eliminate_zeros()
    if features.indices.dtype != np.int32 and max(features.nnz, *features.shape) < 2**31:
        parts = features.data, features.indices.astype(np.int32), features.indptr.astype(np.int32)
        features = scipy.sparse.csr_array(parts, shape=features.shape)
    return features
