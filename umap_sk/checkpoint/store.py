"""The files of a run: ``graph.joblib`` and ``epoch-*.joblib``, each with a JSON file, next to ``run.json``."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np

from umap_sk.checkpoint.identity import Identity, check_seed, check_stamp, make_stamp
from umap_sk.checkpoint.metadata import dump, get_metadata_path, load
from umap_sk.exceptions import CheckpointWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import ROW_ARRAYS
from umap_sk.layout.optimizer import LayoutState
from umap_sk.layout.run import state_from_plain
from umap_sk.runtime.files import DamagedError
from umap_sk.runtime.json_files import read_json


class StoredEpoch(TypedDict):
    """The part of a checkpoint's metadata that tells how far its run is."""

    epoch: int
    n_epochs: int


class StoredState(NamedTuple):
    """The contents of a checkpoint."""

    state: LayoutState  # of a finished run: no moments, and the map as positions, with NaN for disconnected rows
    n_epochs: int  # of the whole schedule
    graph_sum: str | None  # checksum of the graph's arrays, None if the run does not store its graph

    @property
    def is_finished(self) -> bool:
        """Whether the schedule has no more epochs."""
        return self.state.epoch >= self.n_epochs


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the joblib files of a run's checkpoints, the oldest first."""
    return sorted(folder.glob("epoch-*.joblib"))


def read_newest_metadata(folder: Path) -> StoredEpoch | None:
    """Return the epochs of the newest readable checkpoint, or None."""
    for path in reversed(list_checkpoints(folder)):
        with contextlib.suppress(DamagedError, OSError):
            metadata = read_json(get_metadata_path(path))
            if all(isinstance(metadata.get(name), int) for name in ("epoch", "n_epochs")):
                return {"epoch": metadata["epoch"], "n_epochs": metadata["n_epochs"]}
    return None


def write_state(folder: Path, identity: Identity, stored: StoredState) -> None:
    """Write a checkpoint with the identity of its run."""
    state = stored.state
    counts = {"epoch": state.epoch, "n_epochs": stored.n_epochs, "level": state.depth}
    vertices, components = state.positions.shape
    metadata = {
        "vertices": vertices,
        "n_components": components,
        "seed": state.seed,
        "parameters": identity["parameters"],
    }
    value = {"run": folder.name, "identity": identity, **stored._asdict(), "state": state._asdict()}
    dump(get_checkpoint_path(folder, state.epoch), value, {**make_stamp(folder), **counts, **metadata})


def read_state(path: Path) -> StoredState:
    """Read a checkpoint. Raises DamagedError if it is damaged or belongs to another run."""
    value = load(path)
    try:
        identity = value["identity"]
        check_stamp(path.parent, {**identity, "run": value["run"]})
        stored = StoredState(state_from_plain(value["state"]), value["n_epochs"], value["graph_sum"])
        shape = stored.state.positions.shape[1:], stored.state.moments.shape[2:]
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"it is no checkpoint ({error!r})") from error
    check_seed(stored.state.seed, identity["parameters"])
    parameters = identity["parameters"]
    axes = (parameters["n_components"],)
    moved = (axes[0] + (parameters.get("output_metric") == "haversine"),)  # epochs move unit vectors on the sphere
    if shape not in ((moved, moved), (axes, moved)):
        raise DamagedError(f"it has positions and moments of {shape} axes, not {axes}")
    if path.stem != f"epoch-{stored.state.epoch:08d}":
        raise DamagedError(f"it is of epoch {stored.state.epoch}")
    metadata = read_json(get_metadata_path(path))
    counts = {"epoch": stored.state.epoch, "n_epochs": stored.n_epochs, "seed": stored.state.seed}
    mismatches = [
        f"{name}={metadata.get(name)!r}, not {count}" for name, count in counts.items() if metadata.get(name) != count
    ]
    if mismatches:
        raise DamagedError(f"{get_metadata_path(path).name} says {'; '.join(mismatches)}")
    return stored


def get_checkpoint_path(folder: Path, epoch: int) -> Path:
    """Return the path of the checkpoint of an epoch. The names are in the order of the epochs."""
    return folder / f"epoch-{epoch:08d}.joblib"


def drop_old(folder: Path, keep: int, *, except_epoch: int | None = None) -> None:
    """Remove all checkpoints except the newest ones and that of `except_epoch`."""
    kept = None if except_epoch is None else get_checkpoint_path(folder, except_epoch)
    _remove(path for path in list_checkpoints(folder)[:-keep] if path != kept)
    for path in folder.glob("epoch-*.json"):
        if not path.with_suffix(".joblib").exists():  # the process was killed before it removed this file, too
            path.unlink()


def drop_after(folder: Path, epoch: int) -> None:
    """Remove the checkpoints of later epochs."""
    _remove(path for path in list_checkpoints(folder) if path > get_checkpoint_path(folder, epoch))


def _remove(paths: Iterable[Path]) -> None:
    """Remove checkpoints and their metadata."""
    for path in paths:
        path.unlink()
        get_metadata_path(path).unlink(missing_ok=True)


def set_aside(path: Path) -> None:
    """Rename a damaged checkpoint, so that it is not used as the newest one."""
    path.rename(path.with_name(path.name + ".damaged"))
    get_metadata_path(path).unlink(missing_ok=True)


def get_graph_path(folder: Path) -> Path:
    """Return the path of a run's graph."""
    return folder / "graph.joblib"


def write_graph(folder: Path, graph: FuzzyGraph, row_arrays: Mapping[str, np.ndarray]) -> None:
    """Write the graph and its row arrays if the file does not exist."""
    if not get_graph_path(folder).exists():
        counts = {"n_samples": len(graph.indptr) - 1, "edges": len(graph.indices)}
        arrays = (*graph, *(row_arrays[name] for name in ROW_ARRAYS if name in row_arrays))
        dump(get_graph_path(folder), tuple(map(np.asarray, arrays)), {**make_stamp(folder), **counts})


def read_graph(folder: Path) -> tuple[FuzzyGraph, dict[str, np.ndarray]] | None:
    """Read the graph and its row arrays. Returns None if there is no graph, and warns if it is damaged."""
    path = get_graph_path(folder)
    if not path.exists():
        return None
    try:
        metadata = read_json(get_metadata_path(path))
        if metadata.get("run") != folder.name:
            raise DamagedError(f"it belongs to run {metadata.get('run')!r}")
        graph = load(path)
        if len(graph[0]) - 1 != metadata.get("n_samples") or len(graph[1]) != metadata.get("edges"):
            raise DamagedError(f"it has {len(graph[0]) - 1} rows and {len(graph[1])} edges")
        return FuzzyGraph(*graph[:3]), dict(zip(ROW_ARRAYS, graph[3:], strict=False))
    except (DamagedError, OSError, TypeError, IndexError) as error:
        warn(f"The graph in {path} cannot be used: {error}. It is built again.", CheckpointWarning)
        return None
