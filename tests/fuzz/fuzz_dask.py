"""Test of small graphs on a cluster.

Each example draws neighbor arrays as `fuzz_graphs` does, chunks of any sizes, dtypes, an initial layout, and
parameters of graph and layout, with several levels in pieces or on one worker. Sometimes an entry is wrong. The map and
the positions of new rows must have the same bits as in one process, or both must raise the same error. When the
estimator is deleted, no task of it may remain in the scheduler. The two workers are threads of this process.
"""

import copy
import functools
import gc
import logging
import time
import warnings
from unittest import mock

import dask.array
import numpy as np
from distributed import Client, LocalCluster
from fuzz_graphs import KINDS, MISSING, neighbor_lists
from fuzzing import pick

from umap_sk import PrecomputedUMAP, UMAPWarning
from umap_sk.dask import DistributedUMAP, levels
from umap_sk.layout import coarsen

PATIENCE = 20  # seconds that the scheduler may take to forget


@functools.cache
def client():
    """Return a client of two workers in this process."""
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


def chunked(random, **arrays):
    """Return arrays in the same chunks of rows, of any sizes."""
    n = len(next(iter(arrays.values())))
    cuts = np.unique(random.integers(1, max(2, n), random.integers(0, 4)))
    rows = tuple(np.diff([0, *cuts[cuts < n], n]).tolist())
    return {name: dask.array.from_array(array, chunks=(rows, -1)) for name, array in arrays.items()}


def lists_of(random, n, k):
    """Return neighbor lists of several dtypes, sometimes with an entry that is wrong."""
    indices, dists = neighbor_lists(random, n, k, random.integers(1, 9), pick(random, MISSING), pick(random, KINDS))
    if random.random() < 0.1 and indices.size:
        indices[tuple(random.integers(0, indices.shape))] = pick(random, (n, -7, 10**6))
    if random.random() < 0.1 and dists.size:
        dists[tuple(random.integers(0, dists.shape))] = pick(random, (np.nan, -5.0, 1e300))
    with np.errstate(over="ignore"):
        return indices.astype(pick(random, (np.int32, np.int64))), dists.astype(pick(random, (np.float32, np.float64)))


def settings_of(random, n, k):
    """Return parameters of the estimators."""
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
    """Return the result of a call, or the text of its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UMAPWarning)
            return call()
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def fit_both(random, settings, indices, dists):
    """Return the map and the positions of new rows, or the error, of the cluster and of this process."""
    new_dists = np.abs(dists) + 0.5
    blocks = chunked(random, knn_indices=indices, knn_dists=dists)
    new = chunked(random, knn_indices=indices, knn_dists=new_dists)

    def fit_there():
        model = DistributedUMAP(**settings, client=client()).fit(**blocks)
        with client().as_current():
            return model.embedding_.compute(), outcome_of(lambda: model.transform(**new).compute())

    def fit_here():
        model = PrecomputedUMAP(**settings, n_jobs=1).fit(knn_indices=indices, knn_dists=dists)
        return model.embedding_, outcome_of(lambda: model.transform(knn_indices=indices, knn_dists=new_dists))

    return outcome_of(fit_there), outcome_of(fit_here)


def tasks_left():
    """Return the tasks of this package in the scheduler."""
    keys = client().run_on_scheduler(lambda dask_scheduler: [str(key) for key in dask_scheduler.tasks])
    return [key for key in keys if "umap_" in key]


def check(random):
    """Compare one example. It is repeated on a new cluster if the workers have lost the scheduler of a busy machine."""
    again = copy.deepcopy(random)
    try:
        return compare(random)
    except ConnectionError:
        close()
        return compare(again)


def compare(random):
    """Fit one example twice, and return the outcome. Raises ConnectionError if no worker is left."""
    n, k = int(random.integers(2, 61)), int(random.integers(1, 9))
    indices, dists = lists_of(random, n, k)
    alone, largest = pick(random, (4, 30)), pick(random, (6, 100))
    with (
        mock.patch.object(levels, "SINGLE_WORKER_VERTICES", alone),
        mock.patch.object(coarsen, "needs_coarsening", lambda n_vertices, depth, *_, **__: n_vertices > largest),
    ):
        found, expected = fit_both(random, settings_of(random, n, k), indices, dists)
    if not client().nthreads():
        raise ConnectionError("the workers have lost the scheduler")
    if isinstance(found, str) or isinstance(expected, str):
        assert found == expected, (found, expected)
    else:
        for one, other in zip(found, expected, strict=True):
            # An error names rows by their number within a chunk.
            same = isinstance(one, str) if isinstance(other, str) else one.tobytes() == other.tobytes()
            assert same, (one, other)
    del found
    latest = time.monotonic() + PATIENCE
    while tasks_left():
        assert time.monotonic() < latest, tasks_left()[:5]
        gc.collect()
        time.sleep(0.02)
    return "refused" if isinstance(expected, str) else "the same bits"
