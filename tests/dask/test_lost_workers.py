"""Workers that are killed on the way cost time, and nothing else."""

import os
import signal
import threading
import time

import dask.array as da
import numpy as np
import pytest
from clusters import N, neighbors_of_points

from umap_sk import PrecomputedUMAP
from umap_sk.dask import DistributedUMAP, cluster, epochs, levels

INDICES, DISTS = neighbors_of_points(N)
PHASES = ("lay_out", "epoch", "strengths", "independent_set", "epochs")
SETTINGS = {"n_epochs": 30, "random_state": 0}


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


@pytest.mark.long
def test_all_workers_are_killed(client, monkeypatch, expected):
    """At once: what was ready then waits for addresses that are gone, and is let go."""
    monkeypatch.setattr(cluster, "POLL_SECONDS", 2)
    monkeypatch.setattr(cluster, "warn", lambda *told: None)
    step, killed = epochs._submit_epoch, []

    def kill_all(a_cluster, layout, phase, current):
        if current.epoch > 5 and not killed:
            killed.extend(client.run(os.getpid).values())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        return step(a_cluster, layout, phase, current)

    monkeypatch.setattr(epochs, "_submit_epoch", kill_all)
    np.testing.assert_array_equal(fit().embedding_.compute(), expected)
    assert len(killed) == 2


def rested(seconds):
    time.sleep(seconds)
    return seconds


def test_what_is_lost_once_it_was_awaited_is_made_again(client, monkeypatch):
    """A worker may die between the end of the wait and the look at what was awaited."""
    found = cluster.submit(cluster.connect(client), "rest", rested, 0.5)
    wait, killed = cluster.wait, []

    def wait_and_kill(futures, **options):
        wait(futures, **options)
        if not killed:
            killed.extend(client.run(os.getpid, workers=client.who_has(futures)[found.key]).values())
            os.kill(killed[0], signal.SIGKILL)
            while found.status != "lost":  # which it is until it has rested again
                time.sleep(0.01)

    monkeypatch.setattr(cluster, "wait", wait_and_kill)
    assert cluster.gather(cluster.connect(client), found) == 0.5
    assert len(killed) == 1


@pytest.mark.slow
@pytest.mark.parametrize("phase", [*PHASES[:2], *(pytest.param(phase, marks=pytest.mark.long) for phase in PHASES[2:])])
def test_a_worker_is_killed(client, monkeypatch, expected, phase):
    """In every phase, of levels in pieces and on one worker."""
    monkeypatch.setattr(levels, "SINGLE_WORKER_VERTICES", 500 if phase == "epoch" else 200_000)
    killed, timers = killing(client, monkeypatch, phase, 0.05)
    found = fit().embedding_.compute()
    timers[0].join()
    assert len(killed) == 1
    np.testing.assert_array_equal(found, expected)
