"""What lies in a run's folder: ``run.json``, ``graph.joblib`` and ``epoch-*.joblib``, a JSON file beside each."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from umap_sk.checkpoint.identity import check_seed, check_stamp, stamp
from umap_sk.checkpoint.metadata import load, metadata_path, store
from umap_sk.exceptions import CheckpointWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import ROW_ARRAYS
from umap_sk.layout.optimizer import LayoutState
from umap_sk.layout.run import state_from_plain
from umap_sk.runtime.files import DamagedError
from umap_sk.runtime.json_files import read_json


class Stored(NamedTuple):
    """A checkpoint's content.

    Attributes
    ----------
    state : LayoutState
        Where the run was. If it was finished, without moments, and the positions are the map: those of all rows in the
        data's order, NaN for rows without a place.
    n_epochs : int
        Epochs of the whole schedule.
    graph_sum : str or None
        Checksum of the graph's arrays; None for a graph that is not kept here.
    """

    state: LayoutState
    n_epochs: int
    graph_sum: str | None

    @property
    def finished(self) -> bool:
        """Whether no epochs are left."""
        return self.state.epoch >= self.n_epochs


def checkpoints(folder: Path) -> list[Path]:
    """Joblib files of a run's checkpoints, the oldest first."""
    return sorted(folder.glob("epoch-*.joblib"))


def newest_metadata(folder: Path) -> dict[str, Any] | None:
    """What the JSON file of the newest checkpoint says, which has "epoch" and "n_epochs"; None if none is readable."""
    for path in reversed(checkpoints(folder)):
        with contextlib.suppress(DamagedError, OSError):
            metadata = read_json(metadata_path(path))
            if all(isinstance(metadata.get(name), int) for name in ("epoch", "n_epochs")):
                return metadata
    return None


def write_state(folder: Path, identity: dict[str, Any], stored: Stored) -> None:
    """Write a checkpoint, with the identity of its run."""
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
    store(checkpoint_path(folder, state.epoch), value, {**stamp(folder), **counts, **metadata})


def read_state(path: Path) -> Stored:
    """Read a checkpoint; DamagedError if it is not what was written, or belongs to another run."""
    value = load(path)
    try:
        identity = value["identity"]
        check_stamp(path.parent, {**identity, "run": value["run"]})
        stored = Stored(state_from_plain(value["state"]), value["n_epochs"], value["graph_sum"])
        shape = stored.state.positions.shape[1:], stored.state.moments.shape[2:]
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"it is no checkpoint ({error!r})") from error
    check_seed(stored.state.seed, identity)
    axes, moved = axes_of(identity["parameters"])
    if shape not in ((moved, moved), (axes, moved)):
        raise DamagedError(f"it has positions and moments of {shape} axes, not {axes}")
    if path.stem != f"epoch-{stored.state.epoch:08d}":
        raise DamagedError(f"it is of epoch {stored.state.epoch}")
    metadata = read_json(metadata_path(path))
    counts = {"epoch": stored.state.epoch, "n_epochs": stored.n_epochs, "seed": stored.state.seed}
    told = [
        f"{name}={metadata.get(name)!r}, not {count}" for name, count in counts.items() if metadata.get(name) != count
    ]
    if told:
        raise DamagedError(f"{metadata_path(path).name} says {'; '.join(told)}")
    return stored


def axes_of(parameters: dict[str, Any]) -> tuple[tuple[int], tuple[int]]:
    """Axes of a map, and of the positions that epochs move: those on the sphere are unit vectors."""
    axes = parameters["n_components"]
    return (axes,), (axes + (parameters.get("output_metric") == "haversine"),)


def checkpoint_path(folder: Path, epoch: int) -> Path:
    """Where the checkpoint of an epoch lies; their names ascend."""
    return folder / f"epoch-{epoch:08d}.joblib"


def drop_old(folder: Path, keep: int, *, spared: int | None = None) -> None:
    """Remove all but the newest checkpoints, and that of an epoch which may be gone back to."""
    back = None if spared is None else checkpoint_path(folder, spared)
    _remove(path for path in checkpoints(folder)[:-keep] if path != back)


def drop_after(folder: Path, epoch: int) -> None:
    """Remove the checkpoints of later epochs."""
    _remove(path for path in checkpoints(folder) if path > checkpoint_path(folder, epoch))


def _remove(paths: Iterable[Path]) -> None:
    """Remove checkpoints and their metadata."""
    for path in paths:
        path.unlink()
        metadata_path(path).unlink(missing_ok=True)


def set_aside(path: Path) -> None:
    """Rename a checkpoint that cannot be used, so that it is not taken for the newest."""
    path.rename(path.with_name(path.name + ".damaged"))
    metadata_path(path).unlink(missing_ok=True)


def graph_path(folder: Path) -> Path:
    """Where a run's graph lies."""
    return folder / "graph.joblib"


def write_graph(folder: Path, graph: FuzzyGraph, of_rows: Mapping[str, np.ndarray]) -> None:
    """Write the graph, and what is known of its rows' distances, unless it is there."""
    if not graph_path(folder).exists():
        counts = {"n_samples": len(graph.indptr) - 1, "edges": len(graph.indices)}
        arrays = (*graph, *(of_rows[name] for name in ROW_ARRAYS if name in of_rows))
        store(graph_path(folder), tuple(map(np.asarray, arrays)), {**stamp(folder), **counts})


def read_graph(folder: Path) -> tuple[FuzzyGraph, dict[str, np.ndarray]] | None:
    """The graph and what is known of its rows' distances, if it is there and whole; a warning if it is damaged."""
    path = graph_path(folder)
    if not path.exists():
        return None
    try:
        metadata = read_json(metadata_path(path))
        if metadata.get("run") != folder.name:
            raise DamagedError(f"it belongs to run {metadata.get('run')!r}")
        graph = load(path)
        if len(graph[0]) - 1 != metadata.get("n_samples") or len(graph[1]) != metadata.get("edges"):
            raise DamagedError(f"it has {len(graph[0]) - 1} rows and {len(graph[1])} edges")
        return FuzzyGraph(*graph[:3]), dict(zip(ROW_ARRAYS, graph[3:], strict=False))
    except (DamagedError, OSError, TypeError, IndexError) as error:
        warn(f"The graph in {path} cannot be used: {error}. It is built again.", CheckpointWarning)
        return None
