"""What a plan is made from: sizes that are told, read off the arrays, or bounded."""

import os
from typing import Any, NamedTuple

import numpy as np

from umap_sk.checkpoint.settings import Checkpoint, as_checkpoint
from umap_sk.graph.manifold import Manifold
from umap_sk.layout.start import STARTS
from umap_sk.neighbors.validate import check_width
from umap_sk.planning.search import Searched, searched_of

OF_THE_ESTIMATOR = ("n_components", "dens_lambda", "symmetrize", "multilevel", "n_epochs", "checkpoint")
SAMPLED_ROWS = 1000  # whose neighbors are looked up to see how many list them as well
MAPPED_ROWS = 100  # the same of arrays in files, where each of these rows and of its neighbors is a read of its own


class Sizes(NamedTuple):
    """What a plan is made from."""

    n: int  # rows
    listed: int  # neighbors that each row of the arrays lists; 0 if the graph is there already
    kept: int  # neighbors that are used, of all rows
    edges: int  # entries of the graph
    edges_known: bool  # or `edges` is an upper bound
    n_components: int
    symmetrize: bool
    multilevel: bool
    start: str  # "auto", "pivot_mds", "spectral", "pca", "random" or "array"
    n_epochs: int | None
    on_disk: bool  # whether the graph is built and kept in files, and its slices with it
    own: bool  # whether nobody else holds the graph's arrays, so that they go when the slices are there
    checkpoints: int  # how many of the run lie on the disk at most; 0 if none is kept
    dens_lambda: float = 0.0
    targets: int | None = None  # neighbors of each row among targets, 0 of labels; None where none shape the graph
    search: Searched | None = None  # of features, where the package finds the neighbors


def edges_of_arrays(indices: np.ndarray, wanted: int, *, symmetrize: bool = True) -> int:
    """Entries of the graph of neighbor arrays, from the rows of a sample that their neighbors list as well."""
    n = len(indices)
    most = MAPPED_ROWS if isinstance(indices, np.memmap) else SAMPLED_ROWS
    rows = np.random.default_rng(0).choice(n, min(n, most), replace=False)
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
    """Sizes of a fit from what it is given; entries that are not known are estimated from arrays, or bounded."""
    graph = manifold if isinstance(manifold, Manifold) else None
    table = next((array for array in (knn_indices, X) if getattr(array, "ndim", 0) == 2), None)
    if graph is not None:
        n_samples, edges = graph.n_samples, graph.n_edges
    elif table is not None:
        n_samples = table.shape[0]
    n_samples = _checked_rows(n_samples)
    wanted = min(estimator.n_neighbors - 1, n_samples - 1)
    listed = 0 if graph is not None else wanted + 1
    if listed and table is knn_indices and isinstance(table, np.ndarray) and table.dtype.kind in "iu":
        listed = table.shape[1]
        if edges is None and estimate:
            edges = edges_of_arrays(table, wanted, symmetrize=estimator.symmetrize)
    start = estimator.init if init is None else init
    features = X if graph is None and knn_indices is None else None
    sizes = make_sizes(
        n_samples,
        wanted,
        listed,
        edges,
        start=start if isinstance(start, str) else "array",
        on_disk=graph is not None and graph.on_disk,
        own=graph is None or graph.owns_arrays,
        search=None if features is None else searched_of(estimator, features),
        **{name: getattr(estimator, name) for name in OF_THE_ESTIMATOR},
    )
    return sizes if graph is not None or estimator.target_metric is None else _with_targets(sizes, estimator)


def _with_targets(sizes: Sizes, estimator: Any) -> Sizes:
    """Sizes of a fit whose graph is learned with targets: those that are numbers bring edges of their own."""
    count = 0
    if estimator.target_metric != "categorical":
        count = min(estimator.target_n_neighbors or estimator.n_neighbors, sizes.n) - 1
    more = sizes.n * count * (2 if sizes.symmetrize else 1)
    return sizes._replace(targets=count, edges=sizes.edges + more, edges_known=sizes.edges_known and not more)


def _checked_rows(n_samples: int | None) -> int:
    """Rows, if they are known, can have neighbors, and are not more than a fit takes."""
    if n_samples is None or n_samples < 2:
        raise ValueError(
            "Nothing tells the number of rows, of which 2 are needed: give n_samples, a manifold, or X or knn_indices "
            "as an array of two dimensions."
        )
    check_width(n_samples, None)
    return n_samples


def make_sizes(
    n: int,
    wanted: int,
    listed: int,
    edges: int | None,
    *,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Sizes:
    """Sizes from the other fields, with the most entries that the graph can have where they are not known."""
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
