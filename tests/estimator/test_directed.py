"""Tests of directed graphs: only rows that list no neighbors have NaN as their position."""

import warnings

import numpy as np
import pytest
import scipy.sparse

from umap_sk import DisconnectedWarning, Manifold, PrecomputedUMAP, UMAPWarning
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.shared import SharedGraph
from umap_sk.layout import problem

SETTINGS = {"symmetrize": False, "n_epochs": 20, "random_state": 0}
STEPS = {  # lists of neighbors, of which one is empty
    "triangle and chain": [[1, 2], [0, 2], [0, 1], [4, -1], [-1, -1], [3, -1], [5, -1]],
    "two rows": [[1], [-1]],
    "a chain": [[row + 1] for row in range(9)] + [[-1]],
    "all list one": [[9]] * 9 + [[-1]],
    "nobody lists the last": [[1], [0], [1], [-1]],
}


def fitted(indices, **options):
    """Return a model and the messages of its warnings about disconnected rows."""
    indices = np.array(indices)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UMAPWarning)
        model = PrecomputedUMAP(max(2, indices.shape[1] + 1), **SETTINGS | options)
        model.fit(knn_indices=indices, knn_dists=np.ones(indices.shape))
    return model, [str(one.message) for one in found if one.category is DisconnectedWarning]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("options", [{}, {"init": "random"}, {"n_components": 3}], ids=["spectral", "random", "3 axes"])
def test_rows_that_list_others_have_a_place(name, options):
    indices = np.array(STEPS[name])
    lost = (indices < 0).all(1)
    model, messages = fitted(indices, **options)
    assert (np.isnan(model.embedding_) == lost[:, None]).all()
    first = f"1 of {len(lost)} rows have no neighbor, the first is row {np.flatnonzero(lost)[0]}"
    assert len(messages) == 1 and messages[0].startswith(first)


def test_those_that_list_the_same_lost_row_lie_together():
    """Ten rows that list the same row without neighbors lie together, apart from ten rows that list another."""
    indices = np.r_[np.full((10, 1), 20), np.full((10, 1), 21), [[-1]], [[-1]]]
    places = fitted(indices, n_epochs=200)[0].embedding_
    one, other = places[:10], places[10:20]
    apart = np.linalg.norm(one.mean(0) - other.mean(0))
    assert apart > 2 * max(np.linalg.norm(group - group.mean(0), axis=1).mean() for group in (one, other))


def test_layout_goes_on_from_where_it_was():
    """Steps give the bits of one fit, and a fit that starts from this map has NaN for the same rows."""
    indices = np.array(STEPS["triangle and chain"])
    arrays = {"knn_indices": indices, "knn_dists": np.ones(indices.shape)}
    whole = fitted(indices)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UMAPWarning)
        model = PrecomputedUMAP(3, **SETTINGS).partial_fit(**arrays)
        while model.epoch_ < whole.epoch_:
            model.partial_fit(epochs=7)
        assert model.embedding_.tobytes() == whole.embedding_.tobytes()
        start = np.nan_to_num(whole.embedding_)
        again = PrecomputedUMAP(3, **SETTINGS, rescale_init=False).fit(init=start, **arrays)
    assert (np.isnan(again.embedding_) == np.isnan(whole.embedding_)).all()


def test_new_rows_beside_lost_ones():
    """A new row is placed by its neighbors that have a position, and is NaN if none has one."""
    model = fitted(STEPS["triangle and chain"])[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UMAPWarning)
        places = model.transform(knn_indices=[[4, 3], [4, -1]], knn_dists=[[1.0, 1.0], [1.0, 1.0]])
    assert np.isfinite(places[0]).all() and np.isnan(places[1]).all()


def test_part_that_takes_part():
    """The connected part has all edges and the rows at either end of an edge, under new numbers."""
    weights = np.array([0.5, 1.0, 0.25], np.float32)
    graph = FuzzyGraph(np.array([0, 0, 2, 2, 2, 3, 3]), np.array([2, 4, 5], np.int32), weights)
    part, rows = problem.extract_connected_part(SharedGraph(graph))
    assert rows.tolist() == [1, 2, 4, 5]
    found = part.rows()
    assert (found.indptr.tolist(), found.indices.tolist()) == ([0, 2, 2, 3, 3], [1, 2, 3])
    assert found.indptr.dtype == np.int64 and found.indices.dtype == np.int32
    assert found.weights.tobytes() == weights.tobytes()
    whole = SharedGraph(FuzzyGraph(np.array([0, 1, 1]), np.array([1], np.int32), weights[:1]))
    assert problem.extract_connected_part(whole) == (whole, None)


def test_intersection_without_an_edge():
    """If no two rows list each other, set_op_mix_ratio=0 leaves no edge, and the error says so."""
    indices = [[1], [2], [0]]
    model = PrecomputedUMAP(2, set_op_mix_ratio=0.0)
    with pytest.raises(ValueError, match="no edge: set_op_mix_ratio=0.0 keeps only .* Increase it"):
        model.fit(knn_indices=indices, knn_dists=np.ones((3, 1)))


def test_given_graph_whose_edges_go_one_way():
    graph = np.zeros((5, 5))
    graph[[0, 1, 2], [1, 2, 3]] = 0.5
    model = PrecomputedUMAP(random_state=0, n_epochs=5).fit(manifold=Manifold.from_graph(scipy.sparse.csr_array(graph)))
    assert np.isfinite(model.embedding_).all(1).tolist() == [True, True, True, False, False]
