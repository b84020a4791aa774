"""Targets: whether y is used, its valid forms, and its influence on the graph."""

import inspect
from collections.abc import Hashable
from numbers import Real
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import scipy.sparse
import sklearn
from numpy.typing import ArrayLike

from umap_sk._typing import Parameters
from umap_sk.exceptions import IgnoredTargetWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.graph.nearest_targets import compute_row_keys, find_nearest_targets
from umap_sk.graph.targets import add_name_prefix, intersect_with_numbers, weaken_between_labels
from umap_sk.neighbors.distances import SEARCHABLE
from umap_sk.neighbors.read import Neighbors, read_neighbors
from umap_sk.runtime.allocation import Allocate
from umap_sk.runtime.spelling import nearest_name

CATEGORICAL = "categorical"
NUMERIC_METRICS = SEARCHABLE - {"precomputed", "pyfunc", "mahalanobis", "seuclidean"}
"""Metrics for numeric targets, without those that need arguments."""
PANDAS_MISSING = ("NAType", "NaTType")  # names of pandas' types for missing values

PACKAGE_FOLDER, SKLEARN_FOLDER = Path(__file__).parents[1], Path(sklearn.__file__).parent
WRAPPER_FILES = (SKLEARN_FOLDER / "base.py", SKLEARN_FOLDER / "utils" / "_set_output.py")  # they wrap all methods
INSTALL_FOLDERS = {"site-packages", "dist-packages"}

_warned: set[str] = set()


class EdgeParameters(TypedDict):
    """The parameters of the edges' weights, as :class:`umap_sk.PrecomputedUMAP` describes them."""

    n_neighbors: int
    local_connectivity: float
    set_op_mix_ratio: float
    symmetrize: bool


class TargetSettings(NamedTuple):
    """The settings of targets."""

    metric: str  # "categorical", or a metric for numbers
    weight: float  # from 0, where neighbors count most, to 1
    n_neighbors: int  # among numeric targets, including the row itself

    def get_identity(self) -> dict[str, object]:
        """Return the relevant parameters, which a manifold stores."""
        numbers = {} if self.metric == CATEGORICAL else {"n_neighbors": self.n_neighbors}
        return {"metric": self.metric, "weight": self.weight, **numbers}


class Targets(NamedTuple):
    """Validated targets and their settings."""

    values: np.ndarray  # int32 labels (n,) with -1 for unknown, or float64 numbers (n, n_targets)
    settings: TargetSettings


def select_targets(y: ArrayLike | None, settings: TargetSettings | None) -> ArrayLike | None:
    """Return y, or None with a warning if no target_metric is set."""
    if settings is None:
        warn_ignored_targets(y)
        return None
    return y


def read_targets(y: ArrayLike | None, settings: TargetSettings | None, n_rows: int) -> Targets | None:
    """Validate the targets of all rows. Returns None if no target_metric is set, and raises if y is invalid."""
    if settings is None:
        return None
    metric = settings.metric
    if metric != CATEGORICAL and metric not in NUMERIC_METRICS:
        raise ValueError(
            f"target_metric={metric!r} is not known; the nearest name is "
            f"{nearest_name(metric, (CATEGORICAL, *NUMERIC_METRICS))!r}. Use 'categorical' for labels, or for numbers "
            f"one of {', '.join(sorted(NUMERIC_METRICS))}."
        )
    if y is None:
        raise ValueError(
            f"target_metric={metric!r} needs targets, but y is None: pass them, fit(X, y), or set target_metric=None."
        )
    array = _check_array(y, n_rows)
    values = encode_labels(array) if metric == CATEGORICAL else check_numbers(array)
    return Targets(values, settings)


def check_manifold_targets(expected: Parameters | None, known: Parameters | None) -> None:
    """Raise if a manifold's targets differ from the estimator's parameters or from the given y."""
    learned, requested = (
        ", ".join(f"target_{name}={value!r}" for name, value in (target or {"metric": None}).items() if name != "hash")
        for target in (known, expected)
    )
    if learned != requested:
        raise ValueError(
            f"The manifold was learned with {learned}, but the estimator has {requested}. Targets are part of the graph"
            ": set the estimator's parameters to the manifold's, or learn a manifold with them, learn_manifold(X, y)."
        )
    if known and expected and expected.get("hash", known["hash"]) != known["hash"]:
        raise ValueError(
            "y is not what the manifold was learned with, and a manifold holds its targets. Leave y out, or learn a "
            "manifold with it, learn_manifold(X, y)."
        )


def build_graph(
    neighbors: Neighbors, parameters: EdgeParameters, targets: Targets | None, allocate: Allocate
) -> FuzzyGraph:
    """Build the fuzzy graph from neighbors and from targets if there are any. The neighbors' arrays are overwritten."""
    if targets is None:
        return fuzzy_graph(neighbors, **parameters, allocate=allocate)
    (metric, weight, n_neighbors), values = targets.settings, targets.values
    keys = None if metric == CATEGORICAL else compute_row_keys(neighbors)
    graph = fuzzy_graph(neighbors, **parameters, allocate=add_name_prefix(allocate, "first"))
    if keys is None:
        weakened = weaken_between_labels(graph, values, weight, symmetrize=parameters["symmetrize"], allocate=allocate)
        check_edges_left(weakened, weight)
        return weakened
    indices, dists = find_nearest_targets(values, metric, min(n_neighbors, len(values)) - 1, graph, keys)
    del keys
    nearest, _ = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=n_neighbors)
    return intersect_with_numbers(
        graph, nearest, n_neighbors, weight, symmetrize=parameters["symmetrize"], allocate=allocate
    )


def check_edges_left(graph: FuzzyGraph, weight: float) -> None:
    """Raise if labels have removed all edges, as they do if no two neighbors share a label."""
    if len(graph.indices) == 0:
        raise ValueError(
            f"target_weight={weight} removes every edge, since no two neighbors have the same label. Lower it, or "
            "check that y has classes: for numbers, set target_metric='euclidean'."
        )


def encode_labels(y: np.ndarray) -> np.ndarray:
    """Encode labels as integers from 0. Labels -1, None, NaN and pandas' missing values become -1."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ValueError(
            f"y has shape {y.shape}, but target_metric='categorical' takes one label a row. Join the columns to one, "
            "or give numbers and a metric of numbers, such as 'euclidean'."
        )
    if y.dtype.kind == "O":
        codes = _encode_objects(y)
    else:
        unknown = (y == -1) | (y != y) if y.dtype.kind in "fi" else np.zeros(len(y), bool)
        if y.dtype.kind == "f" and (fractions := np.flatnonzero(~unknown & (y != np.floor(y)) | np.isinf(y))).size:
            raise _make_label_error(y[fractions[0]], int(fractions[0]))
        codes = np.full(len(y), -1, np.int32)
        codes[~unknown] = np.unique(y[~unknown], return_inverse=True)[1]
    if codes.max() < 0:
        raise ValueError(
            "y knows no label: every row has -1, None or NaN, which stand for unknown. Give some labels, or set "
            "target_metric=None."
        )
    return codes


def check_numbers(y: np.ndarray) -> np.ndarray:
    """Validate numeric targets, and return them as float64 of shape (n_samples, n_targets)."""
    advice = "For labels set target_metric='categorical'."
    if y.dtype.kind == "O" and all(isinstance(value, Real) or value is None for value in y.flat):
        y = y.astype(np.float64)
    if y.dtype.kind not in "fiub" or y.ndim > 2 or 0 in y.shape:
        raise TypeError(
            f"y has dtype {y.dtype} and shape {y.shape}, but numbers are needed, one or some a row. {advice}"
        )
    values = np.ascontiguousarray(y.reshape(len(y), -1), np.float64)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise ValueError(
            f"y has a value that is NaN or infinite in {len(bad)} rows, first in row {bad[0]}; unknown targets are for "
            f"target_metric='categorical' alone. Fill it in, or leave these rows out. {advice}"
        )
    return values


def warn_ignored_targets(y: ArrayLike | None) -> None:
    """Warn once if the user's own code passes a target that is not used.

    There is no warning if an installed package calls, since scikit-learn's pipelines and searches, for example, pass
    targets to every step.
    """
    if y is None or _warned or not is_called_directly():
        return
    _warned.add("y")
    warn(
        "y is not used, since target_metric is None. Set target_metric='categorical' for labels, or to a metric such "
        "as 'euclidean' for numbers, to have it shape the map; or leave y out. This is said once a process.",
        IgnoredTargetWarning,
    )


def is_called_directly() -> bool:
    """Return whether the caller of this package, apart from scikit-learn's wrappers, is not an installed package."""
    frame = inspect.currentframe()
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if PACKAGE_FOLDER not in file.parents and file not in WRAPPER_FILES:
            return SKLEARN_FOLDER not in file.parents and INSTALL_FOLDERS.isdisjoint(file.parts)
        frame = frame.f_back
    return False


def _check_array(y: ArrayLike, n_rows: int) -> np.ndarray:
    """Convert y to an array, and check that it has a value for each row."""
    if scipy.sparse.issparse(y):
        raise TypeError("y is sparse, but one value a row is needed. Use y.toarray().")
    array = np.asarray(y) if hasattr(y, "__array__") else np.asarray(y, object)
    if array.ndim == 0 or len(array) != n_rows:
        given = "is no array" if array.ndim == 0 else f"has {len(array)} rows"
        raise ValueError(f"y {given}, but the data have {n_rows} rows. Give a target for each row.")
    return array


def _make_label_error(value: float, row: int) -> ValueError:
    """Return the error for a label that is a fraction."""
    return ValueError(
        f"y has {value} in row {row}, which is no label. To leave y out, as before a regressor in a pipeline, use "
        "PrecomputedUMAP(metric='euclidean'), whose target_metric is None. For a map that shows y, set target_metric "
        "to a metric of numbers, such as 'euclidean'. Labels that are fractions are taken as text, y.astype(str)."
    )


def _encode_objects(y: np.ndarray) -> np.ndarray:
    """Encode labels of any type as integers, in the order of their first occurrence."""
    known: dict[Hashable, int] = {}
    codes = np.full(len(y), -1, np.int32)
    for row, value in enumerate(y.tolist()):
        if value is None or type(value).__name__ in PANDAS_MISSING or value != value or value == -1:
            continue
        if isinstance(value, float) and value % 1 != 0:
            raise _make_label_error(value, row)
        codes[row] = known.setdefault(value, len(known))
    return codes
