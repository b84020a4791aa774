"""UMAP for people who bring their own neighbors."""

from umap_sk.checkpoint import Checkpoint
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.exceptions import (
    CheckpointMismatchWarning,
    CheckpointWarning,
    DisconnectedWarning,
    DuplicateNeighborsWarning,
    FewerNeighborsWarning,
    MemoryPlanWarning,
    NegativeDistanceWarning,
    SpectralFallbackWarning,
    UMAPWarning,
)
from umap_sk.manifold import Manifold
from umap_sk.neighbors import knn_graph
from umap_sk.planning import Plan, plan
from umap_sk.report import Report

__version__ = "0.1.0"

__all__ = [
    "Checkpoint",
    "CheckpointMismatchWarning",
    "CheckpointWarning",
    "DisconnectedWarning",
    "DuplicateNeighborsWarning",
    "FewerNeighborsWarning",
    "Manifold",
    "MemoryPlanWarning",
    "NegativeDistanceWarning",
    "Plan",
    "PrecomputedUMAP",
    "Report",
    "SpectralFallbackWarning",
    "UMAPWarning",
    "knn_graph",
    "plan",
]
