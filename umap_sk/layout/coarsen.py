"""Coarse levels: smaller and smaller versions of the fuzzy graph, by aggregation."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph import few_rows
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.side_by_side import compute_prefix_sums, take_rows

COARSEST_VERTICES = 25_000  # A graph with at most this number of vertices needs no coarse level.
PLANE_SHARE = 0.4  # of that number, for maps with two dimensions, whose coarse levels have a field
MAX_KEPT_SHARE = 0.7  # A coarse level with a larger share of the vertices is not used.
MAX_LUBY_ROUNDS = 12
MIN_COARSE_WEIGHT = 0.15  # of an edge between groups: a quarter of them is weaker, with a twentieth of the weight
EDGES_PER_MERGE = 2**21  # edges of the finer level that are merged in one call


class Level(NamedTuple):
    """A level: a weighted graph in compressed rows, whose vertices are groups of rows."""

    indptr: np.ndarray  # int64
    indices: np.ndarray  # int32 or uint32, like owner and root
    weights: np.ndarray  # float32
    scale: float  # factor of the weights that makes the largest weight of the finest level 1
    degree: np.ndarray  # float32 sum of the scaled weights of all edges of a vertex's rows, also those within it
    mass: np.ndarray  # float32 number of rows in each vertex
    owner: np.ndarray  # the vertex here of each vertex of the next finer level; empty on the finest
    root: np.ndarray  # the vertex of the next finer level from which each group was formed; empty on the finest

    @property
    def n_vertices(self) -> int:
        """Number of vertices of this level."""
        return len(self.indptr) - 1

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read-only views of indptr, indices (as uint32) and weights for the kernels."""
        return as_readonly(self.indptr), as_readonly(self.indices.view(np.uint32)), as_readonly(self.weights)


def make_finest_level(graph: FuzzyGraph) -> Level:
    """Return the fuzzy graph itself as a level, which shares its arrays."""
    scale = 1.0 / float(graph.weights.max())
    degree = np.empty(len(graph.indptr) - 1, np.float32)
    row_sums = few_rows.sum_rows if few_rows.are_few(graph.indptr) else kernels.row_sums
    row_sums(as_readonly(graph.indptr), as_readonly(graph.weights), np.float32(scale), degree)
    mass = np.broadcast_to(np.float32(1), degree.shape)
    none = np.empty(0, graph.indices.dtype)
    return Level(*graph, scale, degree, mass, none, none)


def build_levels(
    graph: FuzzyGraph, seed: int, largest: int = COARSEST_VERTICES, *, n_components: int = 2
) -> tuple[Level, ...]:
    """Coarsen a graph while :func:`needs_coarsening` is true and the number of vertices falls."""
    is_too_large = partial(needs_coarsening, largest=largest, n_components=n_components)
    return tuple(coarsen_while(is_too_large, make_finest_level(graph), seed))


def coarsen_while(is_too_large: Callable[[int, int], bool], level: Level, seed: int, depth: int = 0) -> list[Level]:
    """Return a level of some depth and coarser ones, while the last has too many vertices at its depth."""
    levels = [level]
    while is_too_large(levels[-1].n_vertices, depth + len(levels) - 1):
        coarse = coarsen(levels[-1], seed, depth + len(levels) - 1)
        if coarse is None:
            break
        levels.append(coarse)
    return levels


def needs_coarsening(n_vertices: int, depth: int, largest: int = COARSEST_VERTICES, *, n_components: int = 2) -> bool:
    """Return whether a level is too large to be the coarsest one. Coarse levels may be twice as large as the graph.

    A few thousand vertices are too few to arrange hundreds of thousands of rows. In more than two dimensions, where
    repulsion is sampled, ten thousand rows are arranged best without any coarse level.
    """
    share = 2 if depth else PLANE_SHARE if n_components == 2 else 1
    return n_vertices > share * largest


def find_independent_set(level: Level, seed: int, depth: int) -> np.ndarray:
    """Return the members (1) of a maximal independent set, found by Luby's rounds with hashed priorities.

    Vertices that are undecided after the last round become members (M. Luby, "A simple parallel algorithm for the
    maximal independent set problem", SIAM J. Comput. 15, 1986).
    """
    state = np.zeros(level.n_vertices, np.int8)
    decided = np.zeros_like(state)
    for _ in range(MAX_LUBY_ROUNDS):
        kernels.choose_members(as_readonly(state), 0, *level.edges[:2], seed, depth, decided)
        kernels.exclude_neighbors(as_readonly(decided), 0, *level.edges[:2], state)
        if state.min() > 0:
            return state
    state[state == 0] = 1
    return state


def coarsen(level: Level, seed: int, depth: int) -> Level | None:
    """Merge each vertex with its strongest neighbor in an independent set. Return None if too many vertices remain."""
    state = find_independent_set(level, seed, depth)
    number = compute_prefix_sums(state == 1, level.indices.dtype)  # index of each member
    size = int(number[-1])
    if size > MAX_KEPT_SHARE * level.n_vertices:
        return None
    owner = np.empty(level.n_vertices, level.indices.dtype)
    kernels.aggregate_strongest(as_readonly(state), as_readonly(number), 0, *level.edges, owner)
    root = np.flatnonzero(state == 1).astype(owner.dtype)
    del state, number
    graph = merge_edges(level.edges, owner, size, Merging(level.scale, MIN_COARSE_WEIGHT))
    return Level(*graph, 1.0, *sum_members(level, owner, size), owner, root)


def sum_members(level: Level, owner: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the degree and the mass of each group of vertices."""
    degree = np.bincount(owner, level.degree, size).astype(np.float32)
    mass = np.bincount(owner, None if level.mass.strides == (0,) else level.mass, size).astype(np.float32)
    return degree, mass


class Merging(NamedTuple):
    """Options for merging the edges between the members of two groups into one edge.

    Weights are added. If there are `paths`, weights are lengths, and the merged edge is the shortest path between two
    roots. The path of a vertex is that from the end of one of its edges to the root of its group.
    """

    scale: float = 1.0  # factor of the weights
    least: float = -np.inf  # weaker edges are removed, unless they are the strongest of their vertex
    paths: np.ndarray = np.empty(0, np.float32)


def merge_edges(
    edges: tuple[np.ndarray, np.ndarray, np.ndarray], owner: np.ndarray, size: int, merging: Merging
) -> FuzzyGraph:
    """Merge all edges between two groups into one edge, and drop the edges within groups."""
    bounds = compute_prefix_sums(np.bincount(owner, minlength=size))
    members = np.empty(len(owner), owner.dtype)
    kernels.group_members(owner, bounds, members)
    room = take_rows(
        compute_prefix_sums(take_rows(np.diff(edges[0]), members)), bounds
    )  # prefix sums of the members' edges
    lengths = np.empty(size, np.int64)
    parts = []
    first = 0
    while first < size:
        last = max(first + 1, int(np.searchsorted(room, room[first] + EDGES_PER_MERGE, "right")) - 1)
        starts = room[first : last + 1] - room[first]
        groups = bounds[first : last + 1], members, *edges
        parts.append(merge_rows(groups, owner, merging, merging.paths, first, starts, lengths[first:last]))
        first = last
    indptr = compute_prefix_sums(lengths)
    return FuzzyGraph(indptr, *(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def merge_rows(
    groups: tuple[np.ndarray, ...],
    owner: np.ndarray,
    merging: Merging,
    own_paths: np.ndarray,
    first: int,
    starts: np.ndarray,
    lengths: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices and the weights of some rows of the coarse graph, and write their `lengths`."""
    indices, weights = np.empty(starts[-1], owner.dtype), np.empty(starts[-1], np.float32)
    paths = as_readonly(own_paths), as_readonly(merging.paths)
    rules = np.float32(merging.scale), np.float32(merging.least), owner, *paths
    kernels.coarse_rows(*groups, *rules, first, as_readonly(starts), indices, weights, lengths)
    kernels.close_gaps(as_readonly(starts), as_readonly(lengths), indices, weights)
    kept = int(lengths.sum())
    return indices[:kept].copy(), weights[:kept].copy()
