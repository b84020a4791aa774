"""Positions of the rows: of an estimator, of AnnData, of the columns of a frame, or of an array."""

import reprlib
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted


def last_step(estimator: Any) -> Any:
    """The estimator at the end of a Pipeline; anything else as it is."""
    while hasattr(estimator, "steps"):
        estimator = estimator[-1]
    return estimator


def embedding_of(fitted: Any) -> Any:
    """The map of a fitted estimator or Pipeline, or the map itself; what Dask would compute is computed."""
    estimator = last_step(fitted)
    if hasattr(estimator, "get_params"):
        check_is_fitted(estimator, "embedding_")
        fitted = estimator.embedding_
    return fitted.compute() if hasattr(fitted, "compute") else fitted


def positions_of(embedding: Any, named: list[Any], components: tuple[int, ...]) -> np.ndarray:
    """Positions of an array, AnnData, or a frame of which some columns are named for the colors."""
    if hasattr(embedding, "obsm"):
        if "X_umap" not in embedding.obsm:
            raise ValueError('The AnnData has no obsm["X_umap"]. Put the map there: adata.obsm["X_umap"] = embedding.')
        embedding = embedding.obsm["X_umap"]
    elif hasattr(embedding, "columns"):
        embedding = embedding[columns_of_positions(list(embedding.columns), named, components)]
    positions = np.asarray(embedding)
    if positions.ndim != 2 or positions.shape[1] not in components or positions.dtype.kind not in "fiu":
        needed = " or ".join(f"(n_samples, {count})" for count in components)
        raise ValueError(
            f"The map has shape {positions.shape} and dtype {positions.dtype}, but numbers of shape {needed} are "
            "needed. Choose columns, as in embedding[:, :2], or fit with n_components=2."
        )
    return positions


def columns_of_positions(columns: list[Any], named: list[Any], components: tuple[int, ...] = (2, 3)) -> list[Any]:
    """Columns x, y and, unless it colors, z; without x and y, two or three that are left beside those that color."""
    left = [column for column in columns if column not in named]
    axes = [column for column in columns if str(column).lower() in ("x", "y")]
    axes += [column for column in left if str(column).lower() == "z" and 3 in components]
    axes.sort(key=lambda column: str(column).lower())
    if [str(column).lower() for column in axes] in (["x", "y"], ["x", "y", "z"]):
        return axes
    if len(left) in components:
        return left
    raise ValueError(
        f"The columns {reprlib.repr(left)} do not say which of them are the positions. Name these x and y, or give "
        'them alone, as in frame[["u", "v"]], and the whole frame for the colors by data=frame, for a page hover=frame.'
    )
