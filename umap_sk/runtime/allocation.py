"""Allocation of large arrays, either in memory or in .npy files that the operating system maps into memory."""

import ctypes
import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.typing import DTypeLike

LARGE_ALLOCATION = 2**26  # bytes

Allocate = Callable[[str, int, DTypeLike], np.ndarray]
"""A function that makes an array from a name, a length and a dtype."""


def allocate_in_memory(name: str, length: int, dtype: DTypeLike) -> np.ndarray:
    """Return an uninitialized array in memory."""
    return np.empty(length, dtype)


def allocate_on_disk(folder: Path, name: str, length: int, dtype: DTypeLike) -> np.ndarray:
    """Return an array of zeros in a .npy file, and reserve its disk space now, so that a full disk raises an error."""
    path, dtype = folder / f"{name}.npy", np.dtype(dtype)
    with open(path, "wb") as file:
        _write_header(file, (length,), dtype)
        file.flush()
        _reserve_space(file, length * dtype.itemsize)
    return np.asarray(np.load(path, mmap_mode="r+")) if length else np.empty(0, dtype)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array or a memory map to a .npy file. Unlike ``numpy.save``, this never truncates without an error."""
    with open(path, "wb") as file:
        write_array_to(file, array)


def write_array_to(file: BinaryIO, array: np.ndarray) -> None:
    """Write an array to an open file in the .npy format, as :func:`write_array` does."""
    _write_header(file, array.shape, array.dtype)
    file.write(np.ascontiguousarray(array).data)


def _write_header(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def shorten(array: np.ndarray, length: int) -> np.ndarray:
    """Return the first items of an array that is not used again, and free the rest without a copy where possible."""
    if array.base is not None:
        return array[:length]
    array.resize(length, refcheck=False)
    return array


def release_free_memory(size: int) -> None:
    """Ask the C library to return freed memory to the system before an allocation of `size` bytes, if that is large.

    Each page that is returned costs time when it is used again. Without its return, Fashion-MNIST's graph takes 15 %
    less time.
    """
    trim = _find_malloc_trim() if size >= LARGE_ALLOCATION else None
    if trim is not None:
        trim(0)


@functools.cache
def _find_malloc_trim() -> Callable[[int], int] | None:
    """Return glibc's malloc_trim, or None with other C libraries."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None


def _reserve_space(file: IO[bytes], size: int) -> None:
    """Extend a file by `size` bytes, and reserve the disk space at once where the system supports this."""
    if size and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), file.tell(), size)
    else:
        file.truncate(file.tell() + size)


def choose_allocator(array: np.ndarray) -> Allocate:
    """Return an allocator for results of `array`: in memory, or in unnamed files in the folder of its own file."""
    file = find_mapped_file(array)
    return allocate_in_memory if file is None else functools.partial(allocate_scratch, Path(file).parent)


def find_mapped_file(array: np.ndarray) -> str | os.PathLike | None:
    """Return the file that an array or its base is mapped from, or None for an array in memory."""
    base: object = array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    return getattr(base, "filename", None)


def allocate_scratch(folder: Path, name: str, length: int, dtype: DTypeLike) -> np.ndarray:
    """Return an array of zeros in an unnamed file in `folder`, or in the system's folder if that is not writable."""
    if not length:
        return np.empty(0, dtype)
    writable = os.access(folder, os.W_OK)
    with tempfile.TemporaryFile(dir=folder if writable else None) as file:
        _reserve_space(file, length * np.dtype(dtype).itemsize)
        return np.asarray(np.memmap(file, dtype, "r+", shape=(length,)))
