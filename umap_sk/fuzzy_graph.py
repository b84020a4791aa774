"""The fuzzy graph: memberships of both directions in one weighted graph."""

from typing import NamedTuple

import numba
import numpy as np

from umap_sk import kernels
from umap_sk._numba import readonly
from umap_sk.neighbors import Neighbors
from umap_sk.scales import local_scales, membership_strengths

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
) -> FuzzyGraph:
    """Fuzzy graph of neighbors, whose arrays are used up: strengths take the place of their distances.

    Parameters
    ----------
    neighbors : Neighbors
        Rows of (index, distance), sorted by distance.
    n_neighbors : int
        Neighbors that a row's scale stands for, the point itself included.
    local_connectivity : float
        See :func:`umap_sk.scales.local_scales`.
    set_op_mix_ratio : float
        1 for the fuzzy union of both directions, 0 for their intersection, mixed in between.
    symmetrize : bool
        False leaves the graph directed: each row holds its own neighbors.

    Returns
    -------
    FuzzyGraph
        The graph; edges whose weight is 0 in float32 are left out.
    """
    scales = local_scales(neighbors, n_neighbors, local_connectivity)
    strengths = membership_strengths(neighbors, scales, out=neighbors.distances)
    del scales
    kernels.sort_rows(readonly(neighbors.indptr), neighbors.indices, strengths)
    directed = FuzzyGraph(neighbors.indptr, neighbors.indices, strengths)
    return fuzzy_union(directed, set_op_mix_ratio) if symmetrize else without_zeros(directed)


def fuzzy_union(directed: FuzzyGraph, set_op_mix_ratio: float = 1.0) -> FuzzyGraph:
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
    kernels.place_received(own, received, indptr[1:])
    np.cumsum(indptr, out=indptr)
    indices = np.empty(indptr[-1], directed.indices.dtype)
    weights = np.empty(indptr[-1], np.float32)
    kernels.fill_union(*arrays, ratio, own, received, readonly(indptr), indices, weights)
    return FuzzyGraph(indptr, indices, weights)


def without_zeros(graph: FuzzyGraph) -> FuzzyGraph:
    """Graph without edges of weight 0; the same arrays where there are none.

    Parameters
    ----------
    graph : FuzzyGraph
        Any graph.

    Returns
    -------
    FuzzyGraph
        The graph of its positive edges.
    """
    if len(graph.weights) == 0 or graph.weights.min() > 0:
        return graph
    kept = graph.weights > 0
    indptr = np.concatenate([[0], np.cumsum(kept)])[graph.indptr]
    return FuzzyGraph(indptr, graph.indices[kept], graph.weights[kept])
