"""Tests of new rows in chunks, conversions to local models, checkpoints, and grid searches on a cluster."""

import copy
import pickle

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from clusters import neighbors_of_points
from sklearn.model_selection import GridSearchCV

from umap_sk import Checkpoint, PrecomputedUMAP, knn_graph
from umap_sk.dask import DistributedUMAP, epochs, transform

N = 3_000
INDICES, DISTS = neighbors_of_points(N)
NEW_INDICES, NEW_DISTS = INDICES[::3].copy(), DISTS[::3] + np.float32(0.01)
SETTINGS = {"n_neighbors": 10, "n_epochs": 10, "random_state": 1}


@pytest.fixture(scope="module")
def local():
    return PrecomputedUMAP(**SETTINGS).fit(knn_indices=INDICES, knn_dists=DISTS)


def chunked(*arrays, rows=250):
    return [da.from_array(array, chunks=(rows, 4)) for array in arrays]


def test_new_rows_of_a_local_model(local):
    """Chunks of new rows have the positions of the local `transform`, on any scheduler (here: threads)."""
    places = transform(local, *chunked(NEW_INDICES, NEW_DISTS))
    assert places.chunks == ((250,) * 4, (2,))
    expected = local.transform(knn_indices=NEW_INDICES, knn_dists=NEW_DISTS)
    np.testing.assert_array_equal(places.compute(), expected)
    np.testing.assert_array_equal(places[250:500].compute(), expected[250:500])


def test_new_rows_in_frames(local):
    frames = [dd.from_pandas(pd.DataFrame(array), npartitions=3) for array in (NEW_INDICES, NEW_DISTS)]
    expected = local.transform(knn_indices=NEW_INDICES, knn_dists=NEW_DISTS)
    np.testing.assert_array_equal(transform(local, *frames).compute(), expected)


def test_chunks_without_rows(local):
    """Chunks may be empty, as after a filter."""
    indices, dists = chunked(NEW_INDICES, NEW_DISTS)
    kept = indices[:, 0] >= 500
    expected = local.transform(knn_indices=NEW_INDICES, knn_dists=NEW_DISTS)[NEW_INDICES[:, 0] >= 500]
    np.testing.assert_array_equal(transform(local, indices[kept], dists[kept]).compute(), expected)


def test_chunks_that_differ(local):
    with pytest.raises(ValueError, match="4 chunks of rows, but knn_dists 2"):
        transform(local, *chunked(NEW_INDICES), *chunked(NEW_DISTS, rows=500))


def test_new_rows_of_a_shared_model(client, local):
    shared = DistributedUMAP(**SETTINGS).fit(knn_indices=INDICES, knn_dists=DISTS)
    places = shared.transform(**dict(zip(("knn_indices", "knn_dists"), chunked(NEW_INDICES, NEW_DISTS), strict=True)))
    expected = local.transform(knn_indices=NEW_INDICES, knn_dists=NEW_DISTS)
    np.testing.assert_array_equal(places.compute(), expected)
    back = shared.to_local()
    np.testing.assert_array_equal(back.embedding_, local.embedding_)
    np.testing.assert_array_equal(back.transform(knn_indices=NEW_INDICES, knn_dists=NEW_DISTS), expected)
    with pytest.raises(AttributeError, match="graph"):
        back.graph_  # noqa: B018
    for stored in (pickle.loads(pickle.dumps(shared)), copy.deepcopy(shared)):
        assert type(stored) is PrecomputedUMAP
        np.testing.assert_array_equal(stored.embedding_, local.embedding_)
    assert type(pickle.loads(pickle.dumps(DistributedUMAP(n_neighbors=9)))) is DistributedUMAP


def test_the_map_is_sent_once(client, local):
    """The model is one task, whatever the number of chunks."""
    places = transform(local, *chunked(NEW_INDICES, NEW_DISTS, rows=50))
    models = {key for key in dict(places.__dask_graph__()) if "PrecomputedUMAP" in str(key)}
    assert len(models) == 1


class Stopped(Exception):
    pass


@pytest.mark.parametrize("last", [4, 5, 8])
def test_a_run_is_taken_up(client, monkeypatch, tmp_path, local, last):
    """A stopped run resumes from its last checkpoint, also at the end of a phase (4). A finished run is only loaded."""
    kept = Checkpoint(tmp_path, every_epochs=1)
    step, wanted = epochs._submit_epoch, {"knn_indices": INDICES, "knn_dists": DISTS}

    def stop(cluster, layout, phase, current):
        if current.epoch == last:
            raise Stopped
        return step(cluster, layout, phase, current)

    monkeypatch.setattr(epochs, "EPOCHS_AHEAD", 1)
    monkeypatch.setattr(epochs, "_submit_epoch", stop)
    with pytest.raises(Stopped):
        DistributedUMAP(**SETTINGS, checkpoint=kept).fit(**wanted)
    began = []

    def note(cluster, layout, phase, current):
        began.append(current.epoch)
        return step(cluster, layout, phase, current)

    monkeypatch.setattr(epochs, "_submit_epoch", note)
    found = DistributedUMAP(**SETTINGS, checkpoint=kept).fit(**wanted)
    np.testing.assert_array_equal(found.embedding_.compute(), local.embedding_)
    assert 1 <= began[0] <= last  # on a slow disk, some epochs have no checkpoint
    began.clear()
    again = DistributedUMAP(**SETTINGS, checkpoint=kept).fit(**wanted)
    np.testing.assert_array_equal(again.embedding_.compute(), local.embedding_)
    assert not began and again.n_epochs_ == local.n_epochs_


def test_grid_search_on_a_cluster(client):
    """A grid search on a cluster has the same scores as one in this process."""
    graph = knn_graph(INDICES[:600] % 600, DISTS[:600])
    search = GridSearchCV(PrecomputedUMAP(**SETTINGS), {"min_dist": [0.1, 0.5]}, cv=2)
    here = search.fit(graph).cv_results_["mean_test_score"]
    with joblib.parallel_config("dask"):
        there = search.fit(graph).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(there, here)
