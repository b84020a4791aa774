"""``umap-sk compile``: compile the kernels that fits need, for all processes that share numba's cache."""

import argparse
import contextlib
import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

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
        help="Compile less common kernels too: other metrics of rows and maps, anchors, growing maps, operations on "
        "manifolds.",
    )


def execute(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Compile the kernels that the cache lacks."""
    folder, began = find_writable_folder(), time.perf_counter()
    before = list_cached_files(folder)
    names = [*tiny_runs.USUAL_RUNS, *(tiny_runs.OTHER_RUNS if options.all else ())]
    n_jobs, compiled = min(len(names), config.NUMBA_NUM_THREADS), 0
    terminal.say(f"{len(names)} tiny fits compile what the cache lacks, in {n_jobs} processes")
    for name, functions, seconds in Parallel(n_jobs, return_as="generator")(map(delayed(compile_kernels), names)):
        compiled += functions
        if functions:
            terminal.say(f"{name}: {functions} functions, {seconds:.1f} s")
    files = list_cached_files(folder)
    return {
        "folder": str(folder),
        "compiled": compiled,
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


def compile_kernels(name: str) -> tuple[str, int, float]:
    """Run a tiny fit. Return its name, the number of functions that had to be compiled, and the seconds."""
    began, run = time.perf_counter(), {**tiny_runs.USUAL_RUNS, **tiny_runs.OTHER_RUNS}[name]
    with record_compiled() as compiled, compile_both_variants(), _silence_fits():
        run()
    return name, len(compiled), time.perf_counter() - began


@contextlib.contextmanager
def _silence_fits() -> Iterator[None]:
    """Suppress messages of the fits in this block."""
    logger = logging.getLogger("umap_sk")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.setLevel(level)
