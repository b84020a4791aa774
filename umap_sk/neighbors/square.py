"""Detection of square X that contains no distances, but similarities, memberships or features.

A few evenly spread rows suffice. Distances of any kind and magnitude pass.
"""

import numpy as np

from umap_sk._typing import Features, SparseMatrix, is_sparse
from umap_sk.exceptions import DoubtfulDistancesWarning, warn
from umap_sk.neighbors.formats import as_csr
from umap_sk.neighbors.similarities import (
    DIAGONAL,
    MIN_LENGTH,
    compute_share,
    correlate_ranks,
    is_among_largest,
    is_correlated,
    may_be_shares,
    sample_rows,
)

MATRIX_SAMPLE = 300  # rows and columns of a dense matrix that are checked
ASYMMETRY = 1e-3  # asymmetry, relative to the mean distance, that rounding explains
NONZERO_SHARE = 0.05  # share of rows with a nonzero diagonal that a matrix may have if it is asymmetric
MAX_LOOKUPS = 10_000_000  # entries that are read

CURES = (
    "Cosine similarities: pass 1 - X. Memberships, such as obsp['connectivities']: "
    "fit(manifold=Manifold.from_graph(X)). "
)
FEATURES_CURE = "Features: set metric, for example 'euclidean'. "


def check_square(X: Features) -> None:
    """Raise an error or warn if a square X does not look like distances between its rows."""
    if is_sparse(X):
        _check_graph(as_csr(X))
    else:
        _check_matrix(X)


def _check_matrix(X: np.ndarray) -> None:
    """Check the diagonal and the symmetry of a dense matrix."""
    rows = np.unique(np.linspace(0, len(X) - 1, MATRIX_SAMPLE).astype(int))
    part = X if len(rows) == len(X) else X[np.ix_(rows, rows)]
    part = part.astype(np.float64)
    diagonal = part.diagonal().copy()
    np.fill_diagonal(part, np.nan)
    middle, mean = np.nanmedian(part, axis=1), np.nanmean(part, axis=1)
    np.fill_diagonal(part, diagonal)
    differs = np.abs(part - part.T).mean() > ASYMMETRY * part.mean()
    nonzero = diagonal > DIAGONAL * mean
    if not differs and 2 * np.count_nonzero(nonzero & (diagonal >= middle)) > len(rows):
        raise ValueError(
            f"X is square and symmetric, but its values fall away from the diagonal (the first is {diagonal[0]:.3g}, "
            f"the median of the others in its row {middle[0]:.3g}), as similarities do; distances are needed, where "
            f"small means near. {CURES}Distances whose diagonal was set to something else: "
            "np.fill_diagonal(X, 0)."
        )
    if differs and nonzero.mean() > NONZERO_SHARE:
        raise ValueError(
            f"X is square, but it contains no distances: {nonzero.mean():.0%} of its diagonal are not 0, and X[i, j] "
            f"differs from X[j, i]. {FEATURES_CURE}{CURES}Distances with errors: np.fill_diagonal(X, 0), "
            "(X + X.T) / 2."
        )
    if differs or 2 * nonzero.mean() > 1:
        what = "X[i, j] differs from X[j, i] by more than rounding" if differs else "the diagonal of X is not 0"
        cure = "(X + X.T) / 2" if differs else "np.fill_diagonal(X, 0)"
        warn(
            f"X is treated as a distance matrix, but {what}. {FEATURES_CURE}A dense kNN graph, in which 0 "
            f"means no neighbor: pass it as a sparse graph. If X is correct, silence this by {cure}.",
            DoubtfulDistancesWarning,
        )


def _check_graph(graph: SparseMatrix) -> None:
    """Check stored diagonals of a graph, and whether values grow with the number of shared neighbors."""
    n = graph.shape[0]
    rows = sample_rows(n)
    largest, rises = 0, []
    looks = 0
    for row in rows:
        names, values = (part[graph.indptr[row] : graph.indptr[row + 1]] for part in (graph.indices, graph.data))
        others, of_others, itself = names[names != row], values[names != row], values[names == row]
        if not len(others):
            continue
        largest += is_among_largest(itself, of_others)
        looks += int((graph.indptr[others + 1] - graph.indptr[others]).sum())
        if len(others) >= MIN_LENGTH and looks < MAX_LOOKUPS and may_be_shares(of_others):
            rises.append(correlate_ranks(_share_neighbors(graph, names, others), of_others))
    if 2 * largest > len(rows):
        raise ValueError(
            f"X is a sparse graph in which most rows have their largest values on the diagonal, as similarities do; "
            f"distances are needed, where small means near, and 0 on the diagonal or nothing. {CURES}"
        )
    if is_correlated(rises):
        raise ValueError(
            f"X is a sparse graph with values up to 1 that are the larger, the more neighbors two rows share "
            f"(correlation {np.mean(rises):.2f}), as memberships and similarities are; distances are needed, where "
            f"small means near. {CURES}If they are distances, pass them as knn_indices and knn_dists."
        )


def _share_neighbors(graph: SparseMatrix, names: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the share of neighbors that a row has in common with other rows."""
    listed = np.zeros(graph.shape[1], bool)
    listed[names] = True
    lists = [graph.indices[graph.indptr[other] : graph.indptr[other + 1]] for other in others]
    common = np.array([np.count_nonzero(listed[entries]) for entries in lists])
    return compute_share(common, np.array([len(entries) for entries in lists]), len(names))
