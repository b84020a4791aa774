"""Messages about the compilation of kernels, which may take longer than the fit that needs them."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import NamedTuple

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


class Notice(NamedTuple):
    """A message about a compilation, and its log level."""

    level: int
    text: str


def log_notice(notice: Notice) -> None:
    """Log a message. If logging is not configured, Python prints warnings to stderr."""
    logger.log(notice.level, notice.text)


_recorders: list[list[str]] = []
_default_listeners: list[Callable[[Notice], object]] = [log_notice]  # outside of a block: once per process
_listeners: ContextVar[list[Callable[[Notice], object]]] = ContextVar("listening", default=_default_listeners)


@contextlib.contextmanager
def announce_compilation(write: Callable[[str], object] | None = None) -> Iterator[None]:
    """Report the first compilation of a kernel in this block, to the log and to `write` if it is given."""

    def show(notice: Notice) -> None:
        logger.log(notice.level if write is None else logging.INFO, notice.text)
        if write is not None:
            write(notice.text)

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


def describe_compilation(cache: PackageCache) -> Notice:
    """Return the message for a kernel that the cache lacks. It is a warning if the cache is empty or not writable."""
    if not cache.cache_path:
        return Notice(logging.WARNING, NO_CACHE)
    return Notice(logging.INFO, MORE_KERNELS) if has_kernels(cache) else Notice(logging.WARNING, FIRST_RUN)


class _CompilationListener(Listener):
    """A listener that numba notifies of each function that it compiles because its cache lacks it."""

    def on_start(self, event: Event) -> None:
        dispatcher = event.data["dispatcher"]
        if not (dispatcher.py_func.__module__ or "").startswith("umap_sk."):
            return
        for names in _recorders:
            names.append(dispatcher.py_func.__name__)
        listening = _listeners.get()
        if listening:
            notice = describe_compilation(dispatcher._cache)
            for tell in listening:
                tell(notice)
            listening.clear()

    def on_end(self, event: Event) -> None:
        pass


register("numba:compile", _CompilationListener())
