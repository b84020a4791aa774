"""Tests of other search libraries, used as in their examples and compared with scikit-learn's exact neighbors."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors, kneighbors_graph
from sklearn.pipeline import Pipeline

from examples.gallery import plot_search_libraries as search_libraries
from umap_sk import Manifold, PrecomputedUMAP, knn_graph
from umap_sk.metrics import neighbor_recall

pytestmark = [pytest.mark.slow, pytest.mark.long]  # PyNNDescent compiles in every process


@pytest.mark.parametrize("library", search_libraries.LIBRARIES, ids=lambda function: function.__name__)
def test_graph_is_that_of_exact_neighbors(library, digits):
    """The distances are not squared, and nearly all weights are those of the exact neighbors."""
    try:
        indices, dists = library(np.ascontiguousarray(digits.features), 15)
    except ModuleNotFoundError as error:
        pytest.skip(f"no wheel of {error.name} for this Python")
    model = PrecomputedUMAP()
    graph = model.learn_manifold(knn_indices=indices, knn_dists=dists).graph
    exact = model.learn_manifold(knn_indices=digits.knn_indices, knn_dists=digits.knn_dists).graph
    np.testing.assert_allclose(np.median(dists, axis=0), np.median(digits.knn_dists, axis=0), rtol=0.01)
    assert abs(graph - exact).sum() < 0.01 * exact.sum()


def test_pipeline_with_pynndescent():
    """PyNNDescent's transformer can replace scikit-learn's in a pipeline."""
    pynndescent = pytest.importorskip("pynndescent")
    points, labels = make_blobs(150, 6, centers=4, cluster_std=2.0, random_state=0)
    umap = PrecomputedUMAP(n_neighbors=10, n_epochs=10, random_state=0)
    steps = [
        ("neighbors", pynndescent.PyNNDescentTransformer(n_neighbors=20, random_state=0)),
        ("umap", umap),
        ("vote", KNeighborsClassifier(5)),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = Pipeline(steps).fit(points[:100], labels[:100])
        assert pipeline.score(points[100:], labels[100:]) > 0.7
    found = pipeline["umap"].embedding_
    dists, indices = NearestNeighbors(n_neighbors=20).fit(points[:100]).kneighbors(points[:100])
    graph = knn_graph(indices, dists)
    exact = umap.fit(graph).embedding_
    assert neighbor_recall(graph, found, k=10) == pytest.approx(neighbor_recall(graph, exact, k=10), abs=0.1)


def test_map_of_annotated_data(digits):
    """Distances in AnnData lead to the map of the arrays, and connectivities to that of a spectral start."""
    anndata = pytest.importorskip("anndata")
    features = np.ascontiguousarray(digits.features, np.float64)
    cells = anndata.AnnData(features)
    cells.obsp["distances"] = kneighbors_graph(features, 14, mode="distance")
    umap = PrecomputedUMAP(random_state=0)
    cells.obsm["X_umap"] = umap.fit_transform(cells.obsp["distances"])
    dists = cells.obsp["distances"].data.reshape(-1, 14)
    indices = cells.obsp["distances"].indices.reshape(-1, 14)
    expected = PrecomputedUMAP(random_state=0).fit_transform(knn_indices=indices, knn_dists=dists)
    np.testing.assert_array_equal(cells.obsm["X_umap"], expected)
    cells.obsp["connectivities"] = umap.graph_
    of_graph = umap.fit_transform(manifold=Manifold.from_graph(cells.obsp["connectivities"]))
    spectral = PrecomputedUMAP(random_state=0, init="spectral")
    np.testing.assert_array_equal(of_graph, spectral.fit_transform(knn_indices=indices, knn_dists=dists))
