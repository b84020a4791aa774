"""How kernels are compiled: for one thread and for many."""

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numba.core import caching
from numba.core.ccallback import CFunc

from umap_sk.runtime.kernel_cache import PackageCache
from umap_sk.runtime.threads import config, launch_turn, start_threads

logger = logging.getLogger("umap_sk")
IMPLICIT = (  # what numba would run side by side on its own, which takes longer to compile than to run
    "comprehension",
    "reduction",
    "inplace_binop",
    "setitem",
    "numpy",
    "stencil",
    "fusion",
)
_both_ways: list[bool] = []


def _compile(function: Callable[..., Any], way: str = "", **options: Any) -> Any:
    """Compile with an on-disk cache, or without one where no folder can be written to or no name be given."""
    dispatcher = numba.njit(**{"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options})(function)
    if config.DISABLE_JIT:
        return dispatcher
    if not (hasattr(caching, "IndexDataCacheFile") and hasattr(dispatcher, "_cache")):
        logger.warning(
            "numba %s has no cache whose files can be named: kernels are compiled in every process", numba.__version__
        )
        return dispatcher
    with contextlib.suppress(RuntimeError):  # "no locator available", which the first compilation tells of
        dispatcher._cache = PackageCache(function, way)
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel that other kernels call. Python cannot call it, which makes compiling it much faster."""
    return _compile(function, no_cpython_wrapper=True)


def python_function(compiled: Any) -> Any:
    """The Python function of a kernel, whose arithmetic may serve arrays as it serves numbers."""
    return getattr(compiled, "py_func", compiled)


def serial_kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel that Python calls."""
    return _compile(function)


def parallel_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel that starts threads; only Python calls it. Its `prange` loops are what runs side by side.

    Where one thread is to run, it is compiled as a serial kernel, which takes half as long and computes the same.
    """

    @functools.cache
    def compiled(*, alone: bool) -> Any:
        return _compile(function, ".alone") if alone else _compile(function, parallel=dict.fromkeys(IMPLICIT, False))

    @functools.wraps(function)
    def launch(*arguments: Any) -> Any:
        start_threads()
        if any(_both_ways):
            for alone in (True, False):
                compiled(alone=alone).compile(tuple(map(numba.typeof, arguments)))
        if numba.get_num_threads() == 1:
            return compiled(alone=True)(*arguments)
        with launch_turn():
            return compiled(alone=False)(*arguments)

    launch.compiled = compiled  # type: ignore[attr-defined]
    return launch


NEXT, END, LINE = 0, 1, 8  # of a thread's turns: its next block, where its blocks end, and how many numbers lie between


def block_kernel(size: int) -> Callable[[Callable[..., Any]], Any]:
    """Compile a serial kernel that works on blocks of so many items, which Python's threads run side by side.

    It is called with the number of items and its own arguments. The kernel gets the turns of the threads and the number
    of its own instead of the former, and takes blocks by :func:`umap_sk.kernels.turns.next_block`. It compiles in a
    third of the time of a parallel kernel and takes longer to start, so it is for items that take microseconds.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        compiled = _compile(function)

        @functools.wraps(function)
        def launch(n_items: int, *arguments: Any) -> None:
            n_blocks = -(-n_items // size)
            threads = 1 if config.DISABLE_JIT else max(1, min(numba.get_num_threads(), n_blocks))
            turns = np.zeros((threads, LINE), np.int64)
            turns[:, NEXT] = np.arange(threads) * n_blocks // threads
            turns[:, END] = np.arange(1, threads + 1) * n_blocks // threads
            if threads == 1:
                compiled(turns, 0, *arguments)
                return
            with ThreadPoolExecutor(threads) as side_by_side:
                list(side_by_side.map(lambda thread: compiled(turns, thread, *arguments), range(threads)))

        launch.compiled = compiled  # type: ignore[attr-defined]
        return launch

    return decorate


@contextlib.contextmanager
def both_ways() -> Iterator[None]:
    """Compile what is launched meanwhile for one thread and for many, however many run."""
    _both_ways.append(not config.DISABLE_JIT)
    try:
        yield
    finally:
        _both_ways.pop()


def pointed(function: Callable[..., Any], signature: Any, *, kept: bool = True) -> Any:
    """Compile a function that kernels take as an argument, so that one kernel serves all of them; `kept` on disk."""
    if config.DISABLE_JIT:
        return function
    compiled: Any = CFunc(
        function, (signature.args, signature.return_type), {}, {"nopython": True, "error_model": "numpy"}
    )
    if kept:
        with contextlib.suppress(RuntimeError):
            compiled._cache = PackageCache(function)
    compiled.compile()
    return compiled


def readonly(array: np.ndarray) -> np.ndarray:
    """View of `array` that cannot be written, so that each kernel input has one numba type, memory maps included."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
