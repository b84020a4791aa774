"""Description of the package's files and directories from JSON and .npy headers, without unpickling or numba."""

import contextlib
import errno
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from umap_sk.checkpoint.lock import find_holder
from umap_sk.checkpoint.metadata import get_metadata_path
from umap_sk.runtime.files import DamagedError, check_regular
from umap_sk.runtime.json_files import read_json, to_json

RUN_FILE, MANIFOLD_FILE = "run.json", "manifold.json"
NPY_MAGIC = b"\x93NUMPY"
PICKLE_MAGICS = {
    b"\x80": "a pickle",
    b"\x78": "zlib, perhaps of a pickle",
    b"\x1f\x8b": "gzip, perhaps of a pickle",
    b"BZh": "bzip2, perhaps of a pickle",
    b"\xfd7zXZ": "xz, perhaps of a pickle",
    b"\x5d\x00\x00": "lzma, perhaps of a pickle",
    b"\x04\x22M\x18": "lz4, perhaps of a pickle",
}
PICKLE_ENDINGS = (".joblib", ".pkl", ".pickle")


def describe(path: str | os.PathLike[str]) -> dict[str, object]:
    """Describe a file or directory as a dict of JSON values, whose ``"kind"`` is its type."""
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"{os.fspath(path)!r} does not exist.")
    try:
        check_regular(place)
        found = _describe_directory(place) if place.is_dir() else _describe_file(place)
    except DamagedError as error:
        raise ValueError(f"{os.fspath(path)!r}: {error}.") from error
    except IsADirectoryError as error:
        raise ValueError(f"{str(error.filename)!r} is a directory, but a file is needed there. Remove it.") from error
    return {"kind": found.pop("kind"), "path": str(place), **found}


def _describe_directory(folder: Path) -> dict[str, object]:
    if (folder / MANIFOLD_FILE).is_file():
        return _describe_manifold(folder)
    if (folder / RUN_FILE).is_file():
        return _describe_run(folder)
    runs = sorted(path.parent for path in folder.glob(f"*/{RUN_FILE}"))
    if not runs:
        raise ValueError(f"{str(folder)!r} contains neither runs nor a manifold; pass an output of fit or learn.")
    described = [_describe_run_or_damage(run) for run in runs]
    size = sum(_get_count(run, "bytes") or 0 for run in described)
    return {"kind": "directory of runs", "bytes": size, "runs": described}


def _describe_run_or_damage(folder: Path) -> dict[str, object]:
    try:
        return describe(folder)
    except (ValueError, OSError) as error:
        return {"kind": "run", "path": str(folder), "damaged": str(error)}


def _describe_file(path: Path) -> dict[str, object]:
    if path.name in (RUN_FILE, MANIFOLD_FILE):
        return _describe_directory(path.parent)
    if path.suffix == ".json":
        path = path.with_suffix(".joblib")
    metadata = get_metadata_path(path)
    if path.suffix == ".joblib" and metadata.is_file() and "bytes" in read_json(metadata):
        return _describe_checkpoint(path)
    check_regular(path)
    with open(path, "rb") as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith(NPY_MAGIC):
            return {"kind": "array", "bytes": _get_size(path), **_read_header(file, _get_size(path))}
        if start.startswith(b"PK") and zipfile.is_zipfile(file):
            return {"kind": "archive of arrays", "bytes": _get_size(path), "arrays": read_headers(path)}
    header = next((text for magic, text in PICKLE_MAGICS.items() if start.startswith(magic)), None)
    if header is None and path.suffix not in PICKLE_ENDINGS:
        raise ValueError(
            f"{str(path)!r} has an unknown format; pass a checkpoint, run, model, manifold, .npy or .npz file."
        )
    return {"kind": "pickle", "bytes": _get_size(path), "header": header or f"unknown, {start.hex(' ')}"}


def _describe_manifold(folder: Path) -> dict[str, object]:
    about = read_json(folder / MANIFOLD_FILE)
    arrays = {}
    for path in sorted(folder.glob("*.npy")):
        check_regular(path)
        with open(path, "rb") as file:
            arrays[path.stem] = _read_header(file, _get_size(path))
    return {
        "kind": "manifold",
        "bytes": _get_size(folder),
        "rows": _get_count(about, "n_samples"),
        "edges": _get_count(about, "n_edges"),
        "parameters": about.get("parameters"),
        "version": about.get("umap_sk_version"),
        "format": about.get("format"),
        "arrays": arrays,
    }


def _describe_run(folder: Path) -> dict[str, object]:
    about = read_json(folder / RUN_FILE)
    kept = [one for path in sorted(folder.glob("epoch-*.joblib")) if (one := _describe_checkpoint_or_damage(path))]
    known = [one for one in kept if None not in (one.get("epoch"), one.get("n_epochs"))]
    newest: Mapping[str, object] = known[-1] if known else {}
    epoch, n_epochs = _get_count(newest, "epoch"), _get_count(newest, "n_epochs")
    graph = folder / "graph.json"
    counts = read_json(graph) if graph.is_file() else {}
    return {
        "kind": "run",
        "bytes": _get_size(folder),
        "rows": _get_count(counts, "n_samples"),
        "edges": _get_count(counts, "edges"),
        "epoch": epoch,
        "n_epochs": n_epochs,
        "finished": epoch is not None and n_epochs is not None and epoch >= n_epochs,
        "computed_by": find_holder(folder),
        "seed": about.get("seed"),
        "parameters": about.get("parameters"),
        "version": about.get("umap_sk"),
        "format": about.get("format"),
        "written": newest.get("written", about.get("written")),
        "checkpoints": [{name: one.get(name) for name in ("file", "epoch", "bytes", "whole")} for one in kept],
    }


def _describe_checkpoint_or_damage(path: Path) -> dict[str, object] | None:
    """Describe a checkpoint of a run that may be active, or return None if it was removed meanwhile."""
    try:
        found = _describe_checkpoint(path)
    except DamagedError:
        found = {"file": path.name, "bytes": _get_size(path), "whole": False}
    return found if path.is_file() else None


def _describe_checkpoint(path: Path) -> dict[str, object]:
    """Describe a file of a run from its metadata."""
    metadata = read_json(get_metadata_path(path))
    known = ("epoch", "n_epochs", "level", "vertices", "n_components", "n_samples", "edges", "seed", "parameters")
    size = _get_size(path)
    for name in ("epoch", "n_epochs", "vertices", "n_components", "n_samples", "edges"):
        _get_count(metadata, name)
    return {
        "kind": "checkpoint" if "epoch" in metadata else "graph of a run",
        "file": path.name,
        "bytes": size,
        "whole": size == metadata.get("bytes"),
        **{name: metadata[name] for name in (*known, "run", "format", "written") if name in metadata},
        "version": metadata.get("umap_sk"),
    }


def read_headers(path: Path) -> dict[str, dict[str, object]]:
    """Return shape and dtype of each array in a .npz file, perhaps of a sparse graph."""
    arrays = {}
    with _translate_errors("no archive of arrays"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                arrays[member.filename.removesuffix(".npy")] = _read_header(file, member.file_size)
    return arrays


def _read_header(file: IO[bytes], size: int) -> dict[str, object]:
    """Return shape and dtype of an array from its header, and whether the file has the expected length."""
    with _translate_errors("no header of a .npy file"):
        version = np.lib.format.read_magic(file)
        reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = reader(file)
        if min(shape, default=0) < 0:
            raise ValueError(f"the shape is {shape}")
    if dtype.hasobject:
        return {"shape": list(shape), "dtype": f"{dtype} (a pickle, not opened)"}
    whole = file.tell() + dtype.itemsize * int(np.prod(shape, dtype=object)) == size
    return {"shape": list(shape), "dtype": dtype.name, "whole": whole}


@contextlib.contextmanager
def _translate_errors(what: str) -> Iterator[None]:
    """Raise DamagedError for the errors that numpy and zipfile raise for damaged files."""
    try:
        yield
    except DamagedError:
        raise
    except Exception as error:
        # Zipfile causes EINVAL by seeking before the start of the file, and errors of bz2 have no number.
        if isinstance(error, OSError) and error.errno not in (errno.EINVAL, None):
            raise
        raise DamagedError(f"{what} ({str(error) or type(error).__name__})") from error


def _get_count(values: Mapping[str, object], name: str) -> int | None:
    """Return a count from a JSON file, or None if it is missing."""
    value = values.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise DamagedError(f"{name} is {to_json(value)!r}, not an integer")
    return value


def _get_size(path: Path) -> int:
    """Return the bytes of a file or of all files in a directory. Files that are removed during this count 0."""
    if path.is_dir():
        return sum(_get_size(inner) for inner in path.iterdir() if not (inner.is_symlink() and inner.is_dir()))
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
