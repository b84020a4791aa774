"""The initial layout "pivot_mds": pivot MDS of the shortest paths on a coarse graph, separately for each component."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from threadpoolctl import threadpool_limits

from umap_sk import kernels
from umap_sk.layout.coarsen import Level, coarsen_while
from umap_sk.layout.components import place_components
from umap_sk.layout.edge_lengths import EdgeLengths, coarsen_to_last_level
from umap_sk.layout.init import draw_positions
from umap_sk.linear_algebra.eigenpairs import compute_eigenpairs
from umap_sk.linear_algebra.products import multiply
from umap_sk.runtime.compile import as_readonly, get_python_function

MAX_PATH_VERTICES = 6_000  # of the graph whose shortest paths are computed: larger graphs are coarsened further
PIVOT_BATCHES = 4  # of kernels.PIVOTS pivots each
PIVOT_SPREAD_POWER = 4  # Later pivots are drawn by this power of the distance to the nearest pivot.
MIN_VARIANCE_SHARE = 1e-8  # of an axis, relative to the first one: smaller variances are rounding errors
log_of = get_python_function(kernels.log_of)  # returns the same bits on every machine


class PathGraph(NamedTuple):
    """A graph in compressed rows with edges in both directions, lengths of edges, and numbered components."""

    indptr: np.ndarray
    indices: np.ndarray
    lengths: np.ndarray  # float32 length of each edge
    mass: np.ndarray  # float32 number of rows in each vertex
    component: np.ndarray  # int32 component of each vertex


def compute_pivot_mds_positions(level: Level, lengths: EdgeLengths, n_components: int, seed: int) -> np.ndarray:
    """Compute pivot MDS (Brandes, Pich, Graph Drawing 2006) of the shortest paths, component by component."""
    levels = coarsen_while(lambda n, _: n > MAX_PATH_VERTICES, level, seed)
    paths = make_path_graph(coarsen_to_last_level(levels, lengths), levels[-1].mass)
    positions = lay_out_components(paths, n_components, seed)
    for finer, coarser in zip(levels[-2::-1], levels[:0:-1], strict=True):
        positions = positions[coarser.owner]
        positions = (positions + average_neighbors(finer, positions)) / 2
    return positions.astype(np.float32)


def average_neighbors(level: Level, positions: np.ndarray) -> np.ndarray:
    """Return the weighted means of the neighbors' positions. The weights within a vertex count for the vertex."""
    shape = (level.n_vertices, level.n_vertices)
    graph = csr_array((level.weights * np.float32(level.scale), level.indices, level.indptr), shape)
    outside = graph.sum(1, dtype=np.float64)
    inside = np.maximum(level.degree - outside, np.finfo(np.float32).tiny)
    return (graph @ positions + inside[:, None] * positions) / (outside + inside)[:, None]


def make_path_graph(lengths: EdgeLengths, mass: np.ndarray) -> PathGraph:
    """Return the edges in both directions, with the smaller one of two lengths."""
    n, indptr = len(mass), lengths.indptr
    of_edges = np.repeat(lengths.ends, np.diff(indptr)) + lengths.ends[lengths.indices] + lengths.between
    if len(of_edges) <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)  # otherwise, scipy would widen the indices
    with np.errstate(divide="ignore"):
        reverse = csr_array((1 / of_edges.astype(np.float64), lengths.indices, indptr), (n, n)).T.tocsr()
        graph = reverse.T.tocsr()  # with sorted columns in both
        if np.array_equal(graph.indptr, reverse.indptr) and np.array_equal(graph.indices, reverse.indices):
            graph.data = np.maximum(graph.data, reverse.data)
        else:
            graph = graph.maximum(reverse)
        shortest = (1 / graph.data).astype(np.float32)
    component = np.zeros(n, np.int32)
    if len(breadth_first_order(graph, 0, return_predecessors=False)) < n:
        _, component = connected_components(graph, directed=False)
    return PathGraph(graph.indptr.astype(np.int64), graph.indices.astype(np.int32), shortest, mass, component)


def lay_out_components(paths: PathGraph, n_components: int, seed: int) -> np.ndarray:
    """Compute pivot MDS of each component in a disc with its mass as the area. Tiny components are random."""
    n, count = len(paths.mass), int(paths.component.max()) + 1
    sizes = np.bincount(paths.component, minlength=count)
    members = np.split(np.argsort(paths.component, kind="stable"), np.cumsum(sizes)[:-1])
    squared = compute_squared_distances(paths, seed)
    positions = draw_positions(n, n_components, seed).astype(float) / 10
    with threadpool_limits(limits=1, user_api="blas"):
        for rows in members:
            if len(rows) > 2 * (n_components + 1):
                part = squared if count == 1 else squared[rows]
                positions[rows] = compute_scaled_mds(part, paths.mass[rows], positions[rows])
    if count == 1:
        return positions
    centers, radii = place_components(np.bincount(paths.component, paths.mass, count), n_components)
    return centers[paths.component] + radii[paths.component, None] * positions


def compute_squared_distances(paths: PathGraph, seed: int) -> np.ndarray:
    """Return the squared distances of the vertices to the pivots of their component.

    A distance is the power 3/4 of the length of the shortest path. These powers are distances as well (Schoenberg,
    Trans. Amer. Math. Soc. 44, 1938). With the lengths themselves, a curve has one axis, and the second axis is the
    noise of the paths. With the powers, the second axis is a bend.

    Pivots come in batches. Later batches are drawn by a power of the distance to the nearest earlier pivot, as in
    k-means|| (Bahmani, Moseley, Vattani, Kumar, Vassilvitskii, VLDB 2012). They therefore spread over the component.
    """
    n = len(paths.mass)
    bits = np.random.Philox(seed).random_raw(PIVOT_BATCHES * n).reshape(PIVOT_BATCHES, n)
    race = log_of(2.0**53 / ((bits >> np.uint64(11)) + np.uint64(1)))  # exponential variables
    nearest, squared = np.ones(n), np.empty((n, PIVOT_BATCHES * kernels.PIVOTS))
    for batch in range(PIVOT_BATCHES):
        with np.errstate(divide="ignore"):
            arrival = race[batch] / (paths.mass * nearest**PIVOT_SPREAD_POWER)
        distances = find_shortest_paths(paths, find_first_of_components(arrival, paths.component))
        lowest = np.ascontiguousarray(distances.T).min(0).astype(float)
        nearest = np.minimum(nearest, lowest) if batch else lowest
        columns = squared[:, batch * kernels.PIVOTS : (batch + 1) * kernels.PIVOTS]
        columns[:] = distances
        columns *= np.sqrt(columns)
    return squared


def find_first_of_components(arrival: np.ndarray, component: np.ndarray) -> np.ndarray:
    """Return the first arrivals of each component, repeated if it has fewer vertices than there are pivots."""
    order = np.lexsort((arrival, component))
    sizes = np.bincount(component)
    first = np.cumsum(sizes) - sizes
    return order[first[:, None] + np.arange(kernels.PIVOTS) % sizes[:, None]]


def find_shortest_paths(paths: PathGraph, pivots: np.ndarray) -> np.ndarray:
    """Return the lengths of the shortest paths from a component's pivots to each vertex (Bellman 1958, Ford 1956)."""
    distances = np.full((len(paths.mass), kernels.PIVOTS), np.inf, np.float32)
    distances[pivots, np.arange(kernels.PIVOTS)] = 0
    edges = as_readonly(paths.indptr), as_readonly(paths.indices), as_readonly(paths.lengths)
    changed = np.ones(-(-len(distances) // kernels.PATH_BLOCK_ROWS), np.int8)
    backwards = False
    while changed.any():
        kernels.relax_paths(*edges, backwards, distances, changed)
        backwards = not backwards
    return distances


def compute_scaled_mds(squared: np.ndarray, mass: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """Return the leading axes of pivot MDS, scaled to [-1, 1]. The squared distances are overwritten.

    Axes beyond the number of pivots, and those without variance, are those of the `spare` positions.
    """
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
    found = leading.shape[1]
    enough = variances[:found] > MIN_VARIANCE_SHARE * variances[0]
    positions = spare.copy()
    positions[:, :found] = np.where(enough, leading, spare[:, :found])
    return positions / positions[np.argmax(np.abs(positions), axis=0), np.arange(spare.shape[1])]
