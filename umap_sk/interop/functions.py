"""Functions with the names, arguments and results of those in umap.umap_, for packages that call them."""

import numpy as np
import scipy.sparse

from umap_sk.compatible.translation import warn_about_arguments
from umap_sk.compatible.umap import UMAP
from umap_sk.graph.fuzzy_union import fuzzy_graph
from umap_sk.graph.scales import solve_local_scales
from umap_sk.interop.aligned import AlignedUMAP
from umap_sk.interop.embedding import simplicial_set_embedding
from umap_sk.interop.search import SearchRequest, search_neighbors
from umap_sk.layout.curve import fit_curve
from umap_sk.neighbors.read import read_neighbors
from umap_sk.pipeline.settings import DISCONNECTION_DISTANCES

__all__ = [
    "DISCONNECTION_DISTANCES",
    "INT32_MAX",
    "INT32_MIN",
    "AlignedUMAP",
    "UMAP",
    "find_ab_params",
    "fuzzy_simplicial_set",
    "nearest_neighbors",
    "simplicial_set_embedding",
]

INT32_MIN = np.iinfo(np.int32).min + 1
INT32_MAX = np.iinfo(np.int32).max - 1


def find_ab_params(spread, min_dist):
    """Fit the parameters of the curve ``1 / (1 + a d^2b)``.

    Parameters
    ----------
    spread : float
        Scale of the embedding.
    min_dist : float
        Distance in the embedding below which points count as touching.

    Returns
    -------
    a, b : float
        The parameters.

    Examples
    --------
    >>> from umap_sk.interop.functions import find_ab_params
    >>> a, b = find_ab_params(1.0, 0.1)
    >>> round(a, 3), round(b, 3)
    (1.577, 0.895)
    """
    curve = fit_curve(float(spread), float(min_dist))
    return curve.a, curve.b


def nearest_neighbors(
    X,
    n_neighbors,
    metric,
    metric_kwds=None,
    angular=False,
    random_state=None,
    low_memory=True,
    use_pynndescent=True,
    n_jobs=-1,
    verbose=False,
    **others,
):
    """Find the nearest neighbors of each row among all rows.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features, or with ``metric="precomputed"``, an array of all distances.
    n_neighbors : int
        Number of neighbors of a row, including the row itself.
    metric : str or callable
        As in :class:`umap_sk.UMAP`.
    metric_kwds : dict, default=None
        Further arguments of the metric, by name.
    random_state : int, RandomState or None, default=None
        Seed of PyNNDescent, if it searches.
    n_jobs : int, default=-1
        Number of threads, or -1 for all.
    verbose : bool, default=False
        Show progress.
    angular, low_memory, use_pynndescent : bool
        Not used. They only choose how umap-learn computes.
    **others : object
        Arguments of later versions of umap-learn, which are not used.

    Returns
    -------
    knn_indices : ndarray of shape (n_samples, n_neighbors), int32
        Row numbers, the row itself first, and -1 for a neighbor at an infinite distance.
    knn_dists : ndarray of shape (n_samples, n_neighbors), float32
        Their distances.
    knn_search_index : object or None
        Its method ``query(X, k)`` returns indices and distances. None with ``metric="precomputed"``.

    Raises
    ------
    ValueError
        If X contains NaN, infinity, or values that the metric does not allow.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk.interop.functions import nearest_neighbors
    >>> indices, dists, index = nearest_neighbors(np.array([[0.0], [1.0], [3.0]]), 2, "euclidean")
    >>> indices
    array([[0, 1],
           [1, 0],
           [2, 1]], dtype=int32)
    >>> index.query([[2.9]], k=1)[0]
    array([[2]], dtype=int32)
    """
    warn_about_arguments("nearest_neighbors", others)
    return search_neighbors(X, n_neighbors, SearchRequest(metric, metric_kwds, random_state, n_jobs, verbose))


def fuzzy_simplicial_set(
    X,
    n_neighbors,
    random_state,
    metric,
    metric_kwds=None,
    knn_indices=None,
    knn_dists=None,
    angular=False,
    set_op_mix_ratio=1.0,
    local_connectivity=1.0,
    apply_set_operations=True,
    verbose=False,
    return_dists=None,
    **others,
):
    """Compute the graph of membership strengths from neighbors.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features. If neighbors are given, only the number of rows is used.
    n_neighbors : int
        Number of neighbors of a row, including the row itself, which determines its scale.
    random_state : int, RandomState or None
        As in :func:`nearest_neighbors`.
    metric : str or callable
        As in :func:`nearest_neighbors`. Not used if neighbors are given.
    metric_kwds : dict, default=None
        As in :func:`nearest_neighbors`.
    knn_indices, knn_dists : array-like of shape (n_samples, k), default=None
        Neighbors and their distances. If one of them is None, neighbors are searched. All columns are used.
    angular : bool, default=False
        Not used.
    set_op_mix_ratio : float, default=1.0
        1 for the fuzzy union of both directions of an edge, 0 for the fuzzy intersection.
    local_connectivity : float, default=1.0
        Number of nearest neighbors with a membership strength of 1.
    apply_set_operations : bool, default=True
        If False, the graph stays directed.
    verbose : bool, default=False
        Show progress.
    return_dists : bool, default=None
        If True, also return the distances of the edges; if False, also return None.
    **others : object
        Arguments of later versions of umap-learn, which are not used.

    Returns
    -------
    graph : csr_matrix of shape (n_samples, n_samples), float32
        Membership strengths.
    sigmas, rhos : ndarray of shape (n_samples,), float32
        Local scale of each row, and the distance that is subtracted from its neighbors' distances.
    dists : csr_matrix of shape (n_samples, n_samples), float32, or None
        For each edge, the larger one of the distances in both directions, if `return_dists` is not None.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk.interop.functions import fuzzy_simplicial_set
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> graph, sigmas, rhos = fuzzy_simplicial_set(X, 15, None, "euclidean")
    >>> graph.shape, sigmas.shape
    ((100, 100), (100,))
    """
    warn_about_arguments("fuzzy_simplicial_set", others)
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if knn_indices is None or knn_dists is None:
        request = SearchRequest(metric, metric_kwds, random_state, -1, verbose)
        knn_indices, knn_dists, _ = search_neighbors(X, n_neighbors, request)
    indices, dists = np.array(knn_indices), np.array(knn_dists)
    indices[np.isinf(dists)] = -1
    neighbors, _ = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=indices.shape[1] + 1, n_rows=n)
    rho, sigma = solve_local_scales(neighbors, n_neighbors, local_connectivity)
    listed = scipy.sparse.csr_matrix((neighbors.distances.copy(), neighbors.indices.copy(), neighbors.indptr), (n, n))
    strengths = fuzzy_graph(
        neighbors,
        n_neighbors,
        local_connectivity=local_connectivity,
        set_op_mix_ratio=set_op_mix_ratio,
        symmetrize=apply_set_operations,
    )
    graph = scipy.sparse.csr_matrix((strengths.weights, strengths.indices, strengths.indptr), (n, n))
    results = graph, sigma.astype(np.float32), rho.astype(np.float32)
    return results if return_dists is None else (*results, listed.maximum(listed.T) if return_dists else None)
