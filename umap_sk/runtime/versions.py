"""Versions of the environment for bug reports."""

import importlib.metadata
import os
import platform
import sys

import numba

from umap_sk.runtime.threads import config, get_threading_layer

PACKAGES = ("umap-sk", "scikit-learn", "numpy", "scipy", "numba", "llvmlite", "joblib", "threadpoolctl", "xxhash")
EXTRAS = ("pynndescent", "matplotlib", "rich", "dask", "distributed", "anndata", "scanpy", "umap-learn")


def show_versions() -> None:
    """Print the versions of Python, the system, umap-sk and its dependencies for a bug report.

    Examples
    --------
    >>> import umap_sk
    >>> umap_sk.show_versions()
    Python 3...
    """
    lines = [f"Python {sys.version.split()[0]} ({sys.executable})", platform.platform()]
    lines.append(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    lines += [f"{name} {found}" for name in PACKAGES + EXTRAS if (found := _find_version(name))]
    layer = get_threading_layer() or config.THREADING_LAYER  # the second before any parallel function has run
    lines.append(f"numba's threads: {numba.get_num_threads()}, layer {layer}")
    sys.stdout.write("\n".join(lines) + "\n")


def _find_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing" if name in PACKAGES else None
