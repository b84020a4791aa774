"""Detection of square X that contains no distances, but similarities, memberships or features.

A few evenly spread rows suffice. Distances of any kind and magnitude pass.
"""

import numpy as np

from umap_sk._typing import Features, Metric, SparseMatrix, is_sparse
from umap_sk.exceptions import DoubtfulDistancesWarning, warn
from umap_sk.neighbors.formats import as_csr
from umap_sk.neighbors.similarities import (
    DIAGONAL,
    MIN_LENGTH,
    Sample,
    correlate_with_shared_neighbors,
    count_largest_own,
    is_correlated,
)
from umap_sk.neighbors.validate import sample_rows

MATRIX_SAMPLE = 300  # rows and columns of a dense matrix that are checked
ASYMMETRY = 1e-3  # asymmetry, relative to the mean distance, that rounding explains
NONZERO_SHARE = 0.05  # share of rows with a nonzero diagonal that a matrix may have if it is asymmetric
ZEROS_SHARE = 0.75  # share of zeros in a matrix that is probably a neighbor graph
MAX_LOOKUPS = 10_000_000  # entries that are read

MEMBERSHIPS_CURE = "Memberships, such as obsp['connectivities']: fit(manifold=Manifold.from_graph(X)). "
CURES = f"Cosine similarities: pass 1 - X. {MEMBERSHIPS_CURE}"
GRAPH_CURES = f"Cosine similarities: set X.data = 1 - X.data. {MEMBERSHIPS_CURE}"
MODE_CURE = "Connectivity of kneighbors_graph or KNeighborsTransformer: set mode='distance'."
DENSE_GRAPH_CURE = (
    "A dense kNN graph, in which 0 means no neighbor: pass it as a sparse graph, scipy.sparse.csr_array(X)."
)
FEATURES_CURE = "Features: set metric, for example 'euclidean'. "


def check_square(X: Features) -> None:
    """Raise an error or warn if a square X does not look like distances between its rows."""
    if is_sparse(X):
        _check_graph(as_csr(X))
    else:
        _check_matrix(X)


def check_not_distances(X: Features, metric: Metric) -> None:
    """Warn if dense features are square, symmetric and positive with zeros on the diagonal, as distances are."""
    n = X.shape[0]
    if is_sparse(X) or X.shape[1] != n or n < MIN_LENGTH:
        return
    rows = sample_rows(n)
    part = np.asarray(X[rows])
    others = part[np.arange(n) != rows[:, None]]
    if part[np.arange(len(rows)), rows].any() or others.min() <= 0:
        return
    if np.allclose(part, np.asarray(X[:, rows]).T, rtol=ASYMMETRY):
        warn(
            f"X is square and symmetric, with zeros on its diagonal, as distances between rows are, but metric="
            f"{metric!r} reads it as features. If X contains distances, set metric='precomputed'.",
            DoubtfulDistancesWarning,
        )


def _check_matrix(X: np.ndarray) -> None:
    """Check the diagonal and the symmetry of a dense matrix."""
    rows = sample_rows(len(X), MATRIX_SAMPLE)
    part = X if len(rows) == len(X) else X[np.ix_(rows, rows)]
    part = part.astype(np.float64)
    diagonal = part.diagonal().copy()
    np.fill_diagonal(part, np.nan)
    middle, mean = np.nanmedian(part, axis=1), np.nanmean(part, axis=1)
    np.fill_diagonal(part, diagonal)
    differs = np.abs(part - part.T).mean() > ASYMMETRY * part.mean()
    zeros = np.count_nonzero(part == 0) - np.count_nonzero(diagonal == 0)
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
            f"X is treated as a distance matrix, but {what}. {FEATURES_CURE}{DENSE_GRAPH_CURE} If X is correct, "
            f"silence this by {cure}.",
            DoubtfulDistancesWarning,
        )
    elif zeros > ZEROS_SHARE * part.size:
        warn(
            f"X is treated as a distance matrix, but {zeros / part.size:.0%} of it are zeros off the diagonal, so that "
            f"most rows equal each other. {DENSE_GRAPH_CURE}",
            DoubtfulDistancesWarning,
        )


def _check_graph(graph: SparseMatrix) -> None:
    """Check stored diagonals of a graph, and whether values grow with the number of shared neighbors."""
    sample = sample_graph(graph)
    if 2 * count_largest_own(sample) > len(sample.rows):
        raise ValueError(
            f"X is a sparse graph in which most rows have their largest values on the diagonal, as similarities do; "
            "distances are needed, where small means near, and 0 on the diagonal or nothing. "
            f"{MODE_CURE if (graph.data == 1).all() else GRAPH_CURES}"
        )
    rises, highest = correlate_graph(graph, sample)
    if is_correlated(rises):
        what = (
            "X is a sparse graph with values that are the larger, the more neighbors two rows share (correlation "
            f"{np.mean(rises):.2f}), as memberships and similarities are; distances are needed, where small means near."
        )
        if highest > 1:
            warn(f"{what} Convert similarities first.", DoubtfulDistancesWarning)
            return
        raise ValueError(f"{what} {GRAPH_CURES}If they are distances, pass them as knn_indices and knn_dists.")


def check_memberships(graph: SparseMatrix) -> None:
    """Warn if weights of a graph are the smaller, the more neighbors two rows share, as distances are."""
    rises, _ = correlate_graph(graph, sample_graph(graph))
    if is_correlated([-rise for rise in rises]):
        warn(
            "The weights of the graph are the smaller, the more neighbors two rows share (correlation "
            f"{np.mean(rises):.2f}), as distances are; memberships are needed, where large means near. Pass distances "
            "as X to fit.",
            DoubtfulDistancesWarning,
        )


def sample_graph(graph: SparseMatrix) -> Sample:
    """Return the entries of evenly spread rows."""
    rows = sample_rows(graph.shape[0])
    part = graph[rows]
    owners = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
    return Sample(rows, owners, part.indices.astype(np.int64), part.data.astype(np.float64))


def correlate_graph(graph: SparseMatrix, sample: Sample) -> tuple[list[float], float]:
    """Return the correlation of sampled rows' values with shared neighbors, and the largest of these values.

    Rows with values of 0 or equal ones are left out, and so are those that exceed MAX_LOOKUPS together.
    """
    n_rows, is_other = len(sample.rows), ~sample.is_own
    sizes = graph.indptr[sample.names + 1] - graph.indptr[sample.names]
    owners, values = sample.owners[is_other], sample.values[is_other]
    low, high = np.full(n_rows, np.inf), np.full(n_rows, -np.inf)
    np.minimum.at(low, owners, values)
    np.maximum.at(high, owners, values)
    looks = np.cumsum(np.bincount(owners, sizes[is_other], n_rows))
    is_long = np.bincount(owners, minlength=n_rows) >= MIN_LENGTH
    is_used = (0 < low) & (low < high) & (looks < MAX_LOOKUPS) & is_long

    def read_lists(others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        part = graph[others]
        return np.diff(part.indptr), part.indices

    entries = is_used[sample.owners]
    used = Sample(sample.rows, *(array[entries] for array in sample[1:]))
    rises = correlate_with_shared_neighbors(used, graph.shape[1], sizes[entries], read_lists)
    return rises, float(high[is_used].max(initial=0))
