"""What a picture takes of an estimator, or of AnnData."""

from typing import Any

from sklearn.utils.validation import check_is_fitted


def last_step(estimator: Any) -> Any:
    """The estimator at the end of a Pipeline; anything else as it is."""
    while hasattr(estimator, "steps"):
        estimator = estimator[-1]
    return estimator


def embedding_of(fitted: Any) -> Any:
    """The map of a fitted estimator or Pipeline; a map as it is."""
    estimator = last_step(fitted)
    if not hasattr(estimator, "get_params"):
        return fitted
    check_is_fitted(estimator, "embedding_")
    return estimator.embedding_


def annotated_map(adata: Any) -> Any:
    """The map that AnnData holds."""
    if "X_umap" not in adata.obsm:
        raise ValueError('The AnnData has no obsm["X_umap"]. Put the map there: adata.obsm["X_umap"] = embedding.')
    return adata.obsm["X_umap"]
