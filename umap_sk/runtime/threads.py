"""Threads of the kernels: when they start, how they wait, how many run."""

import contextlib
import importlib
import os
import threading
from collections.abc import Iterator
from typing import Any

import numba
from joblib import effective_n_jobs

from umap_sk.runtime.waiting import asleep

config: Any = numba.config
_launch_lock = threading.RLock()
_start_lock = threading.Lock()
_forked = False  # from a process whose threads had started, which GNU OpenMP does not survive
FEW_ROWS = 4096  # four blocks of the layout: with fewer, starting a second thread costs as much as it saves


@contextlib.contextmanager
def launch_turn() -> Iterator[None]:
    """Where threads set to work: numba's workqueue layer aborts the process when two Python threads launch at once."""
    if config.DISABLE_JIT or _layer() in ("omp", "tbb"):
        yield
        return
    with _launch_lock:
        yield


def _layer() -> str:
    try:
        return numba.threading_layer()
    except ValueError:  # not chosen before the first launch
        return "unknown"


def start_threads() -> None:
    """Have numba start its threads, which wait asleep where the process has not chosen how."""
    if _forked:
        raise RuntimeError(
            "This process was forked after numba's threads had started, as by an earlier fit, and with GNU OpenMP no "
            'kernel can run here, on one thread either. Start workers otherwise: with joblib\'s "loky" (its default), '
            'multiprocessing\'s "spawn" or "forkserver"; or set NUMBA_THREADING_LAYER=workqueue before Python starts, '
            "whose threads survive a fork."
        )
    if _layer() == "unknown":
        with _start_lock, asleep():
            numba.get_num_threads()


def _gnu_openmp_runs() -> bool:
    if config.DISABLE_JIT or _layer() != "omp":
        return False
    return importlib.import_module("numba.np.ufunc.omppool").openmp_vendor == "GNU"


def _after_fork() -> None:
    """In a forked child: other threads' locks are never released, and GNU OpenMP's threads are missing."""
    global _launch_lock, _start_lock, _forked
    _launch_lock, _start_lock = threading.RLock(), threading.Lock()
    _forked = _forked or _gnu_openmp_runs()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextlib.contextmanager
def limit_threads(n_jobs: int | None) -> Iterator[int]:
    """Run kernels on `n_jobs` threads, as joblib counts them, and restore the caller's number afterwards."""
    start_threads()
    with exactly(numba.get_num_threads() if n_jobs is None else effective_n_jobs(n_jobs)) as threads:
        yield threads


@contextlib.contextmanager
def spare_threads(n_rows: int) -> Iterator[None]:
    """Run kernels on one thread where the rows are too few to share: others would only wait, and cost their share."""
    with limit_threads(1 if n_rows <= FEW_ROWS else None):
        yield


@contextlib.contextmanager
def exactly(n_threads: int) -> Iterator[int]:
    """Run kernels on so many threads, at most on those there are, and restore the caller's number afterwards."""
    start_threads()
    before = numba.get_num_threads()
    threads = min(n_threads, config.NUMBA_NUM_THREADS)
    numba.set_num_threads(threads)
    try:
        yield threads
    finally:
        numba.set_num_threads(before)
