"""How kernels are compiled and cached.

numba keys what it stores on a function's own bytecode and stamps it with the file that defines the function, so a
helper in another file, or an option here, would leave stale machine code behind. It also names its files alike whatever
is in them, and writes the index before the code: of two processes one may read the other's index and the code of an
older source, or of another numba. So a digest of all kernels and of this file, and numba's version, are in the names.
"""

import contextlib
import functools
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import caching
from numba.core.ccallback import CFunc

from umap_sk.runtime.threads import config, launch_turn

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


@functools.cache
def digest() -> str:
    """Checksum of every file that decides what the compiled functions do."""
    here = Path(__file__)
    sums = hashlib.sha256()
    for path in (here, *sorted((here.parents[1] / "kernels").glob("*.py"))):
        sums.update(path.read_bytes())
    return sums.hexdigest()


class PackageCache(caching.FunctionCache):
    """numba's cache of one function, in files that no other source or version of numba has."""

    def __init__(self, function: Callable[..., Any]):
        super().__init__(function)
        name = f"{self._impl.filename_base}.{numba.__version__}.{digest()[:16]}"
        self._cache_file = caching.IndexDataCacheFile(self._cache_path, name, self._impl.locator.get_source_stamp())


def _compile(function: Callable[..., Any], **options: Any) -> Any:
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
        dispatcher._cache = PackageCache(function)
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel that other kernels call. Python cannot call it, which makes compiling it much faster."""
    return _compile(function, no_cpython_wrapper=True)


def serial_kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel that Python calls."""
    return _compile(function)


def parallel_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel that starts threads; only Python calls it. Its `prange` loops are what runs side by side."""
    compiled = _compile(function, parallel=dict.fromkeys(IMPLICIT, False))

    @functools.wraps(function)
    def launch(*arguments: Any) -> Any:
        with launch_turn():
            return compiled(*arguments)

    launch.compiled = compiled  # type: ignore[attr-defined]
    return launch


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
