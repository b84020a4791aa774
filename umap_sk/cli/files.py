"""Files that the command line reads and writes: mapped arrays, and outputs that are written atomically."""

import argparse
import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse

from umap_sk._typing import AnySparse
from umap_sk.cli.inspect import MANIFOLD_FILE, read_headers
from umap_sk.graph.manifold import Manifold
from umap_sk.runtime.files import check_regular, choose_hidden_path, open_new_file

INPUT_OPTIONS = {
    "knn_indices": ("I.npy", "Neighbors of each row: integers, rows x neighbors."),
    "knn_dists": ("D.npy", "Their distances, of the same shape. Both options are needed together."),
    "graph": ("G.npz", "A sparse distance graph in their place, written by scipy.sparse.save_npz."),
    "features": ("X.npy", "Features, rows x columns."),
    "y": ("Y.npy", "Targets of the rows: labels or numbers, for a --target-metric."),
    "anchors": ("A.npy", "Positions that pull rows towards them, rows x axes, with NaN in rows that are free."),
    "manifold": ("DIR", "A manifold in place of neighbors, written by learn or Manifold.save."),
}


def add_inputs(group: argparse._ArgumentGroup, *names: str) -> None:
    """Add an option for each kind of input."""
    for name in names:
        metavar, text = INPUT_OPTIONS[name]
        group.add_argument(format_option(name), metavar=metavar, help=text)


def read_inputs(options: argparse.Namespace) -> dict[str, Any]:
    """Return the inputs as arguments of ``fit`` and similar methods. Arrays are mapped into memory, not read."""
    paths = {name: path for name, path in vars(options).items() if name in INPUT_OPTIONS and path is not None}
    others = ", ".join(format_option(name) for name in paths if name not in ("graph", "y", "anchors"))
    if "graph" in paths and others:
        raise ValueError(
            f"--graph was given beside {others}, but it already contains the neighbors. Pass only one of them."
        )
    found: dict[str, Any] = {}
    for name, path in paths.items():
        if name == "graph":
            found["X"] = read_graph(path)
        elif name == "manifold":
            found[name] = Manifold.load(path)
        else:
            found["X" if name == "features" else name] = map_array(path, format_option(name))
    return found


def map_array(path: str, option: str, others: str = "") -> np.ndarray:
    """Map an array from a .npy file into memory, read-only. Errors name `others`, the values besides a file."""
    wanted = f"a .npy file as numpy.save writes it{others} is needed"
    try:
        check_regular(Path(path))
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise ValueError(f"{option}: {path!r} cannot be read ({error.strerror}); {wanted}.") from error
    except Exception as error:  # a damaged header may raise any error
        if "Python objects" in str(error):
            raise ValueError(
                f"{option}: {path!r} contains Python objects. Save numbers, or labels as plain text: "
                "np.save(path, np.asarray(labels, str))."
            ) from error
        why = "" if "pickle" in str(error) else f" ({error})"  # numpy advises to load pickles of strangers
        raise ValueError(f"{option}: {path!r} is no complete .npy file of numbers{why}; {wanted}.") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"{option}: {path!r} is an .npz archive, but {wanted}.")
    return array


def read_graph(path: str) -> AnySparse:
    """Read a sparse graph from a file that scipy.sparse.save_npz has written."""
    wanted = "a file as scipy.sparse.save_npz writes it is needed"
    try:
        check_regular(Path(path))
        for name, member in read_headers(Path(path)).items():
            if not member.get("whole", True):
                raise ValueError(f"the array {name!r} in it is not as long as its header says")
        return scipy.sparse.load_npz(path)
    except OSError as error:
        raise ValueError(f"--graph: {path!r} cannot be read ({error.strerror or error}); {wanted}.") from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged or encrypted archive may raise any error
        raise ValueError(f"--graph: {path!r} contains no sparse graph ({error}); {wanted}.") from error


def check_target(path: str, option: str, others: Iterable[str | None]) -> Path:
    """Return the path of an output, with links resolved, after checking that it is writable and not an input."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ValueError(f"{option}: {path!r} is a directory; pass the name of a file in it.")
    if target.exists() and not target.is_file():
        raise ValueError(f"{option}: {path!r} is a device or a pipe; pass the name of a file.")
    if not target.parent.is_dir():
        raise ValueError(f"{option}: the directory {str(target.parent)!r} does not exist; create it first.")
    used = {Path(os.path.realpath(other)) for other in others if other}
    if target in used or (target.parent in used and (target.parent / MANIFOLD_FILE).exists()):
        raise ValueError(f"{option}: {path!r} is used for something else, or lies in it; choose another name.")
    probe = choose_hidden_path(target)
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise ValueError(
            f"{option}: {path!r} cannot be written ({error.strerror}); choose a writable location."
        ) from error
    return target


def check_ending(path: str, option: str, *, wanted: str, others: Iterable[str] = ()) -> None:
    """Refuse a name that suggests another kind of file, by its ending."""
    ending = Path(path).suffix.lower()
    if ending in (others or {ending} - {wanted, ""}):
        raise ValueError(
            f"{option}: {path!r} ends in {ending}, but the output is a {wanted} file. Choose a name that ends in "
            f"{wanted}, or has no ending."
        )


@contextlib.contextmanager
def open_replacement(target: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces `target` if the block succeeds and is removed if it fails."""
    try:
        with open_new_file(target, choose_hidden_path(target)) as file:
            yield file
    except OSError as error:
        error.filename = str(target)
        raise


def format_option(name: str) -> str:
    """Return the option for a parameter's name."""
    return f"--{name}".replace("_", "-")
