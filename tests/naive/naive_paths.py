"""Slow, obvious twins of the start from the graph's distances, in dense NumPy. Imports nothing from the package."""

import numpy as np


def edge_lengths(graph, distances):
    """Length of every edge, the mean of its ends' mean distances; infinity where there is none."""
    n = len(distances)
    out = np.full((n, n), np.inf)
    for i in range(n):
        for j in range(n):
            if graph[i, j] > 0:
                out[i, j] = (float(distances[i]) + float(distances[j])) / 2
    return out


def coarser_lengths(lengths, owner, middle):
    """Length of the shortest way from one group's middle to another's over one edge; infinity where there is none."""
    n, size = len(owner), len(middle)
    to_middle = np.array([0 if i == middle[owner[i]] else lengths[i, middle[owner[i]]] for i in range(n)])
    out = np.full((size, size), np.inf)
    for i in range(n):
        for j in range(n):
            if owner[i] != owner[j]:
                way = to_middle[i] + lengths[i, j] + to_middle[j]
                out[owner[i], owner[j]] = min(out[owner[i], owner[j]], way)
    return out


def shortest_paths(lengths):
    """Length of the shortest path between all pairs of vertices, by Floyd (1962) and Warshall (1962)."""
    distances = np.minimum(lengths, lengths.T)
    np.fill_diagonal(distances, 0)
    for k in range(len(distances)):
        distances = np.minimum(distances, distances[:, [k]] + distances[[k]])
    return distances


def classical_scaling(distances, n_components):
    """Positions with these distances, by Torgerson (1952), the widest axis first."""
    n = len(distances)
    centering = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-centering @ distances**2 @ centering / 2)
    return vectors[:, : -n_components - 1 : -1] * np.sqrt(values[: -n_components - 1 : -1])
