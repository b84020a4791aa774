"""Slow, obvious twins of the start from the graph's distances, in dense NumPy. Imports nothing from the package."""

import numpy as np


def edge_lengths(graph, lengths):
    """Length of every edge, the mean of what its ends bring; infinity where there is none, 0 to itself."""
    n = len(lengths)
    out = np.full((n, n), np.inf)
    for i in range(n):
        for j in range(n):
            if i == j:
                out[i, j] = 0
            elif graph[i, j] > 0:
                out[i, j] = (float(lengths[i]) + float(lengths[j])) / 2
    return out


def shortest_paths(graph, lengths):
    """Length of the shortest path between all pairs of vertices, by Floyd (1962) and Warshall (1962)."""
    distances = edge_lengths(graph, lengths)
    for k in range(len(distances)):
        distances = np.minimum(distances, distances[:, [k]] + distances[[k]])
    return distances


def classical_scaling(distances, n_components):
    """Positions with these distances, by Torgerson (1952), the widest axis first."""
    n = len(distances)
    centering = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-centering @ distances**2 @ centering / 2)
    return vectors[:, : -n_components - 1 : -1] * np.sqrt(values[: -n_components - 1 : -1])
