"""Kernels that only other kernels call, for Python."""

import functools

import numba

from umap_sk import kernels


@functools.cache
def compiled(name):
    """A kernel of this name as Python can call it."""
    kernel = getattr(kernels, name)
    return numba.njit(error_model="numpy")(kernel.py_func) if hasattr(kernel, "py_func") else kernel
