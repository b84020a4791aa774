"""How kernels are compiled and cached.

numba keys what it stores on a function's own bytecode and stamps it with the file that defines the function, so a
helper in another file, or an option here, would leave stale machine code behind. It also names its files alike whatever
is in them, numbers them by an index that two processes may write at once, and writes the index before the code. So each
file is named by a digest of all kernels and of this file, by numba's version, and by signature and processor.
"""

import contextlib
import functools
import hashlib
import inspect
import logging
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import caching
from numba.core.ccallback import CFunc

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


@functools.cache
def digest() -> str:
    """Checksum of every file that decides what the compiled functions do."""
    here = Path(__file__)
    sums = hashlib.sha256()
    for path in (here, *sorted((here.parents[1] / "kernels").glob("*.py"))):
        sums.update(path.read_bytes())
    return sums.hexdigest()


class SignatureFiles(caching.IndexDataCacheFile):
    """Cached machine code of one function: a file for each signature and processor, named by both, and no index.

    numba's index is read, changed and written without a lock. Two processes that compile two signatures at once give
    both the same file, and a third one then runs one for the other.
    """

    def __init__(self, folders: list[str], name: str):
        super().__init__(folders[0], name, None)
        self._folders, self._name = folders, name

    def save(self, key: Any, data: Any) -> None:
        """Write beside the place and rename."""
        self._save_data(self._file_of(key), (key, data))

    def load(self, key: Any) -> Any:
        """What one of the folders has; None where there is nothing, or no whole file."""
        for folder in self._folders:
            with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
                stored, data = self._load_data(str(Path(folder) / self._file_of(key)))
                if stored == key:
                    return data
        return None

    def _file_of(self, key: Any) -> str:
        return f"{self._name}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"


class PackageCache(caching.FunctionCache):
    """numba's cache of one function, in files that no other source, version of numba or way of compiling it has.

    Looked for is also where nothing can be written, as in the image of a container.
    """

    def __init__(self, function: Callable[..., Any], way: str = ""):
        super().__init__(function)
        file, folders = Path(inspect.getfile(function)), [self._cache_path]
        if config.CACHE_DIR:
            folders.append(str(Path(config.CACHE_DIR) / self._impl.locator.get_suitable_cache_subpath(str(file))))
        folders.append(str(file.parent / "__pycache__"))
        name = f"{self._impl.filename_base}{way}.{numba.__version__}.{digest()[:16]}"
        self._cache_file = SignatureFiles(list(dict.fromkeys(folders)), name)


def cache_folder(launch: Any) -> Path | None:
    """Where a parallel kernel is kept, as all others are; None where no folder can be written to."""
    path = getattr(getattr(launch.compiled(alone=True), "_cache", None), "cache_path", None)
    return Path(path) if path else None


def cached_files(folder: Path) -> list[Path]:
    """Files of the kernels of this source and version of numba."""
    return sorted(folder.glob(f"*.{numba.__version__}.{digest()[:16]}.*"))


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
