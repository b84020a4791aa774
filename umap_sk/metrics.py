"""How good a map is, for maps of any size: figures from neighbors, from features and from the graph, and scorers.

Neighbors come as a sparse distance graph (:func:`umap_sk.knn_graph` makes one of arrays), rows are sampled with a fixed
seed, so that two maps of the same rows are compared on the same ones. Rows of the map that are NaN have lost all their
neighbors; pairs and triplets are drawn among the others.
"""

import functools
from typing import Any

import numpy as np
import scipy.sparse
from scipy.stats import spearmanr
from sklearn.metrics.pairwise import PAIRED_DISTANCES, paired_distances
from sklearn.pipeline import Pipeline

from umap_sk.graph.manifold import Manifold
from umap_sk.neighbors.listed import Listed, list_themselves, listed, positions_of, rows_of
from umap_sk.neighbors.read import Neighbors, read_neighbors
from umap_sk.placing import placed_with_neighbors

__all__ = [
    "distance_correlation",
    "distance_correlation_scorer",
    "neighbor_recall",
    "neighbor_recall_scorer",
    "sampled_loss",
    "sampled_loss_scorer",
    "triplet_accuracy",
    "triplet_accuracy_scorer",
    "trustworthiness",
    "trustworthiness_scorer",
]

ROWS = 10_000  # to sample by default
CHUNK = 20_000  # pairs whose features are in memory at once
LISTED = 3  # neighbors listed for a trustworthiness, times k, where they have to be searched
FLOOR = 1e-4  # the least 1 - v of a loss, so that two points on one place do not make it infinite
COLUMNS = 10_000  # rows that stand for all as those which repel


def neighbor_recall(
    graph: Any,
    embedding: Any,
    *,
    k: int = 15,
    training: Any = None,
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
    return recall_of(_lists(graph, embedding, k, training, max_rows, random_state))


def trustworthiness(
    graph: Any,
    embedding: Any,
    *,
    k: int = 15,
    training: Any = None,
    max_rows: int | None = ROWS,
    random_state: int = 0,
) -> float:
    r"""How near a row's k nearest in the map are among its listed neighbors; no n x n matrix is needed.

    ``1 - sum_i sum_{j in M_k(i)} max(0, r(i, j) - k) / worst``, with r the rank in row i of `graph`, K_i + 1 for what
    its K_i entries do not hold, and `worst` the largest that the sum can be: the trustworthiness of Venna and Kaski
    ("Neighborhood preservation in nonlinear projection methods", ICANN 2001) with ranks cut at K + 1. With all n - 1
    neighbors listed it is :func:`sklearn.manifold.trustworthiness`; with 2 k or 3 k listed it is stricter, since a
    neighbor that is not listed counts as lost whether it is near the list's end or at the other end of the data.

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
    max_rows : int or None, default=10_000
        Rows to sample; None for all.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    float
        0 to 1, higher is better.
    """
    return trust_of(_lists(graph, embedding, k, training, max_rows, random_state))


def triplet_accuracy(
    X: Any, embedding: Any, *, metric: Any = "euclidean", n_triplets: int = 100_000, random_state: int = 0
) -> float:
    """Share of random triplets (i, j, k) with d(i, j) < d(i, k) alike in the features and in the map.

    Wang, Huang, Rudin and Shaposhnik, "Understanding how dimension reduction tools work", JMLR 22, 2021: "random
    triplet accuracy". It looks at the map as a whole.

    Parameters
    ----------
    X : array-like or sparse of shape (n, n_features)
        Features.
    embedding : array-like of shape (n, n_components)
        The rows in the map.
    metric : str or callable, default="euclidean"
        Distance of the features, as in :func:`sklearn.metrics.pairwise.paired_distances`.
    n_triplets : int, default=100_000
        Triplets to draw.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    float
        0 to 1, higher is better; 0.5 by chance.
    """
    X, positions, placed = _rows_of(X, embedding)
    drawn = placed[np.random.RandomState(random_state).randint(0, len(placed), (3, n_triplets))]
    i, j, k = drawn[:, (drawn[0] != drawn[1]) & (drawn[0] != drawn[2]) & (drawn[1] != drawn[2])]
    before = _distances(X, i, j, metric) < _distances(X, i, k, metric)
    after = _distances(positions, i, j) < _distances(positions, i, k)
    return float((before == after).mean())


def distance_correlation(
    X: Any, embedding: Any, *, metric: Any = "euclidean", n_pairs: int = 100_000, random_state: int = 0
) -> float:
    """Spearman's correlation between the distances of random pairs in the features and in the map.

    Kobak and Berens 2019 (see :func:`neighbor_recall`): "CPD". It looks at the map as a whole.

    Parameters
    ----------
    X : array-like or sparse of shape (n, n_features)
        Features.
    embedding : array-like of shape (n, n_components)
        The rows in the map.
    metric : str or callable, default="euclidean"
        Distance of the features, as in :func:`sklearn.metrics.pairwise.paired_distances`.
    n_pairs : int, default=100_000
        Pairs to draw.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    float
        -1 to 1, higher is better; 0 by chance.
    """
    X, positions, placed = _rows_of(X, embedding)
    i, j = placed[np.random.RandomState(random_state).randint(0, len(placed), (2, n_pairs))]
    i, j = i[i != j], j[i != j]
    return float(spearmanr(_distances(X, i, j, metric), _distances(positions, i, j))[0])


def sampled_loss(
    graph: Any,
    embedding: Any,
    *,
    a: float,
    b: float,
    negative_sample_rate: float = 5.0,
    repulsion_strength: float = 1.0,
    max_rows: int | None = 2_000,
    random_state: int = 0,
) -> float:
    r"""The loss a row that UMAP's sampling lowers in expectation, from a sample of rows.

    ``1 / n (sum_ij s_ij log(1 + a d_ij^2b) - g r / (2 n) sum_i deg_i sum_v log(1 - 1 / (1 + a d_iv^2b)))``, with s the
    weights divided by the largest, deg a row's sum of them, r the `negative_sample_rate` and g the
    `repulsion_strength` (Damrich and Hamprecht, "On UMAP's true loss function", NeurIPS 2021). The outer sums are
    over a sample of rows, the sum over v over at most 10,000 others. Losses of maps are comparable where graph and
    curve are the same; of maps that were made with other `min_dist` they are not.

    Parameters
    ----------
    graph : Manifold or sparse array of shape (n, n)
        Membership strengths, as in ``estimator.graph_``.
    embedding : array-like of shape (n, n_components)
        The rows in the map.
    a, b : float
        The curve, as in ``estimator.a_`` and ``estimator.b_``.
    negative_sample_rate : float, default=5.0
        As in the estimator.
    repulsion_strength : float, default=1.0
        As in the estimator.
    max_rows : int or None, default=2_000
        Rows to sample; None for all.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    float
        Lower is better.
    """
    weights = scipy.sparse.csr_array(graph.graph if isinstance(graph, Manifold) else graph)
    positions = np.asarray(embedding, np.float64)
    placed = np.flatnonzero(np.isfinite(positions).all(axis=1))
    rows = _drawn(placed, max_rows, random_state)
    columns = _drawn(placed, COLUMNS, random_state + 1)
    part = weights[rows]
    strengths = part.data / float(weights.data.max())
    ends = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
    nearest = (FLOOR / (a * (1 - FLOOR))) ** (1 / b)
    squares = np.maximum(_squares(positions[rows][ends], positions[part.indices]), nearest)
    attraction = np.nansum(strengths * np.log1p(a * squares**b))
    degrees = np.bincount(ends, strengths, len(rows))
    repulsion = 0.0
    for i, degree in zip(rows, degrees, strict=True):
        others = columns[columns != i]
        squares = np.maximum(_squares(positions[i], positions[others]), nearest)
        repulsion += degree * np.log1p(1 / (a * squares**b)).mean() * (len(placed) - 1)
    rate = repulsion_strength * negative_sample_rate / (2 * len(placed))
    return float((attraction + rate * repulsion) / len(rows))


# ------------------------------------------------------------------------------------------- scorers, for scoring=...


def neighbor_recall_scorer(estimator: Any, X: Any, y: Any = None, *, k: int = 15) -> float:
    """Scorer of :func:`neighbor_recall`: what ``estimator.score`` gives.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X : array-like, sparse or frame
        Rows as its `transform` takes them.
    y : None
        Ignored.
    k : int, default=15
        Neighbors to compare.

    Returns
    -------
    float
        Higher is better.
    """
    umap, X = _last_step(estimator, X)
    return umap.score(X, k=k)


def trustworthiness_scorer(estimator: Any, X: Any, y: Any = None, *, k: int = 15) -> float:
    """Scorer of :func:`trustworthiness`, against the neighbors that are listed, or 3 k that are searched.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X : array-like, sparse or frame
        Rows as its `transform` takes them.
    y : None
        Ignored.
    k : int, default=15
        Neighbors in the map to judge.

    Returns
    -------
    float
        Higher is better.
    """
    umap, X = _last_step(estimator, X)
    places, neighbors = placed_with_neighbors(umap, X, None, None, LISTED * k + 1)
    return trust_of(lists_of_new(umap, places, neighbors, k))


def triplet_accuracy_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Scorer of :func:`triplet_accuracy` on features, Euclidean.

    Parameters
    ----------
    estimator : estimator with transform
        The fitted estimator; in a Pipeline, X is what the Pipeline takes.
    X : array-like or sparse of shape (n, n_features)
        Features.
    y : None
        Ignored.

    Returns
    -------
    float
        Higher is better.
    """
    return triplet_accuracy(_features(estimator, X), estimator.transform(X))


def distance_correlation_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Scorer of :func:`distance_correlation` on features, Euclidean.

    Parameters
    ----------
    estimator : estimator with transform
        The fitted estimator; in a Pipeline, X is what the Pipeline takes.
    X : array-like or sparse of shape (n, n_features)
        Features.
    y : None
        Ignored.

    Returns
    -------
    float
        Higher is better.
    """
    return distance_correlation(_features(estimator, X), estimator.transform(X))


def sampled_loss_scorer(estimator: Any, X: Any = None, y: Any = None) -> float:
    """Scorer of :func:`sampled_loss`: minus the loss of the fitted map, whatever the rows to score are.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X, y : object
        Ignored.

    Returns
    -------
    float
        Higher is better.
    """
    umap = _last_step(estimator, None)[0]
    return -sampled_loss(
        umap.manifold_,
        umap.embedding_,
        a=umap.a_,
        b=umap.b_,
        negative_sample_rate=umap.negative_sample_rate,
        repulsion_strength=umap.repulsion_strength,
    )


# ------------------------------------------------------------------------------------------------------------- parts


def recall_of(lists: Listed) -> float:
    """Mean share of the found neighbors that the map keeps; NaN if no row has a neighbor."""
    wanted = np.minimum(lists.lengths, lists.mapped.shape[1])
    rank = positions_of(lists.mapped, lists.found)
    among = np.arange(rank.shape[1]) < wanted[:, None]
    kept = ((rank < wanted[:, None]) & among).sum(axis=1)
    judged = wanted > 0
    return float((kept[judged] / wanted[judged]).mean()) if judged.any() else np.nan


def trust_of(lists: Listed) -> float:
    """1 minus the ranks in excess, as a share of the most that there could be; NaN if no row has a neighbor."""
    length = lists.lengths
    wanted = np.minimum(length, lists.mapped.shape[1])
    if not wanted.any():
        return np.nan
    rank = np.minimum(positions_of(lists.mapped, lists.found), length[:, None]) + 1
    among = np.arange(rank.shape[1]) < wanted[:, None]
    excess = (np.maximum(rank - wanted[:, None], 0) * among).sum()
    outside = np.minimum(wanted, lists.others - length)
    listed_last = wanted - outside  # of the worst map's choices; they have the ranks length, length - 1, ...
    last = np.arange(rank.shape[1]) < listed_last[:, None]
    inside = np.maximum(length[:, None] - np.arange(rank.shape[1]) - wanted[:, None], 0) * last
    worst = (outside * (length + 1 - wanted)).sum() + inside.sum()
    return float(1 - excess / worst) if worst else 1.0


def lists_of_new(umap: Any, places: np.ndarray, neighbors: Neighbors, k: int) -> Listed:
    """Both lists of the rows that an estimator has placed, or of a sample of them.

    As many rows as the map has, most of which list themselves first, are the rows of the map.
    """
    rows = _drawn(np.arange(len(places)), ROWS, 0)
    if list_themselves(neighbors):
        return listed(rows_of(neighbors, rows), umap.embedding_[rows], umap.embedding_, k, rows)
    return listed(rows_of(neighbors, rows), places[rows], umap.embedding_, k)


def _lists(graph: Any, embedding: Any, k: int, training: Any, max_rows: int | None, random_state: int) -> Listed:
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
    rows = _drawn(np.arange(len(places)), max_rows, random_state)
    neighbors, _ = read_neighbors(graph.tocsr()[rows], n_neighbors=len(whole), drop_self=False)
    return listed(neighbors, places[rows], whole, check_k(k), rows if training is None else None)


def check_k(k: Any) -> int:
    """Refuse a number of neighbors that is none."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k={k!r}, but a whole number of at least 1 is needed.")
    return int(k)


def _drawn(rows: np.ndarray, count: int | None, seed: int) -> np.ndarray:
    """`count` of the rows in order, or all of them where there are no more."""
    if count is None or len(rows) <= count:
        return rows
    return rows[np.sort(np.random.RandomState(seed).choice(len(rows), count, replace=False))]


def _rows_of(X: Any, embedding: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Features, positions, and which rows have a place."""
    X = X.tocsr() if scipy.sparse.issparse(X) else np.asarray(X)
    positions = np.asarray(embedding, np.float64)
    if X.shape[0] != len(positions):
        raise ValueError(f"X has {X.shape[0]} rows, but the embedding has {len(positions)}. Give the same rows.")
    placed = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if len(placed) < 3:
        raise ValueError(f"{len(placed)} rows have a place in the map, but at least 3 are needed.")
    return X, positions, placed


def _distances(points: Any, first: np.ndarray, second: np.ndarray, metric: Any = "euclidean") -> np.ndarray:
    """Distances of pairs of rows."""
    parts = [slice(begin, begin + CHUNK) for begin in range(0, len(first), CHUNK)]
    measure = PAIRED_DISTANCES.get(metric) or functools.partial(paired_distances, metric=metric)
    return np.concatenate([measure(points[first[p]], points[second[p]]) for p in parts])


def _squares(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squares of Euclidean distances along the last axis."""
    return ((points - others) ** 2).sum(axis=-1)


def _last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The estimator at a Pipeline's end, and X as it gets it."""
    while isinstance(estimator, Pipeline):
        if X is not None and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    return estimator, X


def _features(estimator: Any, X: Any) -> Any:
    """X, unless it is a distance graph, of which no distances of random pairs are known."""
    if getattr(estimator, "metric", None) == "precomputed":
        raise ValueError(
            "X holds distances to the training rows, but this scorer needs features. Score a Pipeline that makes the "
            "graph of features (KNeighborsTransformer, PrecomputedUMAP), or use neighbor_recall_scorer."
        )
    return X
