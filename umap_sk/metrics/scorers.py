"""The metrics as scorers, for the `scoring` of scikit-learn's searches and cross-validation."""

from typing import Any

from sklearn.pipeline import Pipeline

from umap_sk.metrics.distances import distance_correlation, triplet_accuracy
from umap_sk.metrics.loss import sampled_loss
from umap_sk.metrics.neighborhoods import lists_of_new, trust_of
from umap_sk.pipeline.place import place_with_neighbors

LISTED = 3  # neighbors listed for a trustworthiness, times k, where they have to be searched


def neighbor_recall_scorer(estimator: Any, X: Any, y: Any = None, *, k: int = 15) -> float:
    """Scorer of :func:`neighbor_recall`: what ``estimator.score`` gives.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X : array-like, sparse or frame
        Rows as its `transform` takes them.
    y : None
        Ignored.
    k : int, default=15
        Neighbors to compare.

    Returns
    -------
    float
        Higher is better.
    """
    umap, X = _last_step(estimator, X)
    return umap.score(X, k=k)


def trustworthiness_scorer(estimator: Any, X: Any, y: Any = None, *, k: int = 15) -> float:
    """Scorer of :func:`trustworthiness`, against the neighbors that are listed, or 3 k that are searched.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X : array-like, sparse or frame
        Rows as its `transform` takes them.
    y : None
        Ignored.
    k : int, default=15
        Neighbors in the map to judge.

    Returns
    -------
    float
        Higher is better.
    """
    umap, X = _last_step(estimator, X)
    places, neighbors = place_with_neighbors(umap._settings(), umap._found(), X, None, None, LISTED * k + 1)
    return trust_of(lists_of_new(umap, places, neighbors, k))


def triplet_accuracy_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Scorer of :func:`triplet_accuracy` on features, Euclidean.

    Parameters
    ----------
    estimator : estimator with transform
        The fitted estimator; in a Pipeline, X is what the Pipeline takes.
    X : array-like or sparse of shape (n, n_features)
        Features.
    y : None
        Ignored.

    Returns
    -------
    float
        Higher is better.
    """
    return triplet_accuracy(_features(estimator, X), estimator.transform(X))


def distance_correlation_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Scorer of :func:`distance_correlation` on features, Euclidean.

    Parameters
    ----------
    estimator : estimator with transform
        The fitted estimator; in a Pipeline, X is what the Pipeline takes.
    X : array-like or sparse of shape (n, n_features)
        Features.
    y : None
        Ignored.

    Returns
    -------
    float
        Higher is better.
    """
    return distance_correlation(_features(estimator, X), estimator.transform(X))


def sampled_loss_scorer(estimator: Any, X: Any = None, y: Any = None) -> float:
    """Scorer of :func:`sampled_loss`: minus the loss of the fitted map, whatever the rows to score are.

    Parameters
    ----------
    estimator : PrecomputedUMAP or Pipeline that ends in one
        The fitted estimator.
    X, y : object
        Ignored.

    Returns
    -------
    float
        Higher is better.
    """
    umap = _last_step(estimator, None)[0]
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


def _last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The estimator at a Pipeline's end, and X as it gets it."""
    while isinstance(estimator, Pipeline):
        if X is not None and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    return estimator, X


def _features(estimator: Any, X: Any) -> Any:
    """X, unless it is a distance graph, of which no distances of random pairs are known."""
    if getattr(estimator, "metric", None) == "precomputed":
        raise ValueError(
            "X holds distances to the training rows, but this scorer needs features. Score a Pipeline that makes the "
            "graph of features (KNeighborsTransformer, PrecomputedUMAP), or use neighbor_recall_scorer."
        )
    return X
