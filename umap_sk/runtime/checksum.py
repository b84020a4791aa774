"""Checksums that tell damaged files and other graphs: XXH3 of 128 bits, as fast as memory is read."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

PIECE = 2**18  # bytes that are taken at a time: of a memory map, no more need be in memory

new_checksum = xxhash.xxh3_128


def checksum_of_file(path: Path) -> str:
    """Checksum of a file's bytes."""
    total, buffer = new_checksum(), np.empty(PIECE, np.uint8)
    with open(path, "rb", buffering=0) as file:
        while size := file.readinto(buffer.data):
            total.update(buffer[:size].data)
    return total.hexdigest()


def checksum_of_arrays(arrays: Iterable[np.ndarray]) -> str:
    """Checksum of the bytes of some arrays, one after the other; memory maps are not read whole."""
    total = new_checksum()
    for array in arrays:
        content = array.reshape(-1).view(np.uint8)
        for first in range(0, len(content), PIECE):
            total.update(content[first : first + PIECE].data)
    return total.hexdigest()


def checksum_of_table(values: dict[str, Any], without: Sequence[str]) -> str:
    """SHA-256 of what JSON takes, but for some of its fields, the checksum's own among them."""
    counted = {name: value for name, value in values.items() if name not in without}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def content_of(path: Path) -> np.ndarray:
    """A file's bytes, mapped into memory."""
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
