"""Targets in a fuzzy graph: edges between different labels weakened, or the graph of the targets intersected."""

import math

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.graph.set_operations import intersection, locally_connected, united_rows
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.allocation import Allocate, in_memory
from umap_sk.runtime.compile import readonly

UNKNOWN_DISTANCE = 1.0  # of a row without a label from any other, as in umap-learn
FAR = 2.5  # distance of different labels, divided by 1 - weight


def with_labels(
    graph: FuzzyGraph, labels: np.ndarray, weight: float, *, symmetrize: bool = True, allocate: Allocate = in_memory
) -> FuzzyGraph:
    """Graph whose edges between different labels (int32, -1 unknown) are weakened; its weights are used up."""
    different = math.exp(-FAR / (1 - weight)) if weight < 1 else 0.0
    arrays = readonly(graph.indptr), readonly(graph.indices), graph.weights
    kernels.weigh_by_labels(*arrays, readonly(labels), math.exp(-UNKNOWN_DISTANCE), different)
    return united_rows(graph, symmetrize, allocate)


def with_numbers(
    graph: FuzzyGraph,
    near: Neighbors,
    n_neighbors: int,
    weight: float,
    *,
    symmetrize: bool = True,
    allocate: Allocate = in_memory,
) -> FuzzyGraph:
    """Graph intersected with that of the targets, of which the nearest are given; these are used up."""
    of_targets = fuzzy_graph(near, n_neighbors, symmetrize=False)
    both = intersection(graph, of_targets, weight, under_another_name(allocate, "mixed"))
    return locally_connected(both, symmetrize=symmetrize, allocate=allocate)


def under_another_name(allocate: Allocate, prefix: str) -> Allocate:
    """Makes arrays that are needed on the way only, so that in files they do not lie where the graph will."""
    return lambda name, length, dtype: allocate(f"{prefix}_{name}", length, dtype)
