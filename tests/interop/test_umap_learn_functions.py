"""Tests of the functions of umap.umap_: umap-learn's arguments, graphs and scales, and this package's maps."""

import inspect
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.neighbors import NearestNeighbors

from umap_sk import UMAP, PrecomputedUMAP, UnusedParameterWarning
from umap_sk.compatible import translation
from umap_sk.interop import functions

X = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
DISTS, INDICES = NearestNeighbors(n_neighbors=10).fit(X).kneighbors(X)
PLACE = {"a": 1.6, "b": 0.9, "gamma": 1.0, "negative_sample_rate": 5, "n_components": 2, "initial_alpha": 1.0}


def laid_out(graph, **changed):
    """Return the map of a graph, with the arguments that scanpy passes."""
    asked = {"n_epochs": 20, "init": "spectral", "random_state": 0} | PLACE | changed
    return functions.simplicial_set_embedding(data=X, graph=graph, metric="euclidean", metric_kwds={}, **asked)


@pytest.mark.parametrize("name", ["find_ab_params", "nearest_neighbors", "fuzzy_simplicial_set", "AlignedUMAP"])
def test_arguments_are_umap_learns(name):
    """The arguments have umap-learn's names and order, and additional ones follow them."""
    theirs = inspect.signature(getattr(pytest.importorskip("umap.umap_" if name[0].islower() else "umap"), name))
    names = list(theirs.parameters)
    assert list(inspect.signature(getattr(functions, name)).parameters)[: len(names)] == names


def test_arguments_of_the_layout_are_umap_learns():
    """The arguments of simplicial_set_embedding have umap-learn's names and order."""
    names = list(inspect.signature(pytest.importorskip("umap.umap_").simplicial_set_embedding).parameters)
    assert list(inspect.signature(functions.simplicial_set_embedding).parameters)[: len(names)] == names


def test_curve_is_the_estimators():
    """The parameters a and b are those of a fit."""
    fitted = PrecomputedUMAP(10, min_dist=0.3, spread=2.0, n_epochs=1).fit(knn_indices=INDICES, knn_dists=DISTS)
    assert functions.find_ab_params(2.0, 0.3) == (fitted.a_, fitted.b_)


def test_neighbors_are_the_nearest():
    """The neighbors are exact for features and for a distance matrix, and the index finds those of new rows."""
    indices, dists, index = functions.nearest_neighbors(X, 10, "euclidean", {}, False, np.random.RandomState(0))
    np.testing.assert_array_equal(indices, INDICES)
    np.testing.assert_allclose(dists, DISTS, rtol=1e-6)
    assert (indices.dtype, dists.dtype) == (np.int32, np.float32)
    full = np.linalg.norm(X[:, None] - X, axis=2)
    full[3, INDICES[3, 9]] = np.inf
    of_all, _, nothing = functions.nearest_neighbors(full, 10, "precomputed", None, False, None)
    np.testing.assert_array_equal(of_all[:3], INDICES[:3])
    assert nothing is None and INDICES[3, 9] not in of_all[3]
    new, far = index.query(X[:5] + 0.1, k=3)
    np.testing.assert_array_equal(new, NearestNeighbors().fit(X).kneighbors(X[:5] + 0.1, 3, return_distance=False))
    np.testing.assert_array_equal(index.neighbor_graph[0], indices)
    assert far.shape == (5, 3)


@pytest.mark.parametrize("changed", [{}, {"set_op_mix_ratio": 0.4, "local_connectivity": 2.0}, {"n_neighbors": 6}])
@pytest.mark.parametrize("directed", [False, True])
def test_graph_and_scales_are_umap_learns(monkeypatch, changed, directed):
    """Edges, weights, scales and distances equal umap-learn's, also with a missing neighbor."""
    theirs = pytest.importorskip("umap.umap_")
    for name in ("smooth_knn_dist", "compute_membership_strengths"):  # compiling them takes longer than the test
        monkeypatch.setattr(theirs, name, getattr(theirs, name).py_func)
    dists, indices = DISTS.astype(np.float32), INDICES.astype(np.int32)
    dists[7, 9], indices[7, 9] = np.inf, -1
    names = {"n_neighbors": 10, "apply_set_operations": not directed, "return_dists": True} | changed
    given = {"random_state": None, "metric": None, "knn_indices": indices, "knn_dists": dists} | names
    rows = scipy.sparse.coo_matrix((len(X), 1))
    graph, sigmas, rhos, edges = functions.fuzzy_simplicial_set(rows, **given)
    expected = theirs.fuzzy_simplicial_set(rows, **given)
    kept = np.arange(len(X)) != 7  # umap-learn's scale of a row depends on an infinite distance
    difference = abs(graph - expected[0].tocsr()).toarray()[kept][:, kept]
    assert difference.max() < 3e-5
    np.testing.assert_allclose(sigmas[kept], expected[1][kept], rtol=1e-3)
    np.testing.assert_allclose(rhos[kept], expected[2][kept], rtol=1e-6)
    np.testing.assert_allclose(edges.toarray()[kept][:, kept], expected[3].toarray()[kept][:, kept], rtol=1e-6)


def test_graph_is_the_estimators():
    """The graph has the bits of a fit's graph, and its layout is the fit's map."""
    fitted = UMAP(10, a=1.6, b=0.9, n_epochs=20, init="spectral", random_state=0).fit(X)
    graph, _, _ = functions.fuzzy_simplicial_set(X, 10, None, "euclidean")
    assert (graph != fitted.graph_).nnz == 0
    embedding, aux = laid_out(graph)
    np.testing.assert_array_equal(embedding, fitted.embedding_)
    assert aux == {}
    np.testing.assert_array_equal(laid_out((graph * 0.5).tocoo())[0], embedding)


def test_maps_at_epochs_and_the_start():
    """A list of epochs returns a map for each of them. With 0 epochs the result is the initial layout."""
    graph, _, _ = functions.fuzzy_simplicial_set(X, 10, None, "euclidean")
    embedding, aux = laid_out(graph, n_epochs=[5, 20])
    np.testing.assert_array_equal(embedding, laid_out(graph)[0])
    assert len(aux["embedding_list"]) == 2
    places = np.random.default_rng(1).normal(size=(120, 2)).astype(np.float32)
    np.testing.assert_array_equal(laid_out(graph, n_epochs=0, init=places)[0], places)
    start = laid_out(graph, n_epochs=0)[0]
    assert np.isfinite(start).all() and np.ptp(start, axis=0).min() > 1
    np.testing.assert_array_equal(laid_out(graph, initial_alpha=0.0)[0], start)
    assert not np.array_equal(laid_out(graph, init="pca")[0], laid_out(graph)[0])


def test_density_is_kept():
    """The radii are those of a fit with the same neighbors, and densmap preserves them better."""
    names = {"densmap": True, "output_dens": True, "densmap_kwds": {"lambda": 3.0, "n_neighbors": 10}}
    graph, _, _, dists = functions.fuzzy_simplicial_set(X, 10, None, "euclidean", return_dists=True)
    names["densmap_kwds"]["graph_dists"] = dists
    _, aux = laid_out(graph, n_epochs=100, **names)
    _, flat = laid_out(graph, n_epochs=100, **names | {"densmap": False})
    own = UMAP(10, densmap=True, output_dens=True, n_epochs=100, random_state=0).fit(X)
    np.testing.assert_allclose(aux["rad_orig"], own.rad_orig_, rtol=1e-4, atol=1e-5)
    kept, lost = (np.corrcoef(radii["rad_orig"], radii["rad_emb"])[0, 1] for radii in (aux, flat))
    assert kept > lost + 0.1
    with pytest.raises(ValueError, match=r"Pass densmap_kwds=\{'graph_dists': dists\}"):
        laid_out(graph, densmap=True)


def test_arguments_of_later_versions_are_told(monkeypatch):
    """Arguments of later versions change nothing, and one warning reports them."""
    monkeypatch.setattr(translation, "_warned", set())
    with pytest.warns(UnusedParameterWarning, match="nearest_neighbors does not use tree_seed=3"):
        found = functions.nearest_neighbors(X, 5, "euclidean", tree_seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = functions.nearest_neighbors(X, 5, "euclidean", tree_seed=4)
    for one, other in zip(found[:2], again[:2], strict=True):
        np.testing.assert_array_equal(one, other)


# --------------------------------------------------------------------------------------------------------- AlignedUMAP


def windows():
    """Return three windows of rows, each of which shares half of its rows with the next, and their relations."""
    rows = np.random.default_rng(2).normal(size=(200, 3))
    relation = {row + 50: row for row in range(50)}
    return [rows[first : first + 100] for first in (0, 50, 100)], [relation, relation]


def test_aligned_maps_share_places():
    """Rows of two aligned maps are closer to each other than in maps that were computed separately."""
    sets, relations = windows()
    model = functions.AlignedUMAP(n_neighbors=[10, 12, 10], n_epochs=60, random_state=0).fit(sets, relations=relations)
    alone = [UMAP(10, n_epochs=60, random_state=0).fit_transform(rows) for rows in sets]
    for together, apart in zip((model.embeddings_[:2], model.embeddings_[1:]), (alone[:2], alone[1:]), strict=True):
        near, far = (np.linalg.norm(a[50:] - b[:50], axis=1).mean() for a, b in (together, apart))
        assert near < far / 2
    assert [mapper.n_neighbors for mapper in model.mappers_] == [10, 12, 10]
    with pytest.raises(ValueError, match="3 data sets need 2 relations, but 1 were given"):
        model.fit(sets, relations=relations[:1])
    with pytest.raises(ValueError, match="n_neighbors has 2 entries for 3 data sets"):
        functions.AlignedUMAP(n_neighbors=[10, 12]).fit(sets, relations=relations)


def test_aligned_maps_are_updated():
    """An update adds a map that is aligned with the last one, and does not change the others."""
    sets, relations = windows()
    model = functions.AlignedUMAP([10, 10], n_epochs=60, random_state=0).fit(sets[:2], relations=relations[:1])
    before = [places.copy() for places in model.embeddings_]
    model.update(sets[2], relations=relations[1], n_neighbors=12)
    assert (model.n_models_, model.mappers_[2].n_neighbors) == (3, 12)
    for places, old in zip(model.embeddings_, before, strict=False):
        np.testing.assert_array_equal(places, old)
    last, new = model.embeddings_[1:]
    assert np.linalg.norm(last[50:] - new[:50], axis=1).mean() < np.ptp(last) / 10
