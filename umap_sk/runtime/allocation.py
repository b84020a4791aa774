"""Where large arrays lie: in memory, or in .npy files that the system reads and writes back as they are used."""

import ctypes
import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

Allocate = Callable[[str, int, Any], np.ndarray]
"""Makes an array from a name, a length and a dtype."""


def in_memory(name: str, length: int, dtype: Any) -> np.ndarray:
    """An array in memory, not initialized."""
    return np.empty(length, dtype)


def on_disk(folder: Path, name: str, length: int, dtype: Any) -> np.ndarray:
    """An array of 0 in a .npy file whose room on the disk is taken now: a full disk is an error, no crash later."""
    path, dtype = folder / f"{name}.npy", np.dtype(dtype)
    with open(path, "wb") as file:
        _write_header(file, (length,), dtype)
        file.flush()
        _take_room(file, length * dtype.itemsize)
    return np.asarray(np.load(path, mmap_mode="r+")) if length else np.empty(0, dtype)


def write(path: Path, array: np.ndarray) -> None:
    """Write an array or a memory map to a .npy file; unlike what numpy writes, never in silence less than all of it."""
    with open(path, "wb") as file:
        write_to(file, array)


def write_to(file: BinaryIO, array: np.ndarray) -> None:
    """Write an array to an open file in the .npy format, as :func:`write` does."""
    _write_header(file, array.shape, array.dtype)
    file.write(np.ascontiguousarray(array).data)


def _write_header(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def shortened(array: np.ndarray, length: int) -> np.ndarray:
    """The front of an array that is not used any more, the rest given back where it can be, without a second copy."""
    if array.base is not None:
        return array[:length]
    array.resize(length, refcheck=False)
    return array


def give_back() -> None:
    """Return to the system what the C library keeps of memory that was freed, where it can, before much is needed."""
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> Callable[[int], int] | None:
    """glibc's malloc_trim; None elsewhere."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None


def _take_room(file: Any, size: int) -> None:
    """Make a file so many bytes longer, and take their room on the disk at once where the system can."""
    if size and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), file.tell(), size)
    else:
        file.truncate(file.tell() + size)


def beside(array: np.ndarray) -> Allocate:
    """Where to put what is made of an array: in memory, or if it lies in a file in files without a name beside that."""
    file = file_of(array)
    return in_memory if file is None else functools.partial(scratch, Path(file).parent)


def file_of(array: np.ndarray) -> str | os.PathLike | None:
    """The file that an array is mapped from, itself or as part of another; None for an array in memory."""
    base: Any = array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    return getattr(base, "filename", None)


def scratch(folder: Path, name: str, length: int, dtype: Any) -> np.ndarray:
    """An array of 0 in a file without a name: in a folder, or where nothing can be written there, the system's own."""
    if not length:
        return np.empty(0, dtype)
    writable = os.access(folder, os.W_OK)
    with tempfile.TemporaryFile(dir=folder if writable else None) as file:
        _take_room(file, length * np.dtype(dtype).itemsize)
        return np.asarray(np.memmap(file, dtype, "r+", shape=(length,)))
