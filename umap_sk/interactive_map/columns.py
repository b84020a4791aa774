"""Columns that come along: of a pandas or polars frame, or a dict of arrays, as what JSON takes."""

from typing import Any

import numpy as np

LARGEST = 2**53
"""From here on JavaScript's numbers are no whole ones any more."""


def columns_of(given: Any, n: int, argument: str) -> dict[str, Any]:
    """Columns by name, one value a row."""
    if not (hasattr(given, "columns") or isinstance(given, dict)):
        raise TypeError(
            f"{argument} is a {type(given).__name__}, but a frame (pandas, polars) or a dict of arrays by name is "
            "needed."
        )
    names = list(given) if isinstance(given, dict) else list(given.columns)
    columns = {str(name): given[name] for name in names}
    if len(columns) < len(names):
        raise ValueError(f"{argument} names two columns alike: {names}. Give each a name of its own.")
    for name, column in columns.items():
        shape = np.shape(column)
        if shape != (n,):
            raise ValueError(
                f"{argument}: {name!r} has shape {shape}, but the map has {n:,} rows. Give one value for each, also "
                "for rows without a place."
            )
    return columns


def index_of(hover: Any, n: int) -> list[Any] | None:
    """Names of the rows from a pandas frame's index, None where it just counts."""
    index = getattr(hover, "index", None)
    if index is None or callable(index):  # a list's and a tuple's method
        return None
    if np.array_equal(np.asarray(index), np.arange(n)):
        return None
    return json_values(index)


def json_values(column: Any) -> list[Any]:
    """Values as JSON has them: numbers, truth and text; None for what is missing."""
    array = np.asarray(column)
    if array.dtype.kind in "b":
        return array.tolist()
    if array.dtype.kind in "iu":
        if len(array) and (int(array.max()) >= LARGEST or int(array.min()) <= -LARGEST):
            return [str(value) for value in array.tolist()]
        return array.tolist()
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return [_json_value(float(str(value))) for value in array]  # its own digits, not those of the next double
    return [_json_value(value) for value in array.tolist()] if array.dtype.kind in "fOUS" else _words(array)


def _words(array: np.ndarray) -> list[str | None]:
    """Times and whatever else numpy can write."""
    missing = np.isnat(array) if array.dtype.kind in "mM" else np.zeros(len(array), bool)
    return [None if gone else word for word, gone in zip(array.astype(str).tolist(), missing.tolist(), strict=True)]


def _json_value(value: Any) -> Any:
    if is_missing(value):
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) < LARGEST:
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or what pandas has for them."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )
