"""Checks that the arrays of a sparse array are consistent, since scipy and scikit-learn do not check bounds."""

import numpy as np
import scipy.sparse

from umap_sk._typing import AnySparse, SparseMatrix, is_sparse
from umap_sk.runtime.side_by_side import map_blocks


def check_structure(values: object, name: str) -> None:
    """Raise ValueError if the arrays of a sparse array are inconsistent. Other values pass.

    Every entry is read once, in parallel, and nothing is copied. Formats that consist of Python lists are converted
    first, which scipy does safely.
    """
    if is_sparse(values) and values.ndim == 2:
        problem = _find_problem(values)
        if problem:
            raise ValueError(
                f"{name} is a sparse {values.format} array with inconsistent parts: {problem}. Build it again, "
                "for example by scipy.sparse.coo_array((values, (rows, columns)), shape=shape)."
            )


def _find_problem(values: AnySparse) -> str:
    """Return a description of the problem, or "" if there is none."""
    if values.format in ("lil", "dok"):
        try:
            if values.format == "lil":
                _check_lists(values)
            values = values.tocoo()
        except Exception as error:  # invalid objects may raise any error
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
        return next((problem for triple in places if (problem := _find_outside(*triple))), "")
    return _find_row_problem(values, *arrays)


def _check_lists(values: scipy.sparse.lil_array) -> None:
    """Raise an error if the lists of a LIL array differ in length, since scipy would write out of bounds."""
    rows, data = ([len(entries) for entries in lists] for lists in (values.rows, values.data))
    if rows != data or len(rows) != values.shape[0]:
        raise ValueError(f"rows and data must be {values.shape[0]} lists, in pairs of the same length, but are not")


def _find_row_problem(values: SparseMatrix, indptr: np.ndarray, indices: np.ndarray) -> str:
    """Return a description of the problem of CSR, BSR or CSC arrays, or "" if there is none."""
    height, width = values.shape[::-1] if values.format == "csc" else values.shape
    if values.format == "bsr":
        block = values.data.shape[1:]
        if 0 in block or height % block[0] or width % block[1]:
            return f"blocks of shape {block} do not fill the shape {values.shape}"
        height, width = height // block[0], width // block[1]
    if len(indptr) != height + 1 or indptr[0] != 0 or indptr[-1] > len(indices) or (indptr[:-1] > indptr[1:]).any():
        return f"indptr must be {height + 1} numbers that ascend from 0 to at most {len(indices)}, but it is not"
    return _find_outside("indices", indices[: indptr[-1]], width)  # the rest is unused


def _find_outside(part: str, places: np.ndarray, limit: int) -> str:
    """Return a description of the first entry outside [0, limit), or "" if there is none."""

    def is_outside(block: slice) -> bool:
        return bool(places[block].min() < 0 or places[block].max() >= limit)

    if not any(map_blocks(is_outside, len(places))):
        return ""
    found = int(np.argmax((places < 0) | (places >= limit)))
    return f"{part}[{found}] is {places[found]}, but 0 to {limit - 1} are needed"
