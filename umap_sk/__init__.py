"""UMAP for people who bring their own neighbors."""

import importlib
from typing import TYPE_CHECKING, Any

from umap_sk._version import __version__ as __version__

if TYPE_CHECKING:  # for editors and type checkers; at run time each comes from its module when it is first asked for
    from umap_sk.alignment import align
    from umap_sk.checkpoint.settings import Checkpoint
    from umap_sk.compatible.umap import UMAP
    from umap_sk.estimator import PrecomputedUMAP
    from umap_sk.exceptions import (
        CheckpointMismatchWarning,
        CheckpointWarning,
        DisconnectedWarning,
        DoubtfulDistancesWarning,
        DuplicateNeighborsWarning,
        EqualDistancesWarning,
        FewerNeighborsWarning,
        IgnoredTargetWarning,
        LowRecallWarning,
        MemoryPlanWarning,
        NegativeDistanceWarning,
        SlowSearchWarning,
        SpectralFallbackWarning,
        UMAPWarning,
        UnusedParameterWarning,
    )
    from umap_sk.graph.manifold import Manifold
    from umap_sk.interactive_map.interactive import InteractiveMap, interactive
    from umap_sk.layout.spaces import poincare_disk
    from umap_sk.monitor.report import Report
    from umap_sk.neighbors.read import knn_graph
    from umap_sk.neighbors.transformer import NeighborsTransformer, nearest_neighbors
    from umap_sk.planning.plan import Plan, plan
    from umap_sk.plot.display import EmbeddingDisplay
    from umap_sk.plot.loss_curve import LossCurveDisplay
    from umap_sk.replace import replace_umap
    from umap_sk.runtime.versions import show_versions

__all__ = [
    "Checkpoint",
    "CheckpointMismatchWarning",
    "CheckpointWarning",
    "DisconnectedWarning",
    "DoubtfulDistancesWarning",
    "DuplicateNeighborsWarning",
    "EmbeddingDisplay",
    "EqualDistancesWarning",
    "FewerNeighborsWarning",
    "IgnoredTargetWarning",
    "InteractiveMap",
    "LossCurveDisplay",
    "LowRecallWarning",
    "Manifold",
    "MemoryPlanWarning",
    "NegativeDistanceWarning",
    "NeighborsTransformer",
    "Plan",
    "PrecomputedUMAP",
    "Report",
    "SlowSearchWarning",
    "SpectralFallbackWarning",
    "UMAP",
    "UMAPWarning",
    "UnusedParameterWarning",
    "align",
    "interactive",
    "knn_graph",
    "nearest_neighbors",
    "plan",
    "poincare_disk",
    "replace_umap",
    "show_versions",
]

_HOMES = {
    "Checkpoint": "checkpoint.settings",
    "EmbeddingDisplay": "plot.display",
    "LossCurveDisplay": "plot.loss_curve",
    "InteractiveMap": "interactive_map.interactive",
    "Manifold": "graph.manifold",
    "NeighborsTransformer": "neighbors.transformer",
    "Plan": "planning.plan",
    "PrecomputedUMAP": "estimator",
    "Report": "monitor.report",
    "UMAP": "compatible.umap",
    "align": "alignment",
    "interactive": "interactive_map.interactive",
    "knn_graph": "neighbors.read",
    "nearest_neighbors": "neighbors.transformer",
    "plan": "planning.plan",
    "poincare_disk": "layout.spaces",
    "replace_umap": "replace",
    "show_versions": "runtime.versions",
}


def __getattr__(name: str) -> Any:
    """Load a public name or a module of the package when it is first used: the command line's help needs no numba."""
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in __all__:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'exceptions')}"), name)
        globals()[name] = value
        return value
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
