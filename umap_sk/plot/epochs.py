"""Frames of a layout in progress: the epochs of partial_fit on all levels."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.base import clone

if TYPE_CHECKING:
    from umap_sk.estimator import PrecomputedUMAP


class Frame(NamedTuple):
    """A map after some epochs."""

    epoch: int
    vertices: int  # of the current level
    positions: np.ndarray  # of all rows


def make_stepper(
    estimator: "PrecomputedUMAP", data: Mapping[str, object]
) -> tuple["PrecomputedUMAP", Mapping[str, object]]:
    """Return a new estimator that repeats a layout, and its first arguments. Fitted ones provide graph and seed."""
    data = {name: value for name, value in data.items() if value is not None}
    if "checkpoint" not in estimator.get_params():
        raise TypeError(f"A film of epochs needs a PrecomputedUMAP, or a UMAP after fit, but got {estimator!r}.")
    stepper = clone(estimator).set_params(verbose=False, checkpoint=None)
    if hasattr(estimator, "embedding_"):
        stepper.set_params(random_state=estimator.seed_)
        if not {"knn_indices", "manifold"} & set(data) and hasattr(estimator, "manifold_"):
            data["manifold"] = estimator.manifold_
        starts = [entry.get("init") for entry in estimator.report_["phases"] if entry["name"] == "start"]
        if {"pca", "array"} & set(starts[-1:]) and isinstance(estimator.init, str) and not {"X", "init"} & set(data):
            raise ValueError("The layout started from features or an array: pass the same X or init as to fit.")
    elif not data:
        raise ValueError("The estimator is not fitted: pass X, knn_indices and knn_dists, or a manifold, as to fit.")
    return stepper, data


def advance_frame(stepper: "PrecomputedUMAP", epochs: int, data: Mapping[str, object]) -> Frame:
    """Run some epochs, and return the map."""
    layout = None if data else stepper._get_fitted().layout
    depth = None if layout is None else layout.state.depth
    stepper.partial_fit(epochs=epochs, **data)
    sizes = next(entry["levels"] for entry in stepper.report_["phases"] if entry["name"] == "start")
    return Frame(stepper.epoch_, sizes[-1 if depth is None else depth], stepper.embedding_.copy())
