"""The function of umap.umap_ that lays out a graph of membership strengths."""

import numpy as np
import scipy.sparse

from umap_sk._typing import AnySparse, FeaturesLike
from umap_sk.compatible import inputs, translation
from umap_sk.compatible.umap import UMAP
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.radii import compute_map_radii


def simplicial_set_embedding(
    data,
    graph,
    n_components,
    initial_alpha,
    a,
    b,
    gamma,
    negative_sample_rate,
    n_epochs,
    init,
    random_state,
    metric="euclidean",
    metric_kwds=None,
    densmap=False,
    densmap_kwds=None,
    output_dens=False,
    output_metric="euclidean",
    output_metric_kwds=None,
    euclidean_output=True,
    parallel=False,
    verbose=False,
    tqdm_kwds=None,
    **others,
):
    """Lay out a graph of membership strengths.

    Parameters
    ----------
    data : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features, which ``init="pca"`` reads.
    graph : sparse matrix of shape (n_samples, n_samples)
        Membership strengths. They are divided by the largest, as in umap-learn.
    n_components : int
        Number of axes of the embedding.
    initial_alpha : float
        `learning_rate` of :class:`umap_sk.UMAP`.
    a, b : float
        Parameters of the curve.
    gamma : float
        `repulsion_strength` of :class:`umap_sk.UMAP`.
    negative_sample_rate : float
        Number of repulsions for each attraction.
    n_epochs : int, list of int or None
        Number of epochs; 0 for the initial layout. A list returns a map for each entry.
    init : str or array-like of shape (n_samples, n_components)
        As in :class:`umap_sk.UMAP`.
    random_state : int, RandomState, Generator or None
        The seed, or a generator that draws it.
    metric, metric_kwds : object
        Not used.
    densmap : bool, default=False
        Keep the density of neighborhoods.
    densmap_kwds : dict, default=None
        "lambda", "frac", "var_shift", "n_neighbors", and "graph_dists", a sparse matrix of the distances of edges.
    output_dens : bool, default=False
        Return log radii, which also need "graph_dists".
    output_metric, output_metric_kwds : object
        As in :class:`umap_sk.UMAP`, if `euclidean_output` is False.
    euclidean_output : bool, default=True
        Whether the map is Euclidean.
    parallel : bool, default=False
        Not used. The map is the same on any number of threads.
    verbose : bool, default=False
        Show progress.
    tqdm_kwds : dict, default=None
        Not used.
    **others : object
        Arguments of later versions of umap-learn, which are not used.

    Returns
    -------
    embedding : ndarray of shape (n_samples, n_components), float32
        The map, with NaN for disconnected rows.
    aux_data : dict
        "rad_orig" and "rad_emb" with `output_dens`, and "embedding_list" if `n_epochs` is a list.

    Raises
    ------
    ValueError
        If the graph has invalid membership strengths, or if "graph_dists" is missing where density needs it.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk.interop.functions import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> graph, _, _ = fuzzy_simplicial_set(X, 15, None, "euclidean")
    >>> a, b = find_ab_params(1.0, 0.5)
    >>> embedding, _ = simplicial_set_embedding(X, graph, 2, 1.0, a, b, 1.0, 5, 50, "spectral", 0)
    >>> embedding.shape
    (100, 2)
    """
    translation.warn_about_arguments("simplicial_set_embedding", others)
    density = dict(densmap_kwds or {})
    output = {} if euclidean_output else {"output_metric": output_metric, "output_metric_kwds": output_metric_kwds}
    umap = UMAP(
        n_components=n_components,
        learning_rate=initial_alpha,
        a=a,
        b=b,
        repulsion_strength=gamma,
        negative_sample_rate=negative_sample_rate,
        n_epochs=n_epochs,
        init=init,
        random_state=random_state,
        densmap=densmap,
        output_dens=output_dens,
        dens_lambda=density.get("lambda", 2.0),
        dens_frac=density.get("frac", 0.3),
        dens_var_shift=density.get("var_shift", 0.1),
        n_neighbors=density.get("n_neighbors", 15),
        verbose=verbose,
        **output,
    )
    translation.warn_about_unused(umap)
    return lay_out_graph(umap, data, graph, density.get("graph_dists"))


def lay_out_graph(
    umap: UMAP,
    data: FeaturesLike | None,
    graph: AnySparse,
    distances: AnySparse | None,
    lengths: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[str, object]]:
    """Lay out a graph with the parameters of a UMAP, and return the map and further results.

    `lengths` are the mean distances from rows to their neighbors, which pivot MDS needs.
    """
    weights = scipy.sparse.csr_matrix(graph)
    largest = weights.max()
    if largest > 0 and largest != 1:
        weights = weights / largest
    radii = compute_data_radii(weights, distances) if umap.densmap or umap.output_dens else None
    manifold = Manifold(Manifold.from_graph(weights)._shared.rows(), lengths=lengths, radii=radii)
    estimator = PrecomputedUMAP(**translation.translate_parameters(umap, manifold.n_samples, targets=False))
    features = data if isinstance(umap.init, str) and umap.init == "pca" else None
    stops = translation.get_stop_epochs(umap)
    with translation.translate_errors():
        maps = inputs.fit_estimator(estimator, inputs.FitInput(features, None, {"manifold": manifold}, None), stops)
    results: dict[str, object] = {}
    if umap.output_dens:
        results = {"rad_orig": radii, "rad_emb": compute_map_radii(estimator.embedding_, umap.n_neighbors)}
    if stops is not None:
        results["embedding_list"] = maps
    return estimator.embedding_, results


def compute_data_radii(weights: scipy.sparse.csr_matrix, distances: AnySparse | None) -> np.ndarray:
    """Compute the logarithm of each row's mean squared distance to its neighbors, weighted by membership strength.

    This is umap-learn's ``rad_orig``, with 1e-8 added to the mean, and NaN for disconnected rows.
    """
    if distances is None:
        raise ValueError(
            "Density needs the distances of the graph's edges. Pass densmap_kwds={'graph_dists': dists}, where dists "
            "is the fourth value of fuzzy_simplicial_set(..., return_dists=True)."
        )
    squares = scipy.sparse.csr_matrix(distances, dtype=np.float64).power(2)
    total = np.asarray(weights.sum(axis=1)).ravel()
    moment = np.asarray(weights.multiply(squares).sum(axis=1)).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, np.log(1e-8 + moment / total), np.nan).astype(np.float32)
