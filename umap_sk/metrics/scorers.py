"""The metrics as scorers, for `scoring` in scikit-learn's searches and cross-validation."""

from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from sklearn.pipeline import Pipeline

from umap_sk._typing import FeaturesLike
from umap_sk.metrics.distances import distance_correlation, triplet_accuracy
from umap_sk.metrics.loss import sampled_loss
from umap_sk.metrics.neighborhoods import compute_trust, list_placed_rows
from umap_sk.pipeline.place import place_with_neighbors

if TYPE_CHECKING:
    from umap_sk.estimator import PrecomputedUMAP

Rows = TypeVar("Rows", bound=FeaturesLike | None)
SEARCHED_PER_K = 3  # neighbors for trustworthiness, as a multiple of k, if they have to be searched


class FittedTransformer(Protocol):
    """A fitted estimator that places rows in a map."""

    def transform(self, X: FeaturesLike) -> np.ndarray:
        """Return the positions of rows."""
        ...


def neighbor_recall_scorer(
    estimator: "PrecomputedUMAP | Pipeline", X: FeaturesLike, y: object = None, *, k: int = 15
) -> float:
    """Score by :func:`neighbor_recall`, as ``estimator.score`` does.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X : array-like, sparse or frame
        Rows in the form that its `transform` accepts.
    y : None
        Ignored.
    k : int, default=15
        Number of neighbors to compare.

    Returns
    -------
    float
        The score; higher is better.
    """
    umap, X = _unwrap_pipeline(estimator, X)
    return umap.score(X, k=k)


def trustworthiness_scorer(
    estimator: "PrecomputedUMAP | Pipeline", X: FeaturesLike, y: object = None, *, k: int = 15
) -> float:
    """Score by :func:`trustworthiness`, with the listed neighbors, or 3 k neighbors of features.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X : array-like, sparse or frame
        Rows in the form that its `transform` accepts.
    y : None
        Ignored.
    k : int, default=15
        Number of neighbors in the map.

    Returns
    -------
    float
        The score; higher is better.
    """
    umap, X = _unwrap_pipeline(estimator, X)
    settings, fitted = umap._get_settings(), umap._get_fitted()
    places, neighbors = place_with_neighbors(settings, fitted, X, None, None, SEARCHED_PER_K * k + 1)
    return compute_trust(list_placed_rows(umap, places, neighbors, k))


def triplet_accuracy_scorer(estimator: FittedTransformer, X: FeaturesLike, y: object = None) -> float:
    """Score by :func:`triplet_accuracy` with Euclidean distances of features.

    Parameters
    ----------
    estimator : estimator with transform
        The fitted estimator. If it is part of a Pipeline, X is the Pipeline's input.
    X : array-like or sparse of shape (n, n_features)
        Features.
    y : None
        Ignored.

    Returns
    -------
    float
        The score; higher is better.
    """
    return triplet_accuracy(_check_features(estimator, X), estimator.transform(X))


def distance_correlation_scorer(estimator: FittedTransformer, X: FeaturesLike, y: object = None) -> float:
    """Score by :func:`distance_correlation` with Euclidean distances of features.

    Parameters
    ----------
    estimator : estimator with transform
        The fitted estimator. If it is part of a Pipeline, X is the Pipeline's input.
    X : array-like or sparse of shape (n, n_features)
        Features.
    y : None
        Ignored.

    Returns
    -------
    float
        The score; higher is better.
    """
    return distance_correlation(_check_features(estimator, X), estimator.transform(X))


def sampled_loss_scorer(estimator: "PrecomputedUMAP | Pipeline", X: object = None, y: object = None) -> float:
    """Score by minus the :func:`sampled_loss` of the fitted map, for any rows.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X, y : object
        Ignored.

    Returns
    -------
    float
        The score; higher is better.
    """
    umap = _unwrap_pipeline(estimator, None)[0]
    return -sampled_loss(
        umap.manifold_,
        umap.embedding_,
        a=umap.a_,
        b=umap.b_,
        negative_sample_rate=umap.negative_sample_rate,
        repulsion_strength=umap.repulsion_strength,
        output_metric=umap.output_metric,
        output_metric_params=umap.output_metric_params,
    )


def _unwrap_pipeline(estimator: "PrecomputedUMAP | Pipeline", X: Rows) -> tuple["PrecomputedUMAP", Rows]:
    """Return the last estimator of a Pipeline, and X as the Pipeline passes it on."""
    while isinstance(estimator, Pipeline):
        if X is not None and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    return estimator, X


def _check_features(estimator: FittedTransformer, X: FeaturesLike) -> FeaturesLike:
    """Return X, or raise an error if it is a distance graph, which lacks the distances of random pairs."""
    if getattr(estimator, "metric", None) == "precomputed":
        raise ValueError(
            "X contains distances to the training rows, but this scorer needs features. Score a Pipeline that makes "
            "the graph of features (KNeighborsTransformer, PrecomputedUMAP), or use neighbor_recall_scorer."
        )
    return X
