"""What a pickled or otherwise stored estimator holds, and which formats can be read."""

import copy
from typing import Any

from sklearn.neighbors import NearestNeighbors

from umap_sk.layout.run import whole_positions
from umap_sk.monitor.callbacks import OF_A_RUN
from umap_sk.neighbors.search import build_search

FORMAT = 3  # raised when an older version of the package could not make sense of a newer model
GOES_ON = 3  # the first format whose unfinished layouts have this version's schedule
OF_A_LAYOUT = ("_stepper", "_seen", "_identity", "_begun_with")  # attributes of an unfinished layout


def packed(state: dict[str, Any]) -> dict[str, Any]:
    """State to store, with format and version; what can be built again or belongs to a running fit is left out.

    While a fit runs, the layout is ahead of the map, and its arrays are written over later.
    """
    from umap_sk import __version__

    state = {name: value for name, value in state.items() if name not in ("_map", *OF_A_RUN)}
    if "report_" in state:
        state["report_"] = state["report_"].copy()
    if "_stepper" in state:
        stepper = state["_stepper"]
        if state["epoch_"] != stepper.state.epoch:
            state["embedding_"] = whole_positions(stepper, state["manifold_"].disconnected())
            state["epoch_"] = stepper.state.epoch
        state["_stepper"] = stepper._replace(layout=None, state=copy.deepcopy(stepper.state))
    return {**state, "_format": FORMAT, "_umap_sk_version": __version__}


def unpacked(state: dict[str, Any]) -> dict[str, Any]:
    """Attributes from a state of this or an older version. An unfinished layout of an older format ends where it is."""
    state = dict(state)
    stored = state.pop("_format", 1)
    check_format("model", stored, state.pop("_umap_sk_version", None))
    if stored < GOES_ON and "_stepper" in state:  # the map is good, the epochs that follow are not those of its start
        state = {name: value for name, value in state.items() if name not in OF_A_LAYOUT}
        state["n_epochs_"] = state["epoch_"]
    search = state.get("_search")
    if isinstance(search, NearestNeighbors):  # of a development version
        parameters = {**(search.metric_params or {}), **({"p": search.p} if search.metric == "minkowski" else {})}
        state["_search"] = build_search(search._fit_X, search.metric, parameters, search.n_jobs)
    return state


def check_format(what: str, stored: int, writer: str | None = None) -> None:
    """Refuse what a newer version has written."""
    from umap_sk import __version__

    if stored > FORMAT:
        by = f"umap_sk {writer}" if writer else "a newer umap_sk"
        raise ValueError(
            f"The {what} was written by {by} in format {stored}, but umap_sk {__version__} reads formats up to "
            f"{FORMAT}. Install {by}, or fit again."
        )
