"""How much of each row's neighborhood a map keeps: neighbor recall and trustworthiness, from lists of neighbors."""

from typing import Any

import numpy as np
import scipy.sparse

from umap_sk.layout.spaces import space_of
from umap_sk.metrics.listed import Listed, list_themselves, listed, positions_of, rows_of
from umap_sk.metrics.sample import ROWS, drawn
from umap_sk.neighbors.formats import as_csr
from umap_sk.neighbors.read import Neighbors, read_neighbors
from umap_sk.neighbors.sparse_structure import check_structure


def neighbor_recall(
    graph: Any,
    embedding: Any,
    *,
    k: int = 15,
    training: Any = None,
    output_metric: Any = "euclidean",
    output_metric_params: dict[str, Any] | None = None,
    max_rows: int | None = ROWS,
    random_state: int = 0,
) -> float:
    r"""Share of each row's k nearest neighbors that are still its k nearest in the map.

    ``1 / n sum_i |N_k(i) & M_k(i)| / k``, with N the neighbors in `graph` and M those in the map (Kobak and Berens,
    "The art of using t-SNE for single-cell transcriptomics", Nature Communications 10, 2019: "KNN").

    Parameters
    ----------
    graph : sparse array of shape (n_rows, n)
        Distances to the nearest neighbors. A row that lists fewer than k is judged by as many as it lists; a row
        without any is left out.
    embedding : array-like of shape (n_rows, n_components)
        The rows in the map.
    k : int, default=15
        Neighbors to compare, the row itself not counted.
    training : array-like of shape (n, n_components), default=None
        The rows that `graph`'s columns stand for, where they are not the rows themselves. An entry at distance 0 then
        is the row itself, and counts neither among its neighbors nor in the map.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        Distances in the map, as in the estimator.
    max_rows : int or None, default=10_000
        Rows to sample; None for all.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    float
        0 to 1, higher is better; ``k / n`` by chance.

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
    return recall_of(lists_of(graph, embedding, k, training, max_rows, random_state, output))


def trustworthiness(
    graph: Any,
    embedding: Any,
    *,
    k: int = 15,
    training: Any = None,
    output_metric: Any = "euclidean",
    output_metric_params: dict[str, Any] | None = None,
    max_rows: int | None = ROWS,
    random_state: int = 0,
) -> float:
    r"""How near a row's k nearest in the map are among its listed neighbors; no n x n matrix is needed.

    ``1 - sum_i sum_{j in M_k(i)} max(0, r(i, j) - k) / worst``, with r the rank in row i of `graph`, K_i + 1 for what
    its K_i entries do not hold, and `worst` the largest that the sum can be: the trustworthiness of Venna and Kaski
    ("Neighborhood preservation in nonlinear projection methods", ICANN 2001) with ranks cut at K + 1. It is relative to
    the neighbors in the graph: compare figures of one number of neighbors only. It equals
    :func:`sklearn.manifold.trustworthiness` only where all n - 1 are given; with 2 k or 3 k it is stricter, since a
    neighbor that is not listed counts as lost whether it is near the list's end or at the other end of the data; with k
    or fewer it is the recall.

    Parameters
    ----------
    graph : sparse array of shape (n_rows, n)
        Distances to the nearest neighbors, more than k in a row. A row that lists fewer is judged by as many as it
        lists; a row without any is left out.
    embedding : array-like of shape (n_rows, n_components)
        The rows in the map.
    k : int, default=15
        Neighbors in the map to judge, the row itself not counted.
    training : array-like of shape (n, n_components), default=None
        As in :func:`neighbor_recall`.
    output_metric, output_metric_params : str or callable, and dict, default="euclidean" and None
        Distances in the map, as in the estimator.
    max_rows : int or None, default=10_000
        Rows to sample; None for all.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    float
        0 to 1, higher is better.
    """
    output = output_metric, output_metric_params
    return trust_of(lists_of(graph, embedding, k, training, max_rows, random_state, output))


def recall_of(lists: Listed) -> float:
    """Mean share of the found neighbors that the map keeps; NaN if no row has a neighbor."""
    shares = recall_by_row(lists)
    judged = ~np.isnan(shares)
    return float(shares[judged].mean()) if judged.any() else np.nan


def recall_by_row(lists: Listed) -> np.ndarray:
    """Share of each row's found neighbors that the map keeps; NaN where there are none."""
    wanted = np.minimum(lists.lengths, lists.mapped.shape[1])
    rank = positions_of(lists.mapped, lists.found)
    among = np.arange(rank.shape[1]) < wanted[:, None]
    kept = ((rank < wanted[:, None]) & among).sum(axis=1)
    return np.divide(kept, wanted, out=np.full(len(kept), np.nan), where=wanted > 0)


def trust_of(lists: Listed) -> float:
    """1 minus the ranks in excess, as a share of the most that there could be; NaN if no row has a neighbor."""
    if not lists.lengths.any():
        return np.nan
    excess, worst = excess_by_row(lists)
    return float(1 - excess.sum() / worst.sum()) if worst.any() else 1.0


def trust_by_row(lists: Listed) -> np.ndarray:
    """What each row adds to trustworthiness, as the share of its own worst; NaN where it has no neighbor."""
    excess, worst = excess_by_row(lists)
    trust = 1 - np.divide(excess, worst, out=np.zeros(len(excess)), where=worst > 0)
    return np.where(lists.lengths > 0, trust, np.nan)


def excess_by_row(lists: Listed) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the ranks in excess of k in each row's list of the map, and the largest that it could be."""
    length = lists.lengths
    wanted = np.minimum(length, lists.mapped.shape[1])
    rank = np.minimum(positions_of(lists.mapped, lists.found), length[:, None]) + 1
    among = np.arange(rank.shape[1]) < wanted[:, None]
    excess = (np.maximum(rank - wanted[:, None], 0) * among).sum(axis=1)
    outside = np.minimum(wanted, lists.others - length)
    listed_last = wanted - outside  # of the worst map's choices; they have the ranks length, length - 1, ...
    last = np.arange(rank.shape[1]) < listed_last[:, None]
    inside = np.maximum(length[:, None] - np.arange(rank.shape[1]) - wanted[:, None], 0) * last
    return excess, outside * (length + 1 - wanted) + inside.sum(axis=1)


def lists_of_new(umap: Any, places: np.ndarray, neighbors: Neighbors, k: int) -> Listed:
    """Both lists of the rows that an estimator has placed, or of a sample of them.

    As many rows as the map has, most of which list themselves first, are the rows of the map.
    """
    rows = drawn(np.arange(len(places)), ROWS, 0)
    space = space_of(umap.output_metric, umap.output_metric_params, umap.n_components)
    if list_themselves(neighbors):
        return listed(rows_of(neighbors, rows), umap.embedding_[rows], umap.embedding_, k, rows, space)
    return listed(rows_of(neighbors, rows), places[rows], umap.embedding_, k, space=space)


def lists_of(
    graph: Any,
    embedding: Any,
    k: int,
    training: Any,
    max_rows: int | None,
    random_state: int,
    output: tuple[Any, Any] = ("euclidean", None),
) -> Listed:
    """Both lists of a sample of rows."""
    if not scipy.sparse.issparse(graph):
        raise TypeError(
            f"A sparse graph of distances is needed, but {type(graph).__name__} was given. Make one of neighbor arrays "
            "by umap_sk.knn_graph, or of features by sklearn.neighbors.kneighbors_graph(mode='distance')."
        )
    places = np.asarray(embedding)
    whole = places if training is None else np.asarray(training)
    if graph.shape != (len(places), len(whole)):
        raise ValueError(
            f"graph has shape {graph.shape}, but {len(places)} rows and {len(whole)} rows that can be neighbors are in "
            "the map. Give training=, the map of the rows that the columns stand for, if the rows are others."
        )
    check_structure(graph, "graph")
    rows = drawn(np.arange(len(places)), max_rows, random_state)
    neighbors, _ = read_neighbors(as_csr(graph)[rows], n_neighbors=len(whole), drop_self=False)
    space = space_of(*output, whole.shape[1])
    return listed(neighbors, places[rows], whole, check_k(k), rows if training is None else None, space)


def check_k(k: Any) -> int:
    """Refuse a number of neighbors that is none."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k={k!r}, but a whole number of at least 1 is needed.")
    return int(k)
