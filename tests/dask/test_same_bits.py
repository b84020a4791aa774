"""Fits on a cluster have the bits of fits in one process, whatever the workers, the chunks and the parameters."""

import dask.array as da
import numpy as np
import pytest
from clusters import N, neighbors_of_points

from umap_sk import PrecomputedUMAP
from umap_sk.dask import DistributedUMAP, levels
from umap_sk.layout import coarsen

INDICES, DISTS = neighbors_of_points(N)
START = np.random.default_rng(5).normal(size=(N, 2)).astype(np.float32)


def lonely():
    """Return neighbors in which some rows have no edges, and some have no neighbors but are neighbors of others."""
    indices = np.where(INDICES % 997 == 0, -1, INDICES)
    indices[::997] = -1
    indices[5:40] = -1
    return indices, DISTS


def tied():
    """Return neighbors in which every third row has only distances of 0, and a scale from the mean of all distances."""
    return INDICES, np.where(np.arange(N)[:, None] % 3 == 0, 0, DISTS).astype(np.float64)


CASES = {
    "default": ({}, {}),
    "three axes": ({"n_components": 3}, {}),
    "directed": ({"symmetrize": False}, {}),
    "mixed": ({"set_op_mix_ratio": 0.4, "local_connectivity": 1.5, "n_neighbors": 7}, {}),
    "intersection": ({"set_op_mix_ratio": 0.0}, {}),
    "cut": ({"disconnection_distance": float(np.quantile(DISTS, 0.4))}, {}),
    "spectral": ({"init": "spectral"}, {}),
    "random": ({"init": "random"}, {}),
    "array": ({}, {"init": START}),
    "as it is": ({"rescale_init": False}, {"init": START * np.float32(9)}),
    "one level": ({"multilevel": False}, {}),
    "curve": ({"min_dist": 0.5, "repulsion_strength": 2.0, "negative_sample_rate": 9, "learning_rate": 0.5}, {}),
}


def both(parameters, given, chunks=9_000, arrays=(INDICES, DISTS)):
    parameters = {"n_epochs": 12, "random_state": 3} | parameters
    indices, dists = arrays
    local = PrecomputedUMAP(**parameters).fit(knn_indices=indices, knn_dists=dists, **given)
    indices, dists = (da.from_array(array, chunks=(chunks, -1)) for array in arrays)
    shared = DistributedUMAP(**parameters).fit(knn_indices=indices, knn_dists=dists, **given)
    return shared, local


def assert_same(shared, local):
    found = shared.embedding_.compute()
    assert found.dtype == np.float32 and np.isfinite(found).any()
    np.testing.assert_array_equal(found, local.embedding_)
    assert (shared.seed_, shared.n_epochs_, shared.a_) == (local.seed_, local.n_epochs_, local.a_)


LONG_CASES = "default", "as it is", "curve", "cut", "directed", "intersection"  # which other tests on a cluster have


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.long) if case in LONG_CASES else case for case in CASES]
)
def test_every_kind_of_fit(client, monkeypatch, case):
    """Each kind of fit has the bits of a fit in one process if all levels are in pieces."""
    monkeypatch.setattr(levels, "SINGLE_WORKER_VERTICES", 500)
    assert_same(*both(*CASES[case]))


@pytest.mark.parametrize(
    "case", ["default", *(pytest.param(case, marks=pytest.mark.long) for case in ("random", "directed"))]
)
def test_several_coarse_levels_in_pieces(client, monkeypatch, case):
    monkeypatch.setattr(levels, "SINGLE_WORKER_VERTICES", 500)
    monkeypatch.setattr(coarsen, "needs_coarsening", lambda n_vertices, depth, *_, **__: n_vertices > 1_000)
    shared, local = both(*CASES[case])
    (began,) = [phase for phase in local.report_["phases"] if phase["name"] == "start"]
    assert len(began["levels"]) > 2
    assert_same(shared, local)


@pytest.mark.long
@pytest.mark.parametrize("case", ["default", "one level", "random"])
def test_coarse_levels_on_one_worker(client, case):
    assert_same(*both(*CASES[case]))


@pytest.mark.filterwarnings("ignore::umap_sk.DisconnectedWarning", "ignore::umap_sk.FewerNeighborsWarning")
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"symmetrize": False},
        pytest.param({"init": START}, marks=pytest.mark.long),
        pytest.param({"init": "random"}, marks=pytest.mark.long),
        pytest.param({"init": START, "rescale_init": False}, marks=pytest.mark.long),
    ],
)
def test_rows_without_neighbors(client, parameters):
    shared, local = both(parameters, {}, arrays=lonely())
    assert_same(shared, local)
    assert np.isnan(local.embedding_).any()
    assert_same(*both(parameters | {"rescale_init": False}, {"init": local.embedding_}, arrays=lonely()))
    started = [
        next(phase for phase in model.report_["phases"] if phase["name"] == "start") for model in (shared, local)
    ]
    assert all(started[0][name] == started[1][name] for name in ("init", "levels"))


@pytest.mark.long
@pytest.mark.parametrize("n_components", [2, 3])
def test_a_row_that_all_rows_list(client, n_components):
    """Threads and workers share the edges of a very long row, and a fit on one thread has the same bits."""
    indices = np.where(np.arange(10) == 0, 12_345, INDICES)
    shared, local = both({"n_components": n_components}, {}, arrays=(indices, DISTS))
    assert_same(shared, local)
    alone = PrecomputedUMAP(n_components=n_components, n_epochs=12, random_state=3, n_jobs=1)
    np.testing.assert_array_equal(alone.fit(knn_indices=indices, knn_dists=DISTS).embedding_, local.embedding_)
    assert np.bincount(local.graph_.indices).max() == N - 1


def test_rows_that_coincide(client):
    assert_same(*both({}, {}, arrays=tied()))


@pytest.mark.parametrize("chunks", [1_000, *(pytest.param(rows, marks=pytest.mark.long) for rows in (N, 12_345))])
def test_any_chunks(client, chunks):
    shared, local = both({}, {}, chunks=chunks)
    assert_same(shared, local)
    assert shared.embedding_.chunks[0][0] == min(chunks, N)
