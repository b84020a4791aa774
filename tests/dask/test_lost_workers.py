"""Workers that are killed on the way cost time, and nothing else."""

import os
import signal
import threading

import dask.array as da
import numpy as np
import pytest
from clusters import N, neighbors_of_points

from umap_sk import PrecomputedUMAP
from umap_sk.dask import DistributedUMAP, cluster, epochs, levels

INDICES, DISTS = neighbors_of_points(N)
PHASES = "read strengths send unite independent_set coarsen arrange lay_out start epochs prolong epoch".split()
SETTINGS = {"n_epochs": 60, "random_state": 0}


@pytest.fixture(scope="module")
def expected():
    return PrecomputedUMAP(**SETTINGS).fit(knn_indices=INDICES, knn_dists=DISTS).embedding_


def fit(**parameters):
    arrays = (da.from_array(array, chunks=(5_000, -1)) for array in (INDICES, DISTS))
    return DistributedUMAP(**SETTINGS, **parameters).fit(**dict(zip(("knn_indices", "knn_dists"), arrays, strict=True)))


def killing(client, monkeypatch, phase, after):
    """Kill one worker a moment after the first task of a phase was submitted; what was killed."""
    submit, killed = cluster.submit, []

    def kill():
        pids = client.run(os.getpid)
        killed.append(pids[sorted(pids)[len(phase) % len(pids)]])
        os.kill(killed[0], signal.SIGKILL)

    def submit_and_kill(a_cluster, name, *given, **options):
        future = submit(a_cluster, name, *given, **options)
        if name == phase and not timers:
            timers.append(threading.Timer(after, kill))
            timers[0].start()
        return future

    timers = []
    for module in MODULES:
        if hasattr(module, "submit"):
            monkeypatch.setattr(module, "submit", submit_and_kill)
    return killed, timers


def modules():
    from umap_sk.dask import arrange, graph, layout, placing, start

    return arrange, epochs, graph, layout, levels, placing, start


MODULES = modules()


@pytest.mark.slow
@pytest.mark.parametrize("phase", [name for name in PHASES if name != "read"])
def test_a_worker_is_killed(client, monkeypatch, expected, phase):
    """In every phase; levels in pieces, so that there is something to lose."""
    monkeypatch.setattr(levels, "ALONE", 500 if phase in ("prolong", "epoch") else 200_000)
    killed, timers = killing(client, monkeypatch, phase, 0.05)
    found = fit().embedding_.compute()
    timers[0].join()
    assert len(killed) == 1
    np.testing.assert_array_equal(found, expected)
    client.wait_for_workers(2)
