"""Positions of rows from an estimator, AnnData, the columns of a frame, or an array."""

import reprlib
from collections.abc import Collection, Hashable, Iterable

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from umap_sk.appearance.inputs import Embedding, Positions, is_anndata, is_frame


def get_last_step(estimator: BaseEstimator) -> BaseEstimator:
    """Return the last estimator of a Pipeline, or anything else as it is."""
    while hasattr(estimator, "steps"):
        estimator = estimator[-1]
    return estimator


def get_embedding(fitted: Embedding) -> Positions:
    """Return the map of a fitted estimator or Pipeline, or the map itself. Dask collections are computed."""
    estimator = get_last_step(fitted)
    if hasattr(estimator, "get_params"):
        check_is_fitted(estimator, "embedding_")
        fitted = estimator.embedding_
    return fitted.compute() if hasattr(fitted, "compute") else fitted


def check_row_count(count: int, fitted: BaseEstimator) -> None:
    """Raise an error if a fitted estimator has another number of rows in its map than in its graph and features."""
    if count != len(fitted.embedding_):
        raise ValueError(
            f"The graph and the features have {count:,} rows, but the map has {len(fitted.embedding_):,}, since "
            "unique=True leaves out copies. Pass the model's estimator_, whose map has no copies either."
        )


def read_positions(embedding: Positions, named: Collection[Hashable], components: tuple[int, ...]) -> np.ndarray:
    """Return the positions from an array, AnnData, or a frame, some of whose columns are used for colors."""
    if is_anndata(embedding):
        if "X_umap" not in embedding.obsm:
            raise ValueError('The AnnData has no obsm["X_umap"]. Put the map there: adata.obsm["X_umap"] = embedding.')
        embedding = embedding.obsm["X_umap"]
    elif is_frame(embedding):
        embedding = embedding[find_position_columns(list(embedding.columns), named, components)]
    positions = np.asarray(embedding)
    if positions.ndim != 2 or positions.shape[1] not in components or positions.dtype.kind not in "fiu":
        needed = " or ".join(f"(n_samples, {count})" for count in components)
        if positions.dtype.kind == "O":
            cure = "Convert them: np.asarray(embedding, float)."
        else:
            cure = "Choose columns, as in embedding[:, :2], or fit with n_components=2."
        raise ValueError(
            f"The map has shape {positions.shape} and dtype {positions.dtype}, but numbers of shape {needed} are "
            f"needed. {cure}"
        )
    return positions


def find_position_columns(
    columns: Iterable[Hashable], named: Collection[Hashable], components: tuple[int, ...] = (2, 3)
) -> list[Hashable]:
    """Return columns x, y and an unused z of a frame, or the two or three columns not used for colors."""
    left = [column for column in columns if column not in named]
    axes = [column for column in columns if str(column).lower() in ("x", "y")]
    axes += [column for column in left if str(column).lower() == "z" and 3 in components]
    axes.sort(key=lambda column: str(column).lower())
    if [str(column).lower() for column in axes] in (["x", "y"], ["x", "y", "z"]):
        return axes
    if len(left) in components:
        return left
    raise ValueError(
        f"The columns {reprlib.repr(left)} do not determine the positions. Name their columns x and y, or pass "
        'only these, as in frame[["u", "v"]], and the whole frame as data=frame, or for a page as hover=frame.'
    )
