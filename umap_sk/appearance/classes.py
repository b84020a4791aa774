"""Classes of rows: a number for each label of any type."""

from typing import Any

import numpy as np


def encode_classes(labels: Any) -> tuple[np.ndarray, list[Any]]:
    """Return codes, -1 for missing labels, and the sorted classes, or those of a Categorical in its order."""
    labels = getattr(labels, "array", labels)  # for a pandas Series
    if hasattr(labels, "categories"):
        return np.array(labels.codes, np.int64), list(labels.categories)
    array = np.asarray(labels)
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


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _make_hashable(value: Any) -> Any:
    """Return a value, or the text of an unhashable one such as a list."""
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value
