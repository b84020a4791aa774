"""Whether the arrays of a sparse array fit together: scipy and scikit-learn read and write wherever they point."""

from typing import Any

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk.runtime.compile import readonly
from umap_sk.runtime.side_by_side import in_blocks


def check_structure(values: Any, name: str) -> None:
    """Raise ValueError if the arrays of a sparse array do not fit together; what is not sparse passes.

    Every entry is read once, in parallel, and nothing is copied. A format that consists of Python's lists is converted
    first, which scipy does safely.

    Parameters
    ----------
    values : object
        What a caller gave.
    name : str
        How messages call it.
    """
    if scipy.sparse.issparse(values) and values.ndim == 2:
        problem = _problem_of(values)
        if problem:
            raise ValueError(
                f"{name} is a sparse {values.format} array whose parts do not fit together: {problem}. Build it again, "
                "for example by scipy.sparse.coo_array((values, (rows, columns)), shape=shape)."
            )


def _problem_of(values: Any) -> str:
    """What is wrong; empty if nothing is."""
    if values.format in ("lil", "dok"):
        try:
            if values.format == "lil":
                _check_lists(values)
            values = values.tocoo()
        except Exception as error:  # what is wrong with Python's objects shows in any way
            return str(error) or type(error).__name__
    parts = {"coo": ("row", "col"), "dia": ("offsets",)}.get(values.format, ("indptr", "indices"))
    arrays = [np.asarray(getattr(values, part)) for part in parts]
    for part, array in zip(parts, arrays, strict=True):
        if array.ndim != 1 or array.dtype.kind not in "iu":
            return f"{part} has dtype {array.dtype} and shape {array.shape}, but one dimension of integers is needed"
    if np.ndim(values.data) != {"bsr": 3, "dia": 2}.get(values.format, 1):
        return f"data has shape {np.shape(values.data)}"
    lengths = {part: len(array) for part, array in zip(parts, arrays, strict=True) if part != "indptr"}
    if len({*lengths.values(), len(values.data)}) > 1:
        return f"the lengths differ, {lengths | {'data': len(values.data)}}"
    if values.format in ("coo", "dia"):
        limits = values.shape if values.format == "coo" else ()
        places = zip(parts, arrays, limits, strict=False)
        return next((problem for triple in places if (problem := _outside(*triple))), "")
    return _problem_of_rows(values, *arrays)


def _check_lists(values: Any) -> None:
    """Raise if the lists of a LIL array differ in length, beyond which scipy would write."""
    rows, data = ([len(entries) for entries in lists] for lists in (values.rows, values.data))
    if rows != data or len(rows) != values.shape[0]:
        raise ValueError(f"rows and data must be {values.shape[0]} lists, in pairs of the same length, but are not")


def _problem_of_rows(values: Any, indptr: np.ndarray, indices: np.ndarray) -> str:
    """What is wrong with the rows of a CSR or BSR array, or with the columns of a CSC array; empty if nothing is."""
    height, width = values.shape[::-1] if values.format == "csc" else values.shape
    if values.format == "bsr":
        block = values.data.shape[1:]
        if 0 in block or height % block[0] or width % block[1]:
            return f"blocks of shape {block} do not fill the shape {values.shape}"
        height, width = height // block[0], width // block[1]
    if len(indptr) != height + 1 or indptr[0] != 0 or indptr[-1] > len(indices) or not _ascends(indptr):
        return f"indptr must be {height + 1} numbers that ascend from 0 to at most {len(indices)}, but it is not"
    return _outside("indices", indices[: indptr[-1]], width)  # what lies beyond is spare room


def _ascends(indptr: np.ndarray) -> bool:
    """Whether no number is less than the one before it."""
    starts, ends = indptr[:-1], indptr[1:]
    return all(in_blocks(lambda rows: bool((starts[rows] <= ends[rows]).all()), len(starts)))


def _outside(part: str, places: np.ndarray, limit: int) -> str:
    """Which place is negative, or not below the limit; empty if none is."""
    entries = readonly(np.ascontiguousarray(places, np.int32 if places.dtype == np.int32 else np.int64))

    def first_of(block: slice) -> int:
        found = int(kernels.first_outside(entries[block], limit))
        return found if found < 0 else block.start + found

    found = next((place for place in in_blocks(first_of, len(entries)) if place >= 0), None)
    if found is None:
        return ""
    return f"{part}[{found}] is {places[found]}, but 0 to {limit - 1} are needed"
