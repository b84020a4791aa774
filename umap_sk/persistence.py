"""What a pickled or otherwise stored estimator holds, and which formats can be read."""

from typing import Any

from sklearn.neighbors import NearestNeighbors

from umap_sk.fitting import Run, standing
from umap_sk.layout.run import as_plain, from_plain
from umap_sk.monitor.callbacks import CALLBACK_ATTRIBUTES
from umap_sk.neighbors.search import build_search
from umap_sk.neighbors.training_rows import select_stored_features
from umap_sk.runtime.stored_format import FORMAT, check_format

RUN_AS_VALUE = 4  # the first format that has one
RESULTS = (
    "embedding_ manifold_ n_epochs_ epoch_ a_ b_ seed_ report_ n_features_in_ feature_names_in_ "
    "_map _search _features _X_is_graph _run"
).split()
"""Attributes that a fit publishes."""


def packed(state: dict[str, Any]) -> dict[str, Any]:
    """An estimator's attributes to store: what can be built again or belongs to a fit that is running is left out.

    While a fit runs, the layout is ahead of the map, and its arrays are written over later.
    """
    from umap_sk import __version__

    state = {name: value for name, value in state.items() if name not in ("_map", *CALLBACK_ATTRIBUTES)}
    if "report_" in state:
        state["report_"] = state["report_"].copy()
    if "_features" in state:
        state["_features"] = select_stored_features(state["_features"], state["_search"])
    run = state.get("_run")
    if run and run.layout:
        if state["epoch_"] != run.layout.state.epoch:
            now = standing(run.layout, state["manifold_"])
            state |= {name: now[name] for name in ("embedding_", "epoch_")}
        state["_run"] = run._asdict() | {"layout": as_plain(run.layout)}
    elif run:
        state["_run"] = run._asdict()
    return {**state, "_format": FORMAT, "_umap_sk_version": __version__}


def unpacked(state: dict[str, Any]) -> dict[str, Any]:
    """Attributes from a stored state, of this or an earlier version, or a ValueError if it is of a newer one.

    An unfinished layout of a format whose schedule was another ends where it is.
    """
    state = dict(state)
    stored = state.pop("_format", 1)
    state.pop("tol", None)  # a parameter that is gone
    check_format("model", stored, state.pop("_umap_sk_version", None))
    if "embedding_" in state:
        state["_run"] = run_of_former(state) if stored < RUN_AS_VALUE else run_of(state["_run"])
        state.setdefault("_features", None)
        state.setdefault("_X_is_graph", False)
    search = state.setdefault("_search", None) if "embedding_" in state else None
    if isinstance(search, NearestNeighbors):  # of a development version
        parameters = {**(search.metric_params or {}), **({"p": search.p} if search.metric == "minkowski" else {})}
        state["_search"] = build_search(search._fit_X, search.metric, parameters, search.n_jobs)
    return state


def run_of(stored: dict[str, Any] | None) -> Run | None:
    """The run that was stored, if there was one."""
    if stored is None:
        return None
    return Run(**stored | {"layout": stored["layout"] and from_plain(stored["layout"])})


def run_of_former(state: dict[str, Any]) -> Run | None:
    """The run of a format before 4, whose attributes are taken out of the state; an unfinished layout is not used."""
    layout, seen, _, _ = (state.pop(name, None) for name in ("_stepper", "_seen", "_identity", "_begun_with"))
    if layout is not None:  # the map is good, the epochs that follow are not those of its start
        state["n_epochs_"] = state["epoch_"]
    return Run(seen) if layout is None and seen else None
