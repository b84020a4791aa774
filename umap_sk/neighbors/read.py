"""Input validation of neighbors: all forms become the same arrays, and invalid input is refused."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from umap_sk._typing import FeaturesLike
from umap_sk.exceptions import (
    DuplicateNeighborsWarning,
    EqualDistancesWarning,
    FewerNeighborsWarning,
    NegativeDistanceWarning,
    warn,
)
from umap_sk.neighbors import validate as checks
from umap_sk.neighbors.formats import ArrayForm, Form, open_form
from umap_sk.neighbors.rows import DROP_SELF, NO_SELF, ZERO_SELF, NeighborCounts, SelectionRules, gather_neighbors
from umap_sk.runtime.allocation import Allocate, allocate_in_memory

INT32_LIMIT = 2**31  # number of columns that int32 indices can represent


class Neighbors(NamedTuple):
    """Rows of neighbors, nearest first. Row i is ``indices[indptr[i]:indptr[i + 1]]``, and `distances` is parallel.

    Rows are sorted by distance (as float64, if the input is) and then by index. They may differ in length. No row lists
    a missing neighbor, the same neighbor twice or, in fit, itself.
    """

    indptr: np.ndarray  # int64
    indices: np.ndarray  # int32, or uint32 beyond 2^31 columns
    distances: np.ndarray  # float32
    n_columns: int  # rows that may be neighbors


def read_neighbors(
    X: FeaturesLike | None = None,
    *,
    knn_indices: ArrayLike | None = None,
    knn_dists: ArrayLike | None = None,
    n_neighbors: int,
    n_rows: int | None = None,
    n_columns: int | None = None,
    drop_self: bool = True,
    first_row: int = 0,
    disconnection_distance: float = np.inf,
    allocate: Allocate = allocate_in_memory,
) -> tuple[Neighbors, NeighborCounts]:
    """Read neighbors from two arrays, a sparse distance graph or a dense distance matrix.

    The rows are numbered from `first_row`. If that is not 0, they are the last of `n_columns` rows. This takes 8 bytes
    for each neighbor and each row, and blocks of about 2^20 entries.
    """
    fewest = 2 if drop_self else 1
    if n_neighbors < fewest:
        raise ValueError(f"n_neighbors is {n_neighbors}, but at least {fewest} is needed. Increase it.")
    if not disconnection_distance > 0:
        raise ValueError(f"disconnection_distance is {disconnection_distance}; a number above 0 is needed (or np.inf).")
    form = open_form(X, knn_indices, knn_dists)
    n_columns = _count_columns(form, n_rows, n_columns, square=drop_self and not first_row)
    index_dtype = np.int32 if n_columns <= INT32_LIMIT else np.uint32
    self_entry, wanted = (DROP_SELF, n_neighbors - 1) if drop_self else (NO_SELF, n_neighbors)
    wanted = min(wanted, n_columns + 1)  # larger values have no effect, but might overflow
    rules = SelectionRules(
        n_columns, wanted, self_entry, float(disconnection_distance), index_dtype, np.float32, first_row
    )
    indptr, indices, distances, counts = gather_neighbors(form, rules, allocate)
    if drop_self and not first_row:
        check_any_neighbor(counts)
    return Neighbors(indptr, indices, distances, n_columns), counts


def pack_found_neighbors(
    indices: np.ndarray, dists: np.ndarray, wanted: int, allocate: Allocate = allocate_in_memory
) -> tuple[Neighbors, NeighborCounts]:
    """Pack the result of an exact search of all rows, which is sorted and complete."""
    n_rows, found = indices.shape
    index_dtype = np.int32 if n_rows <= INT32_LIMIT else np.uint32
    kept_indices = allocate("neighbor_indices", indices.size, index_dtype)
    kept_distances = allocate("neighbor_distances", dists.size, np.float32)
    kept_indices.reshape(indices.shape)[:] = indices
    kept_distances.reshape(dists.shape)[:] = dists
    short = n_rows if found < wanted else 0
    counts = NeighborCounts(n_rows, indices.size, 0, 0, 0, 0, 0, short, 0)
    return Neighbors(np.arange(n_rows + 1) * found, kept_indices, kept_distances, n_rows), counts


def check_any_neighbor(counts: NeighborCounts) -> None:
    """Raise an error if no row has a neighbor."""
    if counts.edges == 0:
        raise ValueError(
            f"Not one of {counts.rows} rows has a usable neighbor: {counts.self_entries} entries name their own row, "
            f"{counts.sentinels} are missing (-1), {counts.cut_by_distance} lie at disconnection_distance or farther. "
            "Each row needs other rows as neighbors. Check the search that found them."
        )


def warn_about(counts: NeighborCounts, indptr: np.ndarray, wanted: int) -> None:
    """Warn about each kind of entry that `read_neighbors` has corrected, if rows should have `wanted` neighbors.

    `indptr` contains the start of each row.
    """
    if counts.short_rows:
        fewest, cure = int(np.diff(indptr).min()), "Search for more neighbors"
        if counts.cut_by_distance:
            cure = f"{counts.cut_by_distance} are at disconnection_distance or farther: raise it"
        warn(
            f"{counts.short_rows} of {counts.rows} rows have fewer than {wanted} neighbors (the fewest: {fewest}); "
            f"they use those they have. {cure}, or decrease n_neighbors.",
            FewerNeighborsWarning,
        )
    if counts.duplicates:
        warn(
            f"{counts.duplicates} entries repeat a neighbor of their row; the smallest distance of "
            "each neighbor is used. Check the search, since such rows have fewer neighbors than they list.",
            DuplicateNeighborsWarning,
        )
    if counts.clipped:
        warn(
            f"{counts.clipped} distances lie below 0 by no more than rounding and were set to 0, as is common with "
            "cosine searches. To silence this, pass np.maximum(distances, 0).",
            NegativeDistanceWarning,
        )


def warn_about_equal_distances(distances: np.ndarray) -> None:
    """Warn if all distances are equal."""
    first = distances[0]
    if len(distances) > 2 and distances[1] == first and distances[-1] == first and (distances == first).all():
        warn(
            f"All {len(distances):,} distances are {first:g}, so no neighbor is closer than another, and the map "
            "shows only which rows list each other. "
            + (
                "Scikit-learn's kneighbors_graph and KNeighborsTransformer return distances with mode='distance'."
                if first == 1
                else "Check the search and the features: equal rows, and rows nearer than 1e-45, have distance 0."
            ),
            EqualDistancesWarning,
        )


def knn_graph(indices: ArrayLike, dists: ArrayLike, *, n_columns: int | None = None) -> scipy.sparse.csr_array:
    """Convert kNN arrays into a sparse distance graph, which scikit-learn's tools split correctly.

    Cross-validation splits arrays by rows only, so that their indices no longer match. It splits this graph by rows and
    columns if the estimator has ``metric="precomputed"``.

    Parameters
    ----------
    indices : array-like of shape (n_rows, k), integers
        Neighbors of each row in any order. -1 and the largest value of the dtype stand for a missing neighbor, and so
        does `n_columns` at an infinite distance.
    dists : array-like of shape (n_rows, k), real numbers
        Their distances.
    n_columns : int, optional
        Number of rows that may be neighbors, if these are other rows. By default, the rows are neighbors of each other.
        Then entries that name their own row are kept with distance 0, as in
        `sklearn.neighbors.KNeighborsTransformer`.

    Returns
    -------
    csr_array of shape (n_rows, n_columns), float64 if `dists` is and float32 otherwise
        Rows of any length, sorted by distance and then by index. Distances of 0 are stored.

    Raises
    ------
    TypeError, ValueError
        If the arrays are not valid as ``knn_indices`` and ``knn_dists`` of `PrecomputedUMAP.fit`.

    Examples
    --------
    >>> from umap_sk.neighbors.read import knn_graph
    >>> graph = knn_graph([[0, 2, 1], [1, 0, -1], [2, 0, 1]], [[0.0, 3.0, 2.0], [0.0, 2.0, 0.0], [0.0, 3.0, 4.0]])
    >>> graph.nnz
    8
    >>> graph.indices
    array([0, 1, 2, 1, 0, 2, 0, 1], dtype=int32)
    >>> graph[[0, 2]][:, [0, 2]].toarray()
    array([[0., 3.],
           [3., 0.]])
    """
    form = open_form(None, indices, dists)
    self_entry = ZERO_SELF if n_columns is None else NO_SELF
    n_columns = _count_columns(form, None, n_columns, square=n_columns is None)
    index_dtype = np.int32 if n_columns <= INT32_LIMIT else np.int64
    dist_dtype = np.float64 if form.dist_dtype.kind == "f" and form.dist_dtype.itemsize >= 8 else np.float32
    rules = SelectionRules(n_columns, max(1, form.max_length), self_entry, np.inf, index_dtype, dist_dtype)
    with _replace_graph_advice():
        indptr, columns, distances, counts = gather_neighbors(form, rules)
    warn_about(counts._replace(short_rows=0), indptr, 0)
    if counts.edges < 2**31:  # scipy copies the indices if the two dtypes differ
        indptr = indptr.astype(index_dtype)
    return scipy.sparse.csr_array((distances, columns, indptr), shape=(form.shape[0], n_columns))


@contextlib.contextmanager
def _replace_graph_advice() -> Iterator[None]:
    """Replace the advice to make a graph in errors of the function that makes it."""
    try:
        yield
    except ValueError as error:
        advice = (
            "Rows that are not the training rows need n_columns, the number of training rows. If cross-validation or a "
            "split has cut these arrays, make the graph of all rows and cut that instead: graph[rows][:, rows]."
        )
        if checks.SLICED in str(error):
            raise ValueError(str(error).replace(checks.SLICED, advice)) from None
        raise


def _count_columns(form: Form, n_rows: int | None, n_columns: int | None, *, square: bool) -> int:
    if isinstance(form, ArrayForm):
        checks.check_not_swapped(form.indices, form.dists, square=square)
        if square and n_rows != form.shape[0]:
            checks.check_not_transposed(form.indices)
    checks.check_rows(form.shape[0], form.name, n_rows=n_rows, fewest=2 if square else 1)
    if not form.is_array:
        n_columns = checks.check_columns(form.shape, n_columns, square=square)
    elif n_columns is None:
        if not square:
            raise ValueError(
                "Neighbors of new rows were given as arrays without n_columns, the number of training rows."
            )
        n_columns = form.shape[0]
    checks.check_width(n_columns, form.index_dtype if form.is_array else None)
    return n_columns
