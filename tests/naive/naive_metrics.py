"""Slow, obvious twins of umap_sk.metrics, row by row from the formulas."""

import numpy as np


def neighbor_lists(distances, embedding, training, itself, k):
    """Return each row's neighbors in ascending order, without infinite distances, and its k nearest in the map."""
    lists = []
    for i in range(len(distances)):
        others = [j for j in range(len(training)) if j not in itself[i]]
        found = sorted((distances[i, j], j) for j in others if np.isfinite(distances[i, j]))
        mapped = [(np.linalg.norm(embedding[i] - training[j]), j) for j in others]
        mapped = sorted((d, j) for d, j in mapped if np.isfinite(d))
        lists.append(([j for _, j in found], [j for _, j in mapped][:k], len(others)))
    return lists


def recall(lists, k):
    """Return the mean share of the k nearest neighbors that are also nearest in the map."""
    shares = []
    for found, mapped, _ in lists:
        m = min(k, len(found))
        if m:
            shares.append(len(set(found[:m]) & set(mapped[:m])) / m)
    return np.mean(shares)


def trust(lists, k):
    """Return Venna and Kaski's trustworthiness. All ranks beyond the end of a list are equal."""
    excess = worst = 0
    for found, mapped, n_others in lists:
        m = min(k, len(found))
        if m == 0:
            continue
        rank = {j: r + 1 for r, j in enumerate(found)}
        for j in mapped[:m]:
            excess += max(0, rank.get(j, len(found) + 1) - m)
        if not mapped:
            excess += m * (len(found) + 1 - m)
        ranks = [min(r, len(found) + 1) for r in range(1, n_others + 1)]
        worst += sum(max(0, r - m) for r in sorted(ranks)[-m:])
    return 1 - excess / worst


def loss(weights, positions, a, b, rate, strength):
    """Return the expected loss per row, from all pairs."""
    weights = weights / weights.max()
    n, total = len(positions), 0.0
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            square = ((positions[i] - positions[j]) ** 2).sum()
            similar = 1 / (1 + a * square**b)
            total -= weights[i, j] * np.log(similar)
            total -= strength * rate / (2 * n) * weights[i].sum() * np.log(1 - similar)
    return total / n
