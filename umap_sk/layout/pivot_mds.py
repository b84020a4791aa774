"""Start from the graph's own distances: pivot MDS of the shortest paths on a coarse graph, component by component."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from threadpoolctl import threadpool_limits

from umap_sk import kernels
from umap_sk.layout.coarsen import Level, coarsen
from umap_sk.layout.edge_lengths import EdgeLengths, coarser_lengths
from umap_sk.layout.init import random_positions
from umap_sk.layout.spectral import component_centres
from umap_sk.linear_algebra.eigenpairs import compute_eigenpairs
from umap_sk.linear_algebra.products import multiply
from umap_sk.runtime.compile import get_python_function, readonly

MOST_VERTICES = 6_000  # vertices whose shortest paths are taken; larger graphs are coarsened further
BATCHES = 4  # of kernels.PIVOTS pivots each
SPREAD = 4  # power of the distance to the nearest pivot by which later ones are drawn
LEAST_VARIANCE = 1e-8  # of an axis, as a share of the first one's; less is rounding
log_of = get_python_function(kernels.log_of)  # the same on every machine


class Paths(NamedTuple):
    """A graph with lengths, whose components are numbered.

    Attributes
    ----------
    indptr, indices : ndarray
        Edges in both directions, in compressed rows.
    lengths : ndarray of shape (n_edges,), float32
        Length of every edge.
    mass : ndarray of shape (n,), float32
        Rows that every vertex stands for.
    component : ndarray of shape (n,), int32
        The component of every vertex.
    """

    indptr: np.ndarray
    indices: np.ndarray
    lengths: np.ndarray
    mass: np.ndarray
    component: np.ndarray


def pivot_mds_positions(level: Level, lengths: EdgeLengths, n_components: int, seed: int) -> np.ndarray:
    """Pivot MDS (Brandes, Pich, Graph Drawing 2006) by shortest paths; components side by side, larger ones inside."""
    levels = [level]
    while levels[-1].n_vertices > MOST_VERTICES:
        coarse = coarsen(levels[-1], seed, len(levels) - 1)
        if coarse is None:
            break
        lengths = coarser_lengths(lengths, coarse)
        levels.append(coarse)
    positions = positions_of_components(paths_of(lengths, levels[-1].mass), n_components, seed)
    for finer, coarser in zip(levels[-2::-1], levels[:0:-1], strict=True):
        positions = positions[coarser.owner]
        positions = (positions + means_of_neighbors(finer, positions)) / 2
    return positions.astype(np.float32)


def means_of_neighbors(level: Level, positions: np.ndarray) -> np.ndarray:
    """Weighted means of the vertices that each one lists, and of its own position by the edges inside of it."""
    shape = (level.n_vertices, level.n_vertices)
    graph = csr_array((level.weights * np.float32(level.scale), level.indices, level.indptr), shape)
    outside = graph.sum(1, dtype=np.float64)
    inside = np.maximum(level.degree - outside, np.finfo(np.float32).tiny)
    return (graph @ positions + inside[:, None] * positions) / (outside + inside)[:, None]


def paths_of(lengths: EdgeLengths, mass: np.ndarray) -> Paths:
    """Edges with lengths in both directions, the shorter one of two."""
    n, indptr = len(mass), lengths.indptr
    of_edges = np.repeat(lengths.ends, np.diff(indptr)) + lengths.ends[lengths.indices] + lengths.between
    if len(of_edges) <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)  # else indices are made as wide
    with np.errstate(divide="ignore"):
        reverse = csr_array((1 / of_edges.astype(np.float64), lengths.indices, indptr), (n, n)).T.tocsr()
        graph = reverse.T.tocsr()  # each with the columns of a row in order
        if np.array_equal(graph.indptr, reverse.indptr) and np.array_equal(graph.indices, reverse.indices):
            graph.data = np.maximum(graph.data, reverse.data)
        else:
            graph = graph.maximum(reverse)
        shortest = (1 / graph.data).astype(np.float32)
    component = np.zeros(n, np.int32)
    if len(breadth_first_order(graph, 0, return_predecessors=False)) < n:
        _, component = connected_components(graph, directed=False)
    return Paths(graph.indptr.astype(np.int64), graph.indices.astype(np.int32), shortest, mass, component)


def positions_of_components(paths: Paths, n_components: int, seed: int) -> np.ndarray:
    """Pivot MDS of every component, in a disc of an area by its mass; random where it is too small."""
    n, count = len(paths.mass), int(paths.component.max()) + 1
    sizes = np.bincount(paths.component, minlength=count)
    members = np.split(np.argsort(paths.component, kind="stable"), np.cumsum(sizes)[:-1])
    squared = squared_distances(paths, seed)
    positions = random_positions(n, n_components, seed).astype(float) / 10
    with threadpool_limits(limits=1, user_api="blas"):
        for rows in members:
            if len(rows) > 2 * (n_components + 1):
                positions[rows] = scaled_mds(squared[rows], paths.mass[rows], positions[rows])
    if count == 1:
        return positions
    centers, radii = component_centres(np.bincount(paths.component, paths.mass, count), n_components)
    return centers[paths.component] + radii[paths.component, None] * positions


def squared_distances(paths: Paths, seed: int) -> np.ndarray:
    """Squared distances of every vertex from the pivots of its component, by the shortest paths.

    Pivots come in batches; those of a later one are drawn by a power of the distance to the nearest earlier one, as in
    k-means|| (Bahmani, Moseley, Vattani, Kumar, Vassilvitskii, VLDB 2012), so that they spread over the component.
    """
    n = len(paths.mass)
    bits = np.random.Philox(seed).random_raw(BATCHES * n).reshape(BATCHES, n)
    race = log_of(2.0**53 / ((bits >> np.uint64(11)) + np.uint64(1)))  # exponential variables
    nearest, found = np.ones(n), []
    for batch in range(BATCHES):
        with np.errstate(divide="ignore"):
            arrival = race[batch] / (paths.mass * nearest**SPREAD)
        distances = shortest_paths(paths, first_of_components(arrival, paths.component))
        lowest = np.ascontiguousarray(distances.T).min(0).astype(float)
        nearest = np.minimum(nearest, lowest) if batch else lowest
        found.append(distances)
    return squared_powers(np.concatenate(found, axis=1, dtype=np.float64))


def squared_powers(lengths: np.ndarray) -> np.ndarray:
    """Squares of lengths to the power 3/4, which are distances as well (Schoenberg, Trans. Amer. Math. Soc. 44, 1938).

    The lengths themselves, along a curve, have one axis, and the second one is the noise of the paths; of these the
    second is a bend.
    """
    return lengths * np.sqrt(lengths)


def first_of_components(arrival: np.ndarray, component: np.ndarray) -> np.ndarray:
    """The vertices of every component that arrive first, again and again where it has fewer than there are pivots."""
    order = np.lexsort((arrival, component))
    sizes = np.bincount(component)
    first = np.cumsum(sizes) - sizes
    return order[first[:, None] + np.arange(kernels.PIVOTS) % sizes[:, None]]


def shortest_paths(paths: Paths, pivots: np.ndarray) -> np.ndarray:
    """Lengths of the shortest paths from pivots of its component to every vertex (Bellman 1958, Ford 1956)."""
    distances = np.full((len(paths.mass), kernels.PIVOTS), np.inf, np.float32)
    distances[pivots, np.arange(kernels.PIVOTS)] = 0
    edges = readonly(paths.indptr), readonly(paths.indices), readonly(paths.lengths)
    changed = np.ones(-(-len(distances) // kernels.PATH_BLOCK_ROWS), np.int8)
    backwards = False
    while changed.any():
        kernels.relax_paths(*edges, backwards, distances, changed)
        backwards = not backwards
    return distances


def scaled_mds(squared: np.ndarray, mass: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """Leading axes of classical scaling by pivots, each within [-1, 1]; overwrites the squared distances."""
    share = mass / mass.sum(dtype=np.float64)
    means = (share[:, None] * squared).sum(axis=0)
    centered = np.subtract(squared.mean(1, keepdims=True), squared, out=squared)
    centered -= means.mean()
    centered += means
    centered /= 2
    weighted = centered * np.sqrt(share)[:, None]
    inner = multiply(weighted.T, weighted)
    variances, axes = compute_eigenpairs(inner / max(np.abs(inner).max(), 1e-300))
    leading = multiply(centered, axes[:, : spare.shape[1]])
    enough = variances[: spare.shape[1]] > LEAST_VARIANCE * variances[0]
    positions = np.where(enough, leading, spare)
    return positions / positions[np.argmax(np.abs(positions), axis=0), np.arange(spare.shape[1])]
