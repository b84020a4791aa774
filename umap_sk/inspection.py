"""What a file or directory of this package is: from JSON and .npy headers. No pickle is opened, no numba loaded."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from umap_sk import checkpoint_files as files

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
    """What a file or directory is.

    Parameters
    ----------
    path : path
        A checkpoint, a run's folder, a directory of runs, a manifold, a model, a .npy or .npz file.

    Returns
    -------
    dict
        What JSON takes; ``"kind"`` says what it is.

    Raises
    ------
    ValueError
        If it is nothing that is known here, or damaged.
    OSError
        If it cannot be read.
    """
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"{os.fspath(path)!r} does not exist.")
    try:
        found = _directory(place) if place.is_dir() else _file(place)
    except files.DamagedError as error:
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
    notes = files.notes_path(path)
    if path.suffix == ".joblib" and notes.is_file() and "bytes" in files.read_json(notes):
        return _checkpoint(path)
    with open(path, "rb") as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith(NPY):
            return {"kind": "array", "bytes": _size(path), **_header(file, _size(path))}
        if start.startswith(b"PK") and zipfile.is_zipfile(file):
            return _archive(path)
    header = next((text for magic, text in HEADERS.items() if start.startswith(magic)), None)
    if header is None and path.suffix not in PICKLES:
        raise ValueError(
            f"{str(path)!r} is nothing that is known here; give a checkpoint, run, model, manifold, .npy or .npz file."
        )
    return {"kind": "pickle", "bytes": _size(path), "header": header or f"unknown, {start.hex(' ')}"}


def _manifold(folder: Path) -> dict[str, Any]:
    about = files.read_json(folder / MANIFOLD)
    arrays = {}
    for path in sorted(folder.glob("*.npy")):
        with open(path, "rb") as file:
            arrays[path.stem] = _header(file, _size(path))
    return {
        "kind": "manifold",
        "bytes": _size(folder),
        "rows": about.get("n_samples"),
        "edges": about.get("n_edges"),
        "parameters": about.get("parameters"),
        "version": about.get("umap_sk_version"),
        "format": about.get("format"),
        "arrays": arrays,
    }


def _run(folder: Path) -> dict[str, Any]:
    about = files.read_json(folder / RUN)
    kept = [one for path in sorted(folder.glob("epoch-*.joblib")) if (one := _checkpoint_or_damage(path))]
    newest: dict[str, Any] = next((one for one in reversed(kept) if {"epoch", "n_epochs"} <= one.keys()), {})
    graph = folder / "graph.json"
    counts = files.read_json(graph) if graph.is_file() else {}
    return {
        "kind": "run",
        "bytes": _size(folder),
        "rows": counts.get("n_samples"),
        "edges": counts.get("edges"),
        "epoch": newest.get("epoch"),
        "n_epochs": newest.get("n_epochs"),
        "finished": bool(newest) and newest["epoch"] >= newest["n_epochs"],
        "computed_by": _holder(folder),
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
    except files.DamagedError:
        found = {"file": path.name, "bytes": _size(path), "whole": False}
    return found if path.is_file() else None


def _checkpoint(path: Path) -> dict[str, Any]:
    """A file of a run, from the notes beside it."""
    notes = files.read_json(files.notes_path(path))
    known = ("epoch", "n_epochs", "level", "vertices", "n_components", "n_samples", "edges", "seed", "parameters")
    size = _size(path)
    return {
        "kind": "checkpoint" if "epoch" in notes else "graph of a run",
        "file": path.name,
        "bytes": size,
        "whole": size == notes.get("bytes"),
        **{name: notes[name] for name in (*known, "run", "format", "written") if name in notes},
        "version": notes.get("umap_sk"),
    }


def _holder(folder: Path) -> str | None:
    """Who is computing a run at the moment."""
    if not files.is_locked(folder):
        return None
    return (folder / "lock").read_text(errors="replace") or "another process"


def _archive(path: Path) -> dict[str, Any]:
    """A .npz file, perhaps of a sparse graph."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                arrays[member.filename.removesuffix(".npy")] = _header(file, member.file_size)  # type: ignore[arg-type]
    return {"kind": "archive of arrays", "bytes": _size(path), "arrays": arrays}


def _header(file: BinaryIO, size: int) -> dict[str, Any]:
    """Shape and dtype of an array from its header, and whether all of it is there."""
    try:
        version = np.lib.format.read_magic(file)
        reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = reader(file)
    except (ValueError, KeyError) as error:
        raise files.DamagedError(f"no header of a .npy file ({error})") from error
    if dtype.hasobject:
        return {"shape": list(shape), "dtype": f"{dtype} (a pickle, not opened)"}
    whole = file.tell() + dtype.itemsize * int(np.prod(shape, dtype=object)) == size
    return {"shape": list(shape), "dtype": dtype.name, "whole": whole}


def _size(path: Path) -> int:
    """Bytes of a file, 0 for one that has been removed meanwhile, or of all files in a directory."""
    if path.is_dir():
        return sum(_size(inner) for inner in path.iterdir())
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def as_json(value: Any) -> Any:
    """A parameter as JSON has it: what it does not know as text.

    Parameters
    ----------
    value : object
        Any.

    Returns
    -------
    object
        Plain.
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return str(value)
