"""What a picture is made of: positions, and classes or numbers of the rows, from arrays, frames and AnnData."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from umap_sk.appearance.classes import encode_classes
from umap_sk.appearance.colors import OTHER_LABEL, select_classes
from umap_sk.appearance.positions import get_embedding, read_positions
from umap_sk.exceptions import UMAPWarning, warn

UNLABELED = "no label"
MOST_NUMBERS = 20  # that are taken for classes without a word though they are not whole


class Rows(NamedTuple):
    """Rows of a map with what colors them.

    Attributes
    ----------
    positions : ndarray of shape (n, 2 or 3)
        All rows; NaN where they have no place.
    drawn : ndarray of int
        Those that are in the picture.
    codes : ndarray of shape (n,), int, or None
        Place of a row's class among `classes`; their number for rows of other classes, and one more for rows without.
    classes : list of str
        Names of the classes that have colors of their own.
    values : ndarray of shape (n,), float, or None
        A number for every row.
    name : str or None
        What classes or numbers are called.
    left_out : dict of int
        How many rows are not in the picture, by the reason.
    """

    positions: np.ndarray
    drawn: np.ndarray
    codes: np.ndarray | None
    classes: list[str]
    values: np.ndarray | None
    name: str | None
    left_out: dict[str, int]


def read_rows(embedding: Any, labels: Any, values: Any, subset: Any, data: Any = None) -> Rows:
    """The rows of a picture; columns that are named are those of `data`, or of the embedding itself."""
    if labels is not None and values is not None:
        raise ValueError("Both labels and values were given, but points have one color: give one of the two.")
    embedding = get_embedding(embedding)
    data = embedding if data is None else data
    named = [word for word in (labels, values) if isinstance(word, str)]
    name = named[0] if named else _own_name(labels if values is None else values)
    codes, classes, numbers = None, list[str](), None
    if labels is not None:
        codes, classes = read_classes(_column(data, labels, "labels"))
    if values is not None:
        numbers = _numbers(_column(data, values, "values"))
    positions = read_positions(embedding, named, (2, 3))
    if codes is not None:
        _check_length(codes, positions, "labels")
    if numbers is not None:
        _check_length(numbers, positions, "values")
    asked = asked_rows(subset, len(positions))
    placed = np.isfinite(positions[asked]).all(axis=1)
    known = placed if numbers is None else placed & np.isfinite(numbers[asked])
    left_out = {"without a place": int((~placed).sum()), "without a finite value": int((placed & ~known).sum())}
    if not known.any():
        raise ValueError(f"None of {len(asked)} rows can be drawn: all positions or values are NaN or infinite.")
    return Rows(positions, asked[known], codes, classes, numbers, name, left_out)


def read_classes(labels: Any) -> tuple[np.ndarray, list[str]]:
    """Codes and names of the classes that have colors of their own; codes beyond them for others and for no label."""
    if np.ndim(labels) != 1:
        raise ValueError(f"labels have shape {np.shape(labels)}, but one label a row is needed.")
    codes, classes = encode_classes(labels)
    if not hasattr(getattr(labels, "array", labels), "categories"):  # which are classes by their user's will
        _warn_of_numbers(classes)
    kept = select_classes(codes, len(classes))
    number = np.full(len(classes) + 1, len(kept))  # the last is that of code -1
    number[kept], number[-1] = np.arange(len(kept)), len(kept) + 1
    return number[codes], [str(classes[place]) for place in kept]


def _warn_of_numbers(classes: list[Any]) -> None:
    """Many numbers that are not all whole are hardly classes."""
    numbers = [number for number in classes if isinstance(number, float)]
    if len(numbers) > MOST_NUMBERS and not all(map(float.is_integer, numbers)):
        warn(
            f"labels hold {len(numbers):,} distinct numbers, not all of them whole, and each was taken for a class. "
            "Give them as values= for a scale of colors, or, if they are classes, as words: labels.astype(str).",
            UMAPWarning,
        )


def class_names(rows: Rows) -> list[str]:
    """Names of the classes, then of what has no color of its own."""
    return [*rows.classes, OTHER_LABEL, UNLABELED]


def _numbers(values: Any) -> np.ndarray:
    """Values as numbers; neither dates nor words."""
    dtype = getattr(values, "dtype", None) or np.asarray(values).dtype
    try:
        if getattr(dtype, "kind", "") in "mM":  # of which numpy makes numbers of its own units
            raise TypeError
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"values have dtype {dtype}, but numbers are needed. Give classes and words as labels=, and dates as days "
            "since the first: (dates - dates.min()) / np.timedelta64(1, 'D')."
        ) from None


def _column(data: Any, column: Any, argument: str) -> Any:
    """What was given, or the column, or gene, of that name."""
    if not isinstance(column, str):
        return column
    if hasattr(data, "obsm"):
        if column in data.obs:
            return data.obs[column]
        if column in data.var_names:
            gene = data[:, column].X
            return (gene.toarray() if scipy.sparse.issparse(gene) else np.asarray(gene)).ravel()
    elif column in getattr(data, "columns", ()):
        return data[column]
    raise ValueError(
        f"{argument}={column!r} names no column of what was given. Give a frame or AnnData that has it as the "
        f"embedding or as data=, or pass the {argument} themselves, one a row."
    )


def _own_name(column: Any) -> str | None:
    name = getattr(column, "name", None)
    return name if isinstance(name, str) else None


def _check_length(column: np.ndarray, positions: np.ndarray, argument: str) -> None:
    if column.shape != (len(positions),):
        raise ValueError(
            f"{argument} have shape {column.shape}, but the embedding has {len(positions)} rows. Give one for each "
            "row, also of those that subset leaves out."
        )


def asked_rows(subset: Any, count: int) -> np.ndarray:
    """Numbers of the rows that were asked for: those of a mask or list, or so many at random."""
    if subset is None:
        return np.arange(count)
    if isinstance(subset, (int, np.integer)) and not isinstance(subset, bool) and subset > 0:
        return np.sort(np.random.RandomState(0).choice(count, min(int(subset), count), replace=False))
    asked = np.asarray(subset)
    if asked.dtype == bool and asked.shape == (count,):
        return np.flatnonzero(asked)
    if asked.ndim != 1 or asked.dtype.kind not in "iu" or not len(asked):
        raise ValueError(
            f"subset is {asked.dtype} of shape {asked.shape}, but a count of at least 1, numbers from 0 to "
            f"{count - 1}, or a mask of all rows is needed."
        )
    beyond = asked[(asked < 0) | (asked >= count)]
    if len(beyond):
        raise ValueError(f"subset holds {beyond[0]}, but the rows' numbers are 0 to {count - 1}. Leave it out.")
    return asked
