"""Columns of a pandas or polars frame or a dict of arrays, converted to JSON values."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from umap_sk.appearance.classes import is_missing
from umap_sk.appearance.inputs import Columns, is_columns
from umap_sk.appearance.times import find_unit, format_times

JSONValue: TypeAlias = bool | int | float | str | None
"""A value of a cell as JSON represents it."""

MAX_INTEGER = 2**53
"""JavaScript represents integers exactly only below this."""


def read_columns(given: Columns | ArrayLike, n: int, argument: str) -> dict[str, ArrayLike]:
    """Return the columns by name, with one value per row."""
    if not is_columns(given):
        raise TypeError(
            f"{argument} is a {type(given).__name__}, but a frame (pandas, polars) or a dict of arrays by name is "
            "needed."
        )
    named = given.items() if isinstance(given, Mapping) else [(name, given[name]) for name in given.columns]
    columns = {str(name): _to_objects(column) for name, column in named}
    if len(columns) < len(named):
        names = [name for name, _ in named]
        raise ValueError(f"{argument} names two columns alike: {names}. Give each a unique name.")
    for name, column in columns.items():
        shape = np.shape(column)
        if shape != (n,):
            raise ValueError(
                f"{argument}: {name!r} has shape {shape}, but the map has {n:,} rows. Pass a value for each row, also "
                "for rows without a position."
            )
    return columns


def _to_objects(column: ArrayLike) -> ArrayLike:
    """Convert a column of lists, dicts or bytes to an array of objects, since numpy would unfold or decode them."""
    if isinstance(column, list | tuple):
        values: Sequence[object] = column
    elif type(column).__module__.startswith("polars") and hasattr(column, "to_list"):
        values = column.to_list()
    else:
        return column
    if not any(isinstance(value, list | tuple | dict | bytes) for value in values):
        with contextlib.suppress(Exception):  # polars has integers of 128 bits, but numpy does not
            return np.asarray(column)
    objects = np.empty(len(values), object)
    objects[:] = values
    return objects


def read_index(hover: Columns | None, n: int) -> Sequence[JSONValue] | None:
    """Return the names of rows from a pandas frame's index, or None if it only numbers the rows."""
    index = getattr(hover, "index", None)
    if index is None or callable(index):  # lists and tuples have a method of this name
        return None
    array = np.asarray(index)
    if array.dtype.kind in "iuf" and np.array_equal(array, np.arange(n)):
        return None
    return to_json_values(index)


def to_json_values(column: ArrayLike) -> Sequence[JSONValue]:
    """Convert values to JSON: numbers, booleans and text, and None for missing values."""
    array = np.asarray(column)
    if array.dtype.kind in "b":
        return array.tolist()
    if array.dtype.kind in "iu":
        if len(array) and (int(array.max()) >= MAX_INTEGER or int(array.min()) <= -MAX_INTEGER):
            return [str(value) for value in array.tolist()]
        return array.tolist()
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return [_to_json_value(float(str(value))) for value in array]  # the digits of the dtype, not those of float64
    if array.dtype.kind in "fOUS":
        return [_to_json_value(value) for value in array.tolist()]
    return format_times(array, find_unit(array)) if array.dtype.kind in "mM" else array.astype(str).tolist()


def _to_json_value(value: object) -> JSONValue:
    if is_missing(value):
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) < MAX_INTEGER:
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
