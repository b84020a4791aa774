"""What a plan is made from: sizes that are told, read off the arrays, or bounded."""

import os
from typing import Any, NamedTuple

import numpy as np

from umap_sk.checkpoint.settings import Checkpoint, as_checkpoint
from umap_sk.graph.manifold import Manifold
from umap_sk.inputs import STARTS

SAMPLED_ROWS = 1000  # whose neighbors are looked up to see how many list them as well


class Sizes(NamedTuple):
    """What a plan is made from.

    Attributes
    ----------
    n : int
        Rows.
    listed : int
        Neighbors that each row of the arrays lists; 0 if the graph is there already.
    kept : int
        Neighbors that are used, of all rows.
    edges : int
        Entries of the graph.
    edges_known : bool
        False if `edges` is an upper bound.
    n_components : int
        Axes of the embedding.
    symmetrize, multilevel : bool
        As the estimator's parameters.
    start : str
        "auto", "pivot_mds", "spectral", "pca", "random" or "array".
    n_epochs : int or None
        As the estimator's parameter.
    on_disk : bool
        Whether the graph is built and kept in files, and its strips with it.
    own : bool
        Whether nobody else holds the graph's arrays, so that they go when the strips are there.
    checkpoints : int
        How many checkpoints of the run lie on the disk at most; 0 if none is kept.
    """

    n: int
    listed: int
    kept: int
    edges: int
    edges_known: bool
    n_components: int
    symmetrize: bool
    multilevel: bool
    start: str
    n_epochs: int | None
    on_disk: bool
    own: bool
    checkpoints: int


def edges_of_arrays(indices: np.ndarray, wanted: int, *, symmetrize: bool = True) -> int:
    """Entries of the graph of neighbor arrays, from the rows of a sample that their neighbors list as well.

    Parameters
    ----------
    indices : ndarray of shape (n, k)
        Neighbors; may be a memory map, of which few rows are read.
    wanted : int
        Neighbors of a row that are used.
    symmetrize : bool
        False for the directed graph, which has an entry a neighbor.

    Returns
    -------
    int
        The estimate.
    """
    n = len(indices)
    rows = np.random.default_rng(0).choice(n, min(n, SAMPLED_ROWS), replace=False)
    near, used = _used(indices, rows, wanted)
    if not symmetrize:
        return int(n * used.sum() / len(rows))
    back, used_back = _used(indices, near[used], wanted)
    mutual = ((back == np.repeat(rows, used.sum(1))[:, None]) & used_back).any(axis=1)
    return int(n * (2 * used.sum() - mutual.sum()) / len(rows))


def _used(indices: np.ndarray, rows: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbors of some rows, and which of them are used: the first few that name another row."""
    near = np.asarray(indices[rows])
    real = (near >= 0) & (near < len(indices)) & (near != rows[:, None])
    return near, real & (np.cumsum(real, axis=1) <= wanted)


def sizes_of(
    estimator: Any,
    X: Any = None,
    knn_indices: Any = None,
    manifold: Any = None,
    *,
    n_samples: int | None = None,
    edges: int | None = None,
    init: Any = None,
    estimate: bool = True,
) -> Sizes:
    """Sizes of a fit from an estimator's parameters and what it is given.

    Parameters
    ----------
    estimator : PrecomputedUMAP
        Has the parameters.
    X, knn_indices, manifold, init : object or None
        As in its ``fit``.
    n_samples : int, optional
        Rows, where none of these is given.
    edges : int, optional
        Entries of the graph, if they are known.
    estimate : bool
        Whether the entries are estimated from arrays, which takes some milliseconds, or bounded.

    Returns
    -------
    Sizes
        What a plan is made from.

    Raises
    ------
    ValueError
        If nothing tells the number of rows, or the start's name is not known.
    """
    table = next((array for array in (knn_indices, X) if getattr(array, "ndim", 0) == 2), None)
    if isinstance(manifold, Manifold):
        n_samples, edges = manifold.n_samples, manifold.n_edges
    elif table is not None:
        n_samples = table.shape[0]
    if n_samples is None or n_samples < 2:
        raise ValueError(
            "Nothing tells the number of rows, of which 2 are needed: give n_samples, a manifold, or X or knn_indices "
            "as an array of two dimensions."
        )
    wanted = min(estimator.n_neighbors - 1, n_samples - 1)
    listed = 0 if isinstance(manifold, Manifold) else wanted + 1
    if listed and table is knn_indices and isinstance(table, np.ndarray) and table.dtype.kind in "iu":
        listed = table.shape[1]
        if edges is None and estimate:
            edges = edges_of_arrays(table, wanted, symmetrize=estimator.symmetrize)
    start = estimator.init if init is None else init
    return make_sizes(
        n_samples,
        wanted,
        listed,
        edges,
        n_components=estimator.n_components,
        symmetrize=estimator.symmetrize,
        multilevel=estimator.multilevel,
        start=start if isinstance(start, str) else "array",
        n_epochs=estimator.n_epochs,
        on_disk=isinstance(manifold, Manifold) and manifold._held.in_files,
        own=bool(manifold._held.own) if isinstance(manifold, Manifold) else True,
        checkpoint=estimator.checkpoint,
    )


def make_sizes(
    n: int,
    wanted: int,
    listed: int,
    edges: int | None,
    *,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Sizes:
    """Sizes, with the most entries that the graph can have where they are not known.

    Parameters
    ----------
    n : int
        Rows.
    wanted : int
        Neighbors of a row that are used, where so many are listed.
    listed : int
        Neighbors that each row lists; 0 if the graph is there already.
    edges : int or None
        Entries of the graph.
    checkpoint : Checkpoint, str, path or None
        As the estimator's parameter.
    **settings : object
        The other fields of `Sizes`.

    Returns
    -------
    Sizes
        What a plan is made from.

    Raises
    ------
    ValueError
        If the start's name is not known.
    """
    starts = ("array", *STARTS)
    if settings["start"] not in starts:
        raise ValueError(f"init={settings['start']!r}, but one of {starts} is needed; 'array' stands for any array.")
    kept = n * min(wanted, listed or wanted, n - 1)
    known = edges is not None
    most = kept * (2 if settings["symmetrize"] else 1)
    # One more than are kept: the oldest goes when the newest is there.
    checkpoints = 0 if checkpoint is None else as_checkpoint(checkpoint).keep + 1
    edges = most if edges is None else int(edges)
    return Sizes(n, listed, kept, edges, known, **settings, checkpoints=checkpoints)
