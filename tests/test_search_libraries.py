"""Neighbors of the field's libraries, as their examples take them, against scikit-learn's exact ones."""

import numpy as np
import pytest
from sklearn.neighbors import kneighbors_graph

from examples import search_libraries
from umap_sk import PrecomputedUMAP


@pytest.mark.parametrize("library", search_libraries.LIBRARIES, ids=lambda function: function.__name__)
def test_graph_is_that_of_exact_neighbors(library, digits):
    """Distances are not squared, and nearly all weights are those of the exact neighbors."""
    try:
        indices, dists = library(np.ascontiguousarray(digits.features), 15)
    except ModuleNotFoundError as error:
        pytest.skip(f"no wheel of {error.name} for this Python")
    model = PrecomputedUMAP()
    graph = model.learn_manifold(knn_indices=indices, knn_dists=dists).graph
    exact = model.learn_manifold(knn_indices=digits.knn_indices, knn_dists=digits.knn_dists).graph
    np.testing.assert_allclose(np.median(dists, axis=0), np.median(digits.knn_dists, axis=0), rtol=0.01)
    assert abs(graph - exact).sum() < 0.01 * exact.sum()


def test_map_of_annotated_data(digits):
    """From distances without the row itself: the map of the arrays; from connectivities: that of a spectral start."""
    anndata = pytest.importorskip("anndata")
    from examples import annotated_data

    features = np.ascontiguousarray(digits.features, np.float64)
    cells = anndata.AnnData(features)
    cells.obsp["distances"] = kneighbors_graph(features, 14, mode="distance")
    reducer = annotated_data.add_map(cells)
    dists = cells.obsp["distances"].data.reshape(-1, 14)
    indices = cells.obsp["distances"].indices.reshape(-1, 14)
    expected = PrecomputedUMAP(random_state=0).fit_transform(knn_indices=indices, knn_dists=dists)
    np.testing.assert_array_equal(cells.obsm["X_umap"], expected)
    cells.obsp["connectivities"] = reducer.graph_
    annotated_data.add_map_of_connectivities(cells)
    spectral = PrecomputedUMAP(random_state=0, init="spectral")
    expected = spectral.fit_transform(knn_indices=indices, knn_dists=dists)
    np.testing.assert_array_equal(cells.obsm["X_umap"], expected)
