"""Membership strengths in sparse arrays from outside, which become a fuzzy graph."""

import numpy as np
import scipy.sparse

from umap_sk._typing import AnySparse, is_sparse
from umap_sk.graph.fuzzy_union import FuzzyGraph, drop_zeros
from umap_sk.graph.validate import check_graph
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.square import check_memberships

WEIGHTS_CURE = (
    "Pass every neighbor once, and weights from 0 to 1: divide larger ones by the largest, graph / graph.max(). If "
    "these are distances, pass the graph as X to fit instead."
)


def read_sparse_graph(graph: AnySparse) -> FuzzyGraph:
    """Check a sparse graph of membership strengths, and convert it to a fuzzy graph."""
    if not is_sparse(graph):
        raise TypeError(
            f"Manifold.from_graph needs a scipy sparse graph of membership strengths, but got "
            f"{type(graph).__name__}. Wrap a dense matrix in scipy.sparse.csr_array."
        )
    if graph.shape[0] != graph.shape[1] or graph.shape[0] < 2:
        raise ValueError(f"The graph must be square with at least 2 rows, but has shape {graph.shape}.")
    check_structure(graph, "The graph")
    rows = scipy.sparse.csr_array(graph)
    if rows.data.dtype.kind not in "fiu":
        raise TypeError(
            f"Weights must be real numbers, but the graph has dtype {rows.data.dtype}. Use .astype(np.float32)."
        )
    if len(rows.data) and not 0 <= rows.data.min() <= rows.data.max() < np.inf:  # this is False for NaN too
        raise ValueError(
            "Weights must be finite and at least 0. If these are distances, pass the graph as X to fit instead."
        )
    converted = _to_fuzzy_graph(rows)
    check_graph(converted, "The argument of Manifold.from_graph", WEIGHTS_CURE)
    check_memberships(rows)
    return converted


def _to_fuzzy_graph(rows: scipy.sparse.csr_array) -> FuzzyGraph:
    """Convert finite weights to a sorted fuzzy graph without duplicates, diagonal and zeros. Arrays may be shared."""
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    index_dtype = np.int32 if rows.shape[0] <= 2**31 else np.uint32
    indptr = rows.indptr.astype(np.int64)
    graph = FuzzyGraph(indptr, rows.indices.astype(index_dtype, copy=False), rows.data.astype(np.float32, copy=False))
    diagonal = np.repeat(np.arange(rows.shape[0], dtype=index_dtype), np.diff(indptr)) == graph.indices
    if diagonal.any():
        graph = graph._replace(weights=np.where(diagonal, np.float32(0), graph.weights))
    graph = drop_zeros(graph)
    if len(graph.weights) == 0:
        raise ValueError("The graph has no edge with a positive weight between two different rows.")
    return graph
