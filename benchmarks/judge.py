"""Six figures of an embedding's quality.

Rows, pairs and triplets are drawn with fixed seeds. Every embedding of a data set is therefore judged on the same ones,
and differences between embeddings are paired. Disconnected rows are left out.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange
from scipy.spatial import cKDTree
from scipy.stats import spearmanr

DEFAULT_CURVE = (1.5769434602697652, 0.8950608778515733)  # (a, b) of min_dist 0.1, spread 1
FLOOR = 1e-4  # the least 1 - v in a loss, so that points on one place do not make it infinite
LOWER_IS_BETTER = ("eff",)
LARGE = 300_000  # rows above which fewer queries are compared with all rows


class Figures(NamedTuple):
    """Quality of one embedding. For ``eff``, lower is better, for the others, higher."""

    trust: float
    recall15: float
    knn5acc: float
    triplet: float
    spearman: float
    eff: float


def judge(dataset, graph, embedding, curve=DEFAULT_CURVE):
    """Return all six figures of an embedding.

    ``graph`` is the symmetric fuzzy graph with both directions of every edge. ``curve`` contains a and b of the
    similarity 1 / (1 + a d^2b), which ``eff`` needs.
    """
    features, labels, neighbors = dataset.features, dataset.labels, dataset.nearest
    finite = np.isfinite(embedding).all(1)
    if not finite.all():
        number = np.where(finite, np.cumsum(finite) - 1, -1)
        neighbors = number[neighbors[finite]]
        features, labels, embedding = features[finite], labels[finite], embedding[finite]
        graph = graph.tocsr()[finite][:, finite]
    positions = np.ascontiguousarray(embedding, np.float64)
    tree = cKDTree(positions)
    queries = 300 if len(positions) > LARGE else 2000
    return Figures(
        trustworthiness(features, positions, tree, queries),
        neighbor_recall(neighbors, positions, tree),
        label_accuracy(labels, positions, tree),
        triplet_accuracy(features, positions),
        distance_correlation(features, positions),
        expected_loss(graph, positions, curve, queries),
    )


def _drawn(n, count, seed=0):
    """Return ``count`` random row numbers in order, or all if there are no more."""
    if n <= count:
        return np.arange(n)
    return np.sort(np.random.RandomState(seed).choice(n, count, False))


def without_itself(indices, rows):
    """Return a mask of the neighbors that are other rows, without the last one if the row itself is not listed."""
    others = indices != rows[:, None]
    others[others.all(axis=1), -1] = False
    return others


def nearest_others(tree, positions, rows, k):
    """Return the k nearest other rows of each of ``rows``, as int64 of shape (len(rows), k)."""
    found = tree.query(positions[rows], k + 1, workers=2)[1]
    return found[without_itself(found, rows)].reshape(len(rows), k)


@njit(parallel=True, cache=True)
def ranks(products, square_norms, chosen, itself):
    """Return the rank of each chosen column by distance, 1 for the nearest, without counting ``itself`` (or -1).

    Up to a constant of the row, squared distances are square_norms - 2 products, in float32.
    """
    m, k = chosen.shape
    out = np.empty((m, k), np.int64)
    for i in prange(m):
        limit = np.empty(k, np.float32)
        nearer = np.zeros(k, np.int64)
        for c in range(k):
            limit[c] = square_norms[chosen[i, c]] - np.float32(2) * products[i, chosen[i, c]]
        for j in range(len(square_norms)):
            square = square_norms[j] - np.float32(2) * products[i, j]
            if j != itself[i]:
                for c in range(k):
                    nearer[c] += square < limit[c]
        out[i] = nearer + 1
    return out


def excess_ranks(features, queries, itself, chosen):
    """Return the sum of max(0, rank - k) over ``chosen``, with ranks among all features as seen from ``queries``."""
    n, k = len(features), chosen.shape[1]
    mean = np.asarray(features[:50000]).mean(0).astype(np.float32)
    centered = np.asarray(features, np.float32) - mean
    square_norms = np.einsum("ij,ij->i", centered, centered)
    block = max(1, int(2e8 // (4 * n)))
    total = 0.0
    for begin in range(0, len(queries), block):
        part = slice(begin, begin + block)
        products = (np.asarray(queries[part], np.float32) - mean) @ centered.T
        total += np.maximum(ranks(products, square_norms, chosen[part], itself[part]) - k, 0).sum()
    return total


def trustworthiness(features, positions, tree, queries=2000, k=15):
    """Return the trustworthiness (Venna and Kaski, ICANN 2001) as scikit-learn defines it, over a sample of rows.

    Ranks are among all rows, so the sample's mean estimates the figure of the whole data without bias.
    """
    n = len(positions)
    rows = _drawn(n, queries)
    chosen = nearest_others(tree, positions, rows, k)
    excess = excess_ranks(features, features[rows], rows, chosen)
    return float(1 - excess * 2.0 / (len(rows) * k * (2.0 * n - 3.0 * k - 1.0)))


def neighbor_recall(neighbors, positions, tree, queries=10000, k=15):
    """Return the share of the k nearest others that remain nearest (Kobak and Berens, Nature Communications 2019)."""
    rows = _drawn(len(positions), queries)
    chosen = nearest_others(tree, positions, rows, k)
    listed = np.asarray(neighbors[rows])[:, :k]
    return float((listed[:, :, None] == chosen[:, None, :]).any(2).mean())


def label_accuracy(labels, positions, tree, queries=10000, k=5):
    """Return the accuracy of the vote of the k nearest others (McInnes, Healy, Melville 2018, section 5)."""
    rows = _drawn(len(positions), queries)
    return vote_accuracy(labels, nearest_others(tree, positions, rows, k), labels[rows])


def vote_accuracy(labels, chosen, truth):
    """Return the share of rows whose label is the commonest of the chosen rows (of ties, the smallest label)."""
    votes = np.zeros((len(chosen), int(labels.max()) + 1), np.int32)
    np.add.at(votes, (np.arange(len(chosen))[:, None], np.asarray(labels)[chosen]), 1)
    return float((votes.argmax(1) == truth).mean())


def _pair_distances(points, first, second, chunk=20000):
    out = np.empty(len(first))
    for begin in range(0, len(first), chunk):
        part = slice(begin, begin + chunk)
        difference = np.asarray(points[first[part]], np.float64) - np.asarray(points[second[part]], np.float64)
        out[part] = np.sqrt((difference * difference).sum(1))
    return out


def triplet_accuracy(features, positions, count=100000):
    """Return the share of random triplets whose two distances keep their order (Wang et al., JMLR 2021)."""
    drawn = np.random.RandomState(0).randint(0, len(positions), (count, 3))
    i, j, k = drawn[(drawn[:, 0] != drawn[:, 1]) & (drawn[:, 0] != drawn[:, 2]) & (drawn[:, 1] != drawn[:, 2])].T
    before = _pair_distances(features, i, j) < _pair_distances(features, i, k)
    after = _pair_distances(positions, i, j) < _pair_distances(positions, i, k)
    return float((before == after).mean())


def distance_correlation(features, positions, count=100000):
    """Return Spearman's correlation of the distances of random pairs before and after (Kobak and Berens 2019)."""
    i, j = np.random.RandomState(1).randint(0, len(positions), (2, count))
    i, j = i[i != j], j[i != j]
    return float(spearmanr(_pair_distances(features, i, j), _pair_distances(positions, i, j))[0])


@njit(parallel=True, cache=True)
def repulsion_sums(queries, itself, positions, a, b, floor):
    """Return the sum over all rows but ``itself`` of -log(1 - v), v = 1 / (1 + a d^2b), for each query."""
    out = np.zeros(len(queries))
    for q in prange(len(queries)):
        for begin in range(0, len(positions), 16):  # one logarithm of a product of 16 factors
            product = 1.0
            for j in range(begin, min(begin + 16, len(positions))):
                square = 0.0
                for d in range(positions.shape[1]):
                    square += (queries[q, d] - positions[j, d]) ** 2
                if j != itself[q]:
                    product *= 1.0 + 1.0 / (a * max(square, floor) ** b)
            out[q] += np.log(product)
    return out


def closest(curve):
    """Return the squared distance below which 1 - v of a pair counts as FLOOR."""
    a, b = curve
    return (FLOOR / (a * (1 - FLOOR))) ** (1 / b)


def attraction_of(graph, positions, a, b, floor, chunk=200_000):
    """Return the sum over the entries off the diagonal of -w log v, and every row's sum of weights."""
    total, degree = 0.0, np.empty(len(positions))
    for first in range(0, len(positions), chunk):
        part = graph[first : first + chunk].tocoo()
        row = part.row + first
        kept = (part.data > 0) & (row != part.col)
        row, col, weight = row[kept], part.col[kept], part.data[kept].astype(np.float64)
        square = ((positions[row] - positions[col]) ** 2).sum(1)
        total += (weight * np.log1p(a * np.maximum(square, floor) ** b)).sum()
        degree[first : first + chunk] = np.bincount(row - first, weight, part.shape[0])
    return total, degree


def expected_loss(graph, positions, curve=DEFAULT_CURVE, queries=2000, negative_sample_rate=5):
    """Return the loss per row that UMAP's sampling lowers in expectation (Damrich and Hamprecht, NeurIPS 2021).

    It is the sum over i < j of -2 w log v - (r / n) (deg_i + deg_j) / 2 log(1 - v), divided by n, where r is
    negative_sample_rate. The attraction is exact. The repulsion is that of a sample of rows from all rows.
    """
    n, (a, b) = len(positions), curve
    floor = closest(curve)
    rows = _drawn(n, queries)
    attraction, degree = attraction_of(graph.tocsr(), positions, a, b, floor)
    repulsion = degree[rows] * repulsion_sums(positions[rows], rows, positions, a, b, floor)
    return float(attraction / n + repulsion.mean() * negative_sample_rate / (2.0 * n))


def reach(embedding):
    """Return the ratio of the largest radius to the 90 % radius, which is far above 1.5 if points are far away."""
    positions = embedding[np.isfinite(embedding).all(1)].astype(np.float64)
    radius = np.sqrt(((positions - positions.mean(0)) ** 2).sum(1))
    return float(radius.max() / np.quantile(radius, 0.9))
