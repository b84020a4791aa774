"""The file ``run.json``, which describes a run, and comparisons with the other runs in a directory."""

import contextlib
from pathlib import Path

from umap_sk._typing import Parameters
from umap_sk.checkpoint.identity import Identity, check_seed, check_stamp, find_differences, make_stamp
from umap_sk.checkpoint.lock import find_holder
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.checkpoint.store import read_newest_metadata
from umap_sk.exceptions import CheckpointMismatchWarning, CheckpointWarning, warn
from umap_sk.runtime.checksum import hash_table
from umap_sk.runtime.files import DamagedError
from umap_sk.runtime.json_files import read_json, write_json


def write_run(folder: Path, identity: Identity, seed: int) -> None:
    """Write the description of a run."""
    fields = {**make_stamp(folder), **identity, "seed": seed}
    write_json(folder / "run.json", {**fields, "checksum": _compute_checksum(fields)})


def read_seed(folder: Path) -> int | None:
    """Return the seed of a run. If its description is unreadable or damaged, warn and return None."""
    try:
        fields = read_json(folder / "run.json")
        check_stamp(folder, fields)
        check_seed(fields.get("seed"), fields["parameters"])
        if fields.get("checksum") != _compute_checksum(fields):
            raise DamagedError("its checksum differs")
        return fields["seed"]
    except (DamagedError, OSError) as error:
        warn(f"{folder / 'run.json'} cannot be used: {error}. It is written again.", CheckpointWarning)
        return None


def compare_with_others(settings: Checkpoint, identity: Identity) -> None:
    """Warn or raise if the directory contains an unfinished run with other data or parameters."""
    runs = []
    for path in settings.path.glob("*/run.json"):
        newest = read_newest_metadata(path.parent)
        if newest is None or newest["epoch"] >= newest["n_epochs"] or find_holder(path.parent):
            continue
        with contextlib.suppress(DamagedError, OSError):
            runs.append((find_differences(read_json(path), identity), path.parent, newest))
    if not runs:
        return
    differences, folder, newest = min(runs, key=lambda run: len(run[0]))
    message = (
        f"An unfinished run in {folder} (epoch {newest['epoch']} of {newest['n_epochs']}) is not this one: "
        f"{'; '.join(differences)}."
    )
    if settings.on_mismatch == "raise":
        raise ValueError(f"{message} Use what it was begun with to go on with it, or remove it to begin anew.")
    warn(f"{message} A new run begins beside it; remove that folder if it is of no use.", CheckpointMismatchWarning)


def _compute_checksum(fields: Parameters) -> str:
    """Return the checksum of the contents of run.json, without the time of writing."""
    return hash_table(fields, ("written", "checksum"))[:16]
