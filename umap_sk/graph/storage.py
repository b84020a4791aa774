"""A manifold on disk: a directory of .npy files and a JSON file, which is written atomically and never unpickled."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from umap_sk._typing import Parameters
from umap_sk._version import __version__
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import ROW_ARRAYS
from umap_sk.graph.validate import DTYPES, check_row_arrays, find_form_problem, scan_graph
from umap_sk.runtime import allocation
from umap_sk.runtime.checksum import hash_file, hash_table, map_bytes
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.files import DamagedError, make_new_folder
from umap_sk.runtime.json_files import read_json, to_json, write_json

MANIFOLD_FORMAT = 1  # increased when older versions cannot read newer directories
KIND = "umap_sk.Manifold"
KIND_IN_DEVELOPMENT = "umap_sk manifold"
DESCRIPTION = "manifold.json"


class Description(TypedDict, total=False):
    """The contents of manifold.json. Missing checksums are not compared."""

    kind: str
    format: int
    umap_sk_version: str
    n_samples: int
    n_edges: int
    parameters: dict[str, Any]
    checksums: dict[str, str]
    checksum: str


def make_new_directory(directory: str | os.PathLike) -> AbstractContextManager[Path]:
    """Open a directory that replaces a missing or empty one if the block succeeds."""
    target = Path(os.path.realpath(directory))
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(
            f"{os.fspath(directory)!r} exists and is not an empty directory; nothing is overwritten. Choose another "
            "directory, remove this one, or load the manifold in it by Manifold.load."
        )
    return make_new_folder(target)


def write_manifold(
    folder: Path, graph: FuzzyGraph, parameters: Parameters, row_arrays: Mapping[str, np.ndarray]
) -> None:
    """Write the missing files of a graph to a new directory, and remove temporary arrays.

    Memory maps are not read into memory.
    """
    arrays = graph._asdict() | dict(row_arrays)
    for name, array in arrays.items():
        if not (folder / f"{name}.npy").exists():
            allocation.write_array(folder / f"{name}.npy", array)
    for path in list(folder.iterdir()):
        if path.stem not in arrays:
            path.unlink()
    about = {
        "kind": KIND,
        "format": MANIFOLD_FORMAT,
        "umap_sk_version": __version__,
        "n_samples": len(graph.indptr) - 1,
        "n_edges": len(graph.indices),
        "parameters": to_json(parameters),
        "checksums": _hash_files([folder / f"{name}.npy" for name in arrays]),
    }
    about["checksum"] = hash_table(about, ("checksum",))
    write_json(folder / DESCRIPTION, about)


def load(
    directory: str | os.PathLike, *, checked: bool = False
) -> tuple[FuzzyGraph, dict[str, Any], dict[str, np.ndarray]]:
    """Map a graph, its parameters and the arrays of its rows into memory.

    All data are checked, unless the caller sets `checked`, since this process has just written them or checks them
    later.
    """
    folder = Path(directory)
    about = _read_description(folder)
    graph = FuzzyGraph(*(_map_array(folder / f"{name}.npy", dtypes) for name, dtypes in DTYPES.items()))
    _check_sizes(folder, about, graph)
    known = [name for name in ROW_ARRAYS if f"{name}.npy" in about.get("checksums", {})]
    row_arrays = {name: _map_array(folder / f"{name}.npy", ("float32",)) for name in known}
    if not checked:
        _check_contents(folder, about, graph)
        known_arrays = row_arrays.get("lengths"), row_arrays.get("radii")
        check_row_arrays(*known_arrays, graph.indptr, repr(str(folder)), _CURE)
    parameters = {name: float(v) if v in ("inf", "nan") else v for name, v in about["parameters"].items()}
    return graph, parameters, row_arrays


def _hash_files(paths: list[Path]) -> dict[str, str]:
    """Return the checksum of each file by its name."""
    with ThreadPoolExecutor(len(paths)) as threads:
        return dict(zip((path.name for path in paths), threads.map(hash_file, paths), strict=True))


def _check_contents(folder: Path, about: Description, graph: FuzzyGraph) -> None:
    """Raise an error if a file was changed, or the arrays are not a valid graph."""
    written = about.get("checksums", {})
    contents = [map_bytes(folder / name) for name in written]
    symmetric = about["parameters"].get("symmetrize") is True
    found = scan_graph(graph, symmetric=symmetric, contents=contents)
    for name, checksum in zip(written, found.checksums, strict=True):
        if checksum != written[name]:
            problem = f" ({found.problem})" if found.problem else ""
            raise ValueError(f"{str(folder / name)!r} is not what was written: its checksum differs{problem}. {_CURE}")
    if found.problem:
        raise ValueError(f"{str(folder)!r} contains no valid graph: {found.problem}. {_CURE}")


def _read_description(folder: Path) -> Description:
    path = folder / DESCRIPTION
    if not path.is_file():
        raise FileNotFoundError(
            f"{str(folder)!r} contains no manifold: {DESCRIPTION} is missing or is not a file. Pass a directory that "
            "Manifold.save or learn_manifold(directory=...) has written."
        )
    try:
        about: Any = read_json(path)
        known = about["kind"] == KIND and isinstance(about["parameters"], dict)
        stored, writer = int(about["format"]), about["umap_sk_version"]
        int(about["n_samples"]), int(about["n_edges"])
    except (DamagedError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{str(path)!r} does not describe a manifold ({error!r}). {_CURE}") from error
    if about["kind"] == KIND_IN_DEVELOPMENT:
        raise ValueError(
            f"{str(folder)!r} was made by a development version of umap_sk, which no release reads. Learn the manifold "
            "again."
        )
    if stored > MANIFOLD_FORMAT:
        raise ValueError(
            f"{str(folder)!r} was written by umap_sk {writer} in format {stored}, but umap_sk {__version__} reads "
            f"formats up to {MANIFOLD_FORMAT}. Install umap_sk {writer} or newer, or learn the manifold again."
        )
    if not known:
        raise ValueError(f"{str(path)!r} does not describe a manifold (kind: {about['kind']!r}). {_CURE}")
    if "checksum" in about and about["checksum"] != hash_table(about, ("checksum",)):
        raise ValueError(f"{str(path)!r} is not what was written: its checksum differs. {_CURE}")
    sums = about.get("checksums", {})
    if not isinstance(sums, dict) or not sums.keys() <= {f"{name}.npy" for name in (*DTYPES, *ROW_ARRAYS)}:
        raise ValueError(f"{str(path)!r} does not describe a manifold (checksums of other files). {_CURE}")
    return about


def _map_array(path: Path, dtypes: tuple[str, ...]) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing in {str(path.parent)!r} or is not a file. {_CURE}")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header may raise any error
        raise ValueError(f"{str(path)!r} is no complete .npy file ({error}). {_CURE}") from error
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype not in map(np.dtype, dtypes):
        raise ValueError(
            f"{str(path)!r} contains {getattr(array, 'dtype', 'no array')} of shape {getattr(array, 'shape', ())}, but "
            f"one dimension of {' or '.join(dtypes)} is needed. {_CURE}"
        )
    return as_readonly(array)


def _check_sizes(folder: Path, about: Description, graph: FuzzyGraph) -> None:
    n_samples, n_edges = int(about["n_samples"]), int(about["n_edges"])
    wrong = [
        f"{name}.npy has {len(array)} entries instead of {wanted}"
        for (name, array), wanted in zip(graph._asdict().items(), (n_samples + 1, n_edges, n_edges), strict=True)
        if len(array) != wanted
    ]
    if not wrong and (problem := find_form_problem(graph)):
        wrong = [problem]
    if wrong:
        raise ValueError(
            f"The files in {str(folder)!r} do not agree with {DESCRIPTION} ({n_samples} rows, {n_edges} edges): "
            f"{'; '.join(wrong)}. {_CURE}"
        )


_CURE = "Copy the complete directory from its origin again, or learn and save the manifold again."
