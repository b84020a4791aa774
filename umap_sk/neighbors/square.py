"""Square X that holds no distances: similarities, memberships and features are told by what distances never look like.

A look at some rows is enough, evenly spread; distances of any kind pass, whatever their size.
"""

from typing import Any

import numpy as np
import scipy.sparse
from scipy.stats import rankdata

from umap_sk.exceptions import DoubtfulDistancesWarning, warn
from umap_sk.neighbors.formats import as_csr

LOOKED_AT = 300  # rows and columns of a dense matrix
ROUNDING = 1e-3  # of the mean distance: by how much both directions may differ in the mean
DIAGONAL = 0.1  # of a row's mean distance: a distance to itself that is no rounding any more
FEW = 0.05  # of the rows: so many may have one in a matrix that is not symmetric
ROWS = 50  # rows of a sparse graph
TELLING = 8  # neighbors of a row that tells whether near ones have large values or small ones
FEWEST_ROWS = 20
RISE = 0.2  # correlation of values with shared neighbors: distances lie below 0, memberships at 0.3 to 0.9
MOST_LOOKS = 10_000_000  # entries that are looked up

CURES = (
    "Cosine similarities: pass 1 - X. Memberships, such as obsp['connectivities']: "
    "fit(manifold=Manifold.from_graph(X)). "
)
FEATURES = "Features: set metric, for example 'euclidean'. "


def check_square(X: Any) -> None:
    """Raise or warn if a square X does not look like distances between its rows."""
    if scipy.sparse.issparse(X):
        _check_graph(as_csr(X))
    else:
        _check_matrix(X)


def _check_matrix(X: np.ndarray) -> None:
    """Look at the diagonal, and at both directions of the same pairs."""
    rows = np.unique(np.linspace(0, len(X) - 1, LOOKED_AT).astype(int))
    part = X if len(rows) == len(X) else X[np.ix_(rows, rows)]
    part = part.astype(np.float64)
    diagonal = part.diagonal().copy()
    np.fill_diagonal(part, np.nan)
    middle, mean = np.nanmedian(part, axis=1), np.nanmean(part, axis=1)
    np.fill_diagonal(part, diagonal)
    differs = np.abs(part - part.T).mean() > ROUNDING * part.mean()
    nonzero = diagonal > DIAGONAL * mean
    if not differs and 2 * np.count_nonzero(nonzero & (diagonal >= middle)) > len(rows):
        raise ValueError(
            f"X is square and symmetric, but its values fall away from the diagonal (the first is {diagonal[0]:.3g}, "
            f"the median of the others in its row {middle[0]:.3g}), as similarities do; distances are needed, where "
            f"small means near. {CURES}Distances whose diagonal was set to something else: np.fill_diagonal(X, 0)."
        )
    if differs and nonzero.mean() > FEW:
        raise ValueError(
            f"X is square, but it holds no distances: {nonzero.mean():.0%} of its diagonal are not 0, and X[i, j] "
            f"differs from X[j, i]. {FEATURES}{CURES}Distances that were spoilt: np.fill_diagonal(X, 0), (X + X.T) / 2."
        )
    if differs or 2 * nonzero.mean() > 1:
        what = "X[i, j] differs from X[j, i] by more than rounding" if differs else "the diagonal of X is not 0"
        cure = "(X + X.T) / 2" if differs else "np.fill_diagonal(X, 0)"
        warn(
            f"X is taken for a distance matrix, but {what}. {FEATURES}A kNN graph that was made dense, in which 0 "
            f"means no neighbor: pass it sparse. If X is what you mean, silence this by {cure}.",
            DoubtfulDistancesWarning,
        )


def _check_graph(graph: Any) -> None:
    """Look at stored diagonals, and at whether values rise or fall with the neighbors that two rows share."""
    n = graph.shape[0]
    rows = np.unique(np.linspace(0, n - 1, ROWS).astype(int))
    largest, rises = 0, []
    looks = 0
    for row in rows:
        names, values = (part[graph.indptr[row] : graph.indptr[row + 1]] for part in (graph.indices, graph.data))
        others, of_others, itself = names[names != row], values[names != row], values[names == row]
        if not len(others):
            continue
        largest += (
            bool(len(itself)) and itself.max() >= np.median(of_others) and itself.max() > DIAGONAL * of_others.mean()
        )
        looks += int((graph.indptr[others + 1] - graph.indptr[others]).sum())
        if len(others) >= TELLING and looks < MOST_LOOKS and 0 < of_others.min() < of_others.max() <= 1 + 1e-6:
            rises.append(_rise(graph, names, others, of_others))
    if 2 * largest > len(rows):
        raise ValueError(
            f"X is a sparse graph in which most rows have their largest values on the diagonal, as similarities do; "
            f"distances are needed, where small means near, and 0 on the diagonal or nothing. {CURES}"
        )
    if len(rises) >= FEWEST_ROWS and np.mean(rises) > RISE:
        raise ValueError(
            f"X is a sparse graph with values up to 1 that are the larger, the more neighbors two rows share "
            f"(correlation {np.mean(rises):.2f}), as memberships and similarities are; distances are needed, where "
            f"small means near. {CURES}If they are distances, pass them as knn_indices and knn_dists."
        )


def _rise(graph: Any, names: np.ndarray, others: np.ndarray, values: np.ndarray) -> float:
    """Rank correlation of a row's values with the share of neighbors that the row and each other one have in common."""
    listed = np.zeros(graph.shape[1], bool)
    listed[names] = True
    lists = [graph.indices[graph.indptr[other] : graph.indptr[other + 1]] for other in others]
    shared = np.array([np.count_nonzero(listed[entries]) for entries in lists])
    share = shared / (np.array([len(entries) for entries in lists]) + len(names) - shared)
    if share.min() == share.max():
        return 0.0
    return float(np.corrcoef(rankdata(share), rankdata(values))[0, 1])
