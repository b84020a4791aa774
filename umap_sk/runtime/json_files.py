"""Small tables in JSON files, which are written atomically and checked when they are read."""

import json
import math
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from umap_sk.runtime.files import DamagedError, check_regular, open_new_file

MAX_DEPTH = 50
MAX_BYTES = 2**24  # 16 MiB; the tables of this package take some kilobytes

Json: TypeAlias = "str | int | float | bool | None | list[Json] | dict[str, Json]"
"""A value as JSON represents it."""


def to_json(value: object) -> Json:
    """Return a value as JSON represents it. Other values, such as infinity, become text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, dict):
        return {str(name): to_json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(inner) for inner in value]
    return str(value)


def write_json(path: Path, values: Mapping[str, object]) -> None:
    """Write a table of JSON values atomically."""
    with open_new_file(path) as file:
        file.write((json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a table from a JSON file. Raise DamagedError if the file is missing, too long or too deep, or no JSON."""
    try:
        check_regular(path)
        if path.stat().st_size > MAX_BYTES:
            raise DamagedError(f"{path.name} is longer than {MAX_BYTES:,} bytes")
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DamagedError(f"{path.name} is missing") from error
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path.name} is not JSON") from error
    if not isinstance(values, dict):
        raise DamagedError(f"{path.name} contains no table")
    if not _is_shallow(values, MAX_DEPTH):
        raise DamagedError(f"{path.name} is nested more than {MAX_DEPTH} deep")
    return values


def _is_shallow(value: object, depth: int) -> bool:
    """Return whether a value has at most `depth` levels, so that printing or storing it cannot overflow the stack."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth >= 0 and all(_is_shallow(one, depth - 1) for one in inner)
