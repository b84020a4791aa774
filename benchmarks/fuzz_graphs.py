"""Maps of thousands of small random graphs, each of which must be whole, repeatable and no wider than a map is.

``python -m benchmarks.fuzz_graphs --examples 5000`` draws neighbor lists of 2 to 60 rows with ties, duplicates, missing
neighbors, pieces that nothing connects and rows that nobody lists, and lays them out, symmetric and directed, over one
level and several. A row has a place if, and only if, it has an edge; the same input gives the same bits again, on one
thread and on two. The first failure is printed in its smallest form.
"""

import functools
import warnings
from typing import NamedTuple
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import command
from umap_sk import DisconnectedWarning, DuplicateNeighborsWarning, FewerNeighborsWarning, PrecomputedUMAP
from umap_sk.layout import coarsen

EXPECTED = (DisconnectedWarning, DuplicateNeighborsWarning, FewerNeighborsWarning)
WIDEST = 400.0  # a map of 60 rows that lie as far apart as the curve lets them
REFUSALS = ("has a usable neighbor", "The graph has no edge")
KINDS, MISSING = ("points", "grid", "copies", "list"), (0.0, 0.2, 0.8)
COARSEST = 10  # vertices that need no coarser level, where there are to be several


class Case(NamedTuple):
    """Neighbor lists and what to make of them: arguments of the estimator and of its fit."""

    indices: np.ndarray
    dists: np.ndarray
    options: dict
    several_levels: bool

    def fit(self, n_jobs=1):
        """A map, over levels of few vertices where there are to be several."""
        largest = COARSEST if self.several_levels else coarsen.COARSEST_VERTICES
        few = mock.patch.object(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=largest))
        with few, warnings.catch_warnings():
            for category in EXPECTED:
                warnings.simplefilter("ignore", category)
            model = PrecomputedUMAP(n_epochs=10, random_state=0, n_jobs=n_jobs, **self.options)
            return model.fit(knn_indices=self.indices, knn_dists=self.dists)


def neighbor_lists(rng, n, k, pieces, missing, kind):
    """Indices and distances of so many rows of a kind, in pieces that nothing connects, a share of them missing."""
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


@st.composite
def cases(draw):
    """A case; the lists come from a generator, so that they are made quickly."""
    n, k = draw(st.integers(2, 60)), draw(st.integers(1, 8))
    pieces, missing = draw(st.integers(1, 20)), draw(st.sampled_from(MISSING))
    kind = draw(st.sampled_from(KINDS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    indices, dists = neighbor_lists(rng, n, k, pieces, missing, kind)
    options = {
        "n_neighbors": k + 1,
        "n_components": draw(st.integers(1, 3)),
        "symmetrize": draw(st.booleans()),
        "set_op_mix_ratio": draw(st.sampled_from([1.0, 0.5, 0.0])),
        "init": draw(st.sampled_from(["spectral", "random"])),
    }
    return Case(indices, dists, options, draw(st.booleans()))


def fitted(case):
    """A case's model; None where it is refused for a good reason."""
    try:
        return case.fit()
    except ValueError as error:
        if not any(text in str(error) for text in REFUSALS):
            raise
        return None


def check_places_and_bits(case):
    """A row has a place if and only if it has an edge, and the same input gives the same bits."""
    model = fitted(case)
    if model is not None:
        edges = np.diff(model.graph_.indptr) > 0
        assert (np.isfinite(model.embedding_) == edges[:, None]).all(), "a place for a row without an edge, or none"
        again = [case.fit(n_jobs).embedding_.tobytes() for n_jobs in (1, 2)]
        assert again == [model.embedding_.tobytes()] * 2, "the same input gives other bits"


def check_width(case):
    """No map is wider than one whose rows lie as far apart as the curve lets them."""
    model = fitted(case)
    if model is not None:
        width = np.nanmax(np.nanmax(model.embedding_, axis=0) - np.nanmin(model.embedding_, axis=0))
        assert width < WIDEST, f"the map is {width:.3g} wide"


def main(argv=None):
    """Run the command line."""
    parser = command.parser("fuzz_graphs", __doc__)
    parser.add_argument("--examples", type=int, default=5000)
    examples = parser.parse_args(argv).examples
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    for check in (check_places_and_bits, check_width):
        settings(max_examples=examples, deadline=None, suppress_health_check=slow)(given(cases())(check))()
    print(f"{examples} graphs, no failure")


if __name__ == "__main__":
    main()
