"""Tests of warnings: one class each, given where they should be, with the caller's own line."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import umap_sk
from umap_sk import (
    CheckpointMismatchWarning,
    DisconnectedWarning,
    DuplicateNeighborsWarning,
    FewerNeighborsWarning,
    NegativeDistanceWarning,
    PrecomputedUMAP,
    SpectralFallbackWarning,
    UMAPWarning,
    knn_graph,
)
from umap_sk.layout import eigenvectors

SETTINGS = {"n_neighbors": 8, "n_epochs": 2, "random_state": 0}


def caught(function, *arguments, **options):
    """Return the warnings of a call that is made on one line of this file."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function(*arguments, **options)  # the line that warnings must point at
    return found


LINE = caught.__code__.co_firstlineno + 4


def check(found, *categories):
    """Check that the warnings have these classes, once each, and the caller's line."""
    assert [warning.category for warning in found] == list(categories)
    assert {(warning.filename, warning.lineno) for warning in found} <= {(__file__, LINE)}


def test_line_is_the_right_one():
    """LINE is the line of the call in `caught`."""
    assert "the line that warnings must point at" in inspect.getsource(caught).splitlines()[4]


@pytest.fixture
def short(ring):
    """Return neighbors as arguments, with two neighbors in row 3 and enough in the other rows."""
    indices = ring[0].copy()
    indices[3, 3:] = -1
    return {"knn_indices": indices, "knn_dists": ring[1]}


@pytest.fixture
def lost(ring):
    """Return neighbors as arguments, in which row 3 has no neighbor and no row lists it."""
    indices = np.where(ring[0] == 3, -1, ring[0])
    indices[3] = -1
    return {"knn_indices": indices, "knn_dists": ring[1]}


@pytest.mark.parametrize("call", ["fit", "fit_transform", "partial_fit", "learn_manifold"])
def test_every_way_to_fit(short, lost, call):
    """Every method that learns a graph warns of rows with few neighbors and of rows with none."""
    settings = SETTINGS | {"n_neighbors": 5}
    check(caught(getattr(PrecomputedUMAP(**settings), call), **short), FewerNeighborsWarning)
    found = caught(getattr(PrecomputedUMAP(**settings), call), **lost)
    check(found, FewerNeighborsWarning, DisconnectedWarning)
    assert str(found[0].message).startswith("1 of 60 rows have fewer than 4 neighbors (the fewest: 0)")
    assert str(found[1].message).startswith("1 of 60 rows have no neighbor, the first is row 3; they are NaN")
    assert "list no usable neighbor at any distance: have the search find some" in str(found[1].message)
    assert "disconnection" not in str(found[1].message)
    found = caught(getattr(PrecomputedUMAP(**settings, disconnection_distance=9), call), **lost)
    assert "Search for more neighbors, or raise disconnection_distance." in str(found[1].message)


def test_transform(ring, lost):
    """transform gives the same warnings for new rows, and none if all of them have n_neighbors neighbors."""
    model = PrecomputedUMAP(**SETTINGS | {"n_neighbors": 5}).fit(knn_indices=ring[0], knn_dists=ring[1])
    check(caught(model.transform, knn_indices=ring[0], knn_dists=ring[1]))
    found = caught(model.transform, knn_indices=lost["knn_indices"][2:5], knn_dists=ring[1][2:5])
    check(found, FewerNeighborsWarning, DisconnectedWarning)
    assert "1 of 3 new rows have no usable neighbor, the first is row 1" in str(found[1].message)


def test_behind_a_pipeline(ring):
    """Warnings behind a pipeline have the caller's line and not one of scikit-learn's."""
    pipeline = make_pipeline(FunctionTransformer(), PrecomputedUMAP(**SETTINGS | {"n_neighbors": 9}))
    graph = knn_graph(*ring[:2])
    check(caught(pipeline.fit, graph), FewerNeighborsWarning)
    check(caught(pipeline.fit_transform, graph), FewerNeighborsWarning)
    check(caught(pipeline.transform, graph), FewerNeighborsWarning)


def test_duplicates_and_rounding(ring):
    """fit and knn_graph correct duplicate neighbors and negative distances, with a warning of each."""
    indices, dists = ring[0].copy(), ring[1].copy()
    indices[0, 3] = indices[0, 2]
    dists[1, 1] = -1e-9
    model = PrecomputedUMAP(**SETTINGS | {"n_neighbors": 5})
    found = caught(model.fit, knn_indices=indices, knn_dists=dists)
    check(found, DuplicateNeighborsWarning, NegativeDistanceWarning)
    check(caught(knn_graph, indices, dists), DuplicateNeighborsWarning, NegativeDistanceWarning)


def test_eigensolver_gives_up(ring, monkeypatch):
    """A spectral initial layout that did not converge is used, with a warning."""
    monkeypatch.setattr(eigenvectors, "MAX_STEPS", 1)
    model = PrecomputedUMAP(**SETTINGS, init="spectral")
    found = caught(model.fit, knn_indices=ring[0], knn_dists=ring[1])
    check(found, SpectralFallbackWarning)
    assert "did not converge on a component of 60 vertices (residual " in str(found[0].message)
    assert "init='pca'" in str(found[0].message)
    assert np.isfinite(model.embedding_).all() and np.ptp(model.embedding_, axis=0).min() > 1


def test_cures_of_cut_and_one_sided_neighbors(ring):
    """The cures are those of the parameters that dropped the neighbors, and not another search."""
    indices, dists = ring[0].copy(), ring[1]
    apart = float(np.median(dists[dists > 0]))
    found = caught(PrecomputedUMAP(**SETTINGS, disconnection_distance=apart).fit, knn_indices=indices, knn_dists=dists)
    assert "at disconnection_distance or farther: raise it, or decrease n_neighbors" in str(found[0].message)
    indices[indices == 5] = 6  # now no row lists row 5
    with pytest.warns(DisconnectedWarning, match="first is row 5; .* set_op_mix_ratio=0 only keeps .*: raise it"):
        PrecomputedUMAP(**SETTINGS, set_op_mix_ratio=0).fit(knn_indices=indices, knn_dists=dists)


def test_line_of_a_warning_in_a_checkpointed_run(ring, tmp_path):
    """Warnings from inside of a context manager point at the caller's line, too."""
    indices, dists = ring[:2]
    PrecomputedUMAP(**SETTINGS, checkpoint=tmp_path).partial_fit(knn_indices=indices, knn_dists=dists)
    other = PrecomputedUMAP(**SETTINGS | {"n_epochs": 3}, checkpoint=tmp_path)
    check(caught(other.fit, knn_indices=indices, knn_dists=dists), CheckpointMismatchWarning)


def test_classes():
    """All warnings have one base class."""
    classes = [thing for thing in vars(umap_sk).values() if inspect.isclass(thing) and issubclass(thing, Warning)]
    assert all(issubclass(category, UMAPWarning) for category in classes)
    assert issubclass(UMAPWarning, UserWarning)
