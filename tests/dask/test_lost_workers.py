"""Tests of workers that are killed during a fit, which must not change the map."""

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
    """Kill one worker `after` seconds after the first task of a phase is submitted.

    Return the lists of killed processes and of timers, which are empty until then.
    """
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
    """A fit has the same bits if all workers are killed at once. Tasks that wait for lost workers run on others."""
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
    """A result is computed again if its worker dies between the end of the wait and the use of the result."""
    found = cluster.submit(cluster.connect(client), "rest", rested, 0.5)
    wait, killed = cluster.wait, []

    def wait_and_kill(futures, **options):
        wait(futures, **options)
        if not killed:
            killed.extend(client.run(os.getpid, workers=client.who_has(futures)[found.key]).values())
            os.kill(killed[0], signal.SIGKILL)
            while found.status != "lost":  # it stays lost until the task has run again
                time.sleep(0.01)

    monkeypatch.setattr(cluster, "wait", wait_and_kill)
    assert cluster.gather(cluster.connect(client), found) == 0.5
    assert len(killed) == 1


@pytest.mark.slow
@pytest.mark.parametrize("phase", [PHASES[0], *(pytest.param(phase, marks=pytest.mark.long) for phase in PHASES[1:])])
def test_a_worker_is_killed(client, monkeypatch, expected, phase):
    """A fit has the same bits if a worker is killed in any phase, with levels in pieces or on one worker."""
    monkeypatch.setattr(levels, "SINGLE_WORKER_VERTICES", 500 if phase == "epoch" else 200_000)
    killed, timers = killing(client, monkeypatch, phase, 0.05)
    found = fit().embedding_.compute()
    timers[0].join()
    assert len(killed) == 1
    np.testing.assert_array_equal(found, expected)
