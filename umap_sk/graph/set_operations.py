"""Set operations of fuzzy graphs of the same rows, as in umap-learn, and restoring their local connectivity."""

import math

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, compute_fuzzy_union, drop_zeros
from umap_sk.runtime.allocation import Allocate, allocate_in_memory
from umap_sk.runtime.compile import as_readonly

MIN_SUBSTITUTE = 1e-8  # lower bound of the weight that replaces a missing edge
MAX_SUBSTITUTE = 1e-4  # upper bound, for the right graph
RESCALED_NEIGHBORS = 15  # a rescaled row has the membership sum of 15 neighbors, whatever n_neighbors is


def unite(left: FuzzyGraph, right: FuzzyGraph, allocate: Allocate = allocate_in_memory) -> FuzzyGraph:
    """Unite the edges of both graphs, ``a + b - a b``. Half a graph's smallest weight replaces a missing edge."""
    floors = _find_substitute(left.weights), _find_substitute(right.weights)
    return _combine(kernels.UNION, left, right, [*floors, *floors, 1, 1], allocate)


def intersect(
    left: FuzzyGraph, right: FuzzyGraph, mix_weight: float = 0.5, allocate: Allocate = allocate_in_memory
) -> FuzzyGraph:
    """Intersect both graphs, ``a b`` with the less important factor raised to a power below 1.

    For a `mix_weight` below 0.5 this factor is b, to the power of ``mix / (1 - mix)``. Above 0.5 it is a, to the power
    of ``(1 - mix) / mix``. Half a graph's smallest weight, or less, replaces a missing edge.
    """
    floors = _find_substitute(left.weights), min(MAX_SUBSTITUTE, _find_substitute(right.weights))
    of_left = min(1.0, (1 - mix_weight) / mix_weight) if mix_weight else 1.0
    of_right = min(1.0, mix_weight / (1 - mix_weight)) if mix_weight < 1 else 1.0
    return _combine(kernels.INTERSECTION, left, right, [*floors, *floors, of_left, of_right], allocate)


def subtract(left: FuzzyGraph, right: FuzzyGraph, *, keep_unshared: bool = False) -> FuzzyGraph:
    """Weaken edges of the left graph, ``a (1 - b)``. If b is missing, 1 - b is 1e-8 to 1e-4, or 1 on request."""
    least = max(MIN_SUBSTITUTE, (1 - float(right.weights.max())) / 2)
    floors = _find_substitute(left.weights), min(MAX_SUBSTITUTE, least)
    lacking = floors[0], 1.0 if keep_unshared else floors[1]
    return _combine(kernels.DIFFERENCE, left, right, [*lacking, *floors, 1, 1], allocate_in_memory)


def restore_connectivity(
    graph: FuzzyGraph, *, rescale: bool = False, symmetrize: bool = True, allocate: Allocate = allocate_in_memory
) -> FuzzyGraph:
    """Divide each row by its largest weight, and unite both directions.

    With `rescale`, each row is raised to the power at which its sum is log2(15). The weights are overwritten.
    """
    kernels.restore_rows(as_readonly(graph.indptr), graph.weights, math.log2(RESCALED_NEIGHBORS) if rescale else 0.0)
    return unite_rows(graph, symmetrize, allocate)


def unite_rows(graph: FuzzyGraph, symmetrize: bool, allocate: Allocate = allocate_in_memory) -> FuzzyGraph:
    """Unite both directions, or keep the rows as they are, without edges of weight 0."""
    return compute_fuzzy_union(graph, allocate=allocate) if symmetrize else drop_zeros(graph, allocate)


def _find_substitute(weights: np.ndarray) -> float:
    """Return the weight that replaces a missing edge."""
    return max(MIN_SUBSTITUTE, float(weights.min()) / 2)


def _combine(
    operation: int, left: FuzzyGraph, right: FuzzyGraph, settings: list[float], allocate: Allocate
) -> FuzzyGraph:
    """Combine the weights of the edges of both graphs, or for a difference those of the left graph."""
    arrays = [as_readonly(array) for array in (*left, *right)]
    indptr = left.indptr
    if operation != kernels.DIFFERENCE:
        lengths = np.empty(len(left.indptr) - 1, np.int64)
        kernels.count_either(*arrays[:2], *arrays[3:5], lengths)
        indptr = np.zeros_like(left.indptr)
        np.cumsum(lengths, out=indptr[1:])
    indices = allocate("indices", int(indptr[-1]), left.indices.dtype)
    weights = allocate("weights", int(indptr[-1]), np.float32)
    kernels.merge_graphs(*arrays, operation, np.array(settings, np.float64), as_readonly(indptr), indices, weights)
    return FuzzyGraph(indptr, indices, weights)
