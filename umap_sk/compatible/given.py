"""What a fit of umap-learn's class is given, as PrecomputedUMAP takes it: neighbors as arrays, copies of rows once."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_array

from umap_sk.compatible.distances import METRICS
from umap_sk.compatible.translation import DIFFERENCES
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.neighbors.distances import takes_sparse
from umap_sk.neighbors.formats import as_csr
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.umap_learn.models import known_metric

FULL = 2**28  # entries of sparse rows at most that are made dense for a metric that takes no sparse ones, 2 GiB
SMALL = tuple(map(np.dtype, ("float16", "int8", "uint8", "int16", "uint16")))
"""Dtypes of features, as of quantized embeddings, that float32 holds without rounding in half of float64's bytes."""


class Rows(NamedTuple):
    """The rows that are laid out.

    Attributes
    ----------
    X : object
        As it was given, or without copies.
    y : object
        Its targets, if there are any.
    neighbors : dict of array
        `knn_indices` and `knn_dists`, if they were given.
    inverse : ndarray of int, or None
        Which of the rows each row that was given is; None where all are laid out.
    """

    X: Any
    y: Any
    neighbors: dict[str, Any]
    inverse: np.ndarray | None


def read(umap: Any, X: Any, y: Any, knn_graph: Any) -> Rows:
    """What was given, or a ValueError if it does not go together."""
    check_structure(X, "X")
    X = as_taken(umap, X)
    listed = isinstance(umap.precomputed_knn, tuple | list)
    if knn_graph is not None or not listed:
        neighbors = arrays_of(umap.precomputed_knn if knn_graph is None else knn_graph)
    elif has_neighbors(umap):
        neighbors = dict(zip(("knn_indices", "knn_dists"), umap.precomputed_knn[:2], strict=False))
    else:
        neighbors = {}
    if not umap.unique:
        return Rows(X, y, neighbors, None)
    if umap.metric == "precomputed" or neighbors:
        raise ValueError(
            "unique=True looks for copies among features, but neighbors or distances were given, which tell of all "
            "rows. Leave one of the two out, or drop the copies before you search."
        )
    values = check_array(X, accept_sparse="csr")
    first, inverse = unique_rows(values)
    if y is not None:
        y = np.asarray(y)
        if len(y) != len(inverse):
            raise ValueError(f"y has {len(y)} rows, but X has {len(inverse)}. Give a target for each row.")
        y = y[first]
    kept = _safe_indexing(X, first) if hasattr(X, "columns") else values[first]  # a frame has names
    return Rows(kept, y, {}, inverse)


def has_neighbors(umap: Any) -> bool:
    """Whether neighbors were given as a parameter."""
    given = umap.precomputed_knn
    return not isinstance(given, tuple | list) or any(array is not None for array in given[:2])


def as_taken(umap: Any, X: Any) -> Any:
    """Sparse rows as an array where the metric takes no others and the array is not large; small numbers as float32."""
    if (isinstance(X, np.ndarray) or scipy.sparse.issparse(X)) and X.dtype in SMALL:
        X = X.astype(np.float32)
    metric = umap.metric
    arrays_alone = isinstance(metric, str) and (
        metric in METRICS or not takes_sparse(DIFFERENCES.get(metric, known_metric(metric)))
    )
    if arrays_alone and scipy.sparse.issparse(X) and X.shape[0] * X.shape[1] <= FULL:
        return X.toarray()
    return X


def arrays_of(knn_graph: Any) -> dict[str, Any]:
    """Neighbors as cuML takes them: (indices, distances), a sparse graph of distances, or a dense matrix of them."""
    if isinstance(knn_graph, tuple | list):
        if len(knn_graph) != 2:
            raise ValueError(
                f"knn_graph is a {type(knn_graph).__name__} of {len(knn_graph)} entries, but two arrays are needed, "
                "(indices, distances). Give these, a sparse graph of distances, or all distances as an array."
            )
        return dict(zip(("knn_indices", "knn_dists"), knn_graph, strict=True))
    if not scipy.sparse.issparse(knn_graph):
        dists = check_array(knn_graph)
        return {"knn_indices": np.tile(np.arange(dists.shape[1]), (len(dists), 1)), "knn_dists": dists}
    check_structure(knn_graph, "knn_graph")
    rows = as_csr(knn_graph)
    counts = np.diff(rows.indptr)
    filled = np.arange(counts.max(initial=0)) < counts[:, None]
    indices, dists = np.full(filled.shape, -1, np.int64), np.zeros(filled.shape, rows.data.dtype)
    indices[filled], dists[filled] = rows.indices, rows.data
    return {"knn_indices": indices, "knn_dists": dists}


def unique_rows(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each kind, in the order of the rows, and of which kind each row is."""
    if scipy.sparse.issparse(X):
        rows = scipy.sparse.csr_array(X, copy=True)
        rows.sum_duplicates()
        rows.eliminate_zeros()
        ends = list(zip(rows.indptr[:-1], rows.indptr[1:], strict=True))
        content = [(rows.indices[a:b].tobytes(), rows.data[a:b].tobytes()) for a, b in ends]
    else:
        content = [row.tobytes() for row in np.ascontiguousarray(X) + 0.0]  # -0.0 is 0.0
    known: dict[Any, int] = {}
    inverse = np.array([known.setdefault(row, len(known)) for row in content])
    return np.unique(inverse, return_index=True)[1], inverse


def fitted(estimator: PrecomputedUMAP, rows: Rows, stops: list[int] | None) -> list[np.ndarray]:
    """Fit an estimator; the maps at some stops, as shares of the last one."""
    if stops is None:
        estimator.fit(rows.X, rows.y, **rows.neighbors)
        return []
    estimator.partial_fit(rows.X, rows.y, **rows.neighbors)
    maps = []
    for stop in sorted(stops):
        left = round(stop / max(stops) * estimator.n_epochs_) - estimator.epoch_
        if left > 0:
            estimator.partial_fit(epochs=left)
        maps.append(estimator.embedding_.copy())
    return maps


def n_rows(X: Any) -> int:
    """Rows of what was given as X; 0 where it has none that can be counted."""
    try:
        return _num_samples(X)
    except TypeError:
        return 0
