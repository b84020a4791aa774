"""The contents of a picture: positions, and classes or numbers of the rows, from arrays, frames and AnnData."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from umap_sk.appearance.classes import encode_classes, get_categorical
from umap_sk.appearance.colors import OTHER_LABEL, select_classes
from umap_sk.appearance.inputs import AnnData, Embedding, Frame, Positions, check_same_order, is_anndata, is_frame
from umap_sk.appearance.positions import get_embedding, read_positions
from umap_sk.exceptions import UMAPWarning, warn

UNLABELED = "no label"
MAX_FRACTIONS = 20  # up to this many fractional numbers are accepted as classes without a warning


class MapRows(NamedTuple):
    """All rows of a map with their classes or numbers.

    `codes` are indices of `classes`. Other classes have the code ``len(classes)``, and rows without a class the next.
    """

    positions: np.ndarray  # NaN without a position
    drawn: np.ndarray  # indices of the rows in the picture
    codes: np.ndarray | None
    classes: list[str]  # names of the classes with their own colors
    values: np.ndarray | None  # a number for each row
    name: str | None  # of the classes or numbers
    left_out: dict[str, int]  # number of rows that are not in the picture, by reason


def read_rows(
    embedding: Embedding,
    labels: ArrayLike | None,
    values: ArrayLike | None,
    subset: ArrayLike | None,
    data: Frame | AnnData | None = None,
) -> MapRows:
    """Read the rows of a picture. Names refer to columns of `data`, or of the embedding itself."""
    if labels is not None and values is not None:
        raise ValueError("Both labels and values were given, but points have one color: pass only one of them.")
    places = get_embedding(embedding)
    source = places if data is None else data
    named = [word for word in (labels, values) if isinstance(word, str)]
    name = named[0] if named else _get_name(labels if values is None else values)
    codes, classes, numbers = None, list[str](), None
    if labels is not None:
        codes, classes = read_classes(_get_column(source, labels, "labels"))
    if values is not None:
        numbers = _to_numbers(_get_column(source, values, "values"))
    positions = read_positions(places, named, (2, 3))
    if codes is not None:
        _check_length(codes, positions, "labels")
    if numbers is not None:
        _check_length(numbers, positions, "values")
    selected = select_rows(subset, len(positions))
    placed = np.isfinite(positions[selected]).all(axis=1)
    known = placed if numbers is None else placed & np.isfinite(numbers[selected])
    left_out = {"without a place": int((~placed).sum()), "without a finite value": int((placed & ~known).sum())}
    if not known.any():
        raise ValueError(f"None of {len(selected)} rows can be drawn: all positions or values are NaN or infinite.")
    return MapRows(positions, selected[known], codes, classes, numbers, name, left_out)


def read_classes(labels: ArrayLike) -> tuple[np.ndarray, list[str]]:
    """Return codes and names of the classes with their own colors, and further codes for others and for no label."""
    if np.ndim(labels) != 1:
        raise ValueError(f"labels have shape {np.shape(labels)}, but one label for each row is needed.")
    codes, classes = encode_classes(labels)
    if get_categorical(labels) is None:  # a categorical contains classes by intention
        _warn_about_numbers(classes)
    kept = select_classes(codes, len(classes))
    number = np.full(len(classes) + 1, len(kept))  # the last one is for code -1
    number[kept], number[-1] = np.arange(len(kept)), len(kept) + 1
    return number[codes], [str(classes[place]) for place in kept]


def _warn_about_numbers(classes: Sequence[Hashable]) -> None:
    """Warn if labels are many fractional numbers, which are probably not classes."""
    numbers = [number for number in classes if isinstance(number, float)]
    if len(numbers) > MAX_FRACTIONS and not all(map(float.is_integer, numbers)):
        warn(
            f"labels contain {len(numbers):,} distinct numbers, not all integers, and each is treated as a class. "
            "Pass them as values= for a color scale, or as strings if they are classes: labels.astype(str).",
            UMAPWarning,
        )


def list_class_names(rows: MapRows) -> list[str]:
    """Return the names of the classes, followed by those of other classes and of unlabeled rows."""
    return [*rows.classes, OTHER_LABEL, UNLABELED]


def _to_numbers(values: ArrayLike) -> np.ndarray:
    """Convert values to numbers. Dates and words are refused."""
    dtype: Any = getattr(values, "dtype", None)
    dtype = dtype if hasattr(dtype, "kind") else np.asarray(values).dtype  # polars' own types have no kind
    try:
        if dtype.kind in "mM":  # numpy would convert dates to numbers without a unit
            raise TypeError
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        if dtype.kind in "mM":
            cure = "Pass dates as days since the first: (dates - dates.min()) / np.timedelta64(1, 'D')."
        else:
            cure = "Pass classes and words as labels=."
        raise ValueError(f"values have dtype {dtype}, but numbers are needed. {cure}") from None


def _get_column(data: Positions, column: ArrayLike, argument: str) -> ArrayLike:
    """Return a column or gene by its name, or an argument as it is."""
    if not isinstance(column, str):
        check_same_order(column, data, argument)
        return column
    if is_anndata(data):
        if column in data.obs:
            return data.obs[column]
        if column in data.var_names:
            gene = data[:, column].X
            return (gene.toarray() if hasattr(gene, "toarray") else np.asarray(gene)).ravel()
    elif is_frame(data) and column in data.columns:
        return data[column]
    raise ValueError(
        f"{argument}={column!r} is no column of the data. Pass a frame or AnnData with this column as the "
        f"embedding or as data=, or pass the {argument} themselves, one for each row."
    )


def _get_name(column: ArrayLike | None) -> str | None:
    name = getattr(column, "name", None)
    return name if isinstance(name, str) else None


def _check_length(column: np.ndarray, positions: np.ndarray, argument: str) -> None:
    if column.shape != (len(positions),):
        raise ValueError(
            f"{argument} have shape {column.shape}, but the embedding has {len(positions)} rows. Pass one for each "
            "row, including those that subset leaves out."
        )


def select_rows(subset: ArrayLike | None, count: int) -> np.ndarray:
    """Return the indices of a subset: those of a mask or list, or of a random sample."""
    if subset is None:
        return np.arange(count)
    if isinstance(subset, (int, np.integer)) and not isinstance(subset, bool) and subset > 0:
        return np.sort(np.random.RandomState(0).choice(count, min(int(subset), count), replace=False))
    selected = np.asarray(subset)
    if selected.dtype == bool and selected.shape == (count,):
        selected = np.flatnonzero(selected)
    if not selected.size:
        raise ValueError("subset selects no rows. Choose one at least, or pass None for all rows.")
    if selected.ndim != 1 or selected.dtype.kind not in "iu":
        raise ValueError(
            f"subset is {selected.dtype} of shape {selected.shape}, but a count of at least 1, numbers from 0 to "
            f"{count - 1}, or a mask of all rows is needed."
        )
    beyond = selected[(selected < 0) | (selected >= count)]
    if len(beyond):
        raise ValueError(f"subset contains {beyond[0]}, but rows are numbered from 0 to {count - 1}. Remove it.")
    return selected[np.sort(np.unique(selected, return_index=True)[1])]  # each row once, in the given order
