"""A manifold on disk: a directory of .npy files and a small JSON file, written whole or not at all, never unpickled."""

import contextlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.validate import DTYPES, check_lengths, form_problem, look_through
from umap_sk.runtime import allocation
from umap_sk.runtime.checksum import checksum_of_arrays, checksum_of_table, content_of
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.files import DamagedError, read_json

FORMAT = 1  # raised when an older version of the package could not make sense of a newer directory
KIND = "umap_sk manifold"
DESCRIPTION = "manifold.json"
LENGTHS = "lengths"


@contextlib.contextmanager
def new_directory(directory: str | os.PathLike) -> Iterator[Path]:
    """A directory beside the target, which takes the target's name when the block ends well and vanishes otherwise.

    Parameters
    ----------
    directory : path
        The target: missing, or an empty directory. Missing parents are made.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    FileExistsError
        If something lies there.
    OSError
        If something cannot be written.
    """
    target = Path(os.path.realpath(directory))
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(
            f"{os.fspath(directory)!r} exists and is not an empty directory; nothing is overwritten. Give another "
            "directory, remove this one, or read what is in it by Manifold.load."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent / f".umap_sk-{secrets.token_hex(8)}"
    folder.mkdir()
    try:
        yield folder
        for path in (*folder.iterdir(), folder):
            _sync(path)
        os.rename(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _sync(target.parent)


def save(
    directory: str | os.PathLike, graph: FuzzyGraph, parameters: dict[str, Any], lengths: np.ndarray | None = None
) -> None:
    """Write a graph and its parameters to a new directory.

    Parameters
    ----------
    directory : path
        Missing, or an empty directory.
    graph : FuzzyGraph
        The graph; memory maps are copied without being read whole.
    parameters : dict
        Numbers and booleans by name.
    lengths : ndarray of shape (n_samples,), float32, optional
        Mean distance from every row to its neighbors.

    Raises
    ------
    OSError
        If something lies there, or something cannot be written; then nothing is left.
    """
    with new_directory(directory) as folder:
        write(folder, graph, parameters, lengths)


def write(folder: Path, graph: FuzzyGraph, parameters: dict[str, Any], lengths: np.ndarray | None = None) -> None:
    """Write what a folder lacks yet of a graph, and remove arrays that were needed on the way only.

    Parameters
    ----------
    folder : Path
        From :func:`new_directory`; may hold the graph's arrays.
    graph : FuzzyGraph
        The graph.
    parameters : dict
        Numbers and booleans by name.
    lengths : ndarray of shape (n_samples,), float32, optional
        Mean distance from every row to its neighbors.
    """
    from umap_sk import __version__

    arrays = graph._asdict() | ({} if lengths is None else {LENGTHS: lengths})
    for name, array in arrays.items():
        if not (folder / f"{name}.npy").exists():
            allocation.write(folder / f"{name}.npy", array)
    for path in list(folder.iterdir()):
        if path.stem not in arrays:
            path.unlink()
    about = {
        "kind": KIND,
        "format": FORMAT,
        "umap_sk_version": __version__,
        "n_samples": len(graph.indptr) - 1,
        "n_edges": len(graph.indices),
        "parameters": {name: _plain(value) for name, value in parameters.items()},
        "checksums": _checksums(folder, arrays),
    }
    about["checksum"] = checksum_of_table(about, ("checksum",))
    (folder / DESCRIPTION).write_text(json.dumps(about, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load(
    directory: str | os.PathLike, *, looked_at: bool = False
) -> tuple[FuzzyGraph, dict[str, Any], np.ndarray | None]:
    """Map a graph into memory, after a look through all of it; the system reads what is used, when it is used.

    Parameters
    ----------
    directory : path
        From :func:`save`.
    looked_at : bool
        Whether this process has just written it, so that it need not be read again.

    Returns
    -------
    graph : FuzzyGraph
        Read-only arrays.
    parameters : dict
        As they were saved.
    lengths : ndarray of shape (n_samples,), float32, or None
        Mean distance from every row to its neighbors; None where it was not known.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is of another format, does not agree with the others, or is not what was written.
    """
    folder = Path(directory)
    about = _description(folder)
    graph = FuzzyGraph(*(_mapped(folder / f"{name}.npy", dtypes) for name, dtypes in DTYPES.items()))
    _check_sizes(folder, about, graph)
    lengths = None
    if f"{LENGTHS}.npy" in about.get("checksums", {}):
        lengths = _mapped(folder / f"{LENGTHS}.npy", ("float32",))
    if not looked_at:
        _check_contents(folder, about, graph)
        check_lengths(lengths, len(graph.indptr) - 1, repr(str(folder)), _AGAIN)
    parameters = {name: float(v) if v in ("inf", "nan") else v for name, v in about["parameters"].items()}
    return graph, parameters, lengths


def _checksums(folder: Path, arrays: Iterable[str]) -> dict[str, str]:
    """Checksum of each array's file."""
    names = [f"{name}.npy" for name in arrays]
    with ThreadPoolExecutor(len(names)) as threads:
        sums = threads.map(lambda name: checksum_of_arrays([content_of(folder / name)]), names)
        return dict(zip(names, sums, strict=True))


def _check_contents(folder: Path, about: dict[str, Any], graph: FuzzyGraph) -> None:
    """Raise if a file is not what was written (older manifolds have no checksums), or the arrays are no graph."""
    written = about.get("checksums", {})
    contents = [content_of(folder / name) for name in written]
    symmetric = about["parameters"].get("symmetrize") is True
    found = look_through(graph, symmetric=symmetric, contents=contents)
    for name, checksum in zip(written, found.checksums, strict=True):
        if checksum != written[name]:
            problem = f" ({found.problem})" if found.problem else ""
            raise ValueError(f"{str(folder / name)!r} is not what was written: its checksum differs{problem}. {_AGAIN}")
    if found.problem:
        raise ValueError(f"{str(folder)!r} holds no graph: {found.problem}. {_AGAIN}")


def _plain(value: Any) -> Any:
    """A parameter as JSON knows it; infinity, which it does not know, as text."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else str(float(value))
    return value


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
    if stored > FORMAT:
        raise ValueError(
            f"{str(folder)!r} was written by umap_sk {writer} in format {stored}, but umap_sk {__version__} reads "
            f"formats up to {FORMAT}. Install umap_sk {writer} or newer, or learn the manifold again."
        )
    if not known:
        raise ValueError(f"{str(path)!r} does not describe a manifold (kind: {about['kind']!r}). {_AGAIN}")
    if "checksum" in about and about["checksum"] != checksum_of_table(about, ("checksum",)):
        raise ValueError(f"{str(path)!r} is not what was written: its checksum differs. {_AGAIN}")
    sums = about.get("checksums", {})
    if not isinstance(sums, dict) or not sums.keys() <= {f"{name}.npy" for name in (*DTYPES, LENGTHS)}:
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


def _sync(path: Path) -> None:
    """Have the system write a file or a directory to the disk before what follows."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
