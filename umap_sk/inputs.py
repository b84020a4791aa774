"""Input validation of a call: which combinations of arguments make sense, and what X is in each."""

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_array, validate_data

from umap_sk.layout.init import FARTHEST
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.validate import SLICED, check_no_pair, without_advice
from umap_sk.runtime.side_by_side import in_blocks

COLUMNS = (
    "With metric='precomputed', X holds the distances to all fitted rows, a column each. If X holds features, pass "
    "knn_indices and knn_dists, or fit with another metric."
)

SELF_COLUMN = 0.95  # share of different entries in a first column that holds the rows themselves
NEARLY_ZERO = 0.01  # of the second column's distance


def check_combination(X: Any, knn_indices: Any, knn_dists: Any, manifold: Any = None, *, again: bool = False) -> bool:
    """Whether neighbors come from arrays or a manifold, so that X has none; `again`: all may be missing."""
    check_no_pair(X)
    if (knn_indices is None) != (knn_dists is None):
        given, lacking = ("knn_dists", "knn_indices") if knn_indices is None else ("knn_indices", "knn_dists")
        raise ValueError(f"{given} was given without {lacking}; neighbors need both arrays.")
    if manifold is not None and knn_indices is not None:
        raise ValueError(
            "Both a manifold and kNN arrays were given; the manifold holds the neighbors. Give one of them."
        )
    neighbors_given = manifold is not None or knn_indices is not None
    if X is None and not (neighbors_given or again):
        raise ValueError(
            "Nothing to work on: give X (a kNN distance graph, or features with a metric), knn_indices and knn_dists, "
            "or a manifold."
        )
    return neighbors_given


def validated(estimator: Any, X: Any, *, neighbors_given: bool, reset: bool) -> Any:
    """X as scikit-learn validates it: features, or a distance graph with its explicit zeros.

    Beside neighbors or a manifold, which take precedence, X is features whatever the metric, of which little is asked.
    With `reset`, as in fit, the estimator takes the number and names of features; else they must be fit's.
    """
    graph = estimator.metric == "precomputed" and not neighbors_given
    wanted = {
        "accept_sparse": ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"] if graph else "csr",
        "dtype": [np.float64, np.float32],
        "ensure_all_finite": not neighbors_given,
        "ensure_min_samples": 2 if reset else 1,
    }
    if not reset and (neighbors_given or (graph and estimator.n_features_in_ != len(estimator.embedding_))):
        return check_array(X, **wanted)  # beside this X or fit's there were neighbors, so their columns may differ
    try:
        with without_advice():
            return validate_data(estimator, X, reset=reset, **wanted)
    except ValueError as error:
        if graph and "features as input" in str(error):
            raise ValueError(f"{error} {COLUMNS}") from error
        raise


def check_places(places: Any, n_components: int) -> np.ndarray:
    """Places in a map as floats; NaN may be among them."""
    places = check_array(places, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
    if places.shape[1] != n_components:
        raise ValueError(
            f"Places have {places.shape[1]} coordinates, but the map has n_components={n_components} axes. Give "
            "coordinates as transform returns them."
        )
    if places.size and np.nanmax(np.abs(places), initial=0) > FARTHEST:
        raise ValueError(f"Places go up to {np.nanmax(np.abs(places)):.2g}; give those within the map's surroundings.")
    return places


def check_features(features: Any, n_samples: int) -> Any:
    """Features of the training rows, an array as it is: neither copied nor read."""
    check_structure(features, "features")
    if not (isinstance(features, np.ndarray) or scipy.sparse.issparse(features)):
        features = check_array(features, dtype="numeric", ensure_all_finite=False, input_name="features")
    if features.ndim != 2 or features.shape[0] != n_samples:
        raise ValueError(
            f"features has shape {features.shape}, but the map was made from {n_samples} rows. Give their features, "
            f"({n_samples}, n_features), row for row as in fit."
        )
    if features.dtype.kind not in "fiub":
        raise TypeError(f"features must be real numbers, but have dtype {features.dtype}.")
    return features.tocsr() if scipy.sparse.issparse(features) else features


def n_rows(values: Any, knn_indices: Any) -> int:
    """Rows of X or of the neighbors, which need not be valid; 0 for what has no rows."""
    rows = values if knn_indices is None else knn_indices
    shape = getattr(rows, "shape", None)
    if shape is not None:
        return shape[0] if len(shape) else 0
    return len(rows) if hasattr(rows, "__len__") else 0


def check_self_column(knn_indices: Any, knn_dists: Any) -> None:
    """Raise if the first column holds the rows themselves, but in another order than the rows have by now.

    It does if its distances are nearly 0 and its entries do not repeat: where rows have a twin at distance 0, they lie
    in pairs. A column of the rows themselves that does not name them in their order was cut or mixed.
    """
    first, dists = np.asarray(knn_indices)[:, 0], np.asarray(knn_dists)[:, :2]
    if all(in_blocks(lambda rows: np.array_equal(first[rows], np.arange(rows.start, rows.stop)), len(first))):
        return
    near = dists[:, 0] <= NEARLY_ZERO * dists[:, -1]
    rows = np.flatnonzero((first >= 0) & (first < len(first)) & near)
    names = first[rows].astype(np.int64)
    named = np.zeros(len(first), bool)
    named[names] = True
    strangers = rows[first[names] != rows]
    if named.sum() > SELF_COLUMN * len(first) and 2 * len(strangers) > len(first):
        row = strangers[0]
        raise ValueError(
            f"The first column of knn_indices holds the rows themselves in another order: row {row} begins with "
            f"{first[row]}, at distance {dists[row, 0]}. Indices must name rows by their place in these arrays. "
            f"{SLICED}"
        )


def check_radii(dens_lambda: float, has_radii: bool) -> None:
    """Raise if the map is to keep density, and the graph does not know the radii of its rows."""
    if dens_lambda > 0 and not has_radii:
        raise ValueError(
            f"dens_lambda={dens_lambda} needs the radii of the rows' neighborhoods, which this manifold does not have. "
            "Learn it by an estimator whose dens_lambda is above 0, whatever its value. Graphs of Manifold.from_graph, "
            "and unions, intersections and differences, have no distances to learn them from: pass neighbors, or set "
            "dens_lambda=0."
        )
