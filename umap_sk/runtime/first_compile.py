"""What a first run tells when kernels have to be compiled, which takes longer than many a fit."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

from numba.core.event import Listener, register

from umap_sk.runtime.kernel_cache import has_kernels

logger = logging.getLogger("umap_sk")

FIRST = "umap_sk compiles its kernels now, which takes 5 to 30 seconds, once on this machine; later fits start at once"
KEPT = "compiling kernels that this kind of run needs, once on this machine; takes up to half a minute"
NOT_KEPT = (
    "umap_sk compiles its kernels now, which takes 5 to 30 seconds, and in every process again: no folder can be "
    "written to; set NUMBA_CACHE_DIR to one that can"
)


class Told(NamedTuple):
    """What is told of a compilation, and at which level of the log."""

    level: int
    text: str


def log(told: Told) -> None:
    """Tell the log; Python prints warnings of a log that nobody has configured."""
    logger.log(told.level, told.text)


def log_quietly(told: Told) -> None:
    """Tell the log of what is shown elsewhere, too."""
    logger.info(told.text)


_counting: list[list[str]] = []
_elsewhere: list[Callable[[Told], object]] = [log]  # outside of a block: once in a process
_listening: ContextVar[list[Callable[[Told], object]]] = ContextVar("listening", default=_elsewhere)


@contextlib.contextmanager
def announced(write: Callable[[str], object] | None = None) -> Iterator[None]:
    """Tell once in the block if kernels have to be compiled: the log, and whoever is named."""
    token = _listening.set([log] if write is None else [log_quietly, lambda told: write(told.text)])
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


def told_of(cache: Any) -> Told:
    """What is told where this cache lacks a kernel: a warning where it has none at all, or can keep none."""
    if not cache.cache_path:
        return Told(logging.WARNING, NOT_KEPT)
    return Told(logging.INFO, KEPT) if has_kernels(cache) else Told(logging.WARNING, FIRST)


class _Compilations(Listener):
    """Hears of every function that numba compiles and has not found in its cache."""

    def on_start(self, event: Any) -> None:
        dispatcher = event.data["dispatcher"]
        if not (dispatcher.py_func.__module__ or "").startswith("umap_sk."):
            return
        for names in _counting:
            names.append(dispatcher.py_func.__name__)
        listening = _listening.get()
        if listening:
            told = told_of(dispatcher._cache)
            for tell in listening:
                tell(told)
            listening.clear()

    def on_end(self, event: Any) -> None:
        pass


register("numba:compile", _Compilations())
