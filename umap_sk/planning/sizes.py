"""The sizes from which a plan is made: given, read from arrays, or bounded."""

from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from umap_sk._typing import Features, FeaturesLike
from umap_sk.checkpoint.settings import CheckpointLike, as_checkpoint
from umap_sk.graph.manifold import Manifold
from umap_sk.layout.optimizer import Forces
from umap_sk.layout.start import START_NAMES
from umap_sk.neighbors.validate import as_array, check_index_dtype, check_width
from umap_sk.pipeline.settings import Settings
from umap_sk.pipeline.targets import TargetSettings
from umap_sk.planning.search import SearchSizes, describe_search

SAMPLED_ROWS = 1000  # of which the neighbors are read, to count how many are mutual
MAPPED_ROWS = 100  # the same for arrays in files, where each of these rows and of its neighbors is a separate read


class Sizes(NamedTuple):
    """The sizes from which a plan is made."""

    n: int  # rows
    listed: int  # neighbors per row in the arrays; 0 if the graph exists already
    kept: int  # used neighbors of all rows
    edges: int  # entries of the graph
    edges_known: bool  # otherwise `edges` is an upper bound
    n_components: int
    symmetrize: bool
    multilevel: bool
    start: str  # "auto", "pivot_mds", "spectral", "pca", "random" or "array"
    n_epochs: int | None
    on_disk: bool  # whether the graph and its slices are in files
    own: bool  # whether the graph's arrays can be freed when its slices exist
    checkpoints: int  # maximal number of checkpoints on disk; 0 without checkpoints
    dens_lambda: float = 0.0
    targets: int | None = None  # neighbors per row among numeric targets, 0 for labels, None without targets
    search: SearchSizes | None = None  # of features, if the package searches them
    omitted: tuple[str, ...] = ()  # what a plan does not count


def read_indices(knn_indices: ArrayLike | None) -> np.ndarray | None:
    """Return indices as an array, memory-mapped if they were, after checks of its shape and dtype."""
    if knn_indices is None:
        return None
    array = as_array(knn_indices, "knn_indices")
    check_index_dtype(array.dtype, "knn_indices")
    return knn_indices if isinstance(knn_indices, np.ndarray) else array


def estimate_edges(indices: np.ndarray, wanted: int, *, symmetrize: bool = True) -> int:
    """Estimate the number of graph entries of neighbor arrays from how many sampled neighbors are mutual."""
    n = len(indices)
    most = MAPPED_ROWS if isinstance(indices, np.memmap) else SAMPLED_ROWS
    rows = np.random.default_rng(0).choice(n, min(n, most), replace=False)
    near, used = _find_used(indices, rows, wanted)
    if not used.any():
        raise ValueError(
            f"knn_indices names no other row in {len(rows)} of its {n} rows: their entries go from {near.min()} to "
            f"{near.max()}, but rows are numbered from 0 to {n - 1}."
        )
    if not symmetrize:
        return int(n * used.sum() / len(rows))
    back, used_back = _find_used(indices, near[used], wanted)
    mutual = ((back == np.repeat(rows, used.sum(1))[:, None]) & used_back).any(axis=1)
    return int(n * (2 * used.sum() - mutual.sum()) / len(rows))


def _find_used(indices: np.ndarray, rows: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the neighbors of some rows, and a mask of those that are used: the first `wanted` valid ones."""
    near = np.asarray(indices[rows])
    real = (near >= 0) & (near < len(indices)) & (near != rows[:, None])
    return near, real & (np.cumsum(real, axis=1) <= wanted)


def derive_sizes(
    settings: Settings,
    X: FeaturesLike | None = None,
    knn_indices: ArrayLike | None = None,
    manifold: Manifold | None = None,
    *,
    n_samples: int | None = None,
    edges: int | None = None,
    init: str | ArrayLike | None = None,
    checkpoint: CheckpointLike | None = None,
    estimate: bool = True,
) -> Sizes:
    """Return the sizes of a fit. Unknown numbers of entries are estimated from arrays, or bounded."""
    graph = manifold if isinstance(manifold, Manifold) else None
    table = next((array for array in (knn_indices, X) if _is_table(array)), None)
    if graph is not None:
        graph.check_agrees(settings.graph.get_identity())
        n_samples, edges = graph.n_samples, graph.n_edges
    elif table is not None:
        n_samples = table.shape[0]
    n_samples = _check_n_samples(n_samples)
    wanted = min(settings.graph.n_others, n_samples - 1)
    listed = 0 if graph is not None else wanted + 1
    if listed and table is knn_indices and isinstance(table, np.ndarray) and table.dtype.kind in "iu":
        listed = table.shape[1]
        if edges is None and estimate:
            edges = estimate_edges(table, wanted, symmetrize=settings.graph.symmetrize)
    start = settings.layout.init if init is None else init
    features = X if graph is None and knn_indices is None else None
    search = None if features is None else describe_search(settings.search, features)
    unknown_search = features is not None and search is None and not settings.takes_distances
    sizes = make_sizes(
        n_samples,
        wanted,
        listed,
        edges,
        start=start if isinstance(start, str) else "array",
        on_disk=graph is not None and graph.on_disk,
        own=graph is None or graph.owns_arrays,
        search=search,
        checkpoint=checkpoint,
        n_components=settings.layout.n_components,
        dens_lambda=settings.graph.dens_lambda,
        symmetrize=settings.graph.symmetrize,
        multilevel=settings.layout.schedule.multilevel,
        n_epochs=settings.layout.schedule.n_epochs,
        omitted=list_omitted(settings, unknown_search=unknown_search),
    )
    return sizes if graph is not None or settings.targets is None else _add_targets(sizes, settings.targets)


def list_omitted(settings: Settings, *, unknown_search: bool) -> tuple[str, ...]:
    """Return what a plan does not count: searches by libraries, and more work in each epoch than usual."""
    omitted = ["the search by this metric or searcher"] if unknown_search else []
    usual_rate = Forces._field_defaults["negative_rate"]
    more = {
        "output_metric": settings.layout.space is not None,
        "negative_sample_rate": settings.layout.forces.negative_rate > usual_rate,
        "dens_lambda": settings.graph.dens_lambda > 0,
    }
    names = [name for name, holds in more.items() if holds]
    if names:
        omitted.append(f"the time that {' and '.join(names)} add{'s' * (len(names) == 1)}")
    return tuple(omitted)


def _is_table(values: object) -> TypeGuard[Features]:
    """Return whether values are an array or a graph of two dimensions."""
    return getattr(values, "ndim", 0) == 2


def _add_targets(sizes: Sizes, targets: TargetSettings) -> Sizes:
    """Return the sizes of a fit with targets. Numeric targets add edges of their own."""
    count = 0 if targets.metric == "categorical" else min(targets.n_neighbors, sizes.n) - 1
    more = sizes.n * count * (2 if sizes.symmetrize else 1)
    return sizes._replace(targets=count, edges=sizes.edges + more, edges_known=sizes.edges_known and not more)


def _check_n_samples(n_samples: int | None) -> int:
    """Return the number of rows if it is known and valid, and raise an error otherwise."""
    if n_samples is None or n_samples < 2:
        raise ValueError(
            "The number of rows is unknown or below 2. Pass n_samples, a manifold, or X or knn_indices "
            "as an array of two dimensions."
        )
    check_width(n_samples, None)
    return int(n_samples)


def make_sizes(
    n: int,
    wanted: int,
    listed: int,
    edges: int | None,
    *,
    checkpoint: CheckpointLike | None = None,
    **settings: Any,
) -> Sizes:
    """Make sizes from the other fields. An unknown number of graph entries is replaced by its upper bound."""
    starts = ("array", *START_NAMES)
    if settings["start"] not in starts:
        raise ValueError(f"init={settings['start']!r}, but one of {starts} is needed; 'array' stands for any array.")
    kept = n * min(wanted, listed or wanted, n - 1)
    known = edges is not None
    most = kept * (2 if settings["symmetrize"] else 1)
    # One more than are kept: the oldest is removed when the newest is complete.
    checkpoints = 0 if checkpoint is None else as_checkpoint(checkpoint).keep + 1
    edges = most if edges is None else int(edges)
    return Sizes(n, listed, kept, edges, known, **settings, checkpoints=checkpoints)
