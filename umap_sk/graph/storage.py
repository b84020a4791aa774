"""A manifold on disk: a directory of .npy files and a small JSON file, written whole or not at all, never unpickled."""

import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import OF_ROWS
from umap_sk.graph.validate import DTYPES, check_lengths, check_radii, form_problem, look_through
from umap_sk.runtime import allocation
from umap_sk.runtime.checksum import hash_file, hash_table, map_bytes
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.files import DamagedError, make_new_folder
from umap_sk.runtime.json_files import read_json, to_json, write_json

logger = logging.getLogger("umap_sk")

MANIFOLD_FORMAT = 2  # raised when an older version of the package could not make sense of a newer directory
SUMMED = 2  # the first format whose checksums of arrays are this version's
KIND = "umap_sk manifold"
DESCRIPTION = "manifold.json"


def new_directory(directory: str | os.PathLike) -> AbstractContextManager[Path]:
    """A directory to fill, which takes the place of a missing or empty one when the block ends well."""
    target = Path(os.path.realpath(directory))
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(
            f"{os.fspath(directory)!r} exists and is not an empty directory; nothing is overwritten. Give another "
            "directory, remove this one, or read what is in it by Manifold.load."
        )
    return make_new_folder(target)


def save(
    directory: str | os.PathLike, graph: FuzzyGraph, parameters: dict[str, Any], of_rows: Mapping[str, np.ndarray]
) -> None:
    """Write a graph and its parameters to a new directory; memory maps are copied without being read whole."""
    with new_directory(directory) as folder:
        write(folder, graph, parameters, of_rows)


def write(folder: Path, graph: FuzzyGraph, parameters: dict[str, Any], of_rows: Mapping[str, np.ndarray]) -> None:
    """Write what a new directory lacks yet of a graph, and remove arrays that were needed on the way only."""
    from umap_sk import __version__

    arrays = graph._asdict() | dict(of_rows)
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
        "checksums": _checksums([folder / f"{name}.npy" for name in arrays]),
    }
    about["checksum"] = hash_table(about, ("checksum",))
    write_json(folder / DESCRIPTION, about)


def load(
    directory: str | os.PathLike, *, looked_at: bool = False
) -> tuple[FuzzyGraph, dict[str, Any], dict[str, np.ndarray]]:
    """Map a graph, its parameters and what is known of its rows' distances, by name, into memory.

    All of it is looked through, unless this process has just written it; then the system reads what is used.
    """
    folder = Path(directory)
    about = _description(folder)
    graph = FuzzyGraph(*(_mapped(folder / f"{name}.npy", dtypes) for name, dtypes in DTYPES.items()))
    _check_sizes(folder, about, graph)
    known = [name for name in OF_ROWS if f"{name}.npy" in about.get("checksums", {})]
    of_rows = {name: _mapped(folder / f"{name}.npy", ("float32",)) for name in known}
    if not looked_at:
        _check_contents(folder, about, graph)
        check_lengths(of_rows.get("lengths"), len(graph.indptr) - 1, repr(str(folder)), _AGAIN)
        check_radii(of_rows.get("radii"), graph.indptr, repr(str(folder)), _AGAIN)
    parameters = {name: float(v) if v in ("inf", "nan") else v for name, v in about["parameters"].items()}
    return graph, parameters, of_rows


def _checksums(paths: list[Path]) -> dict[str, str]:
    """Checksum of each file by its name."""
    with ThreadPoolExecutor(len(paths)) as threads:
        return dict(zip((path.name for path in paths), threads.map(hash_file, paths), strict=True))


def _check_contents(folder: Path, about: dict[str, Any], graph: FuzzyGraph) -> None:
    """Raise if a file is not what was written, or the arrays are no graph."""
    written = about.get("checksums", {})
    if written and int(about["format"]) < SUMMED:  # their algorithm is gone: the arrays are looked at, the sums are not
        logger.info("%s was written with former checksums, which are not compared", folder)
        written = {}
    contents = [map_bytes(folder / name) for name in written]
    symmetric = about["parameters"].get("symmetrize") is True
    found = look_through(graph, symmetric=symmetric, contents=contents)
    for name, checksum in zip(written, found.checksums, strict=True):
        if checksum != written[name]:
            problem = f" ({found.problem})" if found.problem else ""
            raise ValueError(f"{str(folder / name)!r} is not what was written: its checksum differs{problem}. {_AGAIN}")
    if found.problem:
        raise ValueError(f"{str(folder)!r} holds no graph: {found.problem}. {_AGAIN}")


def _description(folder: Path) -> dict[str, Any]:
    from umap_sk import __version__

    path = folder / DESCRIPTION
    if not path.is_file():
        raise FileNotFoundError(
            f"{str(folder)!r} holds no manifold: {DESCRIPTION} is missing. Give a directory that Manifold.save or "
            "learn_manifold(directory=...) has written."
        )
    try:
        about = read_json(path)
        known = about["kind"] == KIND and isinstance(about["parameters"], dict)
        stored, writer = int(about["format"]), about["umap_sk_version"]
        int(about["n_samples"]), int(about["n_edges"])
    except (DamagedError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{str(path)!r} does not describe a manifold ({error!r}). {_AGAIN}") from error
    if stored > MANIFOLD_FORMAT:
        raise ValueError(
            f"{str(folder)!r} was written by umap_sk {writer} in format {stored}, but umap_sk {__version__} reads "
            f"formats up to {MANIFOLD_FORMAT}. Install umap_sk {writer} or newer, or learn the manifold again."
        )
    if not known:
        raise ValueError(f"{str(path)!r} does not describe a manifold (kind: {about['kind']!r}). {_AGAIN}")
    if "checksum" in about and about["checksum"] != hash_table(about, ("checksum",)):
        raise ValueError(f"{str(path)!r} is not what was written: its checksum differs. {_AGAIN}")
    sums = about.get("checksums", {})
    if not isinstance(sums, dict) or not sums.keys() <= {f"{name}.npy" for name in (*DTYPES, *OF_ROWS)}:
        raise ValueError(f"{str(path)!r} does not describe a manifold (checksums of other files). {_AGAIN}")
    return about


def _mapped(path: Path, dtypes: tuple[str, ...]) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing in {str(path.parent)!r}. {_AGAIN}")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a header that is damaged fails in any way
        raise ValueError(f"{str(path)!r} is no whole .npy file ({error}). {_AGAIN}") from error
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype not in map(np.dtype, dtypes):
        raise ValueError(
            f"{str(path)!r} holds {getattr(array, 'dtype', 'no array')} of shape {getattr(array, 'shape', ())}, but "
            f"one dimension of {' or '.join(dtypes)} is needed. {_AGAIN}"
        )
    return readonly(array)


def _check_sizes(folder: Path, about: dict[str, Any], graph: FuzzyGraph) -> None:
    n_samples, n_edges = int(about["n_samples"]), int(about["n_edges"])
    wrong = [
        f"{name}.npy has {len(array)} entries instead of {wanted}"
        for (name, array), wanted in zip(graph._asdict().items(), (n_samples + 1, n_edges, n_edges), strict=True)
        if len(array) != wanted
    ]
    if not wrong and (problem := form_problem(graph)):
        wrong = [problem]
    if wrong:
        raise ValueError(
            f"The files in {str(folder)!r} do not agree with {DESCRIPTION} ({n_samples} rows, {n_edges} edges): "
            f"{'; '.join(wrong)}. {_AGAIN}"
        )


_AGAIN = "Copy the whole directory again from where it was made, or learn the manifold again and save it anew."
