"""What a fit has found, as one value, and how it is stored."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk.graph.manifold import Manifold
from umap_sk.layout.curve import Curve
from umap_sk.layout.run import LayoutRun, compute_embedding, from_plain, to_plain
from umap_sk.layout.transform import MapCache
from umap_sk.monitor.callbacks import CALLBACK_ATTRIBUTES
from umap_sk.monitor.report import Report
from umap_sk.neighbors.training_rows import select_stored_features
from umap_sk.pipeline.given import Columns
from umap_sk.runtime.stored_format import format_fields, without_format

ATTRIBUTE = "_fitted"  # of an estimator, which keeps its fit there


class Run(NamedTuple):
    """What is kept of an unfinished fit, to go on with it.

    Attributes
    ----------
    layout : LayoutRun or None
        The layout as it stands; None where it has been run to its end.
    fingerprints : dict of str
        Hashes of what was given.
    parameters : dict or None
        Parameters of the estimator when the run began.
    identity : dict or None
        Identity of its folder on the disk, if it has one.
    """

    layout: LayoutRun | None
    fingerprints: dict[str, str]
    parameters: dict[str, Any] | None = None
    identity: dict[str, Any] | None = None


class Fitted(NamedTuple):
    """What a fit has found.

    Attributes
    ----------
    embedding : ndarray of shape (n_samples, n_components), float32
        The layout as it stands; NaN for rows without a neighbor.
    manifold : Manifold or None
        The graph; None where it was dropped, or was never in this process.
    epoch, n_epochs : int
        Epochs that have been run, and epochs of the whole schedule.
    curve : Curve
        The curve of the layout.
    seed : int
        What its random numbers depend on.
    report : Report
        Phases with their seconds and counts.
    columns : Columns
        Columns of X, or rows of the graph where no X was given.
    search : object or None
        What finds the neighbors of new rows; None where X is no features.
    features : ndarray, sparse matrix or None
        Features of the rows, for the way back, where the search does not hold them.
    X_is_graph : bool
        Whether X held distances, and not features.
    run : Run or None
        What is kept to go on with an unfinished layout.
    cache : MapCache
        What is made of the map when it is first needed.
    """

    embedding: np.ndarray
    manifold: Manifold | None
    epoch: int
    n_epochs: int
    curve: Curve
    seed: int
    report: Report
    columns: Columns
    search: Any
    features: Any
    X_is_graph: bool
    run: Run | None
    cache: MapCache

    @property
    def is_finished(self) -> bool:
        """Whether no epochs are left."""
        return self.epoch >= self.n_epochs

    @property
    def layout(self) -> LayoutRun | None:
        """The unfinished layout, if there is one."""
        return self.run and self.run.layout


def known_manifold(fitted: Fitted) -> Manifold:
    """The graph of a fit that has it."""
    assert fitted.manifold is not None
    return fitted.manifold


def at_layout(fitted: Fitted, layout: LayoutRun) -> Fitted:
    """The same fit with the map of its layout as that stands now."""
    assert fitted.run is not None
    embedding = compute_embedding(layout, known_manifold(fitted).disconnected())
    run = fitted.run._replace(layout=layout)
    return fitted._replace(embedding=embedding, epoch=layout.state.epoch, run=run, cache=MapCache())


def without_graph(fitted: Fitted) -> Fitted:
    """What places new rows: the graph is dropped, and the layout ends where it is."""
    features = select_stored_features(fitted.features, fitted.search)
    return fitted._replace(manifold=None, features=features, run=None, n_epochs=fitted.epoch)


def as_stored(fitted: Fitted) -> dict[str, Any]:
    """What is stored of a fit, by name; what can be made again is left out.

    While a fit runs, the layout is ahead of the map, and its arrays are written over later.
    """
    layout = fitted.layout
    if layout and fitted.epoch != layout.state.epoch:
        fitted = at_layout(fitted, layout)
    run = fitted.run and fitted.run._asdict() | {"layout": layout and to_plain(layout)}
    plain: dict[str, Any] = {"curve": tuple(fitted.curve), "columns": tuple(fitted.columns), "run": run}
    features = select_stored_features(fitted.features, fitted.search)
    stored = fitted._asdict() | plain | {"features": features, "report": fitted.report.copy()}
    del stored["cache"]
    return stored


def from_stored(stored: dict[str, Any]) -> Fitted:
    """The fit that was stored."""
    run = stored["run"]
    if run is not None:
        run = Run(**run | {"layout": run["layout"] and from_plain(run["layout"])})
    plain: dict[str, Any] = {"curve": Curve(*stored["curve"]), "columns": Columns(*stored["columns"]), "run": run}
    return Fitted(**stored | plain, cache=MapCache())


def state_to_store(state: dict[str, Any]) -> dict[str, Any]:
    """An estimator's attributes to store, without what belongs to a fit that is running."""
    state = {name: value for name, value in state.items() if name not in CALLBACK_ATTRIBUTES}
    if ATTRIBUTE in state:
        state[ATTRIBUTE] = as_stored(state[ATTRIBUTE])
    return {**state, **format_fields()}


def state_of_stored(stored: dict[str, Any]) -> dict[str, Any]:
    """An estimator's attributes that were stored; ValueError if this version does not know their format."""
    state = without_format("model", stored)
    return state | {ATTRIBUTE: from_stored(state[ATTRIBUTE])} if ATTRIBUTE in state else state
