"""``umap-sk compile``: the kernels that fits need, compiled once for all processes that share numba's cache."""

import argparse
import contextlib
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from umap_sk import kernels
from umap_sk.cli import tiny_runs
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.runtime.compile import compile_both_variants
from umap_sk.runtime.first_compile import record_compiled
from umap_sk.runtime.kernel_cache import find_cache_folder, list_cached_files
from umap_sk.runtime.threads import config

CURE = "Set NUMBA_CACHE_DIR to a folder that can be written to."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--all",
        action="store_true",
        help="Also what fewer maps need: other output metrics, anchors, growing maps, set operations of manifolds.",
    )


def run(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, Any]:
    """Compile what is not in the cache yet."""
    folder, began = writable_folder(), time.perf_counter()
    before = list_cached_files(folder)
    with record_compiled() as compiled, compile_both_variants(), _quietly():
        for name, tiny_run in {**tiny_runs.USUAL, **(tiny_runs.OTHERS if options.all else {})}.items():
            _tell_of(name, tiny_run, compiled, terminal)
    files = list_cached_files(folder)
    return {
        "folder": str(folder),
        "compiled": len(compiled),
        "seconds": round(time.perf_counter() - began, 1),
        "files": len(files),
        "new_files": len(files) - len(before),
        "bytes": sum(path.stat().st_size for path in files),
    }


def text(answer: dict[str, Any]) -> str:
    """The answer for people, in one line."""
    files = f"{answer['files']:,} files, {answer['bytes'] / 2**20:.0f} MiB"
    if not answer["compiled"]:
        return f"{answer['folder']}: nothing to compile; {files}"
    return f"{answer['folder']}: {answer['compiled']:,} functions compiled in {answer['seconds']:.0f} s; {files}"


def writable_folder() -> Path:
    """The folder of numba's cache; an error where there is none, or where it is not the one that was asked for."""
    if config.DISABLE_JIT:
        raise ValueError("NUMBA_DISABLE_JIT is set, so nothing is compiled. Unset it.")
    folder, asked = find_cache_folder(kernels.jitter), os.environ.get("NUMBA_CACHE_DIR")
    if folder is None:
        raise ValueError(f"No folder for compiled kernels can be written to. {CURE}")
    if asked and not folder.resolve().is_relative_to(Path(asked).resolve()):
        raise ValueError(f"NUMBA_CACHE_DIR is {asked!r}, where nothing can be written. {CURE}")
    return folder


def _tell_of(name: str, tiny_run: Callable[[], object], compiled: list[str], terminal: Terminal) -> None:
    """Run, and tell what had to be compiled."""
    before, began = len(compiled), time.perf_counter()
    tiny_run()
    if len(compiled) > before:
        terminal.say(f"{name}: {len(compiled) - before} functions, {time.perf_counter() - began:.1f} s")


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Tell nothing of the tiny fits themselves."""
    logger = logging.getLogger("umap_sk")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
