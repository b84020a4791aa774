"""Tests of the functions of umap.plot: their names, their arguments and their drawings."""

import inspect

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

import umap_sk
from umap_sk import UMAP, EmbeddingDisplay, PrecomputedUMAP, UnusedParameterWarning, plot
from umap_sk.dask import DistributedUMAP
from umap_sk.dask.placing import MapOnWorkers

POINTS = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
WORDS = np.array(["ant", "bee"])[np.arange(200) % 2]


@pytest.fixture(scope="module")
def model():
    return UMAP(n_neighbors=10, n_epochs=30, random_state=0).fit(POINTS)


def faces(axes):
    """Return the colors of the points by their positions."""
    (points,) = [drawn for drawn in axes.collections if len(drawn.get_offsets()) > 1]
    places = map(tuple, np.float32(points.get_offsets()))
    return dict(zip(places, points.get_facecolors(), strict=True))


COLORS = "theme cmap color_key color_key_cmap background width height"
OF_UMAP_PLOT = {  # as in umap-learn 0.5.12
    "points": f"umap_object points labels values {COLORS} show_legend subset_points ax alpha",
    "connectivity": f"umap_object edge_bundling edge_cmap show_points labels values {COLORS}",
    "diagnostic": "umap_object diagnostic_type nhood_size local_variance_threshold ax cmap point_size background width "
    "height return_diagnostics plot_result",
    "interactive": f"umap_object labels values hover_data tools {COLORS} point_size subset_points "
    "interactive_text_search interactive_text_search_columns interactive_text_search_alpha_contrast alpha",
}


def test_they_take_the_arguments_of_umap_plot():
    for name, arguments in OF_UMAP_PLOT.items():
        assert list(inspect.signature(getattr(plot, name)).parameters) == arguments.split(), name
    assert dir(umap_sk.plot) == sorted({*OF_UMAP_PLOT, "EmbeddingDisplay", "LossCurveDisplay"})


def test_points_have_the_colors_and_the_size_that_are_asked_for(model):
    where = [tuple(place) for place in model.embedding_]
    axes = plot.points(model, labels=WORDS, color_key={"bee": "red", "ant": "#0000ff"}, alpha=0.25, width=500)
    drawn = faces(axes)
    assert len(drawn) == 200
    np.testing.assert_allclose([drawn[where[0]], drawn[where[1]]], [[0, 0, 1, 0.25], [1, 0, 0, 0.25]])
    np.testing.assert_allclose(axes.figure.get_size_inches() * axes.figure.dpi, [500, 800])
    axes = plot.points(model, labels=WORDS, color_key=["lime", "red"], subset_points=np.arange(200) < 9)
    assert len(faces(axes)) == 9 and faces(axes)[where[1]][:3].tolist() == [1, 0, 0]
    axes = plot.points(model, labels=WORDS, theme="fire")
    np.testing.assert_allclose(faces(axes)[where[0]][:3], colormaps["rainbow"](0.0)[:3])
    assert axes.get_facecolor()[:3] == axes.figure.get_facecolor()[:3] == (0, 0, 0)
    assert np.mean(to_rgb(axes.get_legend().get_texts()[0].get_color())) > 0.8  # light on dark ground
    axes = plot.points(model, POINTS[:, :2], cmap="Blues")
    assert set(faces(axes)) == set(map(tuple, POINTS[:, :2]))
    np.testing.assert_allclose(faces(axes)[tuple(POINTS[0, :2])][:3], colormaps["Blues"](0.5)[:3])
    for given, message in (
        ({"theme": "blau"}, "theme='blau', but one of"),
        ({"color_key": ["red"]}, "color_key has 1 colors for 2 labels"),
        ({"color_key": {"ant": "red"}}, "no color for the label 'bee'"),
    ):
        with pytest.raises(ValueError, match=message):
            plot.points(model, labels=WORDS, **given)


def test_edges_are_straight_without_bundling_and_points_are_hidden(model):
    axes = plot.connectivity(model)
    lines, points = axes.collections
    upper = scipy.sparse.triu(model.graph_)
    assert len(lines.get_segments()) == upper.nnz and not points.get_visible() and axes.get_legend() is None
    assert {len(line) for line in lines.get_segments()} == {2}
    axes = plot.connectivity(model, "hammer", labels=WORDS, show_points=True, edge_cmap="Reds")
    lines, points = axes.collections
    assert {len(line) for line in lines.get_segments()} > {2} or len(lines.get_segments()[0]) > 2
    assert points.get_visible() and axes.get_legend() is not None
    np.testing.assert_allclose(lines.get_colors()[0, :3], colormaps["Reds"](0.75)[:3], atol=1 / 255)
    with pytest.raises(ValueError, match="edge_bundling='bundle', but None or 'hammer'"):
        plot.connectivity(model, "bundle")


def test_diagnostics_are_what_they_say(model):
    places = model.embedding_.astype(np.float64)
    near = NearestNeighbors(n_neighbors=7).fit(POINTS).kneighbors(POINTS)[1]
    mapped = NearestNeighbors(n_neighbors=7).fit(places).kneighbors(places)[1]
    jaccard = [len({*a} & {*b}) / len({*a} | {*b}) for a, b in zip(near, mapped, strict=True)]
    axes, found = plot.diagnostic(model, "neighborhood", nhood_size=7, return_diagnostics=True)
    np.testing.assert_allclose(found, jaccard)
    assert axes.get_title(loc="left") == "Jaccard index of neighborhoods"
    axes, colors = plot.diagnostic(model, return_diagnostics=True, point_size=3)
    components = PCA(3, random_state=0).fit_transform(POINTS)
    np.testing.assert_allclose(colors, (components - components.min(0)) / np.ptp(components, axis=0), rtol=1e-5)
    np.testing.assert_allclose(faces(axes)[tuple(model.embedding_[5])][:3], colors[5], rtol=1e-5)
    assert axes.collections[0].get_sizes() == [3]
    near = NearestNeighbors(n_neighbors=10).fit(POINTS).kneighbors(POINTS)[1]
    shares = [np.cumsum(PCA().fit(POINTS[rows]).explained_variance_ratio_) for rows in near]
    dimensions = [int(np.argmax(share > 0.7)) + 1 for share in shares]
    every = plot.diagnostic(model, "all", local_variance_threshold=0.7, return_diagnostics=True, plot_result=False)
    assert list(every) == ["pca", "ica", "vq", "local_dim", "neighborhood"]
    np.testing.assert_array_equal(every["local_dim"], dimensions)
    for kind in ("ica", "vq"):
        assert every[kind].shape == (200, 3) and every[kind].min() == 0 and every[kind].max() == 1
    assert len(plot.diagnostic(model, "all").figure.axes) == 7  # five panels, two of them with color bars
    with pytest.raises(ValueError, match="diagnostic_type='trust', but one of"):
        plot.diagnostic(model, "trust")
    for size in (1, 1.5):
        with pytest.raises(ValueError, match=f"nhood_size={size}, but a whole number of at least 2 is needed"):
            plot.diagnostic(model, "neighborhood", nhood_size=size)
    with pytest.raises(TypeError, match="diagnostic_type='pca' needs an array, but the features are sparse. Fit"):
        plot.diagnostic(UMAP(n_epochs=1).fit(scipy.sparse.csr_array(abs(POINTS))))
    without = PrecomputedUMAP(n_neighbors=10, n_epochs=5).fit(manifold=model.manifold_)
    with pytest.raises(ValueError, match="the PrecomputedUMAP has none. Fit it to features"):
        plot.diagnostic(without)


def test_the_page_is_that_of_interactive(model):
    labels = pd.Series(np.arange(200) / 2, name="half")
    made = plot.interactive(model, labels=labels, hover_data={"word": WORDS})
    same = umap_sk.interactive(model, {"word": WORDS}, colour={"half": labels.astype(object)})
    assert made.page == same.page and '"kind"' not in made.page
    numbers = umap_sk.interactive(model, colour={"value": np.arange(200.0)})
    assert plot.interactive(model, values=range(200)).page == numbers.page
    assert plot.interactive(model, subset_points=WORDS == "ant").n_left_out == 100
    searched = umap_sk.interactive(model, {"label": WORDS}, colour={"label": WORDS.astype(object)})
    assert plot.interactive(model, labels=WORDS, interactive_text_search=True).page == searched.page
    with pytest.warns(UnusedParameterWarning, match="its own controls: tools, width. Omit them"):
        plot.interactive(model, tools="pan", width=300)


def test_maps_come_from_dask_and_frames():
    cluster = DistributedUMAP()
    cluster._on_workers = MapOnWorkers(da.from_array(POINTS[:, :2], chunks=(50, 2)), [])  # as after a fit
    for display in (EmbeddingDisplay.from_estimator(cluster), EmbeddingDisplay.from_embedding(cluster.embedding_)):
        np.testing.assert_array_equal(display.rows.positions, POINTS[:, :2])
    assert umap_sk.interactive(cluster).page == umap_sk.interactive(POINTS[:, :2]).page
    with pytest.raises(ValueError, match="DistributedUMAP has no graph_.*leaves them on the workers"):
        EmbeddingDisplay.connectivity(cluster)
    frame = pd.DataFrame(POINTS[:, :3], columns=["y", "x", "age"]).assign(word=WORDS)
    page = umap_sk.interactive(POINTS[:, [1, 0]], frame[["age", "word"]], colour="word").page
    assert umap_sk.interactive(frame, colour="word").page == page
    graph = umap_sk.knn_graph(*NearestNeighbors(n_neighbors=9).fit(POINTS).kneighbors(POINTS)[::-1])
    of_frame = EmbeddingDisplay.diagnostic(graph, frame, k=5).rows.values
    np.testing.assert_array_equal(of_frame, EmbeddingDisplay.diagnostic(graph, POINTS[:, [1, 0]], k=5).rows.values)
