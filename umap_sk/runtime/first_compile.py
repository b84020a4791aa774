"""Messages about the compilation of kernels, which may take longer than the fit that needs them."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeAlias

from numba.core.caching import NullCache
from numba.core.event import Event, Listener, register

from umap_sk.runtime.kernel_cache import PackageCache, has_kernels

logger = logging.getLogger("umap_sk")

FIRST_RUN = (
    "umap_sk compiles its kernels now, which takes 5 to 30 seconds, once on this machine; later fits start at once"
)
MORE_KERNELS = "compiling kernels that this kind of run needs, once on this machine; takes up to half a minute"
NO_CACHE = (
    "umap_sk compiles its kernels now, which takes 5 to 30 seconds, and in every process again: no folder can be "
    "written to; set NUMBA_CACHE_DIR to one that can"
)

Listening: TypeAlias = list[Callable[[int, str], object]]
"""Functions of a log level and a message, which are called once."""

_recorders: list[list[str]] = []
_once_per_process: Listening = [logger.log]  # if logging is not configured, Python prints warnings to stderr
_listeners: ContextVar[Listening] = ContextVar("listening", default=_once_per_process)


@contextlib.contextmanager
def announce_compilation(write: Callable[[str], object] | None = None) -> Iterator[None]:
    """Report the first compilation of a kernel in this block, to the log and to `write` if it is given."""

    def show(level: int, text: str) -> None:
        logger.log(level if write is None else logging.INFO, text)
        if write is not None:
            write(text)

    token = _listeners.set([show])
    try:
        yield
    finally:
        _listeners.reset(token)


@contextlib.contextmanager
def record_compiled() -> Iterator[list[str]]:
    """Yield a list that collects the names of the functions that are compiled because the cache lacks them."""
    names: list[str] = []
    _recorders.append(names)
    try:
        yield names
    finally:
        _recorders.remove(names)


def describe_compilation(cache: PackageCache) -> tuple[int, str]:
    """Return the log level and the message for a kernel that the cache lacks."""
    if not cache.cache_path:
        return logging.WARNING, NO_CACHE
    return (logging.INFO, MORE_KERNELS) if has_kernels(cache) else (logging.WARNING, FIRST_RUN)


class _CompilationListener(Listener):
    """A listener that numba notifies of each function that it compiles because its cache lacks it."""

    def on_start(self, event: Event) -> None:
        dispatcher = event.data["dispatcher"]
        if not (dispatcher.py_func.__module__ or "").startswith("umap_sk."):
            return
        for names in _recorders:
            names.append(dispatcher.py_func.__name__)
        listening = _listeners.get()
        if listening and not isinstance(dispatcher._cache, NullCache):  # without a cache: contains a user's function
            for tell in listening:
                tell(*describe_compilation(dispatcher._cache))
            listening.clear()

    def on_end(self, event: Event) -> None:
        pass


register("numba:compile", _CompilationListener())
