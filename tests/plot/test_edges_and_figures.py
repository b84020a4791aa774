"""Tests of edges below a map, and of row-wise figures as colors."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.neighbors import kneighbors_graph

from umap_sk import UMAP, EmbeddingDisplay, PrecomputedUMAP, plot
from umap_sk.metrics import neighbor_recall, trustworthiness
from umap_sk.metrics.neighborhoods import compute_excess_by_row, list_sampled_rows
from umap_sk.plot import edges, figures
from umap_sk.plot.raster import Box

POINTS = np.random.default_rng(0).normal(size=(200, 5))
GRAPH = kneighbors_graph(POINTS, 30, mode="distance")
BOX = Box(0.0, 9.6, 0.0, 9.6)  # 960 pixels wide and high


@pytest.fixture(scope="module")
def model():
    return PrecomputedUMAP(metric="euclidean", n_epochs=50, random_state=0).fit(POINTS)


def test_every_edge_between_the_rows_is_drawn_once(model):
    display = EmbeddingDisplay.connectivity(model, subset=np.arange(100), bundle=False)
    part = scipy.sparse.triu(model.graph_[:100][:, :100]).tocoo()
    expected = {(i, j): weight for i, j, weight in zip(*part.coords, part.data, strict=True)}
    drawn = {(i, j): weight for (i, j), weight in zip(display.edges.ends.T, display.edges.weights, strict=True)}
    assert drawn == expected and display.caption_ == f"100 of 200 rows, {len(expected)} edges"
    lines = np.array(display.edges_.get_segments())
    np.testing.assert_array_equal(lines, model.embedding_[display.edges.ends].transpose(1, 0, 2))


def test_graphs_without_copies_do_not_fit_maps_with_copies():
    """The rows of the graph of ``unique=True`` have other numbers than those of its map."""
    model = UMAP(unique=True, n_epochs=5, random_state=0).fit(np.concatenate([POINTS, POINTS[:40]]))
    for draw in (EmbeddingDisplay.connectivity, plot.connectivity, plot.diagnostic):
        with pytest.raises(ValueError, match=r"unique=True leaves out copies. Pass the model's estimator_"):
            draw(model)
    display = EmbeddingDisplay.connectivity(model.estimator_)
    assert display.edges.total == model.estimator_.graph_.nnz // 2


def test_many_edges_become_pixels(model, monkeypatch):
    monkeypatch.setattr(edges, "MAX_LINES", 10)
    monkeypatch.setattr(edges, "MAX_EDGES", 100)
    display = EmbeddingDisplay.connectivity(model, labels=np.arange(200) % 3)
    total = model.manifold_.n_edges // 2
    assert display.edges_.get_array().shape[2] == 4 and f"100 of {total:,} edges" in display.caption_


def test_a_pixel_counts_the_edges_that_cross_it(monkeypatch):
    ends = np.array([[[1.001, 2.005], [0.005, 0.005]], [[3.0, 2.005], [0.005, 0.005]]])  # starts and ends
    counts = edges.sum_along_edges(ends, np.array([2.0, 3.0]), BOX)
    assert counts[0, 0] == 3 and np.all(counts[200, 100:300] == 2) and (counts > 0).sum() == 201
    many = np.random.default_rng(0).random((2, 500, 2)) * 9
    whole = edges.sum_along_edges(many, np.ones(500), BOX)
    monkeypatch.setattr(edges, "POINTS_AT_ONCE", 1000)
    np.testing.assert_array_equal(edges.sum_along_edges(many, np.ones(500), BOX), whole)


def test_lines_side_by_side_are_drawn_together_between_their_ends():
    ends = np.array([[[1.0, 5.0], [1.0, 5.3]], [[9.0, 5.0], [9.0, 5.3]]])
    lines = edges.bundle_edges(ends, BOX)
    np.testing.assert_array_equal(lines[:, [0, -1]], ends.transpose(1, 0, 2))
    middle = lines[:, edges.LINE_POINTS // 2]
    assert abs(middle[0, 1] - middle[1, 1]) < 0.1 and np.all(np.abs(middle[:, 1] - 5.15) < 0.1)


def test_rows_add_up_to_the_figure_of_the_map(model):
    shown = EmbeddingDisplay.diagnostic(GRAPH, model, k=10)
    assert shown.rows.values.mean() == pytest.approx(neighbor_recall(GRAPH, model.embedding_, k=10))
    assert shown.rows.name == "recall of 10 neighbors" and shown.color_bar_.ax.get_ylabel() == shown.rows.name
    trust = EmbeddingDisplay.diagnostic(GRAPH, model.embedding_, figure="trustworthiness", k=10).rows.values
    _, worst = compute_excess_by_row(list_sampled_rows(GRAPH, model.embedding_, 10, None, None, 0))
    whole = trustworthiness(GRAPH, model.embedding_, k=10)
    assert np.average(trust, weights=worst) == pytest.approx(whole) and trust.std() > 0.01


@pytest.mark.parametrize("k", [30, 31])
def test_trustworthiness_needs_more_neighbors_than_k(model, k):
    with pytest.raises(ValueError, match=f"more than k={k} .* have at most 30.*set k"):
        EmbeddingDisplay.diagnostic(GRAPH, model, figure="trustworthiness", k=k)


def test_rows_without_neighbors_or_place_have_no_figure():
    few = GRAPH[:, :].tolil()
    few[3] = 0
    places = POINTS[:, :2].copy()
    places[7] = np.nan
    for figure in ("recall", "trustworthiness", "stretch"):
        values, _, _ = figures.compute_figure(few.tocsr(), places, figure, 10)
        assert np.flatnonzero(np.isnan(values)).tolist() == [3, 7]


def test_stretch_is_the_median_ratio_to_that_of_all():
    places = POINTS[:, :2].copy()
    values, _, center = figures.compute_figure(GRAPH, places, "stretch", 10)
    ratios = []
    for row in range(200):
        near = GRAPH[[row]]
        ratios.append(np.median(np.linalg.norm(places[near.indices] - places[row], axis=1) / near.data))
    expected = np.log2(ratios)
    np.testing.assert_allclose(values, expected - np.median(expected), atol=0.02)  # medians of even counts
    assert center == 0
    display = EmbeddingDisplay.diagnostic(GRAPH, places, figure="stretch")
    assert display.color_bar_.norm.vmin == -display.color_bar_.norm.vmax
    with pytest.raises(ValueError, match="figure='size'"):
        EmbeddingDisplay.diagnostic(GRAPH, places, figure="size")
