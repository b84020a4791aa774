"""What a pickled or otherwise stored estimator holds, and how it is read."""

from typing import Any

from umap_sk.fitting import Run, standing
from umap_sk.layout.run import as_plain, from_plain
from umap_sk.monitor.callbacks import OF_A_FIT
from umap_sk.neighbors.held import lasting_features
from umap_sk.runtime.stored_format import format_fields, without_format

RESULTS = (
    "embedding_ manifold_ n_epochs_ epoch_ a_ b_ seed_ report_ n_features_in_ feature_names_in_ "
    "_map _search _features _X_is_graph _run"
).split()
"""Attributes that a fit publishes."""


def packed(state: dict[str, Any]) -> dict[str, Any]:
    """An estimator's attributes to store: what can be built again or belongs to a fit that is running is left out.

    While a fit runs, the layout is ahead of the map, and its arrays are written over later.
    """
    state = {name: value for name, value in state.items() if name not in ("_map", *OF_A_FIT)}
    if "report_" in state:
        state["report_"] = state["report_"].copy()
    if "_features" in state:
        state["_features"] = lasting_features(state["_features"], state["_search"])
    run = state.get("_run")
    if run and run.layout:
        if state["epoch_"] != run.layout.state.epoch:
            now = standing(run.layout, state["manifold_"])
            state |= {name: now[name] for name in ("embedding_", "epoch_")}
        state["_run"] = run._asdict() | {"layout": as_plain(run.layout)}
    elif run:
        state["_run"] = run._asdict()
    return {**state, **format_fields()}


def unpacked(state: dict[str, Any]) -> dict[str, Any]:
    """Attributes from a stored state; ValueError if this version does not know its format."""
    state = without_format("model", state)
    if "embedding_" in state:
        state["_run"] = run_of(state["_run"])
    return state


def run_of(stored: dict[str, Any] | None) -> Run | None:
    """The run that was stored, if there was one."""
    if stored is None:
        return None
    return Run(**stored | {"layout": stored["layout"] and from_plain(stored["layout"])})
