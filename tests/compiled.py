"""Access from Python to kernels that only other kernels call."""

import functools
import importlib
import pkgutil

import numba

from umap_sk import kernels

PHASES = [
    importlib.import_module(f"{kernels.__name__}.{phase.name}") for phase in pkgutil.iter_modules(kernels.__path__)
]


@functools.cache
def compiled(name):
    """Return the kernel with this name in a form that Python can call."""
    kernel = next(getattr(phase, name) for phase in PHASES if hasattr(phase, name))
    return numba.njit(error_model="numpy")(kernel.py_func) if hasattr(kernel, "py_func") else kernel
