"""Joblib files with a JSON file beside each that has metadata, size and checksum, and is there first."""

import pickle
from pathlib import Path
from typing import Any, BinaryIO

import joblib

from umap_sk.runtime.checksum import hash_file, new_checksum
from umap_sk.runtime.files import DamagedError, check_regular, open_new_file
from umap_sk.runtime.json_files import read_json, write_json


def metadata_path(path: Path) -> Path:
    """The JSON file that belongs to a joblib file."""
    return path.with_suffix(".json")


class Summed:
    """A file for :func:`pickle.dump` that is summed while it is written."""

    def __init__(self, file: BinaryIO):
        self.file, self.total, self.size = file, new_checksum(), 0

    def write(self, data: bytes | memoryview) -> int:
        """Take bytes, or whatever gives them; how many."""
        self.total.update(data)
        size = self.file.write(data)
        self.size += size
        return size


def store(path: Path, value: Any, metadata: dict[str, Any]) -> None:
    """Dump a value for joblib.load, with metadata; unlike joblib.dump, the fifth protocol copies no array."""
    with open_new_file(path) as file:
        summed = Summed(file)
        pickle.dump(value, summed, protocol=5)
        write_json(metadata_path(path), {**metadata, "bytes": summed.size, "checksum": summed.total.hexdigest()})


def load(path: Path) -> Any:
    """What :func:`store` has dumped; DamagedError if it is not that any more, or cannot be read here."""
    metadata = read_json(metadata_path(path))
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
