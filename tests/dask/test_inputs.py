"""Tests of the inputs of a fit on a cluster: which are accepted, and which are refused with a helpful message."""

import gc
import time

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from clusters import neighbors_of_points
from distributed import Client
from sklearn.base import clone

from umap_sk import Manifold, PrecomputedUMAP
from umap_sk.dask import DistributedUMAP

SMALL = 3_000
INDICES, DISTS = neighbors_of_points(SMALL)
SETTINGS = {"n_neighbors": 10, "n_epochs": 10, "random_state": 1}


@pytest.fixture(scope="module")
def expected():
    return PrecomputedUMAP(**SETTINGS).fit(knn_indices=INDICES, knn_dists=DISTS).embedding_


def chunked(array, rows=1_000):
    return da.from_array(array, chunks=(rows, -1))


def fit(indices=INDICES, dists=DISTS, **given):
    return DistributedUMAP(**SETTINGS).fit(knn_indices=indices, knn_dists=dists, **given)


def test_no_client():
    with pytest.raises(ValueError, match="no current client.*client=Client"):
        fit()


def test_a_client_that_is_gone(cluster):
    client = Client(cluster)
    client.close()
    with pytest.raises(ValueError, match="The client is closed"):
        DistributedUMAP(client=client).fit(knn_indices=INDICES, knn_dists=DISTS)


def test_workers_of_another_version(client, monkeypatch):
    monkeypatch.setattr("umap_sk.dask.cluster.__version__", "0.0.9")
    with pytest.raises(
        ValueError, match=r"2 of 2 workers have other versions: .* has umap-sk 0\.1\.0 .* client umap-sk 0\.0\.9"
    ):
        fit()


@pytest.mark.parametrize(
    "indices, dists, message",
    [
        (chunked(INDICES), chunked(DISTS, 700), r"3 chunks of rows, of 1000 rows at first, but knn_dists 5.*rechunk"),
        (chunked(INDICES), chunked(DISTS[:, :5]), r"shape \(3000, 10\), but knn_dists has \(3000, 5\)"),
        (chunked(INDICES)[chunked(INDICES)[:, 0] >= 0], chunked(DISTS), "unknown lengths.*compute_chunk_sizes"),
        (chunked(INDICES.astype(float)), chunked(DISTS), "knn_indices"),
        (None, None, "Neighbors are missing"),
        (chunked(INDICES[:, 0].reshape(-1, 1))[:, 0], chunked(DISTS), "1 dimension"),
    ],
)
def test_arrays_that_do_not_fit(client, indices, dists, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fit(indices, dists)


@pytest.mark.parametrize(
    "row, value, message",
    [(2_345, 99_999, r"99999"), (17, -5, "-5")],
)
def test_a_bad_entry_is_called_by_its_row(client, row, value, message):
    """The error message is that of a fit in one process, without the traceback of a worker."""
    bad = INDICES.copy()
    bad[row, 3] = value
    with pytest.raises(ValueError, match=message) as there:
        fit(chunked(bad), chunked(DISTS))
    with pytest.raises(ValueError, match=message) as here:
        PrecomputedUMAP(**SETTINGS).fit(knn_indices=bad, knn_dists=DISTS)
    assert str(there.value) == str(here.value)
    assert there.value.__cause__ is None


@pytest.mark.parametrize("dtype", [np.int32, np.uint64])
def test_transposed_arrays_are_named(client, dtype):
    """Arrays of columns x rows get the message of a fit in one process, whatever their sentinels."""
    indices, dists = INDICES[:40, :9] % 40, DISTS[:40, :9]
    indices[3, 8] = np.iinfo(np.int32).max
    indices = np.where(indices == np.iinfo(np.int32).max, np.iinfo(dtype).max, indices.astype(dtype)).T
    with pytest.raises(ValueError, match="names rows up to 39: it looks transposed") as there:
        fit(chunked(indices, 4), chunked(dists.T, 4))
    with pytest.raises(ValueError, match="it looks transposed") as here:
        PrecomputedUMAP(**SETTINGS).fit(knn_indices=indices, knn_dists=dists.T)
    assert str(there.value) == str(here.value)


def test_similarities(client):
    with pytest.raises(ValueError, match="Distances are needed"):
        fit(chunked(INDICES), chunked(1 - DISTS))


def test_x_and_both(client):
    with pytest.raises(TypeError, match="X is not used"):
        DistributedUMAP().fit(DISTS)
    with pytest.raises(ValueError, match="not both"):
        fit(manifold="there")


def test_arrays_of_this_process_and_frames(client, expected):
    np.testing.assert_array_equal(fit().embedding_.compute(), expected)
    frames = [dd.from_pandas(pd.DataFrame(array), npartitions=3) for array in (INDICES, DISTS)]
    np.testing.assert_array_equal(fit(*frames).embedding_.compute(), expected)


def test_a_manifold_in_a_directory(client, expected, tmp_path):
    manifold = PrecomputedUMAP(**SETTINGS).learn_manifold(knn_indices=INDICES, knn_dists=DISTS)
    manifold.save(tmp_path / "graph")
    found = DistributedUMAP(**SETTINGS).fit(manifold=tmp_path / "graph")
    np.testing.assert_array_equal(found.embedding_.compute(), expected)
    with pytest.raises(ValueError, match="n_neighbors=10 there, 7 here"):
        DistributedUMAP(n_neighbors=7).fit(manifold=tmp_path / "graph")
    with pytest.raises(TypeError, match="directory"):
        DistributedUMAP().fit(manifold=manifold)
    assert isinstance(manifold, Manifold)


def test_a_directed_graph_of_somebody_else(client, tmp_path):
    """The map of a directed graph from another program is that of one process, although `symmetrize` is True."""
    graph = scipy.sparse.random_array((SMALL, SMALL), density=0.003, format="csr", rng=np.random.default_rng(0))
    graph[100:140] = 0
    manifold = Manifold.from_graph(graph)
    manifold.save(tmp_path / "graph")
    found = DistributedUMAP(**SETTINGS, init="spectral").fit(manifold=tmp_path / "graph").embedding_.compute()
    local = PrecomputedUMAP(**SETTINGS, init="spectral").fit(manifold=manifold)
    np.testing.assert_array_equal(found, local.embedding_)


def test_a_client_that_is_not_the_current_one(cluster, expected):
    with Client(cluster, set_as_default=False) as client:
        model = DistributedUMAP(**SETTINGS, client=client).fit(knn_indices=INDICES, knn_dists=DISTS)
        np.testing.assert_array_equal(client.compute(model.embedding_).result(), expected)


def test_the_map_of_a_client_that_is_closed(cluster, client):
    """Once the client of a fit is closed, all uses of the map raise the same error, even if another client exists."""
    other = Client(cluster, set_as_default=False)
    model = DistributedUMAP(**SETTINGS, client=other).fit(knn_indices=INDICES, knn_dists=DISTS)
    other.close()
    given = {"knn_indices": chunked(INDICES), "knn_dists": chunked(DISTS)}
    for call in (lambda: model.embedding_, model.to_local, lambda: model.transform(**given)):
        with pytest.raises(
            RuntimeError, match=r"the client of the fit, .* is closed.* Fit again; before .*to_local\(\)"
        ):
            call()


def test_tasks_go_with_the_estimator(client):
    """Tasks on the scheduler are released with the estimator and its maps, and so are tasks of refused fits."""

    def tasks_left():
        found = client.run_on_scheduler(lambda dask_scheduler: [key for key in dask_scheduler.tasks if "umap" in key])
        return len(found)

    model = fit()
    places = model.transform(knn_indices=chunked(INDICES), knn_dists=chunked(DISTS + 1))
    bad = np.where(INDICES == 5, SMALL, INDICES)
    for _ in range(2):
        with pytest.raises(ValueError, match="is 3000, but"):
            fit(bad)
    assert tasks_left() > 0
    del model
    assert np.isfinite(places.compute()).all()  # the positions keep the tasks that they need
    del places
    latest = time.monotonic() + 20
    while tasks_left() and time.monotonic() < latest:
        gc.collect()
        time.sleep(0.05)
    assert tasks_left() == 0


def test_a_clone_has_the_same_client(client):
    copy = clone(DistributedUMAP(n_neighbors=7, client=client))
    assert copy.client is client and copy.n_neighbors == 7


def test_no_neighbors_at_all(client):
    with pytest.raises(ValueError, match="Not one of 3000 rows has a usable neighbor.*30000 are missing"):
        fit(np.full_like(INDICES, -1))


def test_arrays_of_different_widths_are_cut_alike(client, expected, monkeypatch):
    monkeypatch.setattr("umap_sk.dask.inputs.CHUNK_ROWS", 1_024)
    np.testing.assert_array_equal(fit(INDICES.astype(np.int64), DISTS).embedding_.compute(), expected)
    np.testing.assert_array_equal(fit(chunked(INDICES), DISTS).embedding_.compute(), expected)


def test_a_directory_that_workers_do_not_see(client, tmp_path, monkeypatch):
    PrecomputedUMAP(**SETTINGS).learn_manifold(knn_indices=INDICES, knn_dists=DISTS).save(tmp_path / "graph")
    monkeypatch.setattr("umap_sk.dask.inputs._file_exists", lambda path: False)
    with pytest.raises(ValueError, match="2 of 2 workers do not see.*share"):
        DistributedUMAP(**SETTINGS).fit(manifold=tmp_path / "graph")


def test_names_of_phases(client):
    """The scheduler, and so the dashboard, knows the tasks by the names of the phases."""
    fit()
    seen = client.run_on_scheduler(lambda dask_scheduler: set(dask_scheduler.task_prefixes))
    assert {"umap_read", "umap_unite", "umap_lay_out", "umap_start", "umap_epoch", "umap_embedding"} <= seen


def test_the_address_of_a_scheduler_is_no_client(client):
    with pytest.raises(TypeError, match="client is a str, but a client is needed, such as dask.distributed.Client"):
        DistributedUMAP(client=client.scheduler.address).fit(knn_indices=INDICES, knn_dists=DISTS)
