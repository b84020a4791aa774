"""Decorators that compile kernels for one thread or for many."""

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numba
import numpy as np
from numba.core import caching
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.core.typing.templates import Signature

from umap_sk.runtime.kernel_cache import PackageCache
from umap_sk.runtime.threads import acquire_launch_lock, config, start_threads

logger = logging.getLogger("umap_sk")
IMPLICIT = (  # numba's automatic parallelism takes longer to compile than to run
    "comprehension",
    "reduction",
    "inplace_binop",
    "setitem",
    "numpy",
    "stencil",
    "fusion",
)
_both_variants: list[bool] = []

Kernel: TypeAlias = Callable[..., Any]
"""A function of arrays and numbers before or after its compilation."""


def _compile(function: Kernel, way: str = "", **options: Any) -> Dispatcher:
    """Compile a function, with a cache on disk if a folder is writable and numba lets its files be named."""
    dispatcher = numba.njit(**{"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options})(function)
    if config.DISABLE_JIT:
        return dispatcher
    if not (hasattr(caching, "IndexDataCacheFile") and hasattr(dispatcher, "_cache")):
        logger.warning(
            "numba %s has no cache whose files can be named: kernels are compiled in every process", numba.__version__
        )
        return dispatcher
    with contextlib.suppress(RuntimeError):  # numba found no folder; the first compilation logs that
        dispatcher._cache = PackageCache(function, way)
    return dispatcher


def kernel(function: Kernel) -> Kernel:
    """Compile a serial kernel for other kernels. Python cannot call it, which makes its compilation much faster."""
    return _compile(function, no_cpython_wrapper=True)


def get_python_function(compiled: Kernel) -> Kernel:
    """Return the Python function of a kernel. Its arithmetic may apply to arrays as well as to numbers."""
    return getattr(compiled, "py_func", compiled)


def serial_kernel(function: Kernel) -> Kernel:
    """Compile a serial kernel that Python calls."""
    return _compile(function)


def parallel_kernel(function: Kernel) -> Kernel:
    """Compile a kernel whose `prange` loops run on several threads, and which only Python calls.

    If only one thread is to run, the kernel is compiled serially, which takes half the time and gives the same results.
    """

    @functools.cache
    def compiled(*, alone: bool) -> Dispatcher:
        return _compile(function, ".alone") if alone else _compile(function, parallel=dict.fromkeys(IMPLICIT, False))

    @functools.wraps(function)
    def launch(*arguments: object) -> Any:
        start_threads()
        if any(_both_variants):
            for alone in (True, False):
                compiled(alone=alone).compile(tuple(map(numba.typeof, arguments)))
        if numba.get_num_threads() == 1:
            return compiled(alone=True)(*arguments)
        with acquire_launch_lock():
            return compiled(alone=False)(*arguments)

    launch.compiled = compiled  # type: ignore[attr-defined]
    return launch


NEXT, END, LINE = 0, 1, 8  # columns of a thread's next block and of its last, and the row length, which is a cache line


def block_kernel(size: int) -> Callable[[Kernel], Kernel]:
    """Compile a serial kernel that works on blocks of `size` items, which several Python threads run concurrently.

    Its callers pass the number of items and the kernel's own arguments. In place of the number of items, the kernel
    receives the block ranges of all threads and the number of its own thread. It gets its blocks from
    :func:`umap_sk.kernels.turns.next_block`. Such a kernel compiles in a third of the time of a parallel kernel, but
    takes longer to start. It suits items that take microseconds.
    """

    def decorate(function: Kernel) -> Kernel:
        compiled = _compile(function)

        @functools.wraps(function)
        def launch(n_items: int, *arguments: object) -> None:
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
def compile_both_variants() -> Iterator[None]:
    """In this block, compile each parallel kernel that is launched both for one thread and for many."""
    _both_variants.append(not config.DISABLE_JIT)
    try:
        yield
    finally:
        _both_variants.pop()


def compile_callback(function: Kernel, signature: Signature, *, kept: bool = True) -> CFunc:
    """Compile a function that kernels take as an argument. If `kept`, its machine code is cached on disk.

    If compilation is disabled, the function itself is returned.
    """
    compiled: Any = function
    if config.DISABLE_JIT:
        return compiled
    compiled = CFunc(function, (signature.args, signature.return_type), {}, {"nopython": True, "error_model": "numpy"})
    if kept:
        with contextlib.suppress(RuntimeError):
            compiled._cache = PackageCache(function)
    compiled.compile()
    return compiled


def as_readonly(array: np.ndarray) -> np.ndarray:
    """Return a read-only view. This gives every kernel input one numba type, even if it is a memory map."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
