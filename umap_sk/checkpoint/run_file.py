"""What a run is: ``run.json`` in its folder, and in the folders beside it."""

import contextlib
from pathlib import Path
from typing import Any

from umap_sk.checkpoint.identity import check_seed, check_stamp, differences, stamp
from umap_sk.checkpoint.lock import is_locked
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.checkpoint.store import newest_metadata
from umap_sk.exceptions import CheckpointMismatchWarning, CheckpointWarning, warn
from umap_sk.runtime.checksum import hash_table
from umap_sk.runtime.files import DamagedError
from umap_sk.runtime.json_files import read_json, write_json


def write_run(folder: Path, identity: dict[str, Any], seed: int) -> None:
    """Write what a run is."""
    about = {**stamp(folder), **identity, "seed": seed}
    write_json(folder / "run.json", {**about, "checksum": _sum(about)})


def read_seed(folder: Path) -> int | None:
    """The seed of a run; a warning and None if what the run is cannot be read, or is not what was written."""
    try:
        about = read_json(folder / "run.json")
        check_stamp(folder, about)
        check_seed(about.get("seed"), about)
        if about.get("checksum") != _sum(about):
            raise DamagedError("its checksum differs")
        return about["seed"]
    except (DamagedError, OSError) as error:
        warn(f"{folder / 'run.json'} cannot be used: {error}. It is written again.", CheckpointWarning)
        return None


def compare_with_others(settings: Checkpoint, identity: dict[str, Any]) -> None:
    """Warn or raise if an unfinished run of other data or parameters lies in the directory."""
    others = []
    for path in settings.path.glob("*/run.json"):
        newest = newest_metadata(path.parent)
        if newest is None or newest["epoch"] >= newest["n_epochs"] or is_locked(path.parent):
            continue
        with contextlib.suppress(DamagedError, OSError):
            others.append((differences(read_json(path), identity), path.parent, newest))
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


def _sum(about: dict[str, Any]) -> str:
    """Checksum of what run.json says, but for when it was written."""
    return hash_table(about, ("written", "checksum"))[:16]
