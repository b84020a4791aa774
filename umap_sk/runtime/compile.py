"""How kernels are compiled, launched and kept to a number of threads."""

import contextlib
import functools
import importlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
from joblib import effective_n_jobs

from umap_sk.runtime.waiting import asleep

config: Any = numba.config
_launch_lock = threading.RLock()
_start_lock = threading.Lock()
_forked = False  # from a process whose threads had started, which GNU OpenMP does not survive
IMPLICIT = (  # what numba would run side by side on its own, which takes longer to compile than to run
    "comprehension",
    "reduction",
    "inplace_binop",
    "setitem",
    "numpy",
    "stencil",
    "fusion",
)
FEW_ROWS = 4096  # four blocks of the layout: with fewer, starting a second thread costs as much as it saves


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    """Compile with an on-disk cache, or without one where no folder can be written to."""
    options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "no locator available": read-only package and read-only home
        return numba.njit(**options)(function)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel that other kernels call. Python cannot call it, which makes compiling it much faster."""
    return _compile(function, no_cpython_wrapper=True)


def serial_kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel that Python calls."""
    return _compile(function)


def parallel_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel that starts threads; only Python calls it. Its `prange` loops are what runs side by side.

    Numba's workqueue layer aborts the process when two Python threads start kernels at once, so launches take
    turns there. The other layers run side by side.
    """
    compiled = _compile(function, parallel=dict.fromkeys(IMPLICIT, False))

    @functools.wraps(function)
    def launch(*arguments: Any) -> Any:
        with _turn():
            return compiled(*arguments)

    launch.compiled = compiled  # type: ignore[attr-defined]
    return launch


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    start_threads()
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
    """Have numba start its threads, which wait asleep where the process has not chosen how.

    Raises
    ------
    RuntimeError
        In a process that was forked after they had started, where a kernel would be killed or wait for ever.
    """
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
    """Run kernels on `n_jobs` threads and restore the caller's number afterwards.

    Parameters
    ----------
    n_jobs : int or None
        None keeps numba's current number; negative counts back from the number of processors as in joblib.

    Yields
    ------
    int
        The number of threads in force, at most what numba was started with.
    """
    start_threads()
    before = numba.get_num_threads()
    wanted = before if n_jobs is None else min(effective_n_jobs(n_jobs), config.NUMBA_NUM_THREADS)
    numba.set_num_threads(wanted)
    try:
        yield wanted
    finally:
        numba.set_num_threads(before)


@contextlib.contextmanager
def spare_threads(n_rows: int) -> Iterator[None]:
    """Run kernels on one thread where the rows are too few to share: others would only wait, and cost their share.

    Parameters
    ----------
    n_rows : int
        Rows to work on.

    Yields
    ------
    None
        With the caller's number of threads, if there are more rows.
    """
    with limit_threads(1 if n_rows <= FEW_ROWS else None):
        yield


def readonly(array: np.ndarray) -> np.ndarray:
    """View of `array` that cannot be written, so that each kernel input has one numba type, memory maps included."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
