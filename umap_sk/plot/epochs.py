"""A layout on its way, frame by frame: the epochs of partial_fit on all levels."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone


class Frame(NamedTuple):
    """A map as it stood.

    Attributes
    ----------
    epoch : int
        Epochs that were run.
    vertices : int
        Of the level that ran.
    positions : ndarray of shape (n, 2 or 3)
        Of all rows.
    """

    epoch: int
    vertices: int
    positions: np.ndarray


def stepper_of(estimator: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A new estimator that takes the same way, and what to begin it with; a fitted one lends its graph and seed."""
    given = {name: value for name, value in given.items() if value is not None}
    stepper = clone(estimator).set_params(verbose=False, checkpoint=None)
    if hasattr(estimator, "embedding_"):
        stepper.set_params(random_state=estimator.seed_)
        if not {"knn_indices", "manifold"} & set(given) and hasattr(estimator, "manifold_"):
            given["manifold"] = estimator.manifold_
        starts = [entry.get("init") for entry in estimator.report_["phases"] if entry["name"] == "start"]
        if {"pca", "array"} & set(starts[-1:]) and isinstance(estimator.init, str) and not {"X", "init"} & set(given):
            raise ValueError("The layout began at features or an array: give X or init, as they were given to fit.")
    elif not given:
        raise ValueError("The estimator is not fitted: give X, knn_indices and knn_dists, or a manifold, as to fit.")
    return stepper, given


def next_frame(stepper: Any, epochs: int, given: dict[str, Any]) -> Frame:
    """The map so many epochs later."""
    depth = stepper._found().layout.state.depth if not given else None
    stepper.partial_fit(epochs=epochs, **given)
    sizes = next(entry["levels"] for entry in stepper.report_["phases"] if entry["name"] == "start")
    return Frame(stepper.epoch_, sizes[-1 if depth is None else depth], stepper.embedding_.copy())
