"""Lengths of edges of coarse levels: the shortest paths between the roots of groups."""

from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.layout.coarsen import Level, Merging, merge_edges
from umap_sk.runtime.compile import as_readonly

ZERO_LENGTH = np.zeros(1, np.float32)  # between the ends of all edges of the finest level


class EdgeLengths(NamedTuple):
    """The edges of a level with their lengths, including edges that are too weak for the level.

    The length of an edge is the sum of a number for each end and a number for the edge. The unit is twice the largest
    mean distance of a row to its neighbors.
    """

    indptr: np.ndarray
    indices: np.ndarray
    between: np.ndarray  # float32 number for each edge, or one for all edges of the finest level, which is 0
    ends: np.ndarray  # float32 number for each end: half the mean distance on the finest level, and 0 on others

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read-only views of indptr, indices (as uint32) and `between` for the kernels."""
        return as_readonly(self.indptr), as_readonly(self.indices.view(np.uint32)), as_readonly(self.between)


def make_finest_lengths(level: Level, distances: np.ndarray) -> EdgeLengths:
    """Return the lengths of the finest level's edges from the mean distances of the rows to their neighbors."""
    return EdgeLengths(level.indptr, level.indices, ZERO_LENGTH, compute_end_lengths(distances))


def compute_end_lengths(distances: np.ndarray) -> np.ndarray:
    """Return the contribution of each row to the lengths of its edges.

    The mean distances are scaled, since sums of distances can overflow in float32.
    """
    return (distances / (distances.max() or 1) / 2).astype(np.float32)


def coarsen_lengths(lengths: EdgeLengths, coarse: Level) -> EdgeLengths:
    """Return the lengths of the next coarser level's edges."""
    paths = np.empty_like(lengths.ends)
    edges = lengths.edges
    kernels.paths_to_roots(
        as_readonly(coarse.root), as_readonly(coarse.owner), 0, *edges, as_readonly(lengths.ends), paths
    )
    graph = merge_edges(edges, coarse.owner, coarse.n_vertices, Merging(paths=paths))
    return EdgeLengths(*graph, np.zeros(coarse.n_vertices, np.float32))


def coarsen_to_last_level(levels: list[Level], lengths: EdgeLengths) -> EdgeLengths:
    """Return the lengths of the coarsest level's edges from those of the finest level."""
    for coarse in levels[1:]:
        lengths = coarsen_lengths(lengths, coarse)
    return lengths
