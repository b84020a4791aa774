"""Columns that come along: of a pandas or polars frame, or a dict of arrays, as what JSON takes."""

import contextlib
from typing import Any

import numpy as np

from umap_sk.appearance.classes import is_missing
from umap_sk.interactive_map.times import time_words, unit_of

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
    columns = {str(name): _one_a_row(given[name]) for name in names}
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


def _one_a_row(column: Any) -> Any:
    """A column whose values are lists, dicts or bytes as one of objects: numpy would unfold or decode it."""
    if not isinstance(column, list | tuple) and not type(column).__module__.startswith("polars"):
        return column
    values = column.to_list() if hasattr(column, "to_list") else column
    if not any(isinstance(value, list | tuple | dict | bytes) for value in values):
        with contextlib.suppress(Exception):  # numpy has no integers of 128 bits, which polars has
            return np.asarray(column)
    objects = np.empty(len(values), object)
    objects[:] = values
    return objects


def index_of(hover: Any, n: int) -> list[Any] | None:
    """Names of the rows from a pandas frame's index, None where it just counts."""
    index = getattr(hover, "index", None)
    if index is None or callable(index):  # a list's and a tuple's method
        return None
    array = np.asarray(index)
    if array.dtype.kind in "iuf" and np.array_equal(array, np.arange(n)):
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
    return time_words(array, unit_of(array)) if array.dtype.kind in "mM" else array.astype(str).tolist()


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
