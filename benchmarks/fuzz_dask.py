"""Small graphs on a cluster and in one process: ``python -m benchmarks.fuzz_dask --examples 10000``.

Each example draws neighbor lists as `benchmarks.fuzz_graphs` does, chunks of any sizes, dtypes, a start, and parameters
of graph and layout, with several levels in pieces or on one worker. Sometimes an entry is wrong. The map and the places
of new rows must have the same bits as those of one process, or both must raise the same error; and when the estimator
is gone, the scheduler must have no task of it. Two workers are threads of this process, so that an example takes less
than a second.
"""

import functools
import gc
import logging
import time
import warnings
from unittest import mock

import dask.array
import numpy as np
from distributed import Client, LocalCluster

from benchmarks import fuzz
from benchmarks.fuzz_graphs import KINDS, MISSING, neighbor_lists
from umap_sk import PrecomputedUMAP, UMAPWarning
from umap_sk.dask import DistributedUMAP, levels
from umap_sk.layout import coarsen

PATIENCE = 20  # seconds that the scheduler may take to forget


@functools.cache
def client():
    """A client of two workers in this process."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None)
    return Client(cluster, set_as_default=False)


def close():
    """Close the client and its cluster, if they were started."""
    if client.cache_info().currsize:
        cluster = client().cluster
        client().close()
        cluster.close()
        client.cache_clear()


def pick(random, choices):
    """One of some choices."""
    return choices[random.integers(len(choices))]


def chunked(random, *arrays):
    """Arrays in the same chunks of rows, of any sizes."""
    n = len(arrays[0])
    cuts = np.unique(random.integers(1, max(2, n), random.integers(0, 4)))
    rows = tuple(np.diff([0, *cuts[cuts < n], n]).tolist())
    return [dask.array.from_array(array, chunks=(rows, -1)) for array in arrays]


def lists_of(random, n, k):
    """Neighbor lists of several dtypes, sometimes with an entry that is wrong."""
    indices, dists = neighbor_lists(random, n, k, random.integers(1, 9), pick(random, MISSING), pick(random, KINDS))
    if random.random() < 0.1 and indices.size:
        indices[tuple(random.integers(0, indices.shape))] = pick(random, (n, -7, 10**6))
    if random.random() < 0.1 and dists.size:
        dists[tuple(random.integers(0, dists.shape))] = pick(random, (np.nan, -5.0, 1e300))
    with np.errstate(over="ignore"):
        return indices.astype(pick(random, (np.int32, np.int64))), dists.astype(pick(random, (np.float32, np.float64)))


def settings_of(random, n, k):
    """Parameters of the estimators."""
    n_components = int(random.integers(1, 4))
    start = pick(random, ("auto", "random", "spectral", "pivot_mds", random.normal(size=(n, n_components))))
    return {
        "n_neighbors": k + 1,
        "n_components": n_components,
        "n_epochs": int(random.integers(1, 8)),
        "symmetrize": bool(random.integers(2)),
        "set_op_mix_ratio": pick(random, (1.0, 0.5, 0.0)),
        "rescale_init": bool(random.integers(2)),
        "multilevel": bool(random.integers(4)),
        "init": start,
        "random_state": int(random.integers(2**31)),
    }


def outcome_of(call):
    """What a call gives, or the error that it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UMAPWarning)
            return call()
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def fitted_both(random, settings, indices, dists):
    """A map on the cluster, and one of this process, with the places of new rows; or the errors of both."""
    blocks, new = chunked(random, indices, dists), chunked(random, indices, np.abs(dists) + 0.5)
    names = "knn_indices", "knn_dists"

    def shared():
        model = DistributedUMAP(**settings, client=client()).fit(**dict(zip(names, blocks, strict=True)))
        with client().as_current():
            places = outcome_of(lambda: model.transform(**dict(zip(names, new, strict=True))).compute())
            return model.embedding_.compute(), places

    def local():
        model = PrecomputedUMAP(**settings, n_jobs=1).fit(knn_indices=indices, knn_dists=dists)
        given = dict(zip(names, (indices, np.abs(dists) + 0.5), strict=True))
        return model.embedding_, outcome_of(lambda: model.transform(**given))

    return outcome_of(shared), outcome_of(local)


def tasks_left():
    """Tasks of this package that the scheduler has."""
    keys = client().run_on_scheduler(lambda dask_scheduler: [str(key) for key in dask_scheduler.tasks])
    return [key for key in keys if "umap_" in key]


def check(random):
    """One example; what came of it."""
    if not client().nthreads():  # on a busy machine workers may lose the scheduler
        close()
    n, k = int(random.integers(2, 61)), int(random.integers(1, 9))
    indices, dists = lists_of(random, n, k)
    alone, largest = pick(random, (4, 30)), pick(random, (6, 100))
    with (
        mock.patch.object(levels, "ALONE", alone),
        mock.patch.object(coarsen, "needs_coarser", lambda n_vertices, depth, *_, **__: n_vertices > largest),
    ):
        found, expected = fitted_both(random, settings_of(random, n, k), indices, dists)
    if isinstance(found, str) or isinstance(expected, str):
        assert found == expected, (found, expected)
    else:
        for one, other in zip(found, expected, strict=True):
            if isinstance(other, str):
                assert isinstance(one, str), other  # whose rows are numbered within their chunk
            else:
                assert one.tobytes() == other.tobytes(), (one, other)
    del found
    latest = time.monotonic() + PATIENCE
    while tasks_left():
        assert time.monotonic() < latest, tasks_left()[:5]
        gc.collect()
        time.sleep(0.02)
    return "refused" if isinstance(expected, str) else "the same bits"


if __name__ == "__main__":
    fuzz.main("fuzz_dask", __doc__, check)
    close()
