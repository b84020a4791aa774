"""Classes of rows: a number for each label, whatever labels come as."""

from typing import Any

import numpy as np


def numbered(labels: Any) -> tuple[np.ndarray, list[Any]]:
    """Codes, -1 for what is missing, and classes, in the order of a Categorical's categories, or sorted."""
    labels = getattr(labels, "array", labels)  # a pandas Series
    if hasattr(labels, "categories"):
        return np.array(labels.codes, np.int64), list(labels.categories)
    array = np.asarray(labels)
    if array.dtype.kind in "biuU":
        classes, codes = np.unique(array, return_inverse=True)
        return codes, classes.tolist()
    words = [None if is_missing(word) else _hashable(word) for word in array.tolist()]
    present = {word for word in words if word is not None}
    try:
        ordered = sorted(present)
    except (TypeError, ArithmeticError):  # numbers and words, or numbers too large for others
        ordered = sorted(present, key=str)
    place = {word: at for at, word in enumerate(ordered)}
    return np.array([-1 if word is None else place[word] for word in words], np.int64), ordered


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or what pandas has for them."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _hashable(value: Any) -> Any:
    """A value, or the text of a list, a dict and the like."""
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value
