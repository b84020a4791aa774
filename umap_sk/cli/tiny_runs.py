"""Tiny fits, and what follows a fit, that reach all kernels, so that numba's cache holds them.

The kernels' types do not depend on what users give: indices and distances of any dtype, in memory or mapped from files,
arrays or graphs, are read by the same ones.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from umap_sk import kernels
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.layout.coarsen import COARSEST_VERTICES
from umap_sk.layout.spaces import NAMED
from umap_sk.neighbors.few_rows import MAX_FEW_ROWS
from umap_sk.neighbors.principal_axes import SLICE, UNPROJECTED_COLUMNS
from umap_sk.neighbors.read import knn_graph
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.runtime.compile import readonly

N_NEIGHBORS = 5
FEW = 200
EPOCHS = 20  # so many that those of the near field are among them


class Ring(NamedTuple):
    """Rows in a ring, each of which is a neighbor of those beside it; its features are its place on a circle."""

    features: np.ndarray
    indices: np.ndarray
    distances: np.ndarray

    def neighbors(self, rows: int | None = None) -> dict[str, np.ndarray]:
        """Neighbors of the first rows as arguments of a fit."""
        return {"knn_indices": self.indices[:rows], "knn_dists": self.distances[:rows]}


def ring(n: int) -> Ring:
    """A ring of so many rows, at lengths of steps that no two have in common."""
    steps = np.array([1, -1, 2, -2, 3])
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    lengths = np.abs(steps) + np.random.default_rng(0).uniform(0, 0.5, (n, len(steps)))
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(n)], axis=1).astype(np.float32)
    return Ring(circle, (np.arange(n)[:, None] + steps) % n, lengths)


def fitted(given: Ring, **parameters: Any) -> PrecomputedUMAP:
    """A short fit."""
    usual = {"n_neighbors": N_NEIGHBORS, "n_epochs": EPOCHS, "random_state": 0}
    return PrecomputedUMAP(**{**usual, **parameters}).fit(given.features, **given.neighbors())


def placed(model: PrecomputedUMAP, given: Ring) -> np.ndarray:
    """New rows in a map, and features of places of that map."""
    places = model.transform(given.features[:9], **given.neighbors(9))
    return model.inverse_transform(places) if model.output_metric == "euclidean" else places


def starts(given: Ring) -> None:
    """All ways to begin."""
    for init in ("auto", "random", "pca", "pivot_mds", "spectral"):
        fitted(given, init=init)


def searches() -> None:
    """Neighbors among features of both precisions, of few and of many columns, and sparse ones; new rows as well."""
    random = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for columns in (2, UNPROJECTED_COLUMNS + SLICE):
            rows = (random.random((MAX_FEW_ROWS + 1, 3)) @ random.random((3, columns))).astype(dtype)
            for exact in (True, False):
                search = RowSearch(rows, "correlation", exact=exact)
                search.find_neighbors(None, N_NEIGHBORS)
                search.find_neighbors(rows[:9], N_NEIGHBORS)
        search.rank_candidates(None, np.zeros((len(rows), 1), np.int64), 1)
    sparse = RowSearch(scipy.sparse.eye_array(FEW, format="csr"), "euclidean", exact=True)
    sparse.find_neighbors(None, N_NEIGHBORS)
    sparse.find_neighbors(sparse.features[:9], N_NEIGHBORS)


def graphs(given: Ring) -> None:
    """Neighbors as a graph, whose distances keep their precision, and edges that only one of their ends lists."""
    PrecomputedUMAP(N_NEIGHBORS, n_epochs=EPOCHS, random_state=0).fit(knn_graph(given.indices, given.distances))
    kernels.first_outside(readonly(np.arange(FEW)), FEW)  # of sparse arrays with wide indices
    fitted(given, symmetrize=False)


def targets(given: Ring) -> None:
    """Labels, and numbers."""
    rows = np.arange(len(given.features))
    for metric, y in (("categorical", rows // 50), ("euclidean", rows / 50)):
        PrecomputedUMAP(N_NEIGHBORS, n_epochs=EPOCHS, random_state=0, target_metric=metric).fit(
            given.features, y, **given.neighbors()
        )


def many_rows(n_components: int) -> Callable[[], object]:
    """A map of a graph that has coarser levels, and new rows in it."""

    def run() -> object:
        given = ring(COARSEST_VERTICES + 1)
        return placed(fitted(given, n_components=n_components), given)

    return run


def few_rows(n_components: int) -> Callable[[], object]:
    """A map of a graph without coarser levels, and new rows in it."""
    return lambda: placed(fitted(ring(FEW), n_components=n_components), ring(FEW))


def density() -> None:
    """Maps that keep the density, on one level and on many."""
    for n in (FEW, COARSEST_VERTICES + 1):
        fitted(ring(n), dens_lambda=2.0)
    fitted(ring(FEW), dens_lambda=2.0, n_components=3)


def growth() -> None:
    """New rows that become part of a map, and rows that are held near places."""
    given, grown = ring(FEW), ring(FEW + 5)
    model = PrecomputedUMAP(N_NEIGHBORS, n_epochs=EPOCHS).fit(**given.neighbors())
    model.update(knn_indices=grown.indices, knn_dists=grown.distances)
    for dimensions in (2, 3):
        places = np.where(np.arange(FEW)[:, None] < 5, given.features[:, :dimensions], np.nan)
        PrecomputedUMAP(N_NEIGHBORS, dimensions, n_epochs=EPOCHS).fit(**given.neighbors(), anchors=places)


def set_operations() -> None:
    """Union, intersection and difference of manifolds."""
    one, other = (fitted(ring(FEW), n_neighbors=k).manifold_ for k in (N_NEIGHBORS, N_NEIGHBORS - 1))
    for manifold in (one + other, one * other, one - other):
        PrecomputedUMAP(n_epochs=EPOCHS, random_state=0).fit(manifold=manifold)


def output_metrics() -> None:
    """Maps of other spaces, and new rows in them."""
    given = ring(FEW)
    for metric in NAMED:
        needed = {"minkowski": {"p": 3.0}, "torus": {"period": 20.0}}.get(metric)
        axes = 2 if metric == "haversine" else 3
        model = fitted(given, output_metric=metric, output_metric_params=needed, n_components=axes, init="random")
        placed(model, given)


def pieces() -> None:
    """What a fit on a cluster launches beside the others' kernels: rows of a graph in several processes."""
    manifold = PrecomputedUMAP(N_NEIGHBORS).learn_manifold(**ring(FEW).neighbors())
    indptr, indices, weights = (readonly(array) for array in manifold._shared.rows(keep=False))
    starts, received = indptr[:-1].copy(), (np.empty_like(indices), np.empty_like(weights))
    kernels.count_sent(indptr, indices, 0, np.zeros(FEW, np.int64))
    kernels.fill_sent(indptr, indices, weights, 0, 0, starts, *received)
    kernels.append_rows(indptr, indices, weights, indptr[:-1].copy(), *received)
    kernels.copy_rows(indptr, indices, weights, np.arange(FEW), indptr, *received)
    more, room = tuple(map(readonly, received)), readonly(2 * indptr)
    united, lengths = (np.empty(room[-1], np.int32), np.empty(room[-1], np.float32)), np.empty(FEW, np.int64)
    kernels.unite_rows(indptr, indices, weights, indptr, *more, np.float32(1), *united, lengths)
    kernels.close_gaps(room, readonly(lengths), *united)


USUAL: dict[str, Callable[[], object]] = {
    "two axes": few_rows(2),
    "starts": lambda: starts(ring(FEW)),
    "coarser levels": many_rows(2),
    "three axes": few_rows(3),
    "three axes, coarser levels": many_rows(3),
    "searches": searches,
    "graphs": lambda: graphs(ring(FEW)),
    "targets": lambda: targets(ring(FEW)),
    "density": density,
    "pieces": pieces,
}
OTHERS: dict[str, Callable[[], object]] = {
    "growing maps and anchors": growth,
    "set operations": set_operations,
    "output metrics": output_metrics,
}
