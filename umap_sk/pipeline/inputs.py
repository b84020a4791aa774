"""The validation of the arguments of a call, and the meaning of X among them."""

from collections.abc import Sized
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, validate_data

from umap_sk._typing import Features, FeaturesLike
from umap_sk.graph.manifold import Manifold
from umap_sk.layout.anchors import AnchorsLike
from umap_sk.neighbors.choice import check_search_used
from umap_sk.neighbors.distances import check_metric
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.validate import (
    SLICED,
    check_no_model,
    check_no_pair,
    check_no_positions,
    check_pair,
    replace_advice,
)
from umap_sk.pipeline.settings import Settings
from umap_sk.pipeline.targets import select_targets
from umap_sk.runtime.side_by_side import map_blocks

COLUMNS_ADVICE = (
    "With metric='precomputed', X holds the distances to all fitted rows, a column each. If X contains features, pass "
    "knn_indices and knn_dists, or fit with another metric."
)
SPARSE_FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]  # accepted formats of sparse graphs
SELF_SHARE = 0.95  # minimum share of different entries in a first column of the rows themselves
ZERO_TOLERANCE = 0.01  # relative to the distance in the last column of the first two


class Arguments(NamedTuple):
    """The arguments of a call, as :meth:`umap_sk.PrecomputedUMAP.fit` describes them, before validation."""

    X: FeaturesLike | None = None
    knn_indices: ArrayLike | None = None
    knn_dists: ArrayLike | None = None
    init: str | ArrayLike | None = None
    manifold: Manifold | None = None
    anchors: AnchorsLike | None = None
    y: ArrayLike | None = None  # None if it is not used


class Columns(NamedTuple):
    """The columns of X, or the rows of the graph if X was not given."""

    n_columns: int
    names: np.ndarray | None = None  # if X has any


class Inputs(NamedTuple):
    """The validated arguments of a fit."""

    arguments: Arguments
    X: Features | None  # after validation
    is_graph: bool  # whether X contains distances instead of features
    neighbors_given: bool  # whether the neighbors come from arrays or a manifold instead of X
    columns: Columns | None  # of X

    @property
    def features(self) -> Features | None:
        """X if it contains features, else None."""
        return None if self.is_graph else self.X

    @property
    def is_searched(self) -> bool:
        """Whether neighbors must be searched among features."""
        return not (self.neighbors_given or self.is_graph)

    @property
    def dtype(self) -> np.dtype:
        """Dtype of the embedding that a call returns: that of X, or float32 without X."""
        return np.dtype(np.float32) if self.X is None else self.X.dtype


def drop_unused_targets(settings: Settings, arguments: Arguments) -> Arguments:
    """Return the arguments of a call, without y if the settings do not use it, after a check of X's form."""
    check_structure(arguments.X, "X")
    if settings.takes_distances and arguments.knn_indices is None and arguments.manifold is None:
        check_no_positions(arguments.X, arguments.y)
    return arguments._replace(y=select_targets(arguments.y, settings.targets))


def read_inputs(settings: Settings, arguments: Arguments) -> Inputs:
    """Validate the arguments of a fit: their combination, and X by the metric."""
    check_metric(settings.search.metric)
    check_search_used(settings.search.metric, settings.search.metric_params, settings.search.searcher)
    X, knn_indices, knn_dists, _, manifold, *_ = arguments
    neighbors_given = check_combination(X, knn_indices, knn_dists, manifold)
    is_graph = X is not None and settings.takes_distances and not neighbors_given
    if X is None:
        return Inputs(arguments, None, is_graph, neighbors_given, None)
    values, columns = validate_X(settings, X, None, neighbors_given=neighbors_given)
    return Inputs(arguments, values, is_graph, neighbors_given, columns)


def check_combination(
    X: FeaturesLike | None,
    knn_indices: ArrayLike | None,
    knn_dists: ArrayLike | None,
    manifold: Manifold | None = None,
    *,
    optional: bool = False,
) -> bool:
    """Check which arguments are given, and return whether neighbors come from arrays or a manifold.

    If `optional`, all arguments may be missing.
    """
    check_no_model(X)
    check_no_pair(X)
    check_pair(knn_indices, knn_dists)
    if manifold is not None and knn_indices is not None:
        raise ValueError(
            "Both a manifold and kNN arrays were given; the manifold holds the neighbors. Give one of them."
        )
    neighbors_given = manifold is not None or knn_indices is not None
    if X is None and not (neighbors_given or optional):
        raise ValueError(
            "Nothing to work on: give X (a kNN distance graph, or features with a metric), knn_indices and knn_dists, "
            "or a manifold."
        )
    return neighbors_given


def validate_X(
    settings: Settings, X: FeaturesLike, columns: Columns | None, *, neighbors_given: bool
) -> tuple[Features, Columns]:
    """Validate X with scikit-learn, and return it with its columns. If `columns` is given, X must have the same.

    X contains features, or a distance graph with its explicit zeros. If neighbors or a manifold are given, X contains
    features for any metric, and they need not be finite.
    """
    is_graph = settings.takes_distances and not neighbors_given
    reader = type(settings.owner, (BaseEstimator,), {})()  # scikit-learn sets its attributes and uses its name
    if columns is not None:
        reader.n_features_in_ = columns.n_columns
        if columns.names is not None:
            reader.feature_names_in_ = columns.names
    try:
        with replace_advice(are_distances=is_graph):
            values = validate_data(
                reader,
                X,
                reset=columns is None,
                accept_sparse=SPARSE_FORMATS if is_graph else "csr",
                dtype=[np.float64, np.float32],
                ensure_all_finite=not neighbors_given,
                ensure_min_samples=2 if columns is None else 1,
            )
    except ValueError as error:
        if is_graph and "features as input" in str(error):
            raise ValueError(f"{error} {COLUMNS_ADVICE}") from error
        raise
    return values, Columns(reader.n_features_in_, getattr(reader, "feature_names_in_", None))


def read_new_X(
    settings: Settings,
    X: FeaturesLike | None,
    columns: Columns,
    n_samples: int,
    *,
    neighbors_given: bool,
) -> Features | None:
    """Validate X of new rows. Its columns must be those of the fit, unless one of the two calls had neighbors.

    `columns` and `n_samples` are those of the fit. `neighbors_given` tells whether arrays contain the new rows'
    neighbors.
    """
    if X is None:
        return None
    is_graph = settings.takes_distances and not neighbors_given
    if neighbors_given or (is_graph and columns.n_columns != n_samples):
        values: Features = check_array(
            X,
            accept_sparse=SPARSE_FORMATS if is_graph else "csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite=not neighbors_given,
        )
        return values
    return validate_X(settings, X, columns, neighbors_given=neighbors_given)[0]


def count_rows(values: FeaturesLike | None, knn_indices: ArrayLike | None) -> int:
    """Count the rows of X or of the neighbors, which need not be valid. The count is 0 for an object without rows."""
    rows = values if knn_indices is None else knn_indices
    shape = getattr(rows, "shape", None)
    if shape is not None:
        return shape[0] if len(shape) else 0
    return len(rows) if isinstance(rows, Sized) else 0


def check_self_column(knn_indices: ArrayLike, knn_dists: ArrayLike) -> None:
    """Raise if the first column contains the rows themselves, but in another order.

    This is assumed if its distances are nearly 0 and nearly all of its entries differ. If the entries were copies of
    other rows, pairs of rows would list each other. A first column in another order means that the rows were selected
    or shuffled after the search.
    """
    first, dists = np.asarray(knn_indices)[:, 0], np.asarray(knn_dists)[:, :2]
    if all(map_blocks(lambda rows: np.array_equal(first[rows], np.arange(rows.start, rows.stop)), len(first))):
        return
    nearly_zero = dists[:, 0] <= ZERO_TOLERANCE * dists[:, -1]
    rows = np.flatnonzero((first >= 0) & (first < len(first)) & nearly_zero)
    names = first[rows].astype(np.int64)
    is_listed = np.zeros(len(first), bool)
    is_listed[names] = True
    strangers = rows[first[names] != rows]
    if is_listed.sum() > SELF_SHARE * len(first) and 2 * len(strangers) > len(first):
        row = strangers[0]
        if np.mean(names - rows == 1) > SELF_SHARE:
            raise ValueError(
                f"knn_indices seems to number rows from 1: row {row} begins with {first[row]}, at distance "
                f"{dists[row, 0]}. Rows are numbered from 0. Pass knn_indices - 1."
            )
        raise ValueError(
            f"The first column of knn_indices holds the rows themselves in another order: row {row} begins with "
            f"{first[row]}, at distance {dists[row, 0]}. Indices must name rows by their place in these arrays. "
            f"{SLICED}"
        )


def check_radii(dens_lambda: float, has_radii: bool) -> None:
    """Raise if dens_lambda is above 0 and the graph has no radii."""
    if dens_lambda > 0 and not has_radii:
        raise ValueError(
            f"dens_lambda={dens_lambda} needs the radii of the rows' neighborhoods, which this manifold does not have. "
            "Learn it by an estimator whose dens_lambda is above 0, whatever its value. Graphs of Manifold.from_graph, "
            "and unions, intersections and differences, have no distances to learn them from: pass neighbors, or set "
            "dens_lambda=0."
        )
