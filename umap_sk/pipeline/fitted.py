"""The result of a fit as one value, and its conversion to a form that can be stored."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from umap_sk._typing import Features, Parameters
from umap_sk.checkpoint.identity import Identity
from umap_sk.graph.manifold import Manifold
from umap_sk.layout.curve import Curve
from umap_sk.layout.run import LayoutRun, compute_embedding, from_plain, to_plain
from umap_sk.layout.transform import MapCache
from umap_sk.monitor.callbacks import CALLBACK_ATTRIBUTES
from umap_sk.monitor.report import Report
from umap_sk.neighbors.searchers import Search
from umap_sk.neighbors.training_rows import select_stored_features
from umap_sk.pipeline.inputs import Columns
from umap_sk.runtime.stored_format import format_fields, without_format

ATTRIBUTE = "_fitted"  # attribute of an estimator that contains its fitted model


class Run(NamedTuple):
    """The data that an unfinished fit needs to continue."""

    layout: LayoutRun | None  # None if it is finished
    fingerprints: dict[str, str]  # hashes of the arguments
    parameters: Parameters | None = None  # of the estimator at the beginning of the run
    identity: Identity | None = None  # of the run on disk, if there is one


class FittedModel(NamedTuple):
    """The result of a fit."""

    embedding: np.ndarray  # the current layout, float32, with NaN for rows without a neighbor
    manifold: Manifold | None  # None if it was dropped or was never in this process
    epoch: int  # number of epochs that have been run
    n_epochs: int  # of the whole schedule
    curve: Curve
    seed: int
    report: Report
    columns: Columns
    search: Search | None  # for new rows, None if X has no features
    features: Features | None  # for the inverse transform, if the search does not contain them
    X_is_graph: bool  # whether X contained distances instead of features
    run: Run | None
    cache: MapCache  # values that are computed from the map at their first use

    @property
    def is_finished(self) -> bool:
        """Whether the schedule has no more epochs."""
        return self.epoch >= self.n_epochs

    @property
    def layout(self) -> LayoutRun | None:
        """The unfinished layout, if there is one."""
        return self.run and self.run.layout


def get_manifold(fitted: FittedModel) -> Manifold:
    """Return the graph, which must not have been dropped."""
    assert fitted.manifold is not None
    return fitted.manifold


def update_embedding(fitted: FittedModel, layout: LayoutRun) -> FittedModel:
    """Return the model with the map of the given layout."""
    assert fitted.run is not None
    embedding = compute_embedding(layout, get_manifold(fitted).disconnected())
    run = fitted.run._replace(layout=layout)
    return fitted._replace(embedding=embedding, epoch=layout.state.epoch, run=run, cache=MapCache())


def remove_graph(fitted: FittedModel) -> FittedModel:
    """Return the model without its graph. It can still place new rows, but not continue the layout."""
    features = select_stored_features(fitted.features, fitted.search)
    return fitted._replace(manifold=None, features=features, run=None, n_epochs=fitted.epoch)


def dump_fitted(fitted: FittedModel) -> dict[str, object]:
    """Convert a model to plain values by name, without those that can be computed again.

    During a fit, the map is updated from the layout, because the layout's arrays will be overwritten.
    """
    layout = fitted.layout
    if layout and fitted.epoch != layout.state.epoch:
        fitted = update_embedding(fitted, layout)
    run = fitted.run and fitted.run._asdict() | {"layout": layout and to_plain(layout)}
    plain: dict[str, object] = {"curve": tuple(fitted.curve), "columns": tuple(fitted.columns), "run": run}
    features = select_stored_features(fitted.features, fitted.search)
    stored = fitted._asdict() | plain | {"features": features, "report": fitted.report.copy()}
    del stored["cache"]
    return stored


def load_fitted(stored: Mapping[str, Any]) -> FittedModel:
    """Convert stored values back to a model."""
    run = stored["run"]
    if run is not None:
        run = Run(**run | {"layout": run["layout"] and from_plain(run["layout"])})
    plain: dict[str, object] = {"curve": Curve(*stored["curve"]), "columns": Columns(*stored["columns"]), "run": run}
    return FittedModel(**{**stored, **plain}, cache=MapCache())


def dump_state(state: Mapping[str, Any]) -> dict[str, object]:
    """Convert an estimator's attributes to a state to store, without those of a fit in progress."""
    state = {name: value for name, value in state.items() if name not in CALLBACK_ATTRIBUTES}
    if ATTRIBUTE in state:
        state[ATTRIBUTE] = dump_fitted(state[ATTRIBUTE])
    return {**state, **format_fields()}


def load_state(stored: Mapping[str, Any]) -> dict[str, object]:
    """Convert a stored state back to attributes. Raises ValueError if this version does not know the format."""
    state = without_format("model", stored)
    return state | {ATTRIBUTE: load_fitted(state[ATTRIBUTE])} if ATTRIBUTE in state else state
