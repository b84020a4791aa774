"""Tests of the default fit from neighbors alone, over two levels: the same bits for any threads and steps."""

import copy
import functools
import pickle

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from umap_sk import Checkpoint, PrecomputedUMAP
from umap_sk.layout import coarsen
from umap_sk.runtime.threads import FEW_ROWS

POINTS = np.random.default_rng(0).random((6000, 3))
DISTS, INDICES = NearestNeighbors(n_neighbors=10).fit(POINTS).kneighbors(POINTS)
ARRAYS = {"knn_indices": INDICES, "knn_dists": DISTS}
SETTINGS = {"n_neighbors": 10, "n_epochs": 30, "random_state": 0}


@pytest.fixture(autouse=True)
def smaller_levels(monkeypatch):
    """Make coarse levels of small graphs, so that the layout has two levels and can use several threads."""
    assert len(POINTS) > FEW_ROWS
    monkeypatch.setattr(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=1000))


@pytest.fixture
def whole():
    """Return a model of one call of fit, with two levels."""
    model = PrecomputedUMAP(**SETTINGS).fit(**ARRAYS)
    start = next(phase for phase in model.report_["phases"] if phase["name"] == "start")
    assert start["init"] == "pivot_mds" and len(start["levels"]) == 2
    return model


@pytest.mark.parametrize("n_components", [2, 3])
def test_threads(n_components):
    """The map and the distances of the graph are the same on one thread and on two."""
    found = set()
    for n_jobs in (1, 2):
        model = PrecomputedUMAP(**SETTINGS, n_components=n_components, n_jobs=n_jobs).fit(**ARRAYS)
        assert model.report_["threads"] == n_jobs
        found.add((model.embedding_.tobytes(), model.manifold_._shared.lengths.tobytes()))
    assert len(found) == 1


@pytest.mark.parametrize("seed", [None, 0])
def test_cuts_and_copies(whole, seed):
    """Steps over both levels, with copies and other numbers of threads in between, give the bits of one fit."""
    rng = np.random.default_rng(seed)
    model, step = PrecomputedUMAP(**SETTINGS).partial_fit(**ARRAYS), 0
    while model.epoch_ < whole.n_epochs_:
        model = [lambda same: same, lambda other: pickle.loads(pickle.dumps(other)), copy.deepcopy][step % 3](model)
        model.set_params(n_jobs=1 + step % 2).partial_fit(epochs=1 if seed is None else int(rng.integers(1, 6)))
        step += 1
    assert model.embedding_.tobytes() == whole.embedding_.tobytes()


@pytest.mark.parametrize("epochs", [1, 12, 20, 29])
def test_resumed_runs(whole, tmp_path, epochs):
    """A run that resumes from a checkpoint on either level gives the bits of one fit."""
    keep = Checkpoint(tmp_path, every_epochs=1, every_seconds=None)
    PrecomputedUMAP(**SETTINGS, checkpoint=keep).partial_fit(**ARRAYS, epochs=epochs)
    model = PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**ARRAYS)
    assert model.report_["phases"][0]["name"] == "resume"
    assert model.embedding_.tobytes() == whole.embedding_.tobytes()


def test_doubled_distances_give_the_same_map(whole):
    """Doubled distances give the same map, and a graph with doubled distances."""
    model = PrecomputedUMAP(**SETTINGS).fit(knn_indices=INDICES, knn_dists=2 * DISTS)
    assert model.embedding_.tobytes() == whole.embedding_.tobytes()
    assert np.array_equal(model.manifold_._shared.lengths, 2 * whole.manifold_._shared.lengths)


def test_another_seed_is_another_map(whole):
    other = PrecomputedUMAP(**{**SETTINGS, "random_state": 1}).fit(**ARRAYS)
    assert other.embedding_.tobytes() != whole.embedding_.tobytes()
