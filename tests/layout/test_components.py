"""Tests of the places of connected components in an initial layout."""

import numpy as np
import pytest
from graphs import clusters_level, ring_level
from sklearn.datasets import make_blobs

from umap_sk import UMAP, PrecomputedUMAP, metrics
from umap_sk.layout import start
from umap_sk.layout.components import measure_components
from umap_sk.layout.spectral import compute_spectral_positions


@pytest.fixture(scope="module")
def blobs():
    """Return 15 clusters whose neighbor graphs are not connected with each other."""
    centers = 12 * np.random.default_rng(3).normal(size=(15, 10))
    return make_blobs(6000, 10, centers=centers, random_state=0)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_components_are_those_of_the_guide(axes):
    """Centers are the weighted means of the guide, and radii are 1.5 standard deviations along each axis."""
    random = np.random.default_rng(0)
    guide, mass = random.normal(size=(50, axes)).astype(np.float32), random.integers(1, 9, 50).astype(np.float32)
    label = random.permutation(np.repeat([0, 1, 2], [30, 19, 1]))
    centers, radii = measure_components(guide, label, mass)
    for k in range(3):
        points, weights = guide[label == k].astype(float), mass[label == k].astype(float)
        mean = (weights[:, None] * points).sum(0) / weights.sum()
        np.testing.assert_allclose(centers[k], mean)
        variance = (weights[:, None] * (points - mean) ** 2).sum(0) / weights.sum()
        np.testing.assert_allclose(radii[k], 1.5 * np.sqrt(variance), atol=1e-12)


def test_a_guide_is_only_computed_for_several_components():
    """The guide places components. A connected graph needs none, and a dominant component keeps its width."""
    assert not compute_spectral_positions(ring_level(), 2, 0, find_guide=pytest.fail).is_guided
    clusters = clusters_level()
    guide = np.repeat(np.array([[5, 0], [0, 7], [-6, 1]], np.float32), [300, 120, 2], axis=0)
    guide += np.random.default_rng(0).normal(size=guide.shape).astype(np.float32)
    found = compute_spectral_positions(clusters, 2, 0, lambda: guide)
    assert found.is_guided
    for rows in np.split(np.arange(422), [300, 420]):
        distances = np.abs(found.positions[rows] - guide[rows].mean(0))
        assert (distances <= 1.5 * guide[rows].std(0) + 1e-5).all()
    heavy = clusters._replace(mass=np.repeat(np.array([9, 1, 1], np.float32), [300, 120, 2]))
    assert not compute_spectral_positions(heavy, 2, 0, lambda: guide).is_guided


def test_separated_clusters_lie_as_in_the_features(blobs, monkeypatch):
    """Maps of separated clusters show their arrangement. From a spectral layout without the guide, it is lost."""
    X, labels = blobs
    model = UMAP(random_state=0, n_epochs=100)
    assert metrics.triplet_accuracy(X, model.fit_transform(X)) > 0.74
    model.set_params(init="spectral")
    assert metrics.triplet_accuracy(X, model.fit_transform(X)) > 0.74
    monkeypatch.setattr(start, "average_principal_components", lambda *arguments: None)
    assert metrics.triplet_accuracy(X, model.fit_transform(X)) < 0.62


@pytest.mark.parametrize("change", ["missing", "one column", "arrays alone"])
def test_unsuitable_features_are_no_guide(blobs, change):
    """Components lie around the largest one if there are no features, too few columns, or missing values."""
    X = blobs[0][:3000].copy()
    model = PrecomputedUMAP(init="spectral", n_epochs=1, random_state=0)
    manifold = PrecomputedUMAP(metric="euclidean").learn_manifold(X)
    expected = model.fit_transform(manifold=manifold)
    assert not np.array_equal(model.fit_transform(X, manifold=manifold), expected)
    X[0, 0] = np.nan
    given = {"missing": X, "one column": X[:, 1:2], "arrays alone": None}[change]
    model.set_params(metric="nan_euclidean" if change == "missing" else "euclidean")
    np.testing.assert_array_equal(model.fit_transform(given, manifold=manifold), expected)
