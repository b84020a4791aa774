"""Checks of precomputed neighbors. Each message says what was passed, what is needed, and the cure."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from umap_sk._typing import FeaturesLike, is_sparse
from umap_sk.kernels import NEGATIVE, NOT_A_NUMBER, OUT_OF_RANGE

if TYPE_CHECKING:
    from umap_sk.neighbors.formats import Entry

PAIR = "Give both arrays, rows x neighbors: knn_indices (integers) and knn_dists (distances)."
BY_NAME = (
    "Give them by name: fit(knn_indices=ids, knn_dists=dists), where ids are row numbers. Scikit-learn's kneighbors "
    "returns the distances first: dists, ids = search.kneighbors(X)."
)
SLICED = (
    "Arrays after cross-validation or a train/test split look like this: they have fewer rows, but their "
    "indices still name rows of the whole. Pass X=umap_sk.knn_graph(knn_indices, knn_dists) with "
    "metric='precomputed' instead; scikit-learn cuts that graph by rows and columns."
)
SIMILARITIES = (
    "Distances are needed, where small means near. Convert similarities first (cosine: 1 - similarity; inner products "
    "of unit vectors: the same), and note that faiss's L2 indexes return squared distances: take np.sqrt of them."
)
SAMPLED_ROWS = 50  # evenly spread rows that most checks of values read
SWAP_SAMPLE = 100  # rows that are checked for swapped arrays
OTHER_SENTINELS = tuple(int(np.iinfo(dtype).max) for dtype in (np.int32, np.uint32, np.int64, np.uint64))


def sample_rows(n: int, count: int = SAMPLED_ROWS) -> np.ndarray:
    """Return at most `count` evenly spread rows of n."""
    return np.unique(np.linspace(0, n - 1, count).astype(int))


def as_array(values: FeaturesLike, name: str) -> np.ndarray:
    """Return `values` as a 2-d array, without a copy if it is an array or a memory map."""
    if isinstance(values, np.ma.MaskedArray):
        cure = "indices.filled(-1)"
        if name == "knn_dists":
            cure = "knn_indices=np.where(knn_dists.mask, -1, knn_indices) and knn_dists=knn_dists.filled(0)"
        raise TypeError(f"{name} is a masked array. Mark missing neighbors by index -1 instead: {cure}.")
    if is_sparse(values):
        raise TypeError(f"{name} is a sparse {values.format} graph; an array is needed. Pass a distance graph as X.")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{name} is no 2-d array ({error}). Pad rows of different lengths with index -1 (at any distance), or pass "
            "a sparse distance graph as X."
        ) from error
    if array.ndim != 2:
        raise ValueError(
            f"{name} has {array.ndim} dimension(s), shape {array.shape}; a 2-d array (rows x neighbors) is needed. "
            "For a single row use reshape(1, -1), for lists of one length np.stack, and pad others with index -1."
        )
    return array


def check_same_rows(indices: object, dists: object) -> None:
    """Refuse two frames whose row labels differ."""
    labels: Any
    of_dists: Any
    labels, of_dists = (getattr(values, "index", None) for values in (indices, dists))
    if hasattr(labels, "equals") and hasattr(of_dists, "equals") and not labels.equals(of_dists):
        raise ValueError(
            "knn_indices and knn_dists are frames whose row labels differ, but rows are matched by position. Pass both "
            "in the same order, for example knn_dists.loc[knn_indices.index], or arrays."
        )


def check_dtypes(index_dtype: np.dtype, dist_dtype: np.dtype) -> None:
    """Refuse indices without an integer dtype, and distances that are not real numbers."""
    if index_dtype.kind == "f" and dist_dtype.kind in "iu":
        raise TypeError(
            f"knn_indices has dtype {index_dtype} and knn_dists {dist_dtype}: the two look swapped. {BY_NAME} If they "
            "are not swapped, convert indices that are whole: .astype(np.int64)."
        )
    check_index_dtype(index_dtype, "knn_indices")
    check_distance_dtype(dist_dtype, "knn_dists")


def check_index_dtype(dtype: np.dtype, name: str) -> None:
    """Refuse indices without an integer dtype."""
    if dtype.kind == "f":
        raise TypeError(
            f"{name} has dtype {dtype}; indices that are not whole numbers cannot name rows. "
            "If they are whole, convert them: .astype(np.int64)."
        )
    _check_kind(dtype, name, "iu", "integers (int32, int64, uint32 or uint64)")


def check_distance_dtype(dtype: np.dtype, name: str) -> None:
    """Refuse distances that are not real numbers."""
    _check_kind(dtype, name, "fiu", "real numbers (float16, float32 or float64)")


def _check_kind(dtype: np.dtype, name: str, kinds: str, needed: str) -> None:
    if dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported: {name} has dtype {dtype}; {needed} are needed. Convert it first."
        )
    if dtype.kind not in kinds:
        raise TypeError(
            f"{name} has dtype {dtype}; {needed} are needed. Convert it first, for example by .astype(...)."
        )


def check_not_swapped(indices: np.ndarray, dists: np.ndarray, *, square: bool) -> None:
    """Refuse integer distances that are row numbers in most rows of a sample.

    If distances are used as indices, they ascend and repeat. A row then lists a neighbor several times, at different
    and decreasing distances, which does not happen in a sorted row. Or each row begins with index 0 and its own number
    as distance. With `square`, row 0 would then be at distance i from each row i, but lists other distances itself.
    """
    n_rows, width = dists.shape
    if dists.dtype.kind not in "iu" or not n_rows or width < 2:
        return
    rows = sample_rows(n_rows, SWAP_SAMPLE)
    near, far = indices[rows].astype(np.int64), dists[rows]
    known = (near >= 0) & (near < np.iinfo(indices.dtype).max)
    both = known[:, 1:] & known[:, :-1]
    again = (both & (near[:, 1:] == near[:, :-1]) & (far[:, 1:] != far[:, :-1])).any(axis=1)
    falls = (both & (far[:, 1:] < far[:, :-1])).any(axis=1)
    swapped = 2 * np.sum(again & falls & (near[:, 1:] >= near[:, :-1]).all(axis=1)) > len(rows)
    if square and 2 * np.sum((near[:, 0] == 0) & (far[:, 0] == rows)) > len(rows):
        listed, at = near[0, known[0]], far[0, known[0]]
        inside = listed < n_rows
        others, at = listed[inside], at[inside]
        swapped |= not inside.all() or bool(np.any((dists[others, 0] != at) & (indices[others, 0] == 0)))
    if swapped:
        raise ValueError(
            f"knn_dists has dtype {dists.dtype} and contains row numbers, not distances (its row {rows[-1]} begins "
            f"with {far[-1, 0]}, {far[-1, 1]}): knn_indices and knn_dists look swapped. {BY_NAME}"
        )


def check_not_transposed(indices: np.ndarray) -> None:
    """Refuse indices with more columns than rows whose values exceed the rows, but not the columns."""
    if indices.shape[1] > indices.shape[0] > 0:
        largest = np.max(indices, where=indices < np.iinfo(indices.dtype).max, initial=0)
        refuse_transposed(indices.shape, int(largest))


def refuse_transposed(shape: tuple[int, int], largest: int) -> None:
    """Raise an error if indices of this shape look transposed. `largest` is the largest one of them."""
    n_rows, width = shape
    if n_rows <= largest < width:
        raise ValueError(
            f"knn_indices has shape {shape} and names rows up to {largest}: it looks transposed, rows x "
            "neighbors are needed. Pass .T of both arrays, knn_indices.T and knn_dists.T. If it is not transposed, "
            f"indices from 0 to {n_rows - 1} are needed, since rows are numbered from 0."
        )


def check_pair(knn_indices: object, knn_dists: object) -> None:
    """Refuse one of the two arrays without the other."""
    if (knn_indices is None) != (knn_dists is None):
        given, missing = ("knn_dists", "knn_indices") if knn_indices is None else ("knn_indices", "knn_dists")
        raise ValueError(f"{given} was given without {missing}. {PAIR}")


def check_no_pair(X: object) -> None:
    """Refuse a tuple of two arrays as X, such as umap-learn's precomputed_knn, perhaps with a third part."""
    if isinstance(X, tuple | list) and len(X) in (2, 3) and all(getattr(part, "ndim", 0) == 2 for part in X[:2]):
        raise ValueError(
            f"X is a {type(X).__name__} of {len(X)} parts, which begins with two 2-d arrays: this looks like "
            f"neighbors. {BY_NAME}"
        )


def check_no_model(X: object) -> None:
    """Refuse a manifold, scanpy's AnnData and a search for neighbors as X."""
    name = type(X).__name__
    if hasattr(X, "kneighbors"):
        raise TypeError(
            f"X is a {name}, which finds neighbors. Pass what it has found, by dists, indices = "
            "X.kneighbors() and fit(knn_indices=indices, knn_dists=dists), or features as X with searcher=."
        )
    if name == "Manifold":
        raise TypeError("X is a Manifold, which is not taken by position. Give it by name: fit(manifold=manifold).")
    if name == "AnnData":
        raise TypeError(
            "X is an AnnData object; an array is needed. Use umap_sk.scanpy.umap(adata), or pass features, such as "
            "adata.obsm['X_pca'], or distances, such as adata.obsp['distances']."
        )


def check_no_positions(X: Any, y: Any) -> None:
    """Refuse neighbors as positional arguments X and y, unless X may be a square distance matrix."""
    if not (hasattr(X, "dtype") and hasattr(y, "dtype") and X.ndim == 2 and X.shape == y.shape):
        return
    if X.shape[0] != X.shape[1] and (X.dtype.kind in "iu" or y.dtype.kind in "iu"):
        raise ValueError(
            f"X and y are two arrays of shape {X.shape}, of dtype {X.dtype} and {y.dtype}: they look like the "
            f"neighbors of each row and their distances, which are not taken by position. {BY_NAME}"
        )


def check_rows(count: int, name: str, *, n_rows: int | None, fewest: int) -> None:
    """Refuse too few rows, or a number of rows other than `n_rows`."""
    if n_rows is not None and count != n_rows:
        raise ValueError(
            f"{name} has {count} rows, but {n_rows} are needed, as many as X (or init or the earlier call) has. "
            "Pass the neighbors of the same rows in the same order."
        )
    if count < fewest:
        raise ValueError(
            f"{name} has {count} row(s) (n_samples = {count}), but at least {fewest} are needed. Pass more rows."
        )


def check_columns(shape: tuple[int, int], n_columns: int | None, *, square: bool) -> int:
    """Return the number of columns of a graph or matrix X, after checking it."""
    if square and shape[0] != shape[1]:
        raise ValueError(
            f"X has shape {shape}; distances between the training rows are needed, a square matrix. If X contains "
            "features, set metric (for example 'euclidean') or give knn_indices and knn_dists as well. If X contains "
            "some rows of a graph, cut its columns, too: graph[rows][:, rows]. Held-out rows belong to transform: "
            "graph[new][:, rows]."
        )
    if n_columns is not None and shape[1] != n_columns:
        raise ValueError(
            f"X has {shape[1]} columns, but {n_columns} are needed, one for each training row. "
            "Pass the distances from the rows of X to all training rows, in their order. If X contains features, pass "
            "knn_indices and knn_dists."
        )
    return shape[1]


def check_width(n_columns: int, index_dtype: np.dtype | None) -> None:
    """Refuse more rows than indices of the output or the input dtype can represent."""
    if n_columns > 2**32:
        raise ValueError(f"{n_columns:,} rows are too many: at most {2**32:,} can be numbered by uint32. Use fewer.")
    if index_dtype is not None and n_columns > np.iinfo(index_dtype).max:
        raise ValueError(
            f"knn_indices has dtype {index_dtype}, which cannot name all of {n_columns} rows (its largest value stands "
            "for a missing neighbor). Use indices of a wider dtype, such as np.int64."
        )


def _raise_out_of_range(place: "Entry", n_columns: int, index_dtype: np.dtype) -> NoReturn:
    cure = SLICED if place.neighbor > 0 else "Only -1 marks a missing neighbor; replace other negative numbers by -1."
    if place.neighbor == n_columns:
        cure = f"Rows are numbered from 0. Indices that number them from 1: knn_indices - 1. {SLICED}"
    if place.neighbor in OTHER_SENTINELS:
        cure = "It stands for a missing neighbor in another dtype; set it to -1, or pass the original array."
    if isinstance(place.dist, np.integer):
        cure += f" If the two arrays are swapped, as knn_dists contains whole numbers: {BY_NAME}"
    raise ValueError(
        f"knn_indices[{place.row}, {place.column}] (row {place.row}, column {place.column}) is {place.neighbor}, but "
        f"indices from 0 to {n_columns - 1} are needed, or -1 or {np.iinfo(index_dtype).max} for a missing neighbor. "
        f"{cure}"
    )


def raise_bad_entry(code: int, place: "Entry", n_columns: int, index_dtype: np.dtype) -> NoReturn:
    """Raise the error with number `code` for the entry `place`."""
    if code == OUT_OF_RANGE:
        _raise_out_of_range(place, n_columns, index_dtype)
    here = f"{place.name} is {place.dist} (row {place.row}, column {place.column}, neighbor {place.neighbor})"
    missing = (
        "If the neighbor is missing, set its index to -1"
        if place.is_array
        else "Leave missing neighbors out of a sparse X"
    )
    if code == NEGATIVE:
        where = here if place.is_array else f"Negative values in data: {here}"
        raise ValueError(
            f"{where}, a negative distance that is more than rounding in its row. {SIMILARITIES} If the values are "
            f"distances with errors, correct them first: np.maximum({'knn_dists' if place.is_array else 'X'}, 0)."
            + ("" if place.is_array else " If X contains features, set metric (for example 'euclidean').")
        )
    if code == NOT_A_NUMBER:
        raise ValueError(f"{here}: NaN is no distance; finite distances are needed. {missing}.")
    raise ValueError(f"{here}: infinity is no distance, nor are values beyond float32. Rescale, or: {missing.lower()}.")


@contextlib.contextmanager
def replace_advice(*, are_distances: bool = False) -> Iterator[None]:
    """Replace scikit-learn's advice on missing and infinite values, which recommends models for labels."""
    try:
        yield
    except ValueError as error:
        found, *advice = str(error).split("\n")
        if are_distances and "contains" in found:
            raise ValueError(
                f"{found} Finite distances are needed. If rows are not connected, leave these entries out of a sparse "
                "graph of distances, and pass that."
            ) from None
        if not advice or "does not accept missing values" not in advice[0]:
            raise
        raise ValueError(
            f"{found} Impute missing values, for example by sklearn.impute.SimpleImputer, leave out such rows, or "
            "pass neighbors by a metric that supports missing values. With metric='nan_euclidean' or a function, "
            "umap_sk.UMAP takes fit(X, ensure_all_finite='allow-nan')."
        ) from None
