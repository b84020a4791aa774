"""Pictures of maps: points, edges, quality as colors, and films.

The functions have the names and arguments of umap.plot, which is not required. Matplotlib is required, and imported
when something is drawn.
"""

from umap_sk.plot.display import EmbeddingDisplay
from umap_sk.plot.functions import connectivity, diagnostic, points
from umap_sk.plot.loss_curve import LossCurveDisplay
from umap_sk.plot.page import interactive

__all__ = ["EmbeddingDisplay", "LossCurveDisplay", "connectivity", "diagnostic", "interactive", "points"]


def __dir__() -> list[str]:
    return list(__all__)
