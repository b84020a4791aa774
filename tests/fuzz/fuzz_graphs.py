"""Test of maps of small random graphs.

Each example draws neighbor arrays of 2 to 60 rows with ties, duplicates, missing neighbors, several connected
components and rows that no other row lists. It lays them out, symmetric or directed, on one level or several. A row has
a position if and only if it has an edge. The same input gives the same bits again, on one thread and on two. No map may
be wider than one whose rows are as far apart as the curve allows.
"""

import functools
import warnings
from unittest import mock

import numpy as np
from fuzzing import pick

from umap_sk import PrecomputedUMAP, UMAPWarning
from umap_sk.layout import coarsen

WIDEST = 400.0  # a map of 60 rows that lie as far apart as the curve lets them
REFUSALS = ("has a usable neighbor", "The graph has no edge")
KINDS, MISSING = ("points", "grid", "copies", "list"), (0.0, 0.2, 0.8)
COARSEST = 10  # vertices that need no coarser level, where there are to be several


def neighbor_lists(rng, n, k, pieces, missing, kind):
    """Return indices and distances of rows in several connected components, with some missing neighbors."""
    points = rng.normal(size=(n, 2))
    if kind == "grid":
        points = np.round(points)
    elif kind == "copies":
        points = points[rng.integers(0, max(1, n // 4), n)]
    piece = np.arange(n) % pieces
    apart = np.abs(points[:, None] - points).sum(-1) + 1e9 * (piece[:, None] != piece) - np.eye(n)
    indices = np.argsort(apart, axis=1, kind="stable")[:, : k + 1]
    dists = np.maximum(np.take_along_axis(apart, indices, 1), 0)
    indices[dists >= 1e9] = -1
    if kind == "list":
        indices, dists = rng.integers(0, n, (n, k)), np.sort(rng.integers(1, 4, (n, k)).astype(float), axis=1)
    indices[rng.random(indices.shape) < missing] = -1
    return indices, dists


def check(random):
    """Lay one graph out three times, and return the outcome."""
    n, k = int(random.integers(2, 61)), int(random.integers(1, 9))
    pieces, missing, kind = random.integers(1, 21), pick(random, MISSING), pick(random, KINDS)
    indices, dists = neighbor_lists(random, n, k, pieces, missing, kind)
    settings = {"n_components": int(random.integers(1, 4)), "symmetrize": bool(random.integers(2))}
    settings |= {
        "set_op_mix_ratio": pick(random, (1.0, 0.5, 0.0)),
        "init": pick(random, ("spectral", "random")),
    }
    largest = pick(random, (COARSEST, coarsen.COARSEST_VERTICES))

    def fit(n_jobs):
        few = functools.partial(coarsen.build_levels, largest=largest)
        with mock.patch.object(coarsen, "build_levels", few), warnings.catch_warnings():
            warnings.simplefilter("ignore", UMAPWarning)
            model = PrecomputedUMAP(k + 1, n_epochs=10, random_state=0, n_jobs=n_jobs, **settings)
            return model.fit(knn_indices=indices, knn_dists=dists)

    try:
        model = fit(1)
    except ValueError as error:
        if not any(text in str(error) for text in REFUSALS):
            raise
        return "refused"
    edges = np.diff(model.graph_.indptr) > 0
    assert (np.isfinite(model.embedding_) == edges[:, None]).all(), "a place for a row without an edge, or none"
    again = [fit(n_jobs).embedding_.tobytes() for n_jobs in (1, 2)]
    assert again == [model.embedding_.tobytes()] * 2, "the same input gives other bits"
    width = np.nanmax(np.nanmax(model.embedding_, axis=0) - np.nanmin(model.embedding_, axis=0))
    assert width < WIDEST, f"the map is {width:.3g} wide"
    return "a map"
