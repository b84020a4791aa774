"""Threads of the kernels: how they are started, how they wait and how many run."""

import contextlib
import importlib
import os
import threading
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numba
from joblib import effective_n_jobs

from umap_sk.runtime.waiting import load_with_passive_waiting

config: Any = numba.config
_launch_lock = threading.RLock()
_start_lock = threading.Lock()
_forked = False  # whether this process was forked after threads had started
FEW_ROWS = 4096  # four blocks of the layout; with fewer rows, a second thread costs as much as it saves


@contextlib.contextmanager
def acquire_launch_lock() -> Iterator[None]:
    """Hold a lock if needed: numba's workqueue layer aborts when two Python threads launch kernels at once."""
    if config.DISABLE_JIT or get_threading_layer() in ("omp", "tbb"):
        yield
        return
    with _launch_lock:
        yield


def get_threading_layer() -> str | None:
    """Return numba's threading layer, or None before it is chosen at the first launch."""
    try:
        return numba.threading_layer()
    except ValueError:
        return None


def start_threads() -> None:
    """Have numba start its threads, which wait passively unless the environment says otherwise."""
    if _forked:
        raise RuntimeError(
            "This process was forked after numba's threads had started, as by an earlier fit, and with GNU OpenMP no "
            'kernel can run here, on one thread either. Start workers otherwise: with joblib\'s "loky" (its default), '
            'multiprocessing\'s "spawn" or "forkserver"; or set NUMBA_THREADING_LAYER=workqueue before Python starts, '
            "whose threads survive a fork."
        )
    if get_threading_layer() is None:
        with _start_lock, load_with_passive_waiting():
            numba.get_num_threads()


def _uses_gnu_openmp() -> bool:
    if config.DISABLE_JIT or get_threading_layer() != "omp":
        return False
    return importlib.import_module("numba.np.ufunc.omppool").openmp_vendor == "GNU"


def _after_fork() -> None:
    """In a forked child, replace locks that other threads may hold. GNU OpenMP's threads do not survive the fork."""
    global _launch_lock, _start_lock, _forked
    _launch_lock, _start_lock = threading.RLock(), threading.Lock()
    _forked = _forked or _uses_gnu_openmp()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def limit_threads(n_jobs: object) -> contextlib.AbstractContextManager[int]:
    """Run kernels on `n_jobs` threads, as joblib counts them, and restore the caller's number afterwards."""
    if n_jobs is not None and (n_jobs == 0 or not isinstance(n_jobs, Integral)):
        raise ValueError(f"n_jobs={n_jobs!r}, but a number of threads is needed, -1 for all, or None.")
    start_threads()
    return set_threads(numba.get_num_threads() if n_jobs is None else effective_n_jobs(n_jobs))


def limit_threads_by_rows(n_rows: int) -> contextlib.AbstractContextManager[object]:
    """Run kernels on one thread if starting more threads would cost more than it saves for `n_rows` rows."""
    return use_one_thread(n_rows <= FEW_ROWS)


def use_one_thread(condition: bool) -> contextlib.AbstractContextManager[object]:
    """Run kernels on one thread if the condition holds, and on the caller's number otherwise."""
    return set_threads(1) if condition else contextlib.nullcontext()


@contextlib.contextmanager
def set_threads(n_threads: int) -> Iterator[int]:
    """Run kernels on at most `n_threads` threads, and restore the caller's number afterwards."""
    start_threads()
    before = numba.get_num_threads()
    threads = min(n_threads, config.NUMBA_NUM_THREADS)
    numba.set_num_threads(threads)
    try:
        yield threads
    finally:
        numba.set_num_threads(before)
