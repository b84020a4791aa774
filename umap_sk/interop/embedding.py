"""The layout of a graph of membership strengths, as umap.umap_ has it."""

from typing import Any

import numpy as np
import scipy.sparse

from umap_sk.compatible import given, translation
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
        Membership strengths; they are divided by the largest, as umap-learn's epochs do.
    n_components : int
        Axes of the embedding.
    initial_alpha : float
        `learning_rate` of :class:`umap_sk.UMAP`.
    a, b : float
        Parameters of the curve.
    gamma : float
        `repulsion_strength` of :class:`umap_sk.UMAP`.
    negative_sample_rate : float
        Weight of the repulsion.
    n_epochs : int, list of int or None
        Length of the optimization; 0 for the start, of a list a map for each entry.
    init : str or array-like of shape (n_samples, n_components)
        As in :class:`umap_sk.UMAP`.
    random_state : int, RandomState, Generator or None
        The seed, or what draws it.
    metric, metric_kwds : object
        Not used.
    densmap : bool, default=False
        Keep the density of neighborhoods.
    densmap_kwds : dict, default=None
        "lambda", "frac", "var_shift", "n_neighbors", and "graph_dists": a sparse matrix of the edges' distances.
    output_dens : bool, default=False
        Return log radii, which need "graph_dists" too.
    output_metric, output_metric_kwds : object
        As in :class:`umap_sk.UMAP`, where `euclidean_output` is False.
    euclidean_output : bool, default=True
        Whether the map is Euclidean.
    parallel : bool, default=False
        Not used: the map is the same on any number of threads.
    verbose : bool, default=False
        Show progress.
    tqdm_kwds : dict, default=None
        Not used.
    **others : object
        Arguments of later versions of umap-learn, which are not used.

    Returns
    -------
    embedding : ndarray of shape (n_samples, n_components), float32
        The map; NaN for rows without an edge.
    aux_data : dict
        "rad_orig" and "rad_emb" with `output_dens`, "embedding_list" where `n_epochs` is a list.

    Raises
    ------
    ValueError
        If the graph is none of membership strengths, or density is asked for without "graph_dists".

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
    translation.tell_later_arguments("simplicial_set_embedding", others)
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
    translation.tell_unused(umap)
    return laid_out(umap, data, graph, density.get("graph_dists"))


def laid_out(
    umap: UMAP, data: Any, graph: Any, distances: Any, lengths: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, Any]]:
    """The map that a UMAP makes of a graph, and what comes beside it.

    `lengths` are mean distances from the rows to their neighbors, which a start by shortest paths needs.
    """
    weights = scipy.sparse.csr_matrix(graph)
    largest = weights.max()
    if largest > 0 and largest != 1:
        weights = weights / largest
    radii = radii_of(weights, distances) if umap.densmap or umap.output_dens else None
    manifold = Manifold(Manifold.from_graph(weights)._shared.rows(), lengths=lengths, radii=radii)
    estimator = PrecomputedUMAP(**translation.translated(umap, manifold.n_samples, targets=False))
    features = data if isinstance(umap.init, str) and umap.init == "pca" else None
    stops = translation.stops_of(umap)
    with translation.in_own_words():
        maps = given.fitted(estimator, given.Rows(features, None, {"manifold": manifold}, None), stops)
    aux: dict[str, Any] = {}
    if umap.output_dens:
        aux = {"rad_orig": radii, "rad_emb": compute_map_radii(estimator.embedding_, umap.n_neighbors)}
    if stops is not None:
        aux["embedding_list"] = maps
    return estimator.embedding_, aux


def radii_of(weights: Any, distances: Any) -> np.ndarray:
    """Logarithm of every row's mean squared distance to its neighbors, weighted by membership strength, float32.

    As umap-learn's ``rad_orig``, with 1e-8 added to the mean; NaN for rows without an edge.
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
