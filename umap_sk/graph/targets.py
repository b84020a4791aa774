"""Targets in a fuzzy graph: weaker edges between different labels, or an intersection with the targets' graph."""

import math

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.graph.set_operations import intersect, restore_connectivity, unite_rows
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.allocation import Allocate, allocate_in_memory
from umap_sk.runtime.compile import as_readonly

UNKNOWN_DISTANCE = 1.0  # between a row without a label and any other, as in umap-learn
LABEL_DISTANCE = 2.5  # distance between different labels, divided by 1 - weight


def weaken_between_labels(
    graph: FuzzyGraph,
    labels: np.ndarray,
    weight: float,
    *,
    symmetrize: bool = True,
    allocate: Allocate = allocate_in_memory,
) -> FuzzyGraph:
    """Weaken the edges between different labels (int32, -1 unknown). The graph's weights are overwritten."""
    different = math.exp(-LABEL_DISTANCE / (1 - weight)) if weight < 1 else 0.0
    arrays = as_readonly(graph.indptr), as_readonly(graph.indices), graph.weights
    kernels.weigh_by_labels(*arrays, as_readonly(labels), math.exp(-UNKNOWN_DISTANCE), different)
    return unite_rows(graph, symmetrize, allocate)


def intersect_with_numbers(
    graph: FuzzyGraph,
    near: Neighbors,
    n_neighbors: int,
    weight: float,
    *,
    symmetrize: bool = True,
    allocate: Allocate = allocate_in_memory,
) -> FuzzyGraph:
    """Intersect a graph with that of the nearest targets, which are overwritten."""
    of_targets = fuzzy_graph(near, n_neighbors, symmetrize=False)
    both = intersect(graph, of_targets, weight, add_name_prefix(allocate, "mixed"))
    return restore_connectivity(both, symmetrize=symmetrize, allocate=allocate)


def add_name_prefix(allocate: Allocate, prefix: str) -> Allocate:
    """Return an allocator with prefixed names, so that temporary files do not take the names of the graph's files."""
    return lambda name, length, dtype: allocate(f"{prefix}_{name}", length, dtype)
