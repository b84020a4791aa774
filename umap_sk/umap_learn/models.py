"""A fitted model of umap-learn as a fit of this package: its graph, its map, its curve and its features."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_array

from umap_sk.graph.manifold import Manifold
from umap_sk.graph.shared import WHOLE
from umap_sk.layout.curve import Curve
from umap_sk.layout.transform import MapCache
from umap_sk.monitor.report import Report
from umap_sk.neighbors.searchers import prepare_search
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.training_rows import select_kept_features
from umap_sk.pipeline.fitted import FittedModel
from umap_sk.pipeline.inputs import Columns
from umap_sk.pipeline.settings import Settings, draw_seed

SAME = (
    "n_neighbors n_components metric min_dist spread a b local_connectivity set_op_mix_ratio disconnection_distance "
    "learning_rate negative_sample_rate repulsion_strength random_state n_jobs verbose"
).split()
"""Parameters that umap-learn has under the same name, with the same meaning."""

ALIASES = {
    "l1": "manhattan",
    "l2": "euclidean",
    "taxicab": "manhattan",
    "linf": "chebyshev",
    "linfty": "chebyshev",
    "linfinity": "chebyshev",
    "matching": "hamming",
}
"""Metrics that umap-learn knows by another name."""


class OtherModel(NamedTuple):
    """What is taken of a fitted model.

    Attributes
    ----------
    graph : sparse matrix
        Membership strengths.
    embedding : ndarray
        The map.
    curve : tuple of float
        a and b.
    features : ndarray, sparse matrix or None
        The training rows.
    """

    graph: Any
    embedding: np.ndarray
    curve: tuple[float, float]
    features: Any


def read_model(model: Any) -> OtherModel:
    """What a fitted umap.UMAP holds; TypeError or ValueError if it is none that can be taken over."""
    lacking = [name for name in ("graph_", "embedding_", "_a", "_b") if not hasattr(model, name)]
    if lacking:
        raise TypeError(
            f"{type(model).__name__} is no fitted umap.UMAP: it has no {' and no '.join(lacking)}. Fit it, or pass a "
            "graph of membership strengths by Manifold.from_graph."
        )
    embedding = check_array(model.embedding_, dtype=np.float32, ensure_all_finite=False)
    check_structure(model.graph_, "model.graph_")
    graph = scipy.sparse.csr_array(model.graph_)
    if graph.shape[0] != len(embedding):
        raise ValueError(
            f"The model has a graph of {graph.shape[0]} rows and a map of {len(embedding)}, as unique=True leaves "
            "copies out. Fit it without, or fit umap_sk.UMAP(unique=True)."
        )
    if getattr(model, "output_metric", "euclidean") not in ("euclidean", "l2"):
        raise ValueError(
            f"The model's map has output_metric={model.output_metric!r}, and maps of other spaces are not taken over. "
            "Pass its graph, fit(manifold=Manifold.from_graph(model.graph_)), with output_metric."
        )
    features = None if getattr(model, "metric", None) == "precomputed" else getattr(model, "_raw_data", None)
    check_structure(features, "model._raw_data")
    return OtherModel(graph, embedding, (float(model._a), float(model._b)), features)


def known_metric(metric: Any) -> Any:
    """A metric by the name that it has here."""
    return ALIASES.get(metric, metric) if isinstance(metric, str) else metric


def parameters_of(model: Any) -> dict[str, Any]:
    """Parameters of a PrecomputedUMAP that has those of a model of umap-learn; names that it has not are left out."""
    given = {name: getattr(model, name) for name in SAME if hasattr(model, name)}
    if getattr(model, "random_state", None) is not None and "n_jobs" in given:  # which makes umap-learn use one thread
        del given["n_jobs"]
    given["metric"] = known_metric(given.get("metric", "euclidean"))
    given["metric_params"] = getattr(model, "metric_kwds", None) or None
    given["n_neighbors"] = getattr(model, "_n_neighbors", given["n_neighbors"])
    given["n_components"] = model.embedding_.shape[1]
    if isinstance(model.n_epochs, int | np.integer) and model.n_epochs > 0:
        given["n_epochs"] = int(model.n_epochs)
    return given


def fitted_with_graph(settings: Settings, given: OtherModel) -> FittedModel:
    """A fit by the model's parameters, as if it had made the map."""
    manifold = Manifold.from_graph(given.graph)
    manifold = Manifold(manifold._shared.rows(), settings.graph.get_identity(), own=WHOLE)
    positions = given.embedding.copy()
    positions[manifold.disconnected()] = np.nan
    return fitted_of(settings, given._replace(embedding=positions))._replace(manifold=manifold)


def fitted_of(settings: Settings, given: OtherModel) -> FittedModel:
    """A fit without a graph, which can place new rows by the map, the curve and the features."""
    seed, rows = draw_seed(settings), given.features
    columns, search, features = Columns(len(given.embedding)), None, None
    if rows is not None and not settings.takes_distances:
        columns = Columns(rows.shape[1])
        by_seed = settings.search._replace(seed=seed)
        search = prepare_search(rows, by_seed, settings.graph.n_neighbors, given=True)
        features = select_kept_features(rows, rows, search)
    epochs = settings.layout.schedule.n_epochs or 0
    return FittedModel(
        embedding=given.embedding,
        manifold=None,
        epoch=epochs,
        n_epochs=epochs,
        curve=Curve(*given.curve),
        seed=seed,
        report=Report(),
        columns=columns,
        search=search,
        features=features,
        X_is_graph=False,
        run=None,
        cache=MapCache(),
    )
