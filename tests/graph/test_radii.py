"""Tests of log radii in the data and in the map, compared with their naive twins and umap-learn."""

import naive_density as naive
import numpy as np
import pytest
from umap import umap_

from umap_sk import DisconnectedWarning, FewerNeighborsWarning, Manifold, PrecomputedUMAP
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.radii import compute_map_radii


def reference_graph(indices, dists):
    """Return umap-learn's memberships and distances as dense arrays."""
    arrays = indices.astype(np.int64), dists.astype(np.float32)
    random_state = np.random.RandomState(0)
    graph, _, _, between = umap_.fuzzy_simplicial_set(
        np.zeros((len(indices), 1)), indices.shape[1], random_state, "euclidean", {}, *arrays, return_dists=True
    )
    return graph.toarray().astype(float), between.toarray().astype(float)


def test_data_radii_are_those_of_umap_learn(ring):
    """The radii are those of umap-learn's distances, weighted by its memberships."""
    manifold = PrecomputedUMAP(8, dens_lambda=2).learn_manifold(knn_indices=ring[0], knn_dists=ring[1])
    expected = naive.data_radii(*reference_graph(*ring[:2]))
    np.testing.assert_allclose(manifold._shared.radii, expected, atol=1e-4)


@pytest.mark.filterwarnings("ignore::umap_sk.UMAPWarning")
@pytest.mark.parametrize("symmetrize", [True, False])
def test_data_radii_are_the_twins(symmetrize):
    """The radii equal the twin's with missing neighbors, duplicate points, asymmetric distances and empty rows."""
    rng = np.random.default_rng(5)
    n = 3000
    indices = np.array([rng.choice(np.r_[:i, i + 1 : n], 6, False) for i in range(n)])
    indices[:40] = np.array([np.r_[:i, i + 1 : 8][:6] for i in range(8)] * 5)  # near copies that list each other
    dists = np.sort(rng.uniform(0, 3, (n, 6)), 1)
    dists[100:110, :2] = 0
    indices[rng.random(indices.shape) < 0.1] = -1
    indices[2000] = -1
    indices[indices == 2000] = -1
    settings = {"symmetrize": symmetrize, "dens_lambda": 1.0}
    manifold = PrecomputedUMAP(7, **settings).learn_manifold(knn_indices=indices, knn_dists=dists)
    distances = naive.listed_distances(indices, np.float32(dists).astype(float), n)
    expected = naive.data_radii(manifold.graph.toarray().astype(float), distances)
    assert np.isnan(expected[2000]) and np.isnan(expected).sum() < 3
    np.testing.assert_allclose(manifold._shared.radii, expected, atol=1e-5)


def test_map_radii_are_those_of_umap_learn():
    """The radii in the map are umap-learn's means of distances. A row without a position has NaN."""
    points = np.random.default_rng(2).normal(size=(200, 2)).astype(np.float32)
    dists = np.sqrt(((points[:, None].astype(float) - points) ** 2).sum(-1))
    nearest = np.argsort(dists, axis=1, kind="stable")[:, :10]
    graph, between = reference_graph(nearest, np.take_along_axis(dists, nearest, 1))
    with_gap = np.insert(points, 7, np.nan, axis=0)
    found = compute_map_radii(with_gap, 10)
    assert np.isnan(found[7])
    np.testing.assert_allclose(np.delete(found, 7), naive.data_radii(graph, between, power=1), atol=1e-4)
    assert np.isnan(compute_map_radii(np.full((3, 2), np.nan, np.float32), 5)).all()
    np.testing.assert_allclose(compute_map_radii(np.float32([[0, 0], [0, 3]]), 2**70), np.log([3, 3]), rtol=1e-6)


@pytest.mark.filterwarnings("ignore", category=DisconnectedWarning)
@pytest.mark.filterwarnings("ignore", category=FewerNeighborsWarning)
def test_they_are_kept(arrays, tmp_path, manifold):
    """Radii, also NaN for disconnected rows, are the same after loading, in a graph built on disk and in a pickle."""
    apart = {"knn_indices": np.where((arrays["knn_indices"] == 3).any(1, keepdims=True), -1, arrays["knn_indices"])}
    apart["knn_dists"] = arrays["knn_dists"]
    learner = PrecomputedUMAP(5, dens_lambda=1)
    learned = learner.learn_manifold(**apart)
    learned.save(tmp_path / "saved")
    on_disk = learner.learn_manifold(**apart, directory=tmp_path / "built")
    assert sorted(path.name for path in (tmp_path / "built").iterdir()) == sorted(
        ["indices.npy", "indptr.npy", "lengths.npy", "manifold.json", "radii.npy", "weights.npy"]
    )
    copied = Manifold.__new__(Manifold)
    copied.__setstate__(learned.__getstate__())
    assert np.isnan(learned._shared.radii[3])
    for other in (on_disk, Manifold.load(tmp_path / "saved"), copied):
        np.testing.assert_array_equal(other._shared.radii, learned._shared.radii)
    assert manifold.__getstate__()["radii"] is None


@pytest.mark.parametrize(
    "radii, message",
    [
        (np.zeros(60), "log radii of another form than one float32 for each of 60 rows"),
        (np.zeros(59, np.float32), "log radii of another form"),
        (np.full(60, np.inf, np.float32), "a log radius that is not finite for a row with edges"),
        (np.full(60, np.nan, np.float32), "a log radius that is not finite for a row with edges"),
    ],
)
def test_radii_that_are_none(manifold, tmp_path, radii, message):
    """Invalid radii in a pickle or a directory are refused."""
    damaged = Manifold(FuzzyGraph(*manifold.arrays()), manifold.parameters, radii=radii)
    with pytest.raises(ValueError, match=message):
        Manifold.__new__(Manifold).__setstate__(damaged.__getstate__())
    damaged.save(tmp_path / "damaged")
    with pytest.raises(ValueError, match=message if radii.dtype == np.float32 else "but one dimension of float32"):
        Manifold.load(tmp_path / "damaged")
