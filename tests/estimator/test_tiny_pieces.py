"""Tests of graphs with tiny components: finite positions, the same bits on any threads, and a reasonable width."""

import numpy as np
import pytest

from umap_sk import PrecomputedUMAP


@pytest.fixture(scope="module", params=[2, 3, 5, 10])
def cliques(request):
    """Return the maps of 30,000 rows in cliques, on one thread and on two, with an axis for the cliques.

    Each clique is one vertex of the coarsest level, which has no edge.
    """
    n, size = 30_000, request.param
    rows = np.arange(n)[:, None]
    indices = rows // size * size + (rows % size + np.arange(1, size)) % size
    arrays = {"knn_indices": indices, "knn_dists": np.ones(indices.shape)}
    model = PrecomputedUMAP(size, n_epochs=20, random_state=0)
    return [model.set_params(n_jobs=jobs).fit_transform(**arrays).reshape(-1, size, 2) for jobs in (1, 2)]


def test_tiny_pieces_have_places_and_bits(cliques):
    assert np.isfinite(cliques[0]).all()
    assert cliques[0].tobytes() == cliques[1].tobytes()


def test_tiny_pieces_leave_a_map_of_sane_width(cliques):
    assert np.ptp(cliques[0], axis=(0, 1)).max() < 3_000


def test_members_of_tiny_pieces_lie_apart(cliques):
    assert np.median(np.ptp(cliques[0], axis=1).max(axis=1)) > 0.01
