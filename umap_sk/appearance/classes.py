"""Classes of rows: a number for each label of any type."""

from collections.abc import Hashable, Iterable
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from umap_sk.appearance.times import find_unit, format_times

Value = TypeVar("Value")


@runtime_checkable
class Categorical(Protocol):
    """A column of classes, as in pandas."""

    codes: np.ndarray
    categories: Iterable[Hashable]


def get_categorical(labels: ArrayLike) -> Categorical | None:
    """Return the Categorical of labels, or None if they are others."""
    array = getattr(labels, "array", labels)  # for a pandas Series
    return array if isinstance(array, Categorical) else None


def encode_classes(labels: ArrayLike) -> tuple[np.ndarray, list[Hashable]]:
    """Return codes, -1 for missing labels, and the sorted classes, or those of a Categorical in its order."""
    categorical = get_categorical(labels)
    if categorical is not None:
        return np.array(categorical.codes, np.int64), list(categorical.categories)
    column: Any = getattr(labels, "array", labels)
    array = np.asarray(column)
    if array.dtype.kind == "f" and "int" in str(getattr(column, "dtype", "")).lower():  # integers with missing ones
        array = np.array(list(column), object)  # polars' own conversion is by float
    if array.dtype.kind in "mM":
        return _encode_times(array)
    if array.dtype.kind in "biuU":
        classes, codes = np.unique(array, return_inverse=True)
        return codes, classes.tolist()
    words = [None if is_missing(word) else _make_hashable(word) for word in array.tolist()]
    present = {word for word in words if word is not None}
    try:
        ordered = sorted(present)
    except (TypeError, ArithmeticError):  # mixed types, or incomparable numbers
        ordered = sorted(present, key=str)
    place = {word: at for at, word in enumerate(ordered)}
    return np.array([-1 if word is None else place[word] for word in words], np.int64), ordered


def _encode_times(times: np.ndarray) -> tuple[np.ndarray, list[Hashable]]:
    """Return codes, -1 for missing times, and the texts of the times in their order."""
    known = ~np.isnat(times)
    classes, numbers = np.unique(times[known], return_inverse=True)
    codes = np.full(len(times), -1, np.int64)
    codes[known] = numbers
    return codes, [*format_times(classes, find_unit(classes))]


def is_missing(value: object) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _make_hashable(value: Value) -> Value | str:
    """Return a value, or the text of an unhashable one such as a list."""
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value
