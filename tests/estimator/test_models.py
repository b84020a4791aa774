"""Tests of stored models: picklers, memory maps, file sizes, versions, and other processes."""

import io
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

import umap_sk
from umap_sk import Manifold, PrecomputedUMAP
from umap_sk.runtime import stored_format

ROOT = Path(__file__).parents[2]
X = load_digits().data[:600]
SEARCH = NearestNeighbors(n_neighbors=15).fit(X[:500])
DISTS, INDICES = SEARCH.kneighbors(X[:500])
NEW_DISTS, NEW_INDICES = SEARCH.kneighbors(X[500:])
NEW = {"knn_indices": NEW_INDICES, "knn_dists": NEW_DISTS}
SETTINGS = {"n_epochs": 20, "random_state": 0}


@pytest.fixture(scope="module")
def precomputed():
    return PrecomputedUMAP(**SETTINGS).fit(knn_indices=INDICES, knn_dists=DISTS)


@pytest.fixture(scope="module")
def of_features():
    return PrecomputedUMAP(**SETTINGS, metric="euclidean").fit(X[:500])


def through_skops(model):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(model)
    unknown = skops.get_untrusted_types(data=data)
    assert all(name.startswith(("umap_sk.", "sklearn.")) for name in unknown)
    return skops.loads(data, trusted=unknown)


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def through_cloudpickle(model):
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(model))


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


WAYS = [through_joblib, through_pickle, through_cloudpickle, through_skops]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_ways_to_store(way, precomputed, of_features):
    """A loaded model has the same map, parameters, score and new rows to the bit, with and without its graph."""
    loaded = way(precomputed)
    np.testing.assert_array_equal(loaded.embedding_, precomputed.embedding_)
    np.testing.assert_array_equal(loaded.transform(**NEW), precomputed.transform(**NEW))
    assert loaded.get_params() == precomputed.get_params() and loaded.seed_ == precomputed.seed_
    assert (loaded.graph_ != precomputed.graph_).nnz == 0
    assert loaded.score(**NEW) == precomputed.score(**NEW)
    np.testing.assert_array_equal(way(of_features).transform(X[500:]), of_features.transform(X[500:]))
    dropped = way(through_pickle(precomputed).drop_graph())
    np.testing.assert_array_equal(dropped.transform(**NEW), precomputed.transform(**NEW))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_half_done_models(way, precomputed):
    """A partially fitted model that was stored reaches the bits of an uninterrupted fit."""
    half = PrecomputedUMAP(**SETTINGS).partial_fit(knn_indices=INDICES, knn_dists=DISTS, epochs=7)
    loaded = way(half)
    assert loaded.epoch_ == 7
    loaded.partial_fit(knn_indices=INDICES, knn_dists=DISTS, epochs=13)
    np.testing.assert_array_equal(loaded.embedding_, precomputed.embedding_)


@pytest.mark.parametrize("metric", ["precomputed", "euclidean"])
def test_memory_mapped(metric, precomputed, of_features, tmp_path):
    """A memory-mapped model leaves its arrays in the unchanged file and gives new rows the same bits."""
    model, new = (precomputed, NEW) if metric == "precomputed" else (of_features, {"X": X[500:]})
    joblib.dump(model, tmp_path / "model.joblib")
    bits = (tmp_path / "model.joblib").read_bytes()
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert isinstance(mapped.embedding_, np.memmap) and not mapped.embedding_.flags.writeable
    assert all(isinstance(array, np.memmap) for array in mapped.manifold_.arrays())
    if metric == "euclidean":
        assert isinstance(mapped._fitted.search.features, np.memmap)
    np.testing.assert_array_equal(mapped.transform(**new), model.transform(**new))
    assert mapped.score(**new) == model.score(**new)
    again = PrecomputedUMAP(**SETTINGS).fit(None if new is NEW else X[:500], manifold=mapped.manifold_)
    np.testing.assert_array_equal(again.embedding_, model.embedding_)
    assert (tmp_path / "model.joblib").read_bytes() == bits


def test_another_process(precomputed, of_features, tmp_path):
    """A process that has only the file and the new rows gives them the same positions."""
    joblib.dump((precomputed, of_features, NEW, X[500:]), tmp_path / "models.joblib")
    program = """
import joblib, numpy
precomputed, of_features, arrays, features = joblib.load("models.joblib")
numpy.savez("places.npz", precomputed=precomputed.transform(**arrays), of_features=of_features.transform(features))
"""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=300)
    with np.load(tmp_path / "places.npz") as places:
        np.testing.assert_array_equal(places["precomputed"], precomputed.transform(**NEW))
        np.testing.assert_array_equal(places["of_features"], of_features.transform(X[500:]))


def test_size_without_the_graph(tmp_path):
    """Without its graph, a model needs little more space than its map."""
    n = 4_000  # with more, the parallel variants of all kernels would be compiled
    indices = (np.arange(n)[:, None] + np.arange(10)) % n
    dists = np.tile(np.arange(10.0), (n, 1))
    model = PrecomputedUMAP(n_epochs=1, init="random", random_state=0).fit(knn_indices=indices, knn_dists=dists)
    model.transform(knn_indices=[[5, 9]], knn_dists=[[1.0, 2.0]])  # data that transform caches are not stored
    joblib.dump(model, tmp_path / "whole.joblib")
    joblib.dump(model.drop_graph(), tmp_path / "small.joblib")
    assert (tmp_path / "whole.joblib").stat().st_size > 300_000
    assert model.embedding_.nbytes == 32_000
    assert (tmp_path / "small.joblib").stat().st_size < 42_000


def test_without_the_graph(precomputed):
    """Without its graph, a model says why calls fail, and partial_fit with data restarts."""
    model = through_pickle(precomputed).drop_graph()
    assert not hasattr(model, "graph_") and not hasattr(model, "manifold_")
    with pytest.raises(AttributeError, match="dropped by drop_graph; fit again"):
        _ = model.graph_
    half = PrecomputedUMAP(**SETTINGS).partial_fit(knn_indices=INDICES, knn_dists=DISTS, epochs=7)
    places = half.transform(**NEW)
    np.testing.assert_array_equal(half.drop_graph().transform(**NEW), places)
    with pytest.raises(ValueError, match="has no graph, which drop_graph removes, so its layout stays at epoch 7"):
        half.partial_fit()
    half.partial_fit(knn_indices=INDICES, knn_dists=DISTS, epochs=20)
    np.testing.assert_array_equal(half.embedding_, precomputed.embedding_)


# --------------------------------------------------------------------------------------------------------- versions


def test_development_versions_are_refused(precomputed):
    """States of development versions, which lack the format of a release, are refused."""
    state = precomputed.__getstate__()
    del state["stored_format"]
    with pytest.raises(ValueError, match="model was made by a development version of umap_sk.*Fit again"):
        PrecomputedUMAP().__setstate__(state | {"_format": 4})
    with pytest.raises(ValueError, match="manifold was made by a development version of umap_sk"):
        Manifold.__new__(Manifold).__setstate__({"format": 4})


def test_versions_are_stored(precomputed):
    """A stored model contains a format number and the version of the package. A loaded one does not keep them."""
    state = precomputed.__getstate__()
    assert state["stored_format"] == stored_format.FORMAT and state["umap_sk_version"] == umap_sk.__version__
    assert not {name for name in vars(through_pickle(precomputed)) if "version" in name or "format" in name}


def test_models_of_newer_versions_are_refused(precomputed):
    """The error about a newer format names the format and the version to install."""
    state = dict(precomputed.__getstate__(), stored_format=99, umap_sk_version="7.1")
    with pytest.raises(ValueError, match=r"model was written by umap_sk 7\.1 in format 99.*Install umap_sk 7\.1"):
        PrecomputedUMAP().__setstate__(state)
    manifold = dict(precomputed.manifold_.__getstate__(), stored_format=99)
    with pytest.raises(ValueError, match="manifold was written by umap_sk .* in format 99"):
        Manifold.__new__(Manifold).__setstate__(manifold)
