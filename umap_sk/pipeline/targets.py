"""Targets: whether y is used, which forms of it are taken, and how they shape a graph."""

import inspect
import itertools
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import sklearn

from umap_sk.exceptions import IgnoredTargetWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.graph.nearest_targets import compute_row_keys, find_nearest_targets
from umap_sk.graph.targets import add_name_prefix, intersect_with_numbers, weaken_between_labels
from umap_sk.neighbors.distances import SEARCHABLE
from umap_sk.neighbors.read import Neighbors, read_neighbors
from umap_sk.runtime.allocation import Allocate
from umap_sk.runtime.spelling import nearest_name

CATEGORICAL = "categorical"
OF_NUMBERS = SEARCHABLE - {"precomputed", "pyfunc", "mahalanobis", "seuclidean"}
"""Metrics of targets that are numbers, without those that need arguments."""
MISSING = ("NAType", "NaTType")  # of pandas

PACKAGE, SKLEARN = Path(__file__).parents[1], Path(sklearn.__file__).parent
WRAPPERS = (SKLEARN / "base.py", SKLEARN / "utils" / "_set_output.py")  # around every method
INSTALLED = {"site-packages", "dist-packages"}

_said: set[str] = set()


class TargetSettings(NamedTuple):
    """How targets shape a graph.

    Attributes
    ----------
    metric : str
        "categorical", or a metric of numbers.
    weight : float
        From 0, where the neighbors count most, to 1.
    n_neighbors : int
        Neighbors of a row among targets that are numbers, the row itself included.
    """

    metric: str
    weight: float
    n_neighbors: int

    def identity(self) -> dict[str, Any]:
        """The parameters that count, by which a manifold is known."""
        numbers = {} if self.metric == CATEGORICAL else {"n_neighbors": self.n_neighbors}
        return {"metric": self.metric, "weight": self.weight, **numbers}


class Targets(NamedTuple):
    """What shapes a graph beside its neighbors.

    Attributes
    ----------
    values : ndarray of shape (n_samples,), int32, or (n_samples, n_targets), float64
        Labels as numbers, -1 unknown; or the numbers themselves.
    settings : TargetSettings
        How they do.
    """

    values: np.ndarray
    settings: TargetSettings


def used(y: Any, settings: TargetSettings | None) -> Any:
    """The y that shapes the map: None, and a warning, where no target_metric was chosen."""
    if settings is None:
        warn_of_target(y)
        return None
    return y


def read_targets(y: Any, settings: TargetSettings | None, n_rows: int) -> Targets | None:
    """Targets of so many rows, None where no target_metric was chosen; ValueError or TypeError if y is none."""
    if settings is None:
        return None
    metric = settings.metric
    if metric != CATEGORICAL and metric not in OF_NUMBERS:
        raise ValueError(
            f"target_metric={metric!r} is not known; the nearest name is "
            f"{nearest_name(metric, (CATEGORICAL, *OF_NUMBERS))!r}. Use 'categorical' for labels, or for numbers one "
            f"of {', '.join(sorted(OF_NUMBERS))}."
        )
    if y is None:
        raise ValueError(
            f"target_metric={metric!r} needs targets, but y is None: pass them, fit(X, y), or set target_metric=None."
        )
    array = _array(y, n_rows)
    values = labels_of(array) if metric == CATEGORICAL else numbers_of(array)
    return Targets(values, settings)


def check_manifold(wanted: dict[str, Any] | None, known: dict[str, Any] | None) -> None:
    """Raise if a manifold's targets are not those that an estimator is set to, or is given beside it."""
    there, here = (
        ", ".join(f"target_{name}={value!r}" for name, value in (told or {"metric": None}).items() if name != "hash")
        for told in (known, wanted)
    )
    if there != here:
        raise ValueError(
            f"The manifold was learned with {there}, but the estimator has {here}. Targets are part of the graph: set "
            "the estimator's parameters to the manifold's, or learn a manifold with them, learn_manifold(X, y)."
        )
    if known and wanted and wanted.get("hash", known["hash"]) != known["hash"]:
        raise ValueError(
            "y is not what the manifold was learned with, and a manifold holds its targets. Leave y out, or learn a "
            "manifold with it, learn_manifold(X, y)."
        )


def graph_of(
    neighbors: Neighbors, parameters: dict[str, Any], targets: Targets | None, allocate: Allocate
) -> FuzzyGraph:
    """Fuzzy graph of neighbors, whose arrays are used up, and of targets, if there are any."""
    if targets is None:
        return fuzzy_graph(neighbors, **parameters, allocate=allocate)
    (metric, weight, n_neighbors), values = targets.settings, targets.values
    keys = None if metric == CATEGORICAL else compute_row_keys(neighbors)
    graph = fuzzy_graph(neighbors, **parameters, allocate=add_name_prefix(allocate, "first"))
    kept: dict[str, Any] = {"symmetrize": parameters["symmetrize"], "allocate": allocate}
    if keys is None:
        return weaken_between_labels(graph, values, weight, **kept)
    indices, dists = find_nearest_targets(values, metric, min(n_neighbors, len(values)) - 1, graph, keys)
    del keys
    near, _ = read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=n_neighbors)
    return intersect_with_numbers(graph, near, n_neighbors, weight, **kept)


def labels_of(y: np.ndarray) -> np.ndarray:
    """Labels as numbers from 0, and -1 for unknown ones: -1, None, NaN, and pandas' own."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ValueError(
            f"y has shape {y.shape}, but target_metric='categorical' takes one label a row. Join the columns to one, "
            "or give numbers and a metric of numbers, such as 'euclidean'."
        )
    if y.dtype.kind == "O":
        codes = _codes_of_objects(y)
    else:
        unknown = (y == -1) | (y != y) if y.dtype.kind in "fi" else np.zeros(len(y), bool)
        if y.dtype.kind == "f" and (broken := np.flatnonzero(~unknown & (y % 1 != 0))).size:
            raise _no_label(y[broken[0]], int(broken[0]))
        codes = np.full(len(y), -1, np.int32)
        codes[~unknown] = np.unique(y[~unknown], return_inverse=True)[1]
    if codes.max() < 0:
        raise ValueError(
            "y knows no label: every row has -1, None or NaN, which stand for unknown. Give some labels, or set "
            "target_metric=None."
        )
    return codes


def numbers_of(y: np.ndarray) -> np.ndarray:
    """Targets that are numbers, float64 of shape (n_samples, n_targets), all finite."""
    cure = "For labels set target_metric='categorical'."
    if y.dtype.kind == "O" and all(isinstance(value, Real) or value is None for value in y.flat):
        y = y.astype(np.float64)
    if y.dtype.kind not in "fiub" or y.ndim > 2 or 0 in y.shape:
        raise TypeError(f"y has dtype {y.dtype} and shape {y.shape}, but numbers are needed, one or some a row. {cure}")
    values = np.ascontiguousarray(y.reshape(len(y), -1), np.float64)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise ValueError(
            f"y has a value that is NaN or infinite in {len(bad)} rows, first in row {bad[0]}; unknown targets are for "
            f"target_metric='categorical' alone. Fill it in, or leave these rows out. {cure}"
        )
    return values


def warn_of_target(y: Any) -> None:
    """Warn the first time that a person's own code gives a fit a target.

    Where the code of an installed package calls, as scikit-learn's pipelines, searches and checks or BERTopic do, a
    target is passed to every step as a matter of routine.
    """
    if y is None or _said or not called_directly():
        return
    _said.add("y")
    warn(
        "y is not used, since target_metric is None. Set target_metric='categorical' for labels, or to a metric such "
        "as 'euclidean' for numbers, to have it shape the map; or leave y out. This is said once a process.",
        IgnoredTargetWarning,
    )


def called_directly() -> bool:
    """Whether the innermost code outside of this package, and of scikit-learn's wrappers, is no installed package's."""
    frame = inspect.currentframe()
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if PACKAGE not in file.parents and file not in WRAPPERS:
            return SKLEARN not in file.parents and INSTALLED.isdisjoint(file.parts)
        frame = frame.f_back
    return False


def _array(y: Any, n_rows: int) -> np.ndarray:
    """Y as an array, if it has a value for each row."""
    if scipy.sparse.issparse(y):
        raise TypeError("y is sparse, but one value a row is needed. Use y.toarray().")
    array = np.asarray(y) if hasattr(y, "__array__") else np.asarray(y, object)
    if array.ndim == 0 or len(array) != n_rows:
        given = "is no array" if array.ndim == 0 else f"has {len(array)} rows"
        raise ValueError(f"y {given}, but the data have {n_rows} rows. Give a target for each row.")
    return array


def _no_label(value: Any, row: int) -> ValueError:
    """What is said of a number that is not whole."""
    return ValueError(
        f"y has {value} in row {row}, which is no label. For numbers set target_metric to a metric, such as "
        "'euclidean'; labels that are fractions are taken as text, y.astype(str)."
    )


def _codes_of_objects(y: np.ndarray) -> np.ndarray:
    """Labels that are any objects as numbers in the order in which they come."""
    count = itertools.count()
    known: dict[Any, int] = {}
    codes = np.full(len(y), -1, np.int32)
    for row, value in enumerate(y.tolist()):
        if value is None or type(value).__name__ in MISSING or value != value or value == -1:
            continue
        if isinstance(value, float) and value % 1 != 0:
            raise _no_label(value, row)
        if value not in known:
            known[value] = next(count)
        codes[row] = known[value]
    return codes
