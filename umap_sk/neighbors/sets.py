"""Exact search by metrics of sets, such as Jaccard's, from the numbers of common columns.

These numbers come from one matrix product. They are whole numbers, so the bits depend neither on threads nor on the
library that multiplies.
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse

from umap_sk._typing import Features, is_sparse
from umap_sk.neighbors.all_pairs import search_all_pairs

SPARSE_SHARE = 0.05  # largest share of columns per row with which sparse products are faster
MAX_COLUMNS = 2**24  # whole numbers up to this are exact in float32


def divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide arrays, with 0 / 0 = 0."""
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below != 0)


SET_FORMULAS: dict[str, Callable[..., np.ndarray]] = {
    "jaccard": lambda both, first, second, n: divide(first + second, both + first + second),
    "dice": lambda both, first, second, n: divide(first + second, 2 * both + first + second),
    "rogerstanimoto": lambda both, first, second, n: 2 * (first + second) / (n + first + second),
    "russellrao": lambda both, first, second, n: (n - both) / n,
    "sokalsneath": lambda both, first, second, n: divide(2 * (first + second), both + 2 * (first + second)),
    "yule": lambda both, first, second, n: divide(
        2 * first * second, both * (n - both - first - second) + first * second
    ),
}
"""Distances from the numbers of columns in both sets, in the first or the second one only, and of all columns."""


def search_sets(
    metric: str,
    training: np.ndarray,
    rows: np.ndarray | None,
    wanted: int,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest sets of each row among the training rows, by distance and then by index.

    Rows are bool. Without `rows`, they are the training rows, and no row is its own neighbor.
    """
    sets = training if rows is None else rows
    matrix = as_matrix(training)
    sizes = np.count_nonzero(training, axis=1).astype(np.float64)

    def compute(block: slice) -> np.ndarray:
        both = count_common(as_matrix(sets[block], like=matrix), matrix)
        first = np.count_nonzero(sets[block], axis=1)[:, None] - both
        return SET_FORMULAS[metric](both, first, sizes - both, training.shape[1])

    numbers = np.arange(len(training)) if rows is None else None
    return search_all_pairs(compute, (len(sets), len(training)), wanted, numbers=numbers, progress=progress)


def count_common(sets: Features, others: Features) -> np.ndarray:
    """Return the numbers of common columns of each two rows in float64."""
    product: Features = sets @ others.T  # type: ignore[union-attr]
    return (product.toarray() if is_sparse(product) else np.asarray(product)).astype(np.float64)


def as_matrix(sets: np.ndarray, like: Features | None = None) -> Features:
    """Return sets as a matrix of ones and zeros, which is sparse if the sets are small or `like` is sparse."""
    sparse = np.count_nonzero(sets) <= SPARSE_SHARE * sets.size if like is None else is_sparse(like)
    return scipy.sparse.csr_array(sets, dtype=np.float32) if sparse else sets.astype(np.float32)
