"""What a call was given: which arguments go together, and what X is in each."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, validate_data

from umap_sk.neighbors.choice import check_searcher_used
from umap_sk.neighbors.distances import check_metric
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.validate import SLICED, check_no_pair, check_no_positions, replace_advice
from umap_sk.pipeline.settings import Settings
from umap_sk.pipeline.targets import used
from umap_sk.runtime.side_by_side import map_blocks

COLUMNS = (
    "With metric='precomputed', X holds the distances to all fitted rows, a column each. If X holds features, pass "
    "knn_indices and knn_dists, or fit with another metric."
)
FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]  # of sparse graphs
OWNER = "PrecomputedUMAP"  # whom scikit-learn's messages name
SELF_COLUMN = 0.95  # share of different entries in a first column that holds the rows themselves
NEARLY_ZERO = 0.01  # of the second column's distance


class Arguments(NamedTuple):
    """The arguments of a call, as :meth:`umap_sk.PrecomputedUMAP.fit` describes them, not validated yet."""

    X: Any = None
    knn_indices: Any = None
    knn_dists: Any = None
    init: Any = None
    manifold: Any = None
    anchors: Any = None
    y: Any = None  # None where it does not shape the graph


class Columns(NamedTuple):
    """The columns of X, or the rows of the graph where no X was given.

    Attributes
    ----------
    n_columns : int
        How many there are.
    names : ndarray of str, or None
        Their names, where X has names.
    """

    n_columns: int
    names: np.ndarray | None = None


class Given(NamedTuple):
    """The validated arguments of a fit.

    Attributes
    ----------
    arguments : Arguments
        What the caller passed.
    X : ndarray, sparse matrix or None
        X as numbers.
    is_graph : bool
        Whether X holds distances, and not features.
    neighbors_given : bool
        Whether the neighbors come from arrays or a manifold, and not from X.
    columns : Columns or None
        Of X; None without X.
    """

    arguments: Arguments
    X: Any
    is_graph: bool
    neighbors_given: bool
    columns: Columns | None

    @property
    def features(self) -> Any:
        """X where it holds features, else None."""
        return None if self.is_graph else self.X

    @property
    def is_searched(self) -> bool:
        """Whether neighbors have to be searched among features."""
        return not (self.neighbors_given or self.is_graph)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the embedding that a caller gets: that of X, or float32 without X."""
        return np.dtype(np.float32) if self.X is None else self.X.dtype


def used_arguments(settings: Settings, arguments: Arguments) -> Arguments:
    """Return the arguments of a call, with y only where the settings use it.

    Raises
    ------
    ValueError
        If X is a sparse array whose parts do not fit together, or X and y are neighbors that were passed by position.
    """
    check_structure(arguments.X, "X")
    if settings.takes_distances and arguments.knn_indices is None and arguments.manifold is None:
        check_no_positions(arguments.X, arguments.y)
    return arguments._replace(y=used(arguments.y, settings.targets))


def read_given(settings: Settings, arguments: Arguments, *, owner: str = OWNER) -> Given:
    """Validate the arguments of a fit.

    Parameters
    ----------
    settings : Settings
        The settings.
    arguments : Arguments
        What the call was given.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    Given
        The arguments, with X validated.

    Raises
    ------
    ValueError, TypeError
        If arguments do not go together, or X is not what the metric takes.
    """
    check_metric(settings.search.metric)
    check_searcher_used(settings.search.metric, settings.search.searcher)
    X, knn_indices, knn_dists, _, manifold, *_ = arguments
    neighbors_given = check_combination(X, knn_indices, knn_dists, manifold)
    is_graph = X is not None and settings.takes_distances and not neighbors_given
    if X is None:
        return Given(arguments, None, is_graph, neighbors_given, None)
    values, columns = validate_X(X, None, is_graph=is_graph, neighbors_given=neighbors_given, owner=owner)
    return Given(arguments, values, is_graph, neighbors_given, columns)


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


def validate_X(
    X: Any, known: Columns | None, *, is_graph: bool, neighbors_given: bool, owner: str = OWNER
) -> tuple[Any, Columns]:
    """Return X as scikit-learn validates it, and its columns, which must be the known ones where there are any.

    X is features, or a distance graph with its explicit zeros. Beside neighbors or a manifold, which take precedence,
    it is features whatever the metric, of which little is asked.
    """
    reader = type(owner, (BaseEstimator,), {})()  # scikit-learn writes columns into it, and names it in its messages
    if known is not None:
        reader.n_features_in_ = known.n_columns
        if known.names is not None:
            reader.feature_names_in_ = known.names
    try:
        with replace_advice():
            values = validate_data(
                reader,
                X,
                reset=known is None,
                accept_sparse=FORMATS if is_graph else "csr",
                dtype=[np.float64, np.float32],
                ensure_all_finite=not neighbors_given,
                ensure_min_samples=2 if known is None else 1,
            )
    except ValueError as error:
        if is_graph and "features as input" in str(error):
            raise ValueError(f"{error} {COLUMNS}") from error
        raise
    return values, Columns(reader.n_features_in_, getattr(reader, "feature_names_in_", None))


def read_new_X(
    settings: Settings, X: Any, columns: Columns, n_samples: int, *, neighbors_given: bool, owner: str = OWNER
) -> Any:
    """Return X of new rows, validated: its columns are those of the fit, unless one of the two had neighbors beside it.

    Parameters
    ----------
    settings : Settings
        The settings.
    X : array-like, sparse matrix or None
        Features or distances of the new rows.
    columns : Columns
        Those of the fit.
    n_samples : int
        Rows of the fit.
    neighbors_given : bool
        Whether the neighbors of the new rows come from arrays.
    owner : str
        Name of the estimator, for messages.
    """
    if X is None:
        return None
    is_graph = settings.takes_distances and not neighbors_given
    if neighbors_given or (is_graph and columns.n_columns != n_samples):
        return check_array(
            X,
            accept_sparse=FORMATS if is_graph else "csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite=not neighbors_given,
        )
    return validate_X(X, columns, is_graph=is_graph, neighbors_given=neighbors_given, owner=owner)[0]


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
    if all(map_blocks(lambda rows: np.array_equal(first[rows], np.arange(rows.start, rows.stop)), len(first))):
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
