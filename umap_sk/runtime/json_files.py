"""Small tables as JSON files: written whole or not at all, read with suspicion; and what JSON takes of a value."""

import json
import math
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from umap_sk.runtime.files import DamagedError, check_regular, new_file

DEEPEST = 50
MOST_BYTES = 2**24  # bytes; what is written here takes some kilobytes


def plain(value: Any) -> Any:
    """A value as JSON has it: numpy's numbers as Python's own; what JSON does not know, such as infinity, as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return str(value)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write a table of what JSON takes, whole or not at all."""
    with new_file(path) as file:
        file.write((json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """A table from a JSON file; DamagedError if there is none, or it is not JSON of a sane size and depth."""
    try:
        check_regular(path)
        if path.stat().st_size > MOST_BYTES:
            raise DamagedError(f"{path.name} is longer than {MOST_BYTES:,} bytes")
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DamagedError(f"{path.name} is missing") from error
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path.name} is not JSON") from error
    if not isinstance(values, dict):
        raise DamagedError(f"{path.name} holds no table")
    if not _shallow(values, DEEPEST):
        raise DamagedError(f"{path.name} is nested more than {DEEPEST} deep")
    return values


def _shallow(value: Any, depth: int) -> bool:
    """Whether a value is nested so deep at most, so that all that prints or stores it can follow."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth >= 0 and all(_shallow(one, depth - 1) for one in inner)
