"""Conversion of a fitted model of umap-learn: its graph, map, curve and features."""

from typing import NamedTuple, TypeVar

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array

from umap_sk._typing import Features
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

Name = TypeVar("Name")

SHARED_PARAMETERS = (
    "n_neighbors n_components metric min_dist spread a b local_connectivity set_op_mix_ratio disconnection_distance "
    "learning_rate negative_sample_rate repulsion_strength random_state n_jobs verbose"
).split()
"""Parameters with the same name and meaning in umap-learn."""

METRIC_ALIASES = {
    "l1": "manhattan",
    "l2": "euclidean",
    "taxicab": "manhattan",
    "linf": "chebyshev",
    "linfty": "chebyshev",
    "linfinity": "chebyshev",
    "matching": "hamming",
    "standardised_euclidean": "seuclidean",
}
"""Metrics by umap-learn's other names for them."""


class UmapLearnModel(NamedTuple):
    """The parts of a fitted model that are converted."""

    graph: scipy.sparse.csr_array | None  # membership strengths
    embedding: np.ndarray  # the map
    curve: tuple[float, float]  # a and b
    features: Features | None  # of the training rows


def read_model(model: BaseEstimator) -> UmapLearnModel:
    """Read a fitted umap.UMAP, or raise a TypeError or ValueError if it cannot be converted."""
    missing = [name for name in ("graph_", "embedding_", "_a", "_b") if not hasattr(model, name)]
    if missing:
        raise TypeError(
            f"{type(model).__name__} is no fitted umap.UMAP: it has no {' and no '.join(missing)}. Fit it, or pass a "
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
    return UmapLearnModel(graph, embedding, (float(model._a), float(model._b)), features)


def resolve_metric(metric: Name) -> Name | str:
    """Return a metric under its name in this package."""
    return METRIC_ALIASES.get(metric, metric) if isinstance(metric, str) else metric


def read_parameters(model: BaseEstimator) -> dict[str, object]:
    """Read the parameters of a model of umap-learn as those of a PrecomputedUMAP."""
    parameters = {name: getattr(model, name) for name in SHARED_PARAMETERS if hasattr(model, name)}
    if getattr(model, "random_state", None) is not None and "n_jobs" in parameters:  # a seed sets n_jobs=1
        del parameters["n_jobs"]
    parameters["metric"] = resolve_metric(parameters.get("metric", "euclidean"))
    parameters["metric_params"] = getattr(model, "metric_kwds", None) or None
    parameters["n_neighbors"] = getattr(model, "_n_neighbors", parameters["n_neighbors"])
    parameters["n_components"] = model.embedding_.shape[1]
    if isinstance(model.n_epochs, int | np.integer) and model.n_epochs > 0:
        parameters["n_epochs"] = int(model.n_epochs)
    return parameters


def make_fitted_with_graph(settings: Settings, model: UmapLearnModel) -> FittedModel:
    """Make the result of a fit with the parameters, graph and map of a model."""
    manifold = Manifold.from_graph(model.graph)
    manifold = Manifold(manifold._shared.rows(), settings.graph.get_identity(), own=WHOLE)
    positions = model.embedding.copy()
    positions[manifold.disconnected()] = np.nan
    return make_fitted(settings, model._replace(embedding=positions))._replace(manifold=manifold)


def make_fitted(settings: Settings, model: UmapLearnModel) -> FittedModel:
    """Make the result of a fit without a graph. It can place new rows by the map, the curve and the features."""
    seed, rows = draw_seed(settings), model.features
    columns, search, features = Columns(len(model.embedding)), None, None
    if rows is not None and not settings.takes_distances:
        columns = Columns(rows.shape[1])
        by_seed = settings.search._replace(seed=seed)
        search = prepare_search(rows, by_seed, settings.graph.n_neighbors, given=True)
        features = select_kept_features(rows, rows, search)
    epochs = settings.layout.schedule.n_epochs or 0
    return FittedModel(
        embedding=model.embedding,
        manifold=None,
        epoch=epochs,
        n_epochs=epochs,
        curve=Curve(*model.curve),
        seed=seed,
        report=Report(),
        columns=columns,
        search=search,
        features=features,
        X_is_graph=False,
        run=None,
        cache=MapCache(),
    )
