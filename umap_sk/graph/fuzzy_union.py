"""The fuzzy graph, which joins the memberships of both directions in one weighted graph."""

from typing import NamedTuple, NoReturn

import numba
import numpy as np

from umap_sk import kernels
from umap_sk.graph import few_rows
from umap_sk.graph.scales import compute_memberships
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.allocation import Allocate, allocate_in_memory, release_free_memory
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.side_by_side import compute_prefix_sums, map_blocks

MAX_PARTS = 8  # parts of the rows that count edges separately; each takes 4 bytes per vertex


class FuzzyGraph(NamedTuple):
    """Weighted graph in compressed rows, each sorted by index."""

    indptr: np.ndarray  # int64
    indices: np.ndarray  # int32 or uint32
    weights: np.ndarray  # float32 membership strengths in (0, 1]


def fuzzy_graph(
    neighbors: Neighbors,
    n_neighbors: int,
    *,
    local_connectivity: float = 1.0,
    set_op_mix_ratio: float = 1.0,
    symmetrize: bool = True,
    allocate: Allocate = allocate_in_memory,
) -> FuzzyGraph:
    """Build the fuzzy graph of neighbors sorted by distance, without edges whose weight is 0 in float32.

    The neighbors' arrays are overwritten: strengths replace distances. `set_op_mix_ratio` is 1 for the fuzzy union of
    both directions and 0 for their intersection. Without `symmetrize`, each row keeps its own neighbors only.
    """
    strengths = compute_memberships(neighbors, n_neighbors, local_connectivity, out=neighbors.distances)
    sort_rows = few_rows.sort_rows if few_rows.are_few(neighbors.indptr) else kernels.sort_rows
    sort_rows(as_readonly(neighbors.indptr), neighbors.indices, strengths)
    directed = FuzzyGraph(neighbors.indptr, neighbors.indices, strengths)
    graph = compute_fuzzy_union(directed, set_op_mix_ratio, allocate) if symmetrize else drop_zeros(directed, allocate)
    if not len(graph.indices):
        raise_no_edge(set_op_mix_ratio)
    return graph


def raise_no_edge(set_op_mix_ratio: float) -> NoReturn:
    """Raise the error for neighbors that leave no edge."""
    raise ValueError(
        f"The graph has no edge: set_op_mix_ratio={set_op_mix_ratio} keeps only edges between rows that list each "
        "other, and there are none. Increase it (1 keeps every edge), or search for more neighbors."
    )


def compute_fuzzy_union(
    directed: FuzzyGraph, set_op_mix_ratio: float = 1.0, allocate: Allocate = allocate_in_memory
) -> FuzzyGraph:
    """Make a directed graph symmetric, ``mix (A + A') + (1 - 2 mix) A o A'`` (McInnes et al. 2018, section 4.1).

    Neither the transpose nor a copy of the graph is built. Both entries of a mutual edge get the final weight in place.
    An edge that only its source lists is first counted and then written in its target's row, where it is merged with
    the row's own edges. The weights of `directed` are overwritten.
    """
    n = len(directed.indptr) - 1
    ratio = np.float32(set_op_mix_ratio)
    if few_rows.are_few(directed.indptr):
        return copy_to_allocated(few_rows.unite_directions(*directed, ratio), allocate)
    kernels.join_mutual(as_readonly(directed.indptr), as_readonly(directed.indices), directed.weights, ratio)
    arrays = tuple(as_readonly(array) for array in directed)
    lengths = np.empty(n, np.int32)
    received = np.zeros((min(numba.get_num_threads(), MAX_PARTS), n), np.int32)
    kernels.count_union(*arrays, ratio, lengths, received)
    indptr = compute_prefix_sums(place_received(lengths, received))
    del lengths
    edges = int(indptr[-1])
    release_free_memory(8 * edges)
    indices, weights = allocate("indices", edges, directed.indices.dtype), allocate("weights", edges, np.float32)
    kernels.fill_received(*arrays, ratio, received, as_readonly(indptr), indices, weights)
    del received  # free it before the last pages of the new arrays are written
    kernels.merge_received(*arrays, ratio, as_readonly(indptr), indices, weights)
    return FuzzyGraph(indptr, indices, weights)


def copy_to_allocated(graph: tuple[np.ndarray, np.ndarray, np.ndarray], allocate: Allocate) -> FuzzyGraph:
    """Copy a graph into arrays from `allocate`."""
    indptr, *arrays = graph
    kept = [allocate(name, len(array), array.dtype) for name, array in zip(("indices", "weights"), arrays, strict=True)]
    for to, array in zip(kept, arrays, strict=True):
        to[:] = array
    return FuzzyGraph(indptr, *kept)


def place_received(lengths: np.ndarray, received: np.ndarray) -> np.ndarray:
    """Return the lengths of rows, and turn the counts `received` (n_parts, n) into positions of each part's edges.

    A row has first the edges that it lists (`lengths`, overwritten), and then those that it receives, by part.
    """

    def place(block: slice) -> None:
        for counts in received[:, block]:
            lengths[block] += counts
            np.subtract(lengths[block], counts, out=counts)

    map_blocks(place, len(lengths))
    return lengths


def drop_zeros(graph: FuzzyGraph, allocate: Allocate = allocate_in_memory) -> FuzzyGraph:
    """Return the graph without edges of weight 0, or the same arrays if there are none."""
    edges = int(np.count_nonzero(graph.weights))
    if edges == len(graph.weights):
        return graph
    indptr = np.zeros_like(graph.indptr)
    indices = allocate("indices", edges, graph.indices.dtype)
    weights = allocate("weights", edges, np.float32)
    to = 0
    for first in range(0, len(indptr) - 1, kernels.BLOCK_ROWS):
        bounds = graph.indptr[first : first + kernels.BLOCK_ROWS + 1]
        block = slice(int(bounds[0]), int(bounds[-1]))
        kept = graph.weights[block] > 0
        ends = to + np.cumsum(np.concatenate([[0], kept]))
        indptr[first : first + len(bounds)] = ends[bounds - bounds[0]]
        indices[to : ends[-1]], weights[to : ends[-1]] = graph.indices[block][kept], graph.weights[block][kept]
        to = int(ends[-1])
    return FuzzyGraph(indptr, indices, weights)
