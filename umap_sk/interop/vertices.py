"""Rows without an edge, as umap.utils tells them."""

from typing import Any

import numpy as np


def disconnected_vertices(model: Any) -> np.ndarray:
    """Tell which rows of a fitted model have no edge.

    Parameters
    ----------
    model : UMAP
        A fitted model.

    Returns
    -------
    ndarray of shape (n_samples,), bool
        True for rows without an edge, whose places are NaN.
    """
    lost = np.asarray(model.graph_.sum(axis=1)).ravel() == 0
    inverse = getattr(model, "_unique_inverse_", None)
    return lost if inverse is None else lost[inverse]
