"""Tiny fits and calls of fitted models that use all kernels, so that numba's cache contains them.

The kernels' types do not depend on the input. The same kernels read indices and distances of any dtype, in memory or
mapped from files, as arrays or graphs.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.layout.coarsen import COARSEST_VERTICES
from umap_sk.layout.spaces import NAMED_METRICS
from umap_sk.neighbors.few_rows import MAX_ROWS
from umap_sk.neighbors.principal_axes import TILE_COLUMNS, UNPROJECTED_COLUMNS
from umap_sk.neighbors.read import knn_graph
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import build_search, find_neighbors
from umap_sk.runtime.compile import as_readonly

TINY_NEIGHBORS = 5
RING_ROWS = 200
TINY_EPOCHS = 20  # enough epochs to include those of the near field


class Ring(NamedTuple):
    """Rows on a circle, each of which is a neighbor of those next to it."""

    features: np.ndarray
    indices: np.ndarray
    distances: np.ndarray

    def neighbors(self, rows: int | None = None) -> dict[str, np.ndarray]:
        """Return the neighbors of the first rows as arguments of a fit."""
        return {"knn_indices": self.indices[:rows], "knn_dists": self.distances[:rows]}


def make_ring(n: int) -> Ring:
    """Make a ring of `n` rows with distances that are all different."""
    steps = np.array([1, -1, 2, -2, 3])
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    lengths = np.abs(steps) + np.random.default_rng(0).uniform(0, 0.5, (n, len(steps)))
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(n)], axis=1).astype(np.float32)
    return Ring(circle, (np.arange(n)[:, None] + steps) % n, lengths)


def make_model(**parameters: object) -> PrecomputedUMAP:
    """Make a model with few epochs."""
    usual = {"n_neighbors": TINY_NEIGHBORS, "n_epochs": TINY_EPOCHS, "random_state": 0}
    return PrecomputedUMAP(**{**usual, **parameters})


def fit_ring(ring: Ring, **parameters: object) -> PrecomputedUMAP:
    """Fit a model with few epochs to features and neighbors."""
    return make_model(**parameters).fit(ring.features, **ring.neighbors())


def place_rows(model: PrecomputedUMAP, ring: Ring) -> np.ndarray:
    """Place new rows in a map, and invert positions of that map."""
    places = model.transform(ring.features[:9], **ring.neighbors(9))
    return model.inverse_transform(places) if model.output_metric == "euclidean" else places


def run_starts(ring: Ring) -> None:
    """Run all initializations."""
    for init in ("auto", "random", "pca", "pivot_mds", "spectral"):
        fit_ring(ring, init=init)


def run_searches() -> None:
    """Search features of both precisions, of few and many columns, and sparse ones, also for new rows."""
    random = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for columns in (2, UNPROJECTED_COLUMNS + TILE_COLUMNS):
            rows = (random.random((MAX_ROWS + 1, 3)) @ random.random((3, columns))).astype(dtype)
            for exact in (True, False):
                search = RowSearch(rows, "correlation", exact=exact)
                search.find_neighbors(None, TINY_NEIGHBORS)
                search.find_neighbors(rows[:9], TINY_NEIGHBORS)
        search.rank_candidates(None, np.zeros((len(rows), 1), np.int64), 1)
    sparse = RowSearch(scipy.sparse.eye_array(RING_ROWS, format="csr"), "euclidean", exact=True)
    sparse.find_neighbors(None, TINY_NEIGHBORS)
    sparse.find_neighbors(sparse.features[:9], TINY_NEIGHBORS)


def run_differences() -> None:
    """Search by metrics of differences among features of both precisions."""
    for dtype in (np.float32, np.float64):
        rows = make_ring(RING_ROWS).features.astype(dtype)
        find_neighbors(build_search(rows, "hamming", None, None), None, TINY_NEIGHBORS, own=True)


def run_graphs(ring: Ring) -> None:
    """Fit a graph, whose distances keep their precision, and a directed graph."""
    make_model().fit(knn_graph(ring.indices, ring.distances))
    fit_ring(ring, symmetrize=False)


def run_targets(ring: Ring) -> None:
    """Fit with labels and with numbers."""
    rows = np.arange(len(ring.features))
    for metric, y in (("categorical", rows // 50), ("euclidean", rows / 50)):
        make_model(target_metric=metric).fit(ring.features, y, **ring.neighbors())


def fit_and_place(n: int, n_components: int) -> None:
    """Fit `n` rows, and place new rows."""
    ring = make_ring(n)
    place_rows(fit_ring(ring, n_components=n_components), ring)


def run_density() -> None:
    """Fit maps that preserve the density, on one level and on several."""
    for n in (RING_ROWS, COARSEST_VERTICES + 1):
        fit_ring(make_ring(n), dens_lambda=2.0)
    fit_ring(make_ring(RING_ROWS), dens_lambda=2.0, n_components=3)


def run_growth() -> None:
    """Update a map with new rows, and fit with anchors."""
    ring, grown = make_ring(RING_ROWS), make_ring(RING_ROWS + 5)
    model = make_model().fit(**ring.neighbors())
    model.update(knn_indices=grown.indices[RING_ROWS:], knn_dists=grown.distances[RING_ROWS:])
    for dimensions in (2, 3):
        places = np.where(np.arange(RING_ROWS)[:, None] < 5, ring.features[:, :dimensions], np.nan)
        make_model(n_components=dimensions).fit(**ring.neighbors(), anchors=places)


def run_set_operations() -> None:
    """Fit the union, intersection and difference of manifolds."""
    one, other = (fit_ring(make_ring(RING_ROWS), n_neighbors=k).manifold_ for k in (TINY_NEIGHBORS, TINY_NEIGHBORS - 1))
    for manifold in (one + other, one * other, one - other):
        make_model().fit(manifold=manifold)


def run_output_metrics() -> None:
    """Fit maps in other spaces, and place new rows."""
    ring = make_ring(RING_ROWS)
    for metric in NAMED_METRICS:
        needed = {"minkowski": {"p": 3.0}, "torus": {"period": 20.0}}.get(metric)
        axes = 2 if metric == "haversine" else 3
        model = fit_ring(ring, output_metric=metric, output_metric_params=needed, n_components=axes, init="random")
        place_rows(model, ring)


def run_pieces() -> None:
    """Launch the additional kernels of a fit on a cluster, where several processes have parts of a graph."""
    manifold = make_model().learn_manifold(**make_ring(RING_ROWS).neighbors())
    indptr, indices, weights = (as_readonly(array) for array in manifold._shared.rows(keep=False))
    starts, received = indptr[:-1].copy(), (np.empty_like(indices), np.empty_like(weights))
    kernels.count_sent(indptr, indices, 0, np.zeros(RING_ROWS, np.int64))
    kernels.fill_sent(indptr, indices, weights, 0, 0, starts, *received)
    kernels.copy_rows(indptr, indices, weights, np.arange(RING_ROWS), indptr, *received)
    more, room = tuple(map(as_readonly, received)), as_readonly(2 * indptr)
    united, lengths = (np.empty(room[-1], np.int32), np.empty(room[-1], np.float32)), np.empty(RING_ROWS, np.int64)
    kernels.unite_rows(indptr, indices, weights, indptr, *more, np.float32(1), *united, lengths)
    kernels.close_gaps(room, as_readonly(lengths), *united)


USUAL_RUNS: dict[str, Callable[[], object]] = {  # the longest first, since processes share them
    "coarser levels": lambda: fit_and_place(COARSEST_VERTICES + 1, 2),
    "two axes": lambda: fit_and_place(RING_ROWS, 2),
    "searches": run_searches,
    "density": run_density,
    "three axes": lambda: fit_and_place(RING_ROWS, 3),
    "targets": lambda: run_targets(make_ring(RING_ROWS)),
    "pieces": run_pieces,
    "graphs": lambda: run_graphs(make_ring(RING_ROWS)),
    "starts": lambda: run_starts(make_ring(RING_ROWS)),
    "three axes, coarser levels": lambda: fit_and_place(COARSEST_VERTICES + 1, 3),
}
OTHER_RUNS: dict[str, Callable[[], object]] = {
    "growing maps and anchors": run_growth,
    "set operations": run_set_operations,
    "output metrics": run_output_metrics,
    "searches by differences": run_differences,
}
