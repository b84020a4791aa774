"""Quality metrics of maps of any size, from neighbors, features and the graph, and scorers.

Neighbors are passed as a sparse distance graph, which :func:`umap_sk.knn_graph` makes of arrays. Rows are sampled with
a fixed seed, so that two maps of the same rows are compared on the same ones. Rows of the map that are NaN count as
having lost all their neighbors. Pairs and triplets are drawn among the other rows.
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
