"""How good a map is, for maps of any size: figures from neighbors, from features and from the graph, and scorers.

Neighbors come as a sparse distance graph (:func:`umap_sk.knn_graph` makes one of arrays), rows are sampled with a fixed
seed, so that two maps of the same rows are compared on the same ones. Rows of the map that are NaN have lost all their
neighbors; pairs and triplets are drawn among the others.
"""

from umap_sk.metrics.distances import distance_correlation, triplet_accuracy
from umap_sk.metrics.loss import sampled_loss
from umap_sk.metrics.neighborhoods import neighbor_recall, trustworthiness
from umap_sk.metrics.scorers import (
    distance_correlation_scorer,
    neighbor_recall_scorer,
    sampled_loss_scorer,
    triplet_accuracy_scorer,
    trustworthiness_scorer,
)

__all__ = [
    "distance_correlation",
    "distance_correlation_scorer",
    "neighbor_recall",
    "neighbor_recall_scorer",
    "sampled_loss",
    "sampled_loss_scorer",
    "triplet_accuracy",
    "triplet_accuracy_scorer",
    "trustworthiness",
    "trustworthiness_scorer",
]
