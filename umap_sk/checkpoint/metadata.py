"""Joblib files, each with a JSON file of its metadata, size and checksum, which is written first."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import joblib

from umap_sk.runtime.checksum import hash_file, new_checksum
from umap_sk.runtime.files import DamagedError, check_regular, open_new_file
from umap_sk.runtime.json_files import read_json, write_json


def get_metadata_path(path: Path) -> Path:
    """Return the path of the JSON file that belongs to a joblib file."""
    return path.with_suffix(".json")


class ChecksumWriter:
    """A file for :func:`pickle.dump` that computes a checksum of all written bytes."""

    def __init__(self, file: BinaryIO):
        self.file, self.checksum, self.size = file, new_checksum(), 0

    def write(self, data: bytes | memoryview) -> int:
        """Write bytes or a buffer, and return the number of bytes."""
        self.checksum.update(data)
        size = self.file.write(data)
        self.size += size
        return size


def dump(path: Path, value: object, metadata: Mapping[str, object]) -> None:
    """Write a value for joblib.load, with metadata. Unlike joblib.dump, this copies no array."""
    with open_new_file(path) as file:
        writer = ChecksumWriter(file)
        pickle.dump(value, writer, protocol=5)
        write_json(get_metadata_path(path), {**metadata, "bytes": writer.size, "checksum": writer.checksum.hexdigest()})


def load(path: Path) -> Any:
    """Load a value written by :func:`dump`. Raises DamagedError if the file is damaged or cannot be read here."""
    metadata = read_json(get_metadata_path(path))
    check_regular(path)
    size = path.stat().st_size
    if size != metadata.get("bytes"):
        raise DamagedError(f"it has {size:,} bytes, of {metadata.get('bytes')} written")
    if hash_file(path) != metadata.get("checksum"):
        raise DamagedError("its checksum differs")
    try:
        return joblib.load(path)
    except (ImportError, AttributeError, EOFError, LookupError, TypeError, ValueError, pickle.PickleError) as error:
        raise DamagedError(f"it cannot be read here ({error!r})") from error
