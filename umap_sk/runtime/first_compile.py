"""What a first run tells when kernels have to be compiled, which takes longer than many a fit."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from numba.core.event import Listener, register

logger = logging.getLogger("umap_sk")

KEPT = "compiling kernels, once per machine and kind of run; takes up to half a minute"
NOT_KEPT = "compiling kernels, in every process: no folder can be written to; set NUMBA_CACHE_DIR to one that can"

_counting: list[list[str]] = []
_elsewhere: list[Callable[[str], object]] = [logger.info]  # outside of a block: once in a process
_listening: ContextVar[list[Callable[[str], object]]] = ContextVar("listening", default=_elsewhere)


@contextlib.contextmanager
def announced(write: Callable[[str], object] | None = None) -> Iterator[None]:
    """Tell once in the block if kernels have to be compiled: the log, and whoever is named."""
    token = _listening.set([logger.info, *filter(None, [write])])
    try:
        yield
    finally:
        _listening.reset(token)


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """Names of the package's functions that are compiled in the block, since they were not found in the cache."""
    names: list[str] = []
    _counting.append(names)
    try:
        yield names
    finally:
        _counting.remove(names)


class _Compilations(Listener):
    """Hears of every function that numba compiles and has not found in its cache."""

    def on_start(self, event: Any) -> None:
        dispatcher = event.data["dispatcher"]
        if not (dispatcher.py_func.__module__ or "").startswith("umap_sk."):
            return
        for names in _counting:
            names.append(dispatcher.py_func.__name__)
        listening = _listening.get()
        while listening:
            listening.pop(0)(KEPT if dispatcher._cache.cache_path else NOT_KEPT)

    def on_end(self, event: Any) -> None:
        pass


register("numba:compile", _Compilations())
