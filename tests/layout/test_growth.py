"""Rows without positions are placed by their neighbors."""

import naive_layout as naive
import numpy as np
from graphs import dense, random_graph
from layouts import FORCES

from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.manifold import Manifold
from umap_sk.layout import growth
from umap_sk.layout.sell import JITTER

NO_PLACE = np.float32(np.nan)


def path_graph(parts):
    """Return a graph of several paths."""
    first = np.concatenate([np.arange(part[0], part[1] - 1) for part in parts])
    ends = np.sort(np.concatenate([first * 1000 + first + 1, (first + 1) * 1000 + first]))
    rows, columns = np.divmod(ends, 1000)
    indptr = np.searchsorted(rows, np.arange(parts[-1][1] + 1)).astype(np.int64)
    return FuzzyGraph(indptr, columns.astype(np.int32), np.ones(len(rows), np.float32))


def test_places_spread_as_the_twins_do():
    """Positions spread step by step, weighted by membership, in both directions of edges.

    Known positions keep their bits.
    """
    rng = np.random.default_rng(0)
    for symmetric in (True, False):
        graph = random_graph(3, n=300, edges=3, hub=False, symmetric=symmetric)
        matrix = dense(graph)
        both = matrix if symmetric else matrix + matrix.T
        known = np.zeros(300, bool)
        known[1:30] = True
        places = np.where(known[:, None], rng.normal(0, 5, (300, 2)), NO_PLACE).astype(np.float32)
        found = growth.fill_positions(Manifold(graph, {"symmetrize": symmetric}), places, FORCES, 0)
        expected = naive.spread(both, places, known)
        np.testing.assert_array_equal(found[known], places[known])
        reached = ~np.isnan(expected[:, 0])
        assert 200 < reached.sum() < 300
        np.testing.assert_allclose(found[reached], expected[reached], atol=1.1 * JITTER)


def test_rows_that_no_path_leads_to_lie_beside_the_map():
    """These rows get a layout of their own, in which a path stays a path. Rows without an edge are NaN."""
    graph = path_graph([(0, 50), (50, 90), (90, 91)])
    places = np.full((91, 2), NO_PLACE)
    places[:50] = np.random.default_rng(0).normal(0, 4, (50, 2))
    found = growth.fill_positions(Manifold(graph), places, FORCES, 0)
    np.testing.assert_array_equal(found[:50], places[:50])
    apart, right = found[50:90], places[:50, 0].max()
    assert right < apart[:, 0].min() < right + 0.2 * np.ptp(places[:50, 0])
    step = np.linalg.norm(np.diff(apart, axis=0), axis=1)
    assert step.max() < 0.5 * np.linalg.norm(apart[0] - apart[-1])
    assert abs((apart.min(0) + apart.max(0) - places[:50].min(0) - places[:50].max(0))[1]) < 0.1
