"""Preservation of each row's neighborhood in a map: neighbor recall and trustworthiness."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from umap_sk._typing import AnySparse, OutputMetric, Parameters, is_sparse
from umap_sk.layout.spaces import resolve_space
from umap_sk.metrics.neighbor_lists import NeighborLists, are_training_rows, find_ranks, list_neighbors, select_rows
from umap_sk.metrics.sample import DEFAULT_MAX_ROWS, draw_rows
from umap_sk.neighbors.formats import as_csr
from umap_sk.neighbors.read import Neighbors, read_neighbors
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.square import check_square

if TYPE_CHECKING:
    from umap_sk.estimator import PrecomputedUMAP


def neighbor_recall(
    graph: AnySparse,
    embedding: ArrayLike,
    *,
    k: int = 15,
    training: ArrayLike | None = None,
    output_metric: OutputMetric = "euclidean",
    output_metric_params: Parameters | None = None,
    max_rows: int | None = DEFAULT_MAX_ROWS,
    random_state: int = 0,
) -> float:
    r"""Return the share of each row's k nearest neighbors that are among its k nearest in the map.

    This is ``1 / n sum_i |N_k(i) & M_k(i)| / k``, with N the neighbors in `graph` and M those in the map: the "KNN" of
    Kobak and Berens, "The art of using t-SNE for single-cell transcriptomics", Nature Communications 10, 2019.

    Parameters
    ----------
    graph : sparse array of shape (n_rows, n)
        Distances to the nearest neighbors. If a row lists fewer than k, as many as it lists are compared. Rows without
        neighbors are skipped.
    embedding : array-like of shape (n_rows, n_components)
        Positions of the rows in the map.
    k : int, default=15
        Number of neighbors to compare, not counting the row itself.
    training : array-like of shape (n, n_components), default=None
        Positions of the rows that `graph`'s columns stand for, if they are other rows. Then entries at distance 0 are
        the row itself, and do not count as neighbors.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        Metric of the map, as in the estimator.
    max_rows : int or None, default=10_000
        Number of rows to sample; None for all.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    float
        A number from 0 to 1, higher is better; ``k / n`` by chance.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import NearestNeighbors
    >>> from umap_sk import knn_graph
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> dists, indices = NearestNeighbors(n_neighbors=16).fit(X).kneighbors(X)
    >>> neighbor_recall(knn_graph(indices, dists), X)
    1.0
    """
    output = output_metric, output_metric_params
    return compute_recall(list_sampled_rows(graph, embedding, k, training, max_rows, random_state, output))


def trustworthiness(
    graph: AnySparse,
    embedding: ArrayLike,
    *,
    k: int = 15,
    training: ArrayLike | None = None,
    output_metric: OutputMetric = "euclidean",
    output_metric_params: Parameters | None = None,
    max_rows: int | None = DEFAULT_MAX_ROWS,
    random_state: int = 0,
) -> float:
    r"""Return how high the k nearest rows in the map rank among the listed neighbors, without an n x n matrix.

    This is ``1 - sum_i sum_{j in M_k(i)} max(0, r(i, j) - k) / worst``. Here r is the rank in row i of `graph`, or
    K_i + 1 if its K_i entries lack j, and `worst` is the maximum of the sum. So it is the trustworthiness of Venna and
    Kaski ("Neighborhood preservation in nonlinear projection methods", ICANN 2001) with ranks cut at K + 1. It depends
    on the number of neighbors in the graph: compare only figures of the same number. It equals
    :func:`sklearn.manifold.trustworthiness` if all n - 1 neighbors are listed. With 2 k or 3 k it is stricter, since
    all neighbors that are not listed have the same rank.

    Parameters
    ----------
    graph : sparse array of shape (n_rows, n)
        Distances to the nearest neighbors, more than k in a row. If a row lists fewer, as many as it lists are
        compared. Rows without neighbors are skipped.
    embedding : array-like of shape (n_rows, n_components)
        Positions of the rows in the map.
    k : int, default=15
        Number of neighbors in the map, not counting the row itself.
    training : array-like of shape (n, n_components), default=None
        As in :func:`neighbor_recall`.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        Metric of the map, as in the estimator.
    max_rows : int or None, default=10_000
        Number of rows to sample; None for all.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    float
        A number from 0 to 1, higher is better.

    Raises
    ------
    ValueError
        If no row lists more than k neighbors, unless these are all other rows.
    """
    output = output_metric, output_metric_params
    return compute_trust(list_sampled_rows(graph, embedding, k, training, max_rows, random_state, output))


def compute_recall(lists: NeighborLists) -> float:
    """Return the mean share of neighbors that the map keeps, or NaN if no row has a neighbor."""
    shares = compute_recall_by_row(lists)
    judged = ~np.isnan(shares)
    return float(shares[judged].mean()) if judged.any() else np.nan


def compute_recall_by_row(lists: NeighborLists) -> np.ndarray:
    """Return the share of each row's neighbors that the map keeps, or NaN for rows without neighbors."""
    wanted = np.minimum(lists.lengths, lists.mapped.shape[1])
    rank = find_ranks(lists.mapped, lists.found)
    among = np.arange(rank.shape[1]) < wanted[:, None]
    kept = ((rank < wanted[:, None]) & among).sum(axis=1)
    return np.divide(kept, wanted, out=np.full(len(kept), np.nan), where=wanted > 0)


def check_has_ranks(lists: NeighborLists) -> None:
    """Raise if no row lists more than k neighbors or all others, since trustworthiness would equal the recall."""
    most, k = int(lists.lengths.max(initial=0)), lists.mapped.shape[1]
    if 0 < most <= k and most < lists.others.max():
        raise ValueError(
            f"Trustworthiness needs more than k={k} neighbors per row, but rows of the graph have at most {most}. "
            f"Search more neighbors (for example 3 k), or set k below {most}."
        )


def compute_trust(lists: NeighborLists) -> float:
    """Return 1 minus the excess ranks relative to their maximum, or NaN if no row has a neighbor."""
    if not lists.lengths.any():
        return np.nan
    excess, worst = compute_excess_by_row(lists)
    return float(1 - excess.sum() / worst.sum()) if worst.any() else 1.0


def compute_trust_by_row(lists: NeighborLists) -> np.ndarray:
    """Return 1 minus each row's excess ranks relative to its own maximum, or NaN for rows without neighbors."""
    excess, worst = compute_excess_by_row(lists)
    trust = 1 - np.divide(excess, worst, out=np.zeros(len(excess)), where=worst > 0)
    return np.where(lists.lengths > 0, trust, np.nan)


def compute_excess_by_row(lists: NeighborLists) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of each row's ranks in excess of k in the map, and its maximum."""
    check_has_ranks(lists)
    length = lists.lengths
    wanted = np.minimum(length, lists.mapped.shape[1])
    rank = np.minimum(find_ranks(lists.mapped, lists.found), length[:, None]) + 1
    among = np.arange(rank.shape[1]) < wanted[:, None]
    excess = (np.maximum(rank - wanted[:, None], 0) * among).sum(axis=1)
    outside = np.minimum(wanted, lists.others - length)
    listed_last = wanted - outside  # of the choices of the worst map; they have the ranks length, length - 1, ...
    last = np.arange(rank.shape[1]) < listed_last[:, None]
    inside = np.maximum(length[:, None] - np.arange(rank.shape[1]) - wanted[:, None], 0) * last
    return excess, outside * (length + 1 - wanted) + inside.sum(axis=1)


def list_placed_rows(umap: "PrecomputedUMAP", places: np.ndarray, neighbors: Neighbors, k: int) -> NeighborLists:
    """List the neighbors of the rows that an estimator has placed, or of a sample of them.

    If there are as many rows as in the map and most list themselves first, they are the rows of the map.
    """
    rows = draw_rows(np.arange(len(places)), DEFAULT_MAX_ROWS, 0)
    space = resolve_space(umap.output_metric, umap.output_metric_params, umap.n_components)
    if are_training_rows(neighbors):
        return list_neighbors(select_rows(neighbors, rows), umap.embedding_[rows], umap.embedding_, k, rows, space)
    return list_neighbors(select_rows(neighbors, rows), places[rows], umap.embedding_, k, space=space)


def list_sampled_rows(
    graph: AnySparse,
    embedding: ArrayLike,
    k: int,
    training: ArrayLike | None,
    max_rows: int | None,
    random_state: int,
    output: tuple[OutputMetric, Parameters | None] = ("euclidean", None),
) -> NeighborLists:
    """List the neighbors of a sample of rows."""
    if not is_sparse(graph):
        raise TypeError(
            f"A sparse graph of distances is needed, but {type(graph).__name__} was passed. Make one of neighbor "
            "arrays by umap_sk.knn_graph, or of features by sklearn.neighbors.kneighbors_graph(mode='distance')."
        )
    places = np.asarray(embedding)
    whole = places if training is None else np.asarray(training)
    if graph.shape != (len(places), len(whole)):
        raise ValueError(
            f"graph has shape {graph.shape}, but {len(places)} rows and {len(whole)} rows that can be neighbors are in "
            "the map. If the columns stand for other rows, pass their positions as training=."
        )
    check_structure(graph, "graph")
    graph = as_csr(graph)
    if training is None:
        check_square(graph)
    rows = draw_rows(np.arange(len(places)), max_rows, random_state)
    neighbors, _ = read_neighbors(graph[rows], n_neighbors=len(whole), drop_self=False)
    space = resolve_space(*output, whole.shape[1])
    return list_neighbors(neighbors, places[rows], whole, check_k(k), rows if training is None else None, space)


def check_k(k: object) -> int:
    """Return a number of neighbors as an int, after checking that it is a positive integer."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k={k!r}, but a whole number of at least 1 is needed.")
    return int(k)
