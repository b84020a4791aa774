"""Slow, obvious twins of pivot MDS, in dense NumPy. They import nothing from the package."""

import numpy as np


def edge_lengths(graph, distances):
    """Return the length of each edge, the mean of its ends' mean distances, with infinity for missing edges."""
    n = len(distances)
    out = np.full((n, n), np.inf)
    for i in range(n):
        for j in range(n):
            if graph[i, j] > 0:
                out[i, j] = (float(distances[i]) + float(distances[j])) / 2
    return out


def coarser_lengths(lengths, owner, root):
    """Return the lengths of the shortest paths between roots over one edge between groups, or infinity."""
    n, size = len(owner), len(root)
    to_root = np.array([0 if i == root[owner[i]] else lengths[i, root[owner[i]]] for i in range(n)])
    out = np.full((size, size), np.inf)
    for i in range(n):
        for j in range(n):
            if owner[i] != owner[j]:
                path = to_root[i] + lengths[i, j] + to_root[j]
                out[owner[i], owner[j]] = min(out[owner[i], owner[j]], path)
    return out


def shortest_paths(lengths):
    """Return the lengths of the shortest paths between all pairs of vertices (Floyd 1962, Warshall 1962)."""
    distances = np.minimum(lengths, lengths.T)
    np.fill_diagonal(distances, 0)
    for k in range(len(distances)):
        distances = np.minimum(distances, distances[:, [k]] + distances[[k]])
    return distances


def classical_scaling(distances, n_components):
    """Return positions with these distances (Torgerson 1952), with the widest axis first."""
    n = len(distances)
    centering = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-centering @ distances**2 @ centering / 2)
    return vectors[:, : -n_components - 1 : -1] * np.sqrt(values[: -n_components - 1 : -1])
