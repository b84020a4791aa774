"""The function of umap.utils that finds disconnected rows."""

import numpy as np

from umap_sk.compatible.umap import UMAP


def disconnected_vertices(model: UMAP) -> np.ndarray:
    """Return which rows of a fitted model have no edge.

    Parameters
    ----------
    model : UMAP
        A fitted model.

    Returns
    -------
    ndarray of shape (n_samples,), bool
        True for disconnected rows, whose positions are NaN.
    """
    disconnected = np.asarray(model.graph_.sum(axis=1)).ravel() == 0
    inverse = getattr(model, "_unique_inverse_", None)
    return disconnected if inverse is None else disconnected[inverse]
