"""Positions of rows that were added to a map."""

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.problem import Schedule
from umap_sk.layout.run import advance, begin, compute_embedding, count_planned_epochs
from umap_sk.layout.sell import JITTER
from umap_sk.layout.start import Start

COMPONENT_GAP = 0.1  # between a map and the rows next to it, in widths of the map


def fill_positions(manifold: Manifold, places: np.ndarray, forces: Forces, seed: int) -> np.ndarray:
    """Place all rows with an edge. Rows with known positions (not NaN) keep them.

    Other rows are placed outwards from the known ones, at the means of their neighbors, weighted by membership
    strength. Rows without a path to a known one get a layout of their own, which is placed next to the map.
    """
    given = ~np.isnan(places[:, 0])
    if given.all():
        return places
    shared, symmetric = manifold._shared, manifold.parameters.get("symmetrize") is True
    indptr, indices, weights = shared.rows(keep=False)
    n = len(places)
    graph = scipy.sparse.csr_array((weights, indices, indptr), (n, n))
    if not symmetric:
        graph = graph + graph.T.tocsr()  # in a directed graph, the rows that list a row place it, too
    places, known = extend_map(graph, places, given)
    left = np.flatnonzero(~known & (np.diff(graph.indptr) > 0))
    if len(left):
        lengths = None if shared.lengths is None else shared.lengths[left]
        apart = lay_out_separately(graph[left][:, left], lengths, forces, places.shape[1], seed)
        places[left] = shift_beside(places[known], apart)
    moved = places.copy()
    kernels.jitter(moved, 0, np.float32(JITTER))
    return np.where(given[:, None], places, moved)


def extend_map(graph: scipy.sparse.csr_array, places: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place the rows that have a path to a known row, each at the mean of its neighbors that are one step nearer."""
    places = np.where(known[:, None], places, np.float32(0))
    while True:
        left = np.flatnonzero(~known)
        part = graph[left]
        whole = part @ known.astype(np.float32)
        reached = whole > 0
        if not reached.any():
            return places, known
        rows = left[reached]
        places[rows] = (part[reached] @ places) / whole[reached, None]
        known = known.copy()
        known[rows] = True


def lay_out_separately(
    graph: scipy.sparse.csr_array, lengths: np.ndarray | None, forces: Forces, n_components: int, seed: int
) -> np.ndarray:
    """Return a map of some rows only, with the default schedule."""
    graph.sort_indices()
    own = FuzzyGraph(graph.indptr.astype(np.int64), graph.indices.astype(np.int32), graph.data)
    start = Start("spectral" if lengths is None else "pivot_mds")
    run = begin(SharedGraph(own, (), lengths), start, Schedule(None, n_components, True), forces, seed)
    run = advance(run, count_planned_epochs(run), lambda _: False, reuse=True)
    return compute_embedding(run, np.zeros(graph.shape[0], bool))


def shift_beside(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Shift positions to the right of others, and center them on the other axes."""
    low, high = places.min(0), places.max(0)
    shift = (low + high - others.min(0) - others.max(0)) / 2
    shift[0] = high[0] + COMPONENT_GAP * (high[0] - low[0]) - others[:, 0].min()
    return others + shift.astype(np.float32)
