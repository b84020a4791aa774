"""Files that the command line reads and writes: arrays mapped from disk, outputs that are whole or not there."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse

from umap_sk.cli.inspect import described_archive
from umap_sk.graph.manifold import Manifold
from umap_sk.runtime.files import check_regular, choose_hidden_path, open_new_file

INPUTS = {
    "knn_indices": ("I.npy", "Neighbors of each row: whole numbers, rows x neighbors."),
    "knn_dists": ("D.npy", "Their distances, of the same shape; one needs the other."),
    "graph": ("G.npz", "Instead, a sparse distance graph, as scipy.sparse.save_npz writes it."),
    "features": ("X.npy", "Features, rows x columns, for a --metric or for --init pca."),
    "y": ("Y.npy", "Targets, one a row: labels or numbers, for a --target-metric."),
    "manifold": ("DIR", "Instead of neighbors, a manifold that learn (or Manifold.save) has written."),
}


def add_inputs(group: Any, *names: str) -> None:
    """Add an option for each kind of input."""
    for name in names:
        metavar, text = INPUTS[name]
        group.add_argument(option_of(name), metavar=metavar, help=text)


def read_inputs(options: Any) -> dict[str, Any]:
    """What the inputs hold, as arguments of ``fit`` and its like; nothing is read that is not needed yet."""
    given = {name: path for name, path in vars(options).items() if name in INPUTS and path is not None}
    others = ", ".join(option_of(name) for name in given if name not in ("graph", "y"))
    if "graph" in given and others:
        raise ValueError(f"--graph was given beside {others}, but holds the neighbors by itself. Give one of them.")
    found: dict[str, Any] = {}
    for name, path in given.items():
        if name == "graph":
            found["X"] = read_graph(path)
        elif name == "manifold":
            found[name] = Manifold.load(path)
        else:
            found["X" if name == "features" else name] = mapped(path, option_of(name))
    return found


def mapped(path: str, option: str) -> np.ndarray:
    """An array of a .npy file, read-only, of which the system reads what is used."""
    wanted = "a .npy file as numpy.save writes it is needed"
    try:
        check_regular(Path(path))
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise ValueError(f"{option}: {path!r} cannot be read ({error.strerror}); {wanted}.") from error
    except Exception as error:  # a header that is damaged fails in any way
        raise ValueError(f"{option}: {path!r} is no complete .npy file of numbers ({error}); {wanted}.") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"{option}: {path!r} is an .npz archive, but {wanted}.")
    return array


def read_graph(path: str) -> Any:
    """A sparse graph from a .npz file, as scipy.sparse.save_npz writes it."""
    wanted = "a file as scipy.sparse.save_npz writes it is needed"
    try:
        check_regular(Path(path))
        for name, member in described_archive(Path(path))["arrays"].items():
            if not member.get("whole", True):
                raise ValueError(f"the array {name!r} in it is not as long as its header says")
        return scipy.sparse.load_npz(path)
    except OSError as error:
        raise ValueError(f"--graph: {path!r} cannot be read ({error.strerror or error}); {wanted}.") from error
    except MemoryError:
        raise
    except Exception as error:  # an archive that is damaged, encrypted or of something else fails in any way
        raise ValueError(f"--graph: {path!r} holds no sparse graph ({error}); {wanted}.") from error


def check_target(path: str, option: str, others: Iterable[str | None]) -> Path:
    """Where an output goes, links followed, once a file can be put there and it is none of the others."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ValueError(f"{option}: {path!r} is a directory; give the name of a file in it.")
    if target.exists() and not target.is_file():
        raise ValueError(f"{option}: {path!r} is a device or a pipe; give the name of a file.")
    if not target.parent.is_dir():
        raise ValueError(f"{option}: the directory {str(target.parent)!r} does not exist; make it first.")
    if any(other is not None and Path(os.path.realpath(other)) in (target, target.parent) for other in others):
        raise ValueError(f"{option}: {path!r} is, or lies in, what is given for something else; give another name.")
    probe = choose_hidden_path(target)
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise ValueError(
            f"{option}: {path!r} cannot be written ({error.strerror}); give a place that can be written to."
        ) from error
    return target


def check_ending(path: str, option: str, *, wanted: str, others: Iterable[str] = ()) -> None:
    """Refuse a name that promises another kind of file: one of the endings `others`, or all but the wanted one."""
    ending = Path(path).suffix.lower()
    if ending in (others or {ending} - {wanted, ""}):
        raise ValueError(
            f"{option}: {path!r} ends in {ending}, but what is written is a {wanted} file. Give a name that ends in "
            f"{wanted}, or has no ending."
        )


@contextlib.contextmanager
def replaced(target: Path) -> Iterator[BinaryIO]:
    """A file that takes its place when the block ends well, complete and on the disk, and vanishes otherwise."""
    try:
        with open_new_file(target, choose_hidden_path(target)) as file:
            yield file
    except OSError as error:
        error.filename = str(target)
        raise


def option_of(name: str) -> str:
    """The option that a name in Python becomes, with dashes."""
    return f"--{name}".replace("_", "-")
