"""Tests of umap_sk.scanpy.umap and of scanpy's use of umap-learn's names, on AnnData and without scanpy."""

import importlib
import inspect
import tomllib
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import kneighbors_graph

import umap_sk
from umap_sk import UMAP, DisconnectedWarning, Manifold, NeighborsTransformer, PrecomputedUMAP
from umap_sk.interop.functions import find_ab_params, fuzzy_simplicial_set

anndata = pytest.importorskip("anndata")
FEATURES = np.random.default_rng(0).normal(size=(150, 5)).astype(np.float32)
FEATURES[:50] *= 4


@pytest.fixture
def cells():
    """Return the result of sc.pp.neighbors: distances to 14 others, connectivities and parameters."""
    made = anndata.AnnData(FEATURES.copy())
    made.obsm["X_pca"] = FEATURES[:, :3].copy()
    distances = NeighborsTransformer(14).fit_transform(FEATURES)
    indices, dists = NeighborsTransformer(14).fit(FEATURES).neighbors_
    rows = scipy.sparse.coo_matrix((150, 1))
    made.obsp["connectivities"], _, _ = fuzzy_simplicial_set(rows, 15, None, None, knn_indices=indices, knn_dists=dists)
    distances.setdiag(0)
    distances.eliminate_zeros()
    made.obsp["distances"] = distances
    asked = {"n_neighbors": 15, "method": "umap", "metric": "euclidean"}
    keys = {"connectivities_key": "connectivities", "distances_key": "distances"}
    made.uns["neighbors"] = keys | {"params": asked}
    return made


def test_map_is_that_of_a_fit(cells):
    """The map of the stored graph equals that of a fit with the same neighbors, which starts from pivot MDS."""
    umap_sk.scanpy.umap(cells, maxiter=40)
    fitted = PrecomputedUMAP(min_dist=0.5, n_epochs=40, random_state=0).fit(
        kneighbors_graph(FEATURES, 14, mode="distance")
    )
    np.testing.assert_allclose(cells.obsp["connectivities"].toarray(), fitted.graph_.toarray(), atol=1e-6)
    assert next(entry for entry in fitted.report_["phases"] if entry["name"] == "start")["init"] == "pivot_mds"
    start = UMAP(init="pivot_mds", min_dist=0.5, n_epochs=40, random_state=0).fit(FEATURES)
    np.testing.assert_array_equal(cells.obsm["X_umap"], start.embedding_)
    a, b = find_ab_params(1.0, 0.5)
    assert cells.uns["umap"]["params"] == {"a": a, "b": b}


def test_connectivities_alone(cells):
    """Without distances the initial layout is spectral, and a density weight is an error."""
    before = umap_sk.scanpy.umap(cells, maxiter=20, copy=True, init_pos="spectral")
    del cells.obsp["distances"]
    assert umap_sk.scanpy.umap(cells, maxiter=20) is None
    np.testing.assert_array_equal(cells.obsm["X_umap"], before.obsm["X_umap"])
    for settings in ({"dens_lambda": 2.0}, {"init_pos": "pivot_mds"}):
        with pytest.raises(ValueError, match="need distances, but adata.obsp has none of this graph"):
            umap_sk.scanpy.umap(cells, **settings)


def test_places_to_begin_at_and_keys(cells):
    """The initial layout may be a key of obsm, and key_added and neighbors_key name the output and the input."""
    cells.obsm["given"] = FEATURES[:, :2].copy()
    cells.obsp["others"], cells.uns["other"] = cells.obsp["connectivities"], {"connectivities_key": "others"}
    umap_sk.scanpy.umap(cells, init_pos="given", maxiter=0, key_added="start", neighbors_key="other", random_state=3)
    np.testing.assert_array_equal(cells.obsm["start"], FEATURES[:, :2])
    assert cells.uns["start"]["params"]["random_state"] == 3 and "X_umap" not in cells.obsm
    with pytest.raises(KeyError, match="no 'missing', so there is no graph of neighbors"):
        umap_sk.scanpy.umap(cells, neighbors_key="missing")
    with pytest.raises(ValueError, match="method='rapids'"):
        umap_sk.scanpy.umap(cells, method="rapids")
    with pytest.raises(ValueError, match="init_pos='givn' is not known; use 'auto', .*'paga', 'X_pca', 'given'"):
        umap_sk.scanpy.umap(cells, init_pos="givn")
    with pytest.raises(ValueError, match="min_dist=2 and spread=1.0, but 0 <= min_dist <= spread is needed"):
        umap_sk.scanpy.umap(cells, min_dist=2)
    with pytest.raises(TypeError, match="An AnnData object is needed, but ndarray was passed"):
        umap_sk.scanpy.umap(FEATURES)
    del cells.obsp["others"]
    with pytest.raises(KeyError, match="adata.obsp has no 'others', which adata.uns.'other'. names"):
        umap_sk.scanpy.umap(cells, neighbors_key="other")


def test_names_of_umap_learn(cells):
    """umap-learn's names of initial layouts are those of UMAP."""
    one, other = (umap_sk.scanpy.umap(cells, maxiter=2, copy=True, init_pos=x) for x in ("spectral", "tswspectral"))
    np.testing.assert_array_equal(one.obsm["X_umap"], other.obsm["X_umap"])


def test_cells_without_edges(cells):
    """A warning counts the cells that slicing leaves without an edge, and so does the report of a manifold's fit."""
    graph = cells.obsp["connectivities"].tolil()
    graph[:3], graph[:, :3] = 0, 0
    cells.obsp["connectivities"] = scipy.sparse.csr_array(graph)
    cells.obsp["connectivities"].eliminate_zeros()
    del cells.obsp["distances"]
    with pytest.warns(DisconnectedWarning, match="3 of .* rows of the manifold have no edge, the first is row 0"):
        umap_sk.scanpy.umap(cells, maxiter=3)
    assert np.flatnonzero(np.isnan(cells.obsm["X_umap"]).any(axis=1)).tolist() == [0, 1, 2]
    with pytest.warns(DisconnectedWarning, match="3 of"):
        model = PrecomputedUMAP(n_epochs=3).fit(manifold=Manifold.from_graph(cells.obsp["connectivities"]))
    assert model.report_["phases"][0]["disconnected_rows"] == 3


def test_connectivities_in_place_of_distances(cells):
    cells.obsp["distances"] = cells.obsp["connectivities"]
    with pytest.raises(ValueError, match="values that are the larger, the more neighbors two rows share"):
        umap_sk.scanpy.umap(cells)


def test_density(cells):
    """With dens_lambda, the radii in the data and in the map are more strongly correlated."""
    radii = UMAP(densmap=True, output_dens=True, n_epochs=1).fit(FEATURES).rad_orig_
    spreads = []
    for weight in (0.0, 2.0):
        umap_sk.scanpy.umap(cells, dens_lambda=weight, maxiter=100)
        near = kneighbors_graph(cells.obsm["X_umap"], 10, mode="distance").sum(axis=1)
        spreads.append(np.corrcoef(radii, np.log(np.asarray(near).ravel()))[0, 1])
    assert spreads[1] > spreads[0] + 0.1


def test_backend_of_scanpy():
    """The entry point names a module whose function accepts the arguments of scanpy's tl.umap."""
    declared = tomllib.loads((Path(umap_sk.__file__).parents[1] / "pyproject.toml").read_text())
    (target,) = declared["project"]["entry-points"]["scanpy.backends"].values()
    taken = inspect.signature(importlib.import_module(target).umap).parameters
    asked = "adata min_dist spread n_components maxiter alpha gamma negative_sample_rate init_pos random_state a b"
    assert set(f"{asked} method key_added neighbors_key copy".split()) <= set(taken)


def test_ingest_as_scanpy_does_it(cells):
    """A model with only the attributes that scanpy's ingest sets places new cells as a complete fit does."""
    umap_sk.scanpy.umap(cells, maxiter=30)
    model = UMAP(metric="euclidean", random_state=0, n_jobs=1)
    model._initial_alpha, model._raw_data, model.knn_dists = model.learning_rate, FEATURES, None
    model._validate_parameters()
    model.embedding_ = cells.obsm["X_umap"]
    model._sparse_data, model._small_data, model._metric_kwds = False, True, {}
    model._n_neighbors = model.n_neighbors = 15
    model._knn_search_index, model._input_hash = object(), None
    model._a, model._b = cells.uns["umap"]["params"]["a"], cells.uns["umap"]["params"]["b"]
    new = FEATURES[:7] + 0.05
    whole = UMAP(init="pivot_mds", min_dist=0.5, n_epochs=30, random_state=0).fit(FEATURES)
    np.testing.assert_array_equal(model.transform(new), whole.transform(new))
    np.testing.assert_array_equal(model.transform(FEATURES[:3]), model.embedding_[:3])
    model.set_params(n_epochs=2).fit(FEATURES)
    assert model._knn_search_index.query(new, 3)[0].shape == (7, 3)
    assert model._raw_data is FEATURES


@pytest.mark.parametrize("name", ["_knn_indices", "graph_dists_", "_rp_forest", "_input_distance_func"])
def test_attributes_that_a_fit_does_not_keep(name):
    """The AttributeError for a missing attribute names an alternative."""
    model = UMAP(n_epochs=1).fit(FEATURES)
    with pytest.raises(AttributeError, match=f"A fit keeps no {name}: "):
        getattr(model, name)


def test_attributes_of_the_estimator():
    """The AttributeError for an attribute that only the estimator has says so."""
    with pytest.raises(AttributeError, match="no attribute 'loss_curve_', but its estimator_ has"):
        _ = UMAP(n_epochs=1).fit(FEATURES).loss_curve_


def test_attributes_that_are_known():
    """The supported private attributes have umap-learn's values."""
    indices, dists = NeighborsTransformer(9).fit(FEATURES).neighbors_
    model = UMAP(10, metric="cosine", precomputed_knn=(indices, dists), n_epochs=1).fit(FEATURES)
    assert model.knn_indices is indices and model.knn_dists is dists and model.knn_search_index is None
    np.testing.assert_array_equal(model._knn_indices, indices)
    np.testing.assert_array_equal(model._knn_dists, dists)
    assert (model._disconnection_distance, model._initial_alpha, model._target_metric_kwds) == (2.0, 1.0, {})
    assert model._input_hash == UMAP(n_epochs=1).fit(FEATURES)._input_hash
    copies = UMAP(unique=True, n_epochs=1).fit(np.vstack([FEATURES, FEATURES[:2]]))
    np.testing.assert_array_equal(copies._unique_inverse_[-2:], [0, 1])
    assert not hasattr(model, "_unique_inverse_")


def test_local_scales_of_a_fit():
    """The attributes _sigmas and _rhos are those of fuzzy_simplicial_set, for features and for given neighbors."""
    for metric, given in (("cosine", None), ("euclidean", NeighborsTransformer(9).fit(FEATURES).neighbors_)):
        indices, dists = given or (None, None)
        model = UMAP(10, metric=metric, precomputed_knn=(indices, dists, None), n_epochs=1).fit(FEATURES)
        _, sigmas, rhos = fuzzy_simplicial_set(FEATURES, 10, None, metric, knn_indices=indices, knn_dists=dists)
        np.testing.assert_array_equal(model._sigmas, sigmas)
        np.testing.assert_array_equal(model._rhos, rhos)
    distances = kneighbors_graph(FEATURES, 9, mode="distance")
    matrix = UMAP(10, precomputed_knn=distances, n_epochs=1).fit(3 * FEATURES)  # whose own distances are larger
    np.testing.assert_allclose(matrix._sigmas, model._sigmas, rtol=1e-5)
    with pytest.raises(AttributeError, match="A fit keeps no _knn_indices"):  # a matrix lists rows in no order
        print(matrix._knn_indices)
    combined = UMAP(n_epochs=1).fit(FEATURES) + UMAP(n_epochs=1).fit(FEATURES + 1)
    with pytest.raises(AttributeError, match="no _rhos, which needs features"):
        print(combined._rhos)
    square = UMAP(10, metric="precomputed", n_epochs=1).fit(pairwise_distances(FEATURES))
    for name in ("_sigmas", "_raw_data", "_sparse_data"):
        with pytest.raises(AttributeError, match="has no _.*, which needs features: models with metric='precomputed'"):
            getattr(square, name)
