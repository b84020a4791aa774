"""The effort of an approximate search in cells, which follows from the recall of a sample."""

import numpy as np

from umap_sk.neighbors.cells import GREAT_EFFORT, CellIndex, build_cells, search_cells
from umap_sk.neighbors.euclidean import AffineRows

MIN_RECALL = 0.97  # with less, the search takes more effort
SAMPLE_ROWS, SAMPLE_NEIGHBORS = 64, 15


def build_cells_by_recall(rows: AffineRows, angular: bool) -> CellIndex:
    """Build an index with the usual effort, or with more if that finds too few of the nearest neighbors of a sample."""
    index = build_cells(rows, angular)
    if estimate_recall(index) >= MIN_RECALL:
        return index
    if index.axes.directions is None:  # the cells depend on the effort only by the axes
        return index._replace(effort=GREAT_EFFORT)
    del index  # two indexes would need more memory than a plan says
    return build_cells(rows, angular, effort=GREAT_EFFORT)


def estimate_recall(index: CellIndex) -> float:
    """Return the share of the nearest neighbors of sampled rows that a search finds, counting ties."""
    n = len(index.rows.affine)
    sampled = np.random.default_rng(3).choice(n, min(n, SAMPLE_ROWS), replace=False)
    sample = AffineRows(index.rows.features[sampled], index.rows.affine[sampled])
    found, nearest = (search_cells(index, sample, SAMPLE_NEIGHBORS + 1, exact=exact)[1] for exact in (False, True))
    return float((found[:, 1:] <= nearest[:, -1:]).mean())  # without the rows themselves
