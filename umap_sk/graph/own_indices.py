"""A directed graph whose indices are the caller's own array, where that is what the graph needs."""

from typing import Any

import numpy as np

from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.runtime.compile import readonly

BLOCK = 2**20  # entries that are compared at a time
USED = "the caller's"


def in_callers_array(graph: FuzzyGraph, knn_indices: Any) -> tuple[FuzzyGraph, str]:
    """The graph with the caller's array in place of a copy of it, if it holds the same in the same order.

    Parameters
    ----------
    graph : FuzzyGraph
        A directed graph, whose rows are sorted by index.
    knn_indices : object or None
        The neighbors that it was learned from.

    Returns
    -------
    graph : FuzzyGraph
        The same bits; its indices may be a read-only view of `knn_indices`, memory map or not.
    note : str
        Whose array it is, and if it is a copy, why.
    """
    reason = _difference(graph.indices, knn_indices)
    if reason:
        return graph, f"a copy ({reason})"
    return graph._replace(indices=readonly(knn_indices).reshape(-1).view(graph.indices.dtype)), USED


def _difference(indices: np.ndarray, given: Any) -> str:
    """Why an array cannot stand for the graph's indices; empty if it can."""
    if not isinstance(given, np.ndarray):
        return "neighbors came in another form than an array"
    if given.dtype not in (np.int32, np.uint32):
        return f"dtype {given.dtype}, not int32 or uint32"
    if not (given.flags.c_contiguous and given.flags.aligned):
        return "not in C order"
    if given.size != len(indices):
        return "it lists own rows, missing neighbors, or others that the graph leaves out"
    flat = given.reshape(-1).view(indices.dtype)
    for first in range(0, len(indices), BLOCK):
        if not np.array_equal(indices[first : first + BLOCK], flat[first : first + BLOCK]):
            return "rows not sorted by index"
    return ""
