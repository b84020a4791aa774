"""What lies in a run's folder: ``run.json``, ``graph.joblib`` and ``epoch-*.joblib``, a JSON file beside each."""

import contextlib
import pickle
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from umap_sk.checkpoint.identity import differences, run_name, version_fields
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.exceptions import CheckpointMismatchWarning, CheckpointWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.layout.optimizer import LayoutState
from umap_sk.runtime import files
from umap_sk.runtime.checksum import checksum_of_table

SEEDS = range(2**32)  # what random_state takes, and more than is drawn


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
    """Checkpoints of a run, the oldest first.

    Parameters
    ----------
    folder : Path
        The run's folder.

    Returns
    -------
    list of Path
        Their joblib files.
    """
    return sorted(folder.glob("epoch-*.joblib"))


def newest_notes(folder: Path) -> dict[str, Any] | None:
    """What the JSON file says that belongs to the newest checkpoint of a run.

    Parameters
    ----------
    folder : Path
        The run's folder.

    Returns
    -------
    dict or None
        With "epoch" and "n_epochs"; None if there is no checkpoint with readable notes.
    """
    for path in reversed(checkpoints(folder)):
        with contextlib.suppress(files.DamagedError, OSError):
            notes = files.read_json(files.notes_path(path))
            if all(isinstance(notes.get(name), int) for name in ("epoch", "n_epochs")):
                return notes
    return None


def write_run(folder: Path, identity: dict[str, Any], seed: int) -> None:
    """Write what a run is.

    Parameters
    ----------
    folder : Path
        The run's folder.
    identity : dict
        From :func:`umap_sk.checkpoint.identity.identity_of`.
    seed : int
        The seed.
    """
    about = {**_stamp(folder), **identity, "seed": seed}
    files.write_json(folder / "run.json", {**about, "checksum": _sum(about)})


def read_seed(folder: Path) -> int | None:
    """The seed of a run, or a warning.

    Parameters
    ----------
    folder : Path
        The run's folder.

    Returns
    -------
    int or None
        None if what the run is cannot be read, or is not what was written.
    """
    try:
        about = files.read_json(folder / "run.json")
        check_stamp(folder, about)
        check_seed(about.get("seed"), about)
        if about.get("checksum") != _sum(about):
            raise files.DamagedError("its checksum differs")
        return about["seed"]
    except (files.DamagedError, OSError) as error:
        warn(f"{folder / 'run.json'} cannot be used: {error}. It is written again.", CheckpointWarning)
        return None


def check_stamp(folder: Path, about: dict[str, Any]) -> None:
    """Raise if a file belongs to another run, or describes another one.

    Parameters
    ----------
    folder : Path
        The run's folder, whose name is the hash of its identity.
    about : dict
        What the file says: the run, and its identity.

    Raises
    ------
    DamagedError
        If one of the two is not the folder's.
    """
    if about.get("run") != folder.name:
        raise files.DamagedError(f"it belongs to run {about.get('run')!r}")
    if run_name({name: about.get(name) for name in ("format", "umap_sk", "parameters", "data")}) != folder.name:
        raise files.DamagedError("it describes another run")


def check_seed(seed: Any, identity: dict[str, Any]) -> None:
    """Raise if a run cannot have a seed.

    Parameters
    ----------
    seed : object
        What a file says.
    identity : dict
        The run's identity, with the seed that was asked for, or None for any.

    Raises
    ------
    DamagedError
        If it is none, or another one was asked for.
    """
    if type(seed) is not int or seed not in SEEDS:
        raise files.DamagedError(f"seed={seed!r} is no whole number from 0 to {SEEDS[-1]}")
    asked = identity["parameters"].get("random_state")
    if asked is not None and seed != asked:
        raise files.DamagedError(f"seed={seed}, but random_state={asked} was asked for")


def write_state(folder: Path, identity: dict[str, Any], stored: Stored) -> None:
    """Write a checkpoint.

    Parameters
    ----------
    folder : Path
        The run's folder.
    identity : dict
        What is stored along with it.
    stored : Stored
        Its content.
    """
    state = stored.state
    counts = {"epoch": state.epoch, "n_epochs": stored.n_epochs, "level": state.depth}
    vertices, components = state.positions.shape
    notes = {"vertices": vertices, "n_components": components, "seed": state.seed, "parameters": identity["parameters"]}
    value = {"run": folder.name, "identity": identity, **stored._asdict(), "state": state._asdict()}
    files.store(folder / f"epoch-{state.epoch:08d}.joblib", value, {**_stamp(folder), **counts, **notes})


def read_state(path: Path) -> Stored:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
        Its joblib file.

    Returns
    -------
    Stored
        Its content.

    Raises
    ------
    DamagedError
        If it is not what was written, or belongs to another run.
    """
    value = _loaded(path)
    try:
        identity = value["identity"]
        check_stamp(path.parent, {**identity, "run": value["run"]})
        stored = Stored(LayoutState(**value["state"]), value["n_epochs"], value["graph_sum"])
        shape = stored.state.positions.shape[1:], stored.state.moments.shape[2:]
    except (KeyError, TypeError, AttributeError) as error:
        raise files.DamagedError(f"it is no checkpoint ({error!r})") from error
    check_seed(stored.state.seed, identity)
    axes = (identity["parameters"]["n_components"],)
    if shape != (axes, axes):
        raise files.DamagedError(f"it has positions and moments of {shape} axes, not {axes}")
    if path.stem != f"epoch-{stored.state.epoch:08d}":
        raise files.DamagedError(f"it is of epoch {stored.state.epoch}")
    notes = files.read_json(files.notes_path(path))
    counts = {"epoch": stored.state.epoch, "n_epochs": stored.n_epochs, "seed": stored.state.seed}
    told = [f"{name}={notes.get(name)!r}, not {count}" for name, count in counts.items() if notes.get(name) != count]
    if told:
        raise files.DamagedError(f"{files.notes_path(path).name} says {'; '.join(told)}")
    return stored


def drop_old(folder: Path, keep: int) -> None:
    """Remove all but the newest checkpoints.

    Parameters
    ----------
    folder : Path
        The run's folder.
    keep : int
        How many stay.
    """
    for old in checkpoints(folder)[:-keep]:
        old.unlink()
        files.notes_path(old).unlink(missing_ok=True)


def set_aside(path: Path) -> None:
    """Rename a checkpoint that cannot be used, so that it is not taken for the newest.

    Parameters
    ----------
    path : Path
        Its joblib file.
    """
    path.rename(path.with_name(path.name + ".damaged"))
    files.notes_path(path).unlink(missing_ok=True)


def graph_path(folder: Path) -> Path:
    """Where a run's graph lies."""
    return folder / "graph.joblib"


def write_graph(folder: Path, graph: FuzzyGraph, lengths: np.ndarray | None) -> None:
    """Write the graph, unless it is there.

    Parameters
    ----------
    folder : Path
        The run's folder.
    graph : FuzzyGraph
        The graph.
    lengths : ndarray of shape (n,), float32, or None
        Mean distance from every row to its neighbors, where it is known.
    """
    if not graph_path(folder).exists():
        counts = {"n_samples": len(graph.indptr) - 1, "edges": len(graph.indices)}
        arrays = graph if lengths is None else (*graph, lengths)
        files.store(graph_path(folder), tuple(map(np.asarray, arrays)), {**_stamp(folder), **counts})


def read_graph(folder: Path) -> tuple[FuzzyGraph, np.ndarray | None] | None:
    """The graph, if it is there and whole; a warning if it is damaged.

    Parameters
    ----------
    folder : Path
        The run's folder.

    Returns
    -------
    tuple of FuzzyGraph and ndarray or None, or None
        The graph and its mean distances.
    """
    path = graph_path(folder)
    if not path.exists():
        return None
    try:
        notes = files.read_json(files.notes_path(path))
        if notes.get("run") != folder.name:
            raise files.DamagedError(f"it belongs to run {notes.get('run')!r}")
        graph = _loaded(path)
        if len(graph[0]) - 1 != notes.get("n_samples") or len(graph[1]) != notes.get("edges"):
            raise files.DamagedError(f"it has {len(graph[0]) - 1} rows and {len(graph[1])} edges")
        return FuzzyGraph(*graph[:3]), graph[3] if len(graph) > 3 else None
    except (files.DamagedError, OSError, TypeError, IndexError) as error:
        warn(f"The graph in {path} cannot be used: {error}. It is built again.", CheckpointWarning)
        return None


def compare_with_others(settings: Checkpoint, identity: dict[str, Any]) -> None:
    """Warn or raise if an unfinished run of other data or parameters lies in the directory.

    Parameters
    ----------
    settings : Checkpoint
        The directory, and whether to raise.
    identity : dict
        The run that is about to begin.

    Raises
    ------
    ValueError
        If there is one, and ``on_mismatch="raise"``.
    """
    others = []
    for path in settings.path.glob("*/run.json"):
        newest = newest_notes(path.parent)
        if newest is None or newest["epoch"] >= newest["n_epochs"] or files.is_locked(path.parent):
            continue
        with contextlib.suppress(files.DamagedError, OSError):
            others.append((differences(files.read_json(path), identity), path.parent, newest))
    if not others:
        return
    found, folder, newest = min(others, key=lambda other: len(other[0]))
    message = (
        f"An unfinished run in {folder} (epoch {newest['epoch']} of {newest['n_epochs']}) is not this one: "
        f"{'; '.join(found)}."
    )
    if settings.on_mismatch == "raise":
        raise ValueError(f"{message} Use what it was begun with to go on with it, or remove it to begin anew.")
    warn(f"{message} A new run begins beside it; remove that folder if it is of no use.", CheckpointMismatchWarning)


def _stamp(folder: Path) -> dict[str, Any]:
    """What every JSON file begins with."""
    return {**version_fields(), "run": folder.name, "written": time.strftime("%Y-%m-%dT%H:%M:%S%z")}


def _loaded(path: Path) -> Any:
    """What a whole file holds, where this Python can read it."""
    try:
        return files.load(path)
    except (files.DamagedError, OSError):
        raise
    except (ImportError, AttributeError, EOFError, LookupError, TypeError, ValueError, pickle.PickleError) as error:
        raise files.DamagedError(f"it cannot be read here ({error!r})") from error


def _sum(about: dict[str, Any]) -> str:
    """Checksum of what run.json says, but for when it was written."""
    return checksum_of_table(about, ("written", "checksum"))[:16]
