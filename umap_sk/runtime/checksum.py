"""Checksums (XXH3, 128 bits), which detect damaged files and graphs that differ, at the speed of memory."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xxhash

CHUNK_BYTES = 2**18  # bytes read at once, so that no more of a memory map has to be in memory

new_checksum = xxhash.xxh3_128


def hash_file(path: Path) -> str:
    """Return the checksum of a file's bytes."""
    total, buffer = new_checksum(), np.empty(CHUNK_BYTES, np.uint8)
    with open(path, "rb", buffering=0) as file:
        while size := file.readinto(buffer.data):
            total.update(buffer[:size].data)
    return total.hexdigest()


def hash_arrays(arrays: Iterable[np.ndarray]) -> str:
    """Return the checksum of the bytes of several arrays, each in C order, of which some rows are read at once."""
    total = new_checksum()
    for array in arrays:
        rows = max(1, CHUNK_BYTES * len(array) // max(1, array.nbytes))
        for first in range(0, len(array), rows):
            total.update(np.ascontiguousarray(array[first : first + rows]).view(np.uint8).data)
    return total.hexdigest()


def hash_table(values: Mapping[str, object], without: Sequence[str]) -> str:
    """Return the SHA-256 checksum of a table of JSON values, leaving out the fields named in `without`."""
    counted = {name: value for name, value in values.items() if name not in without}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def map_bytes(path: Path) -> np.ndarray:
    """Return the bytes of a file, mapped into memory."""
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
