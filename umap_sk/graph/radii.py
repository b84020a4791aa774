"""Log radii of neighborhoods, in the data and in the map."""

import numpy as np
from numba import get_num_threads
from scipy.spatial import cKDTree

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.neighbors.read import Neighbors, read_neighbors
from umap_sk.runtime.allocation import Allocate, allocate_in_memory
from umap_sk.runtime.compile import as_readonly


def sort_distances_by_index(neighbors: Neighbors, allocate: Allocate = allocate_in_memory) -> np.ndarray:
    """Return the neighbors' distances in the order of their indices, as the edges of a graph are sorted."""
    distances = allocate("distances_by_index", len(neighbors.distances), np.float32)
    indices = allocate("indices_by_index", len(neighbors.indices), neighbors.indices.dtype)
    distances[:], indices[:] = neighbors.distances, neighbors.indices
    kernels.sort_rows(as_readonly(neighbors.indptr), indices, distances)
    return distances


def compute_data_radii(graph: FuzzyGraph, neighbors: Neighbors, distances: np.ndarray) -> np.ndarray:
    """Compute the log of each row's mean squared distance to its neighbors, weighted by membership, in float32.

    This is umap-learn's ``rad_orig_``: 1e-8 is added to the mean, and the distance of two rows that list each other is
    the larger one. Rows without an edge get NaN. `neighbors` are those of the graph, and `distances` their distances by
    index.
    """
    out = np.empty(len(graph.indptr) - 1, np.float32)
    listed = (neighbors.indptr, neighbors.indices, distances)
    kernels.data_radii(*map(as_readonly, graph), *map(as_readonly, listed), out)
    return out


def compute_map_radii(positions: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Compute the log of each point's mean distance to its neighbors in the map, in float32; NaN without a position.

    This is umap-learn's ``rad_emb_``: the neighbors and their memberships are those in the map itself.
    """
    out = np.full(len(positions), np.nan, np.float32)
    rows = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if len(rows) > 1:
        points = positions[rows]
        distances, indices = cKDTree(points).query(points, min(n_neighbors, len(rows)), workers=get_num_threads())
        neighbors, _ = read_neighbors(knn_indices=indices, knn_dists=distances, n_neighbors=n_neighbors)
        roots = np.sqrt(sort_distances_by_index(neighbors))  # their squares are the distances
        graph = fuzzy_graph(neighbors, n_neighbors)
        out[rows] = compute_data_radii(graph, neighbors, roots)
    return out
