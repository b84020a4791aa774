"""The fuzzy graph: memberships of both directions in one weighted graph."""

from typing import NamedTuple

import numba
import numpy as np

from umap_sk import kernels
from umap_sk.graph.scales import membership_strengths
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.allocation import Allocate, in_memory
from umap_sk.runtime.compile import readonly

MOST_PARTS = 8  # parts of the rows that count the edges they send; each takes 4 bytes a vertex


class FuzzyGraph(NamedTuple):
    """Weighted graph in compressed rows, each sorted by index.

    Attributes
    ----------
    indptr : ndarray of shape (n + 1,), int64
        Where each row begins.
    indices : ndarray of shape (n_edges,), int32 or uint32
        Other end of every edge.
    weights : ndarray of shape (n_edges,), float32
        Membership strength of every edge, in (0, 1].
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray


def fuzzy_graph(
    neighbors: Neighbors,
    n_neighbors: int,
    *,
    local_connectivity: float = 1.0,
    set_op_mix_ratio: float = 1.0,
    symmetrize: bool = True,
    allocate: Allocate = in_memory,
) -> FuzzyGraph:
    """Fuzzy graph of neighbors, whose arrays are used up: strengths take the place of their distances.

    Parameters
    ----------
    neighbors : Neighbors
        Rows of (index, distance), sorted by distance.
    n_neighbors : int
        Neighbors that a row's scale stands for, the point itself included.
    local_connectivity : float
        See :func:`umap_sk.graph.scales.local_scales`.
    set_op_mix_ratio : float
        1 for the fuzzy union of both directions, 0 for their intersection, mixed in between.
    symmetrize : bool
        False leaves the graph directed: each row holds its own neighbors.
    allocate : callable
        Makes the arrays for indices and weights.

    Returns
    -------
    FuzzyGraph
        The graph; edges whose weight is 0 in float32 are left out.

    Raises
    ------
    ValueError
        If no edge is left: an intersection where no two rows list each other.
    """
    strengths = membership_strengths(neighbors, n_neighbors, local_connectivity, out=neighbors.distances)
    kernels.sort_rows(readonly(neighbors.indptr), neighbors.indices, strengths)
    directed = FuzzyGraph(neighbors.indptr, neighbors.indices, strengths)
    graph = fuzzy_union(directed, set_op_mix_ratio, allocate) if symmetrize else without_zeros(directed, allocate)
    if not len(graph.indices):
        raise ValueError(
            f"The graph has no edge: set_op_mix_ratio={set_op_mix_ratio} keeps edges of rows that list each other, and "
            "no two do. Raise it (1 keeps every edge), or search for more neighbors."
        )
    return graph


def fuzzy_union(directed: FuzzyGraph, set_op_mix_ratio: float = 1.0, allocate: Allocate = in_memory) -> FuzzyGraph:
    """Make a directed graph symmetric, ``mix (A + A') + (1 - 2 mix) A o A'`` (McInnes et al. 2018, section 4.1).

    Neither the transpose nor any copy of the graph is built. Both entries of a mutual edge take the final weight
    where they lie; an edge that only its source lists is counted, then written, at its target's row, and each row's
    own edges are merged in.

    Parameters
    ----------
    directed : FuzzyGraph
        Memberships of the neighbors of each row; its weights are used up.
    set_op_mix_ratio : float
        Mixture of union (1) and intersection (0).
    allocate : callable
        Makes the arrays for indices and weights.

    Returns
    -------
    FuzzyGraph
        The symmetric graph.
    """
    n = len(directed.indptr) - 1
    ratio = np.float32(set_op_mix_ratio)
    kernels.join_mutual(readonly(directed.indptr), readonly(directed.indices), directed.weights, ratio)
    arrays = tuple(readonly(array) for array in directed)
    own = np.empty(n, np.int32)
    received = np.zeros((min(numba.get_num_threads(), MOST_PARTS), n), np.int32)
    kernels.count_union(*arrays, ratio, own, received)
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(place_received(own, received), out=indptr[1:])
    indices = allocate("indices", int(indptr[-1]), directed.indices.dtype)
    weights = allocate("weights", int(indptr[-1]), np.float32)
    kernels.fill_received(*arrays, ratio, received, readonly(indptr), indices, weights)
    kernels.merge_received(*arrays, ratio, readonly(indptr), indices, weights)
    return FuzzyGraph(indptr, indices, weights)


def place_received(own: np.ndarray, received: np.ndarray) -> np.ndarray:
    """Turn the counts of every part's edges at every row into the places of the first of them.

    Parameters
    ----------
    own : ndarray of shape (n,), int32
        The rows' own edges, which come first; used up.
    received : ndarray of shape (n_parts, n), int32
        Counts, which become places in the rows, behind earlier parts' edges.

    Returns
    -------
    ndarray of shape (n,), int32
        Lengths of the rows.
    """
    for counts in received:
        own += counts
        np.subtract(own, counts, out=counts)
    return own


def without_zeros(graph: FuzzyGraph, allocate: Allocate = in_memory) -> FuzzyGraph:
    """Graph without edges of weight 0; the same arrays where there are none.

    Parameters
    ----------
    graph : FuzzyGraph
        Any graph.
    allocate : callable
        Makes the arrays for indices and weights.

    Returns
    -------
    FuzzyGraph
        The graph of its positive edges.
    """
    edges = int(np.count_nonzero(graph.weights))
    if edges == len(graph.weights):
        return graph
    indptr = np.zeros_like(graph.indptr)
    indices = allocate("indices", edges, graph.indices.dtype)
    weights = allocate("weights", edges, np.float32)
    to = 0
    for first in range(0, len(indptr) - 1, kernels.BLOCK):
        bounds = graph.indptr[first : first + kernels.BLOCK + 1]
        block = slice(int(bounds[0]), int(bounds[-1]))
        kept = graph.weights[block] > 0
        ends = to + np.cumsum(np.concatenate([[0], kept]))
        indptr[first : first + len(bounds)] = ends[bounds - bounds[0]]
        indices[to : ends[-1]], weights[to : ends[-1]] = graph.indices[block][kept], graph.weights[block][kept]
        to = int(ends[-1])
    return FuzzyGraph(indptr, indices, weights)
