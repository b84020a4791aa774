"""Set operations of fuzzy graphs of the same rows, as umap-learn's, and the local connectivity that they restore."""

import math

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_union, without_zeros
from umap_sk.runtime.allocation import Allocate, in_memory
from umap_sk.runtime.compile import readonly

SMALLEST = 1e-8  # that stands for an edge that a graph lacks, at least
SMALL = 1e-4  # and at most, in the graph that another one is intersected with
NEIGHBORS = 15  # whose sum of memberships, log2(15), a combined row is brought to, whatever n_neighbors is


def union(left: FuzzyGraph, right: FuzzyGraph, allocate: Allocate = in_memory) -> FuzzyGraph:
    """Edges of both graphs, ``a + b - a b``; half a graph's smallest weight stands for an edge that it lacks."""
    floors = _floor(left.weights), _floor(right.weights)
    return _combined(kernels.UNION, left, right, [*floors, *floors, 1, 1], allocate)


def intersection(
    left: FuzzyGraph, right: FuzzyGraph, mix_weight: float = 0.5, allocate: Allocate = in_memory
) -> FuzzyGraph:
    """Edges of both graphs, ``a b`` with the less important one raised to a power below 1.

    For a `mix_weight` below 0.5 that is b, to the power of ``mix / (1 - mix)``; above it is a, to
    ``(1 - mix) / mix``. Half a graph's smallest weight, or less, stands for an edge that it lacks.
    """
    floors = _floor(left.weights), min(SMALL, _floor(right.weights))
    of_left = min(1.0, (1 - mix_weight) / mix_weight) if mix_weight else 1.0
    of_right = min(1.0, mix_weight / (1 - mix_weight)) if mix_weight < 1 else 1.0
    return _combined(kernels.INTERSECTION, left, right, [*floors, *floors, of_left, of_right], allocate)


def difference(left: FuzzyGraph, right: FuzzyGraph, *, keep_unshared: bool = False) -> FuzzyGraph:
    """Edges of the left graph, ``a (1 - b)``; where b lacks one, 1e-8 to 1e-4 stand for 1 - b, or 1 if it is kept."""
    floors = _floor(left.weights), min(SMALL, max(SMALLEST, (1 - float(right.weights.max())) / 2))
    lacking = floors[0], 1.0 if keep_unshared else floors[1]
    return _combined(kernels.DIFFERENCE, left, right, [*lacking, *floors, 1, 1], in_memory)


def locally_connected(
    graph: FuzzyGraph, *, rescale: bool = False, symmetrize: bool = True, allocate: Allocate = in_memory
) -> FuzzyGraph:
    """Graph whose rows have a weight of 1 again: each divided by its largest, and both directions united.

    With `rescale` each row is raised to the power at which it adds up to log2(15). The weights given are used up.
    """
    kernels.restore_rows(readonly(graph.indptr), graph.weights, math.log2(NEIGHBORS) if rescale else 0.0)
    return united_rows(graph, symmetrize, allocate)


def united_rows(graph: FuzzyGraph, symmetrize: bool, allocate: Allocate = in_memory) -> FuzzyGraph:
    """Both directions united, or the rows as they are; no edge of weight 0."""
    return fuzzy_union(graph, allocate=allocate) if symmetrize else without_zeros(graph, allocate)


def _floor(weights: np.ndarray) -> float:
    """What stands for an edge that a graph lacks."""
    return max(SMALLEST, float(weights.min()) / 2)


def _combined(
    operation: int, left: FuzzyGraph, right: FuzzyGraph, settings: list[float], allocate: Allocate
) -> FuzzyGraph:
    """Rows with the edges of both graphs, or for a difference of the left one, and their combined weights."""
    given = [readonly(array) for array in (*left, *right)]
    indptr = left.indptr
    if operation != kernels.DIFFERENCE:
        lengths = np.empty(len(left.indptr) - 1, np.int64)
        kernels.count_either(*given[:2], *given[3:5], lengths)
        indptr = np.zeros_like(left.indptr)
        np.cumsum(lengths, out=indptr[1:])
    indices = allocate("indices", int(indptr[-1]), left.indices.dtype)
    weights = allocate("weights", int(indptr[-1]), np.float32)
    kernels.merge_graphs(*given, operation, np.array(settings, np.float64), readonly(indptr), indices, weights)
    return FuzzyGraph(indptr, indices, weights)
