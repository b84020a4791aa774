"""The inverse transform: rows of features for positions in a map. Each row depends only on its own position."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from umap_sk import kernels
from umap_sk._typing import Features, is_sparse
from umap_sk.runtime.compile import as_readonly

COMBINED_ROWS = 42  # rows that are combined. The last one has 1/20 of the weight of the first in an evenly filled map.
DEVIATION_ROW = 7  # rank of the neighbor whose distance is the standard deviation of the Gaussian
FEATURE_BLOCK_BYTES = 2**26  # size of the features that are read at once


class PlacedRows(NamedTuple):
    """The training rows with a position: a search tree of their positions, and their indices."""

    tree: cKDTree
    names: np.ndarray


def index_placed_rows(embedding: np.ndarray) -> PlacedRows:
    """Build the search tree of a map, once for each model."""
    names = np.flatnonzero(~np.isnan(embedding[:, 0]))
    return PlacedRows(cKDTree(embedding[names]), names)


def choose_output_dtype(features: Features) -> np.dtype:
    """Return the dtype of the combined rows."""
    return np.dtype(np.float32 if features.dtype == np.float32 else np.float64)


def combine_features(rows: PlacedRows, places: np.ndarray, features: Features, threads: int) -> np.ndarray:
    """Combine the features of the training rows near each position, with one block of features in memory at a time."""
    count = min(COMBINED_ROWS, len(rows.names))
    out = np.empty((len(places), features.shape[1]), choose_output_dtype(features))
    step = max(1, FEATURE_BLOCK_BYTES // (count * max(1, out.itemsize * features.shape[1])))
    for first in range(0, len(places), step):
        block = slice(first, first + step)
        distances, found = rows.tree.query(places[block], np.arange(1, count + 1), workers=threads)
        names, near = np.unique(rows.names[found], return_inverse=True)
        taken = features[names]
        taken = as_readonly(np.ascontiguousarray(taken.toarray() if is_sparse(taken) else taken, out.dtype))
        near = as_readonly(near.reshape(found.shape))
        kernels.combine_rows(near, as_readonly(distances), min(DEVIATION_ROW, count), taken, out[block])
    return out
