"""``umap-sk compile``: compile the kernels that fits need, for all processes that share numba's cache."""

import argparse
import contextlib
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
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

CACHE_CURE = "Set NUMBA_CACHE_DIR to a writable folder."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--all",
        action="store_true",
        help="Compile less common kernels too: other output metrics, anchors, growing maps, operations on manifolds.",
    )


def execute(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Compile the kernels that the cache lacks."""
    folder, began = find_writable_folder(), time.perf_counter()
    before = list_cached_files(folder)
    with record_compiled() as compiled, compile_both_variants(), _silence_fits():
        for name, tiny_run in {**tiny_runs.USUAL_RUNS, **(tiny_runs.OTHER_RUNS if options.all else {})}.items():
            _run_and_report(name, tiny_run, compiled, terminal)
    files = list_cached_files(folder)
    return {
        "folder": str(folder),
        "compiled": len(compiled),
        "seconds": round(time.perf_counter() - began, 1),
        "files": len(files),
        "new_files": len(files) - len(before),
        "bytes": sum(path.stat().st_size for path in files),
    }


def format_answer(answer: Mapping[str, Any]) -> str:
    """Format the answer for people in one line."""
    files = f"{answer['files']:,} files, {answer['bytes'] / 2**20:.0f} MiB"
    if not answer["compiled"]:
        return f"{answer['folder']}: nothing to compile; {files}"
    return f"{answer['folder']}: {answer['compiled']:,} functions compiled in {answer['seconds']:.0f} s; {files}"


def find_writable_folder() -> Path:
    """Return the folder of numba's cache. Raise an error if there is none, or not the requested one."""
    if config.DISABLE_JIT:
        raise ValueError("NUMBA_DISABLE_JIT is set, so nothing is compiled. Unset it.")
    folder, requested = find_cache_folder(kernels.jitter), os.environ.get("NUMBA_CACHE_DIR")
    if folder is None:
        raise ValueError(f"No folder for compiled kernels is writable. {CACHE_CURE}")
    if requested and not folder.resolve().is_relative_to(Path(requested).resolve()):
        raise ValueError(f"NUMBA_CACHE_DIR is {requested!r}, which is not writable. {CACHE_CURE}")
    return folder


def _run_and_report(name: str, tiny_run: Callable[[], object], compiled: list[str], terminal: Terminal) -> None:
    """Run a fit, and report what had to be compiled."""
    before, began = len(compiled), time.perf_counter()
    tiny_run()
    if len(compiled) > before:
        terminal.say(f"{name}: {len(compiled) - before} functions, {time.perf_counter() - began:.1f} s")


@contextlib.contextmanager
def _silence_fits() -> Iterator[None]:
    """Suppress messages of the fits in this block."""
    logger = logging.getLogger("umap_sk")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
