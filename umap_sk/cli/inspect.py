"""What a file or directory of this package is: from JSON and .npy headers. No pickle is opened, no numba loaded."""

import contextlib
import errno
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from umap_sk.checkpoint.lock import holder
from umap_sk.checkpoint.metadata import metadata_path
from umap_sk.runtime.files import DamagedError, check_regular
from umap_sk.runtime.json_files import read_json, to_json

RUN, MANIFOLD = "run.json", "manifold.json"
NPY = b"\x93NUMPY"
HEADERS = {
    b"\x80": "a pickle",
    b"\x78": "zlib, perhaps of a pickle",
    b"\x1f\x8b": "gzip, perhaps of a pickle",
    b"BZh": "bzip2, perhaps of a pickle",
    b"\xfd7zXZ": "xz, perhaps of a pickle",
    b"\x5d\x00\x00": "lzma, perhaps of a pickle",
    b"\x04\x22M\x18": "lz4, perhaps of a pickle",
}
PICKLES = (".joblib", ".pkl", ".pickle")


def describe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file or directory is, as a dict that JSON takes, whose ``"kind"`` says it."""
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"{os.fspath(path)!r} does not exist.")
    try:
        check_regular(place)
        found = _directory(place) if place.is_dir() else _file(place)
    except DamagedError as error:
        raise ValueError(f"{os.fspath(path)!r}: {error}.") from error
    return {"kind": found.pop("kind"), "path": str(place), **found}


def _directory(folder: Path) -> dict[str, Any]:
    if (folder / MANIFOLD).is_file():
        return _manifold(folder)
    if (folder / RUN).is_file():
        return _run(folder)
    runs = sorted(path.parent for path in folder.glob(f"*/{RUN}"))
    if not runs:
        raise ValueError(f"{str(folder)!r} holds neither runs nor a manifold; give what fit or learn has written.")
    described = [_run_or_damage(run) for run in runs]
    return {"kind": "directory of runs", "bytes": sum(run.get("bytes", 0) for run in described), "runs": described}


def _run_or_damage(folder: Path) -> dict[str, Any]:
    try:
        return describe(folder)
    except (ValueError, OSError) as error:
        return {"kind": "run", "path": str(folder), "damaged": str(error)}


def _file(path: Path) -> dict[str, Any]:
    if path.name in (RUN, MANIFOLD):
        return _directory(path.parent)
    if path.suffix == ".json":
        path = path.with_suffix(".joblib")
    metadata = metadata_path(path)
    if path.suffix == ".joblib" and metadata.is_file() and "bytes" in read_json(metadata):
        return _checkpoint(path)
    check_regular(path)
    with open(path, "rb") as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith(NPY):
            return {"kind": "array", "bytes": _size(path), **_header(file, _size(path))}
        if start.startswith(b"PK") and zipfile.is_zipfile(file):
            return described_archive(path)
    header = next((text for magic, text in HEADERS.items() if start.startswith(magic)), None)
    if header is None and path.suffix not in PICKLES:
        raise ValueError(
            f"{str(path)!r} is nothing that is known here; give a checkpoint, run, model, manifold, .npy or .npz file."
        )
    return {"kind": "pickle", "bytes": _size(path), "header": header or f"unknown, {start.hex(' ')}"}


def _manifold(folder: Path) -> dict[str, Any]:
    about = read_json(folder / MANIFOLD)
    arrays = {}
    for path in sorted(folder.glob("*.npy")):
        check_regular(path)
        with open(path, "rb") as file:
            arrays[path.stem] = _header(file, _size(path))
    return {
        "kind": "manifold",
        "bytes": _size(folder),
        "rows": _whole_number(about, "n_samples"),
        "edges": _whole_number(about, "n_edges"),
        "parameters": about.get("parameters"),
        "version": about.get("umap_sk_version"),
        "format": about.get("format"),
        "arrays": arrays,
    }


def _run(folder: Path) -> dict[str, Any]:
    about = read_json(folder / RUN)
    kept = [one for path in sorted(folder.glob("epoch-*.joblib")) if (one := _checkpoint_or_damage(path))]
    known = [one for one in kept if None not in (one.get("epoch"), one.get("n_epochs"))]
    newest: dict[str, Any] = known[-1] if known else {}
    graph = folder / "graph.json"
    counts = read_json(graph) if graph.is_file() else {}
    return {
        "kind": "run",
        "bytes": _size(folder),
        "rows": _whole_number(counts, "n_samples"),
        "edges": _whole_number(counts, "edges"),
        "epoch": newest.get("epoch"),
        "n_epochs": newest.get("n_epochs"),
        "finished": bool(newest) and newest["epoch"] >= newest["n_epochs"],
        "computed_by": holder(folder),
        "seed": about.get("seed"),
        "parameters": about.get("parameters"),
        "version": about.get("umap_sk"),
        "format": about.get("format"),
        "written": newest.get("written", about.get("written")),
        "checkpoints": [{name: one.get(name) for name in ("file", "epoch", "bytes", "whole")} for one in kept],
    }


def _checkpoint_or_damage(path: Path) -> dict[str, Any] | None:
    """A checkpoint of a run that may be going on: None for one that has been removed meanwhile."""
    try:
        found = _checkpoint(path)
    except DamagedError:
        found = {"file": path.name, "bytes": _size(path), "whole": False}
    return found if path.is_file() else None


def _checkpoint(path: Path) -> dict[str, Any]:
    """A file of a run, from the metadata beside it."""
    metadata = read_json(metadata_path(path))
    known = ("epoch", "n_epochs", "level", "vertices", "n_components", "n_samples", "edges", "seed", "parameters")
    size = _size(path)
    for name in ("epoch", "n_epochs", "vertices", "n_components", "n_samples", "edges"):
        _whole_number(metadata, name)
    return {
        "kind": "checkpoint" if "epoch" in metadata else "graph of a run",
        "file": path.name,
        "bytes": size,
        "whole": size == metadata.get("bytes"),
        **{name: metadata[name] for name in (*known, "run", "format", "written") if name in metadata},
        "version": metadata.get("umap_sk"),
    }


def described_archive(path: Path) -> dict[str, Any]:
    """What a .npz file is, perhaps of a sparse graph, with its "arrays"."""
    arrays = {}
    with _understood("no archive of arrays"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                arrays[member.filename.removesuffix(".npy")] = _header(file, member.file_size)  # type: ignore[arg-type]
    return {"kind": "archive of arrays", "bytes": _size(path), "arrays": arrays}


def _header(file: BinaryIO, size: int) -> dict[str, Any]:
    """Shape and dtype of an array from its header, and whether all of it is there."""
    with _understood("no header of a .npy file"):
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
def _understood(what: str) -> Iterator[None]:
    """Numpy and zipfile fail in any way on files that are damaged: say which one it is."""
    try:
        yield
    except DamagedError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # which zipfile causes: a place before the first
            raise
        raise DamagedError(f"{what} ({str(error) or type(error).__name__})") from error


def _whole_number(values: dict[str, Any], name: str) -> int | None:
    """A count from a JSON file, None if there is none."""
    value = values.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise DamagedError(f"{name} is {to_json(value)!r}, no whole number")
    return value


def _size(path: Path) -> int:
    """Bytes of a file, 0 for one that has been removed meanwhile, or of all files in a directory."""
    if path.is_dir():
        return sum(_size(inner) for inner in path.iterdir() if not (inner.is_symlink() and inner.is_dir()))
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
