"""Input validation of a call: which combinations of arguments make sense, and what X is in each."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_array, validate_data

from umap_sk.layout.anchors import Anchors
from umap_sk.layout.curve import Curve
from umap_sk.layout.init import TOO_LARGE, squares_are_finite
from umap_sk.layout.quantiles import ends_of_axes
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.validate import SLICED, check_no_pair, replace_advice
from umap_sk.runtime.side_by_side import in_blocks

COLUMNS = (
    "With metric='precomputed', X holds the distances to all fitted rows, a column each. If X holds features, pass "
    "knn_indices and knn_dists, or fit with another metric."
)

LARGEST_RATE = 1e12  # rates and scales: float32 squares what a layout makes of them
FARTHEST = 1e15  # positions
STEEPEST = 30.0  # exponent b
STARTS = ("auto", "pivot_mds", "spectral", "pca", "random")  # by name
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
        with replace_advice():
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


def check_curve(curve: Curve) -> Curve:
    """The same curve, if float32 can follow it."""
    if not 1 / STEEPEST <= curve.b <= STEEPEST:
        raise ValueError(
            f"b={curve.b} is no exponent of a curve: give 1/{STEEPEST:.0f} to {STEEPEST:.0f} (default: 0.9)."
        )
    halves = -math.log10(curve.a) / (2 * curve.b)
    if abs(halves) > math.log10(LARGEST_RATE) or abs(math.log10(curve.a)) > 30:
        raise ValueError(
            f"a={curve.a} with b={curve.b}: points are near up to a distance of a ** (-1 / 2b) = 1e{halves:+.0f}, but "
            f"{1 / LARGEST_RATE:.0e} to {LARGEST_RATE:.0e} is needed, and a from 1e-30 to 1e+30. Give a nearer 1, "
            "or min_dist and spread instead."
        )
    return curve


def check_start(init: Any, n_rows: int, n_components: int, features: Any, has_lengths: bool) -> Any:
    """Start as a known name, or as float32 of shape (n_rows, n_components), finite and with no constant axis."""
    if isinstance(init, str):
        return named_start(init, features, has_lengths)
    try:
        start = np.asarray(init)
    except ValueError as error:
        raise ValueError(
            f"init is no array ({error}): its rows differ in length, but {n_rows} rows of n_components={n_components} "
            "numbers each are needed."
        ) from error
    if start.dtype.kind not in "fiu":
        raise TypeError(f"init must be real numbers, but has dtype {start.dtype}.")
    if start.shape != (n_rows, n_components):
        raise ValueError(
            f"init has shape {start.shape}, but {n_rows} rows and n_components={n_components} axes are needed: "
            f"({n_rows}, {n_components})."
        )
    with np.errstate(over="ignore"):
        start = start.astype(np.float32, copy=False)
    low, high = ends_of_axes(start)
    if not np.isfinite([low, high]).all():
        bad = np.flatnonzero(~np.isfinite(start).all(axis=1))
        raise ValueError(
            f"init has a value that is NaN or infinite (in float32) in {len(bad)} rows, first in row {bad[0]}. Replace "
            "it, for example by the mean of the row's neighbors."
        )
    if max(abs(low).max(), abs(high).max()) > FARTHEST:
        raise ValueError(
            f"init goes up to {np.abs(start).max():.2g}, but positions up to {FARTHEST:.0e} are needed, whose squares "
            "float32 can hold. Scale it down, for example by init / np.abs(init).max()."
        )
    flat = np.flatnonzero(low == high)
    if len(flat):
        raise ValueError(
            f"Axis {flat[0]} of init is constant, so no layout can grow along it. Use another component, or add a "
            "little noise."
        )
    return start


def check_anchors(anchors: Any, n_rows: int, n_components: int, rate: float) -> Anchors | None:
    """Anchors as float32 places, finite where the strength is not 0, from places or a pair of places and strength."""
    if anchors is None:
        return None
    if rate < 1 / LARGEST_RATE:
        raise ValueError(f"negative_sample_rate={rate}, but beside anchors at least {1 / LARGEST_RATE:.0e} is needed.")
    places, strength = anchors if isinstance(anchors, tuple) and len(anchors) == 2 else (anchors, 1.0)
    try:
        places, strengths = np.asarray(places), np.asarray(strength)
    except ValueError as error:
        raise ValueError(
            f"anchors are no array: {error}. Places with a strength are a tuple: (places, 1.0)."
        ) from error
    if places.dtype.kind not in "fiu" or strengths.dtype.kind not in "fiu":
        raise TypeError(f"anchors must be real numbers, but have dtypes {places.dtype} and {strengths.dtype}.")
    if places.shape != (n_rows, n_components):
        raise ValueError(
            f"anchors have places of shape {places.shape}, but {n_rows} rows and n_components={n_components} axes are "
            f"needed: ({n_rows}, {n_components}), with NaN in the rows that are free."
        )
    if strengths.shape not in ((), (n_rows,)) or not np.all((strengths >= 0) & (strengths <= LARGEST_RATE)):
        raise ValueError(
            f"The strength of anchors must be one number, or {n_rows} of them, from 0 to {LARGEST_RATE:.0e}, but has "
            f"shape {strengths.shape} and goes from {strengths.min()} to {strengths.max()}."
        )
    free = np.isnan(places).all(axis=1) | (strengths == 0)
    bad = np.flatnonzero(~free & ~(np.abs(places) <= FARTHEST).all(axis=1))
    if len(bad):
        raise ValueError(
            f"The anchor of row {bad[0]} is {places[bad[0]]}: give finite places up to {FARTHEST:.0e}, or NaN on every "
            "axis of a row that is free."
        )
    if free.all():
        raise ValueError("anchors hold no row: all places are NaN, or all strengths 0. Leave them out, or give some.")
    held = np.where(free[:, None], 0, places).astype(np.float32), np.where(free, 0, strengths).astype(np.float32)
    return Anchors(*(np.ascontiguousarray(array) for array in held))


def check_radii(dens_lambda: float, has_radii: bool) -> None:
    """Raise if the map is to keep density, and the graph does not know the radii of its rows."""
    if dens_lambda > 0 and not has_radii:
        raise ValueError(
            f"dens_lambda={dens_lambda} needs the radii of the rows' neighborhoods, which this manifold does not have. "
            "Learn it by an estimator whose dens_lambda is above 0, whatever its value. Graphs of Manifold.from_graph, "
            "and unions, intersections and differences, have no distances to learn them from: pass neighbors, or set "
            "dens_lambda=0."
        )


def named_start(init: str, features: Any, has_lengths: bool) -> str:
    """A start by its name, if it is known and what it works on is there."""
    if init not in STARTS:
        raise ValueError(f"init={init!r} is not known; use {', '.join(map(repr, STARTS))} or an array.")
    if init == "pca" and features is None:
        raise ValueError(
            "init='pca' needs features: pass them as X beside knn_indices and knn_dists (or the manifold), pass "
            "components of your own as init, or use init='auto'."
        )
    if init == "pca" and not squares_are_finite(features):
        largest, limit = float(abs(features).max()), TOO_LARGE[features.dtype.itemsize]
        problem = "has NaN" if math.isnan(largest) else f"goes up to {largest:.2g}"
        raise ValueError(
            f"init='pca' squares the features, but X {problem}; values below {limit:.0e} are needed in "
            f"{features.dtype}. Fill in what is missing and scale the rest down, for example by "
            "X / np.nanmax(np.abs(X)), or use init='auto', which takes another start then."
        )
    if init == "pivot_mds" and not has_lengths:
        raise ValueError(
            "init='pivot_mds' needs the distances of the graph, but this manifold has none: it was made by "
            "Manifold.from_graph, or stored by an older version. Pass neighbors, or use init='spectral'."
        )
    return init


def fingerprints(**given: Any) -> dict[str, str]:
    """Hashes of arrays, frames, sparse graphs, names or a manifold, by name; None is left out."""
    for name, value in given.items():
        check_structure(value, name)
    plain = {name: _content(value) for name, value in given.items() if value is not None}
    with ThreadPoolExecutor(max(1, len(plain))) as side_by_side:
        hashes = side_by_side.map(lambda value: joblib.hash(value, hash_name="sha1", coerce_mmap=True), plain.values())
        return dict(zip(plain, hashes, strict=True))


def _content(value: Any) -> Any:
    """What counts of a value: not the order of an array in memory, nor what a sparse one knows of itself."""
    if isinstance(value, tuple) and any(hasattr(part, "__array__") for part in value):
        return tuple(map(_content, value))
    if scipy.sparse.issparse(value):
        rows = scipy.sparse.csr_array(value)
        return rows.shape, rows.indptr, rows.indices, rows.data
    return np.asarray(value, order="C") if hasattr(value, "__array__") else value


def check_same(first: dict[str, str], again: dict[str, str]) -> None:
    """Raise if a later call of partial_fit brings other data than the first."""
    for name, value in again.items():
        if first.get(name) != value:
            raise ValueError(
                f"{name} differs from what the first call of partial_fit was given. Later calls may leave it out; to "
                "lay out other data, call fit, or partial_fit of a new estimator."
            )
