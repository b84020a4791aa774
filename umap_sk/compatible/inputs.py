"""Conversion of umap-learn's inputs to those of PrecomputedUMAP: arrays of neighbors, and rows without copies."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_array

from umap_sk._typing import Features, FeaturesLike, is_sparse
from umap_sk.compatible.distances import METRICS
from umap_sk.compatible.translation import DIFFERENCE_METRICS, TINY_LEARNING_RATE
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.graph.manifold import Manifold
from umap_sk.neighbors.distances import takes_sparse
from umap_sk.neighbors.formats import as_csr, pad_rows
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.umap_learn.models import resolve_metric

if TYPE_CHECKING:
    from umap_sk.compatible.umap import UMAP

MAX_DENSE_ENTRIES = 2**28  # sparse rows with at most this many entries (2 GiB) are made dense if the metric needs it
NARROW_DTYPES = tuple(map(np.dtype, ("float16", "int8", "uint8", "int16", "uint16")))
"""Dtypes of features, such as quantized embeddings, that float32 represents exactly with half of the bytes."""

KnnGraph: TypeAlias = tuple[ArrayLike | None, ...] | list[ArrayLike | None] | FeaturesLike
"""Neighbors in the forms of umap-learn and cuML: indices and distances, or a sparse or dense matrix of distances."""


class FitInput(NamedTuple):
    """The input of a fit."""

    X: FeaturesLike | None  # the given rows, or those of them that are not copies
    y: ArrayLike | None
    neighbors: dict[str, ArrayLike | Manifold | None]  # `knn_indices` and `knn_dists`, or the `manifold`, if given
    inverse: np.ndarray | None  # number of each given row among the rows without copies; None if all are laid out


def read_input(umap: "UMAP", X: FeaturesLike, y: ArrayLike | None, knn_graph: KnnGraph | None) -> FitInput:
    """Return the input of a fit, or raise a ValueError if arguments contradict each other."""
    check_structure(X, "X")
    X = convert_features(umap, X)
    neighbors = read_precomputed_knn(umap.precomputed_knn) if knn_graph is None else convert_knn_graph(knn_graph)
    if not umap.unique:
        return FitInput(X, y, neighbors, None)
    if umap.metric == "precomputed" or neighbors:
        raise ValueError(
            "unique=True looks for copies among features, but neighbors or distances were given, which tell of all "
            "rows. Leave one of the two out, or drop the copies before you search."
        )
    values = check_array(X, accept_sparse="csr")
    first, inverse = find_unique_rows(values)
    if y is not None:
        y = np.asarray(y)
        if len(y) != len(inverse):
            raise ValueError(f"y has {len(y)} rows, but X has {len(inverse)}. Give a target for each row.")
        y = y[first]
    kept = _safe_indexing(X, first) if hasattr(X, "columns") else values[first]  # the columns of a frame have names
    return FitInput(kept, y, {}, inverse)


def has_precomputed_knn(given: KnnGraph) -> bool:
    """Return whether neighbors were given as the parameter `precomputed_knn`."""
    return not isinstance(given, tuple | list) or any(array is not None for array in given[:2])


def read_precomputed_knn(given: KnnGraph) -> dict[str, ArrayLike | Manifold | None]:
    """Return the neighbors in the parameter `precomputed_knn`, or an empty dict if it has none."""
    if not isinstance(given, tuple | list):
        return convert_knn_graph(given)
    return dict(zip(("knn_indices", "knn_dists"), given[:2], strict=False)) if has_precomputed_knn(given) else {}


def convert_features(umap: "UMAP", X: FeaturesLike) -> FeaturesLike:
    """Convert narrow dtypes to float32, and sparse rows to an array if the metric needs it and it is not too large."""
    if (isinstance(X, np.ndarray) or is_sparse(X)) and X.dtype in NARROW_DTYPES:
        X = X.astype(np.float32)
    metric = umap.metric
    needs_array = isinstance(metric, str) and (
        metric in METRICS or not takes_sparse(DIFFERENCE_METRICS.get(metric, resolve_metric(metric)))
    )
    if needs_array and is_sparse(X) and X.shape[0] * X.shape[1] <= MAX_DENSE_ENTRIES:
        return X.toarray()
    return X


def convert_knn_graph(knn_graph: KnnGraph) -> dict[str, ArrayLike | Manifold | None]:
    """Convert the forms of neighbors that cuML accepts: two arrays, or a sparse or dense matrix of distances."""
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
    return dict(zip(("knn_indices", "knn_dists"), pad_rows(as_csr(knn_graph)), strict=True))


def find_unique_rows(X: Features) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the first of equal rows, and for each row the place of its first among these."""
    if scipy.sparse.issparse(X):
        rows = scipy.sparse.csr_array(X, copy=True)
        rows.sum_duplicates()
        rows.eliminate_zeros()
        ends = list(zip(rows.indptr[:-1], rows.indptr[1:], strict=True))
        content = [(rows.indices[a:b].tobytes(), rows.data[a:b].tobytes()) for a, b in ends]
    else:
        content = [row.tobytes() for row in np.ascontiguousarray(X) + 0.0]  # -0.0 is 0.0
    known: dict[Hashable, int] = {}
    inverse = np.array([known.setdefault(row, len(known)) for row in content])
    return np.unique(inverse, return_index=True)[1], inverse


def fit_estimator(estimator: PrecomputedUMAP, rows: FitInput, stops: list[int] | None) -> list[np.ndarray]:
    """Fit an estimator, and return its maps at some epochs, which are shares of the last one."""
    if stops is None:
        estimator.fit(rows.X, rows.y, **rows.neighbors)
        return []
    estimator.partial_fit(rows.X, rows.y, **rows.neighbors)
    maps = []
    for stop in sorted(stops):
        epochs = round(stop / max(stops) * estimator.n_epochs_) - estimator.epoch_
        if epochs > 0:
            estimator.partial_fit(epochs=epochs)
        maps.append(compute_start(estimator, rows) if stop == 0 else estimator.embedding_.copy())
    return maps


def compute_start(estimator: PrecomputedUMAP, rows: FitInput) -> np.ndarray:
    """Return the initial layout of a fit, by another one of its graph with a single epoch that moves no row."""
    parameters = {"n_epochs": 1, "learning_rate": TINY_LEARNING_RATE, "random_state": estimator.seed_}
    start = clone(estimator).set_params(**parameters)
    X = None if estimator._get_fitted().X_is_graph else rows.X
    return start.fit(X, rows.y, manifold=estimator.manifold_).embedding_


def has_omitted_rows(inverse: np.ndarray | None) -> bool:
    """Return whether ``unique=True`` found equal rows, so that the graph has fewer rows than the features."""
    return inverse is not None and int(inverse.max()) + 1 < len(inverse)
