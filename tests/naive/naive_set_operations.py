"""Slow, obvious twins of the set operations of graphs, in dense NumPy. They import nothing from the package.

A graph is a dense matrix of weights, with 0 for missing edges.
"""

import math

import numpy as np


def floor(graph):
    """Return the weight that represents a missing edge."""
    return max(1e-8, graph[graph > 0].min() / 2)


def filled(graph, value):
    """Return the graph with a value for missing edges."""
    return np.where(graph > 0, graph, value)


def union(left, right):
    """Return the weights of edges in either graph."""
    a, b = filled(left, floor(left)), filled(right, floor(right))
    return np.where((left > 0) | (right > 0), a + b - a * b, 0)


def intersection(left, right, mix_weight):
    """Return the weights of edges in either graph. Edges that one graph lacks are almost 0."""
    a, b = filled(left, floor(left)), filled(right, min(1e-4, floor(right)))
    if mix_weight < 0.5:
        both = a * b ** (mix_weight / (1 - mix_weight))
    else:
        both = a ** ((1 - mix_weight) / mix_weight) * b
    both = np.where((a > floor(left)) | (b > min(1e-4, floor(right))), both, left + right)
    return np.where((left > 0) | (right > 0), both, 0)


def difference(left, right, keep_unshared):
    """Return the left graph's weights times the complement of the right one. Tiny weights stay as they are."""
    least = min(1e-4, max(1e-8, (1 - right.max()) / 2))
    rest = np.where(right > 0, 1 - right, 1 if keep_unshared else least)
    return np.where((left > floor(left)) | (rest > least), left * rest, left)


def exponent(row, target):
    """Return the exponent for which a row's powers have the target as sum, by umap-learn's bisection."""
    low, high, middle = 0.0, math.inf, 1.0
    for _ in range(32):
        total = sum(weight**middle for weight in row)
        if abs(total - target) < 1e-5:
            break
        if total < target:
            high, middle = middle, (low + middle) / 2
        else:
            low, middle = middle, middle * 2 if math.isinf(high) else (middle + high) / 2
    return middle


def locally_connected(graph, rescale, symmetrize=True):
    """Divide rows by their largest weight, raise them to a power and unite both directions."""
    out = np.zeros_like(graph)
    for i in np.flatnonzero(graph.max(axis=1) > 0):
        edges = np.flatnonzero(graph[i])
        row = (graph[i, edges] / graph[i].max()).astype(np.float32).astype(float)
        out[i, edges] = row ** exponent(row, math.log2(15)) if rescale else row
    return out + out.T - out * out.T if symmetrize else out


def with_labels(graph, labels, weight, symmetrize=True):
    """Weaken edges between different labels."""
    out = graph.copy()
    for i, j in zip(*np.nonzero(graph), strict=True):
        if labels[i] < 0 or labels[j] < 0:
            out[i, j] *= math.exp(-1)
        elif labels[i] != labels[j]:
            out[i, j] *= math.exp(-2.5 / (1 - weight)) if weight < 1 else 0
    return locally_connected(out, False, symmetrize)


def nearest_on_a_line(values, count):
    """Return the nearest others of each number. Equal ones are in ascending order, with those ahead first."""
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    place = {row: rank for rank, row in enumerate(order)}
    found = []
    for i in range(len(values)):

        def key(j, i=i):
            step = place[j] - place[i]
            return abs(values[j] - values[i]), abs(step), step < 0

        found.append(sorted((j for j in range(len(values)) if j != i), key=key)[:count])
    return np.array(found)
