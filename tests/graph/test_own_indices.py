"""Directed graphs that use the caller's index array: when, when not and why, and the same bits."""

import logging

import numpy as np
import pytest

from umap_sk import Manifold, PrecomputedUMAP

MODEL = PrecomputedUMAP(6, symmetrize=False, n_epochs=5, random_state=0)


@pytest.fixture
def arrays(ring):
    """Five neighbors of each point of the ring, none of them itself, in the order of their indices."""
    indices, dists = np.array(ring[0][:, 1:6], np.int32), np.array(ring[1][:, 1:6], np.float32)
    order = np.argsort(indices, axis=1)
    return np.take_along_axis(indices, order, 1), np.take_along_axis(dists, order, 1)


def learned(indices, dists, caplog, **options):
    """The manifold, and what the log says of its indices."""
    with caplog.at_level(logging.INFO, "umap_sk"):
        manifold = MODEL.learn_manifold(knn_indices=indices, knn_dists=dists, **options)
    return manifold, caplog.records[-1].umap_sk.get("indices"), caplog.records[-1].getMessage()


def assert_same_map(one, other):
    """Equal graphs and equal embeddings."""
    for ours, theirs in zip(one.arrays(), other.arrays(), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(MODEL.fit_transform(manifold=one), MODEL.fit_transform(manifold=other))


@pytest.mark.parametrize("dtype", [np.int32, np.uint32])
def test_used_where_it_lies(arrays, caplog, dtype):
    """The manifold's indices are the caller's memory, read-only; bits are those of a copy."""
    indices = arrays[0].astype(dtype)
    manifold, note, message = learned(indices, arrays[1], caplog)
    assert note == "the caller's" and "indices=the caller's" in message
    assert np.shares_memory(manifold.arrays()[1], indices) and not manifold.arrays()[1].flags.writeable
    copied, note, _ = learned(indices.astype(np.int64), arrays[1], caplog)
    assert note == "a copy (dtype int64, not int32 or uint32)"
    assert_same_map(manifold, copied)


def test_a_memory_map_is_used(arrays, caplog, tmp_path):
    """The index array of a directed graph may lie in a file of its own."""
    np.save(tmp_path / "i.npy", arrays[0])
    manifold, note, _ = learned(np.load(tmp_path / "i.npy", mmap_mode="r"), arrays[1], caplog)
    assert note == "the caller's" and manifold.arrays()[1].base is not None
    assert_same_map(manifold, learned(*arrays, caplog)[0])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda i: np.asfortranarray(i), "not in C order"),
        (lambda i: i.tolist(), "neighbors came in another form than an array"),
        (lambda i: np.where(np.arange(5) == 4, -1, i).astype(np.int32), "missing neighbors"),
        (lambda i: i[:, ::-1].copy(), "rows not sorted by index"),
    ],
)
def test_copied(arrays, caplog, change, reason):
    """Each reason is told, and the graph is a copy."""
    indices, dists = change(arrays[0]), arrays[1]
    if reason == "rows not sorted by index":
        dists = dists[:, ::-1].copy()
        before = indices.copy()
    manifold, note, _ = learned(indices, dists, caplog)
    assert note.startswith("a copy (") and reason in note
    assert manifold.arrays()[1].flags.writeable
    if reason == "rows not sorted by index":
        np.testing.assert_array_equal(indices, before)
        assert_same_map(manifold, learned(*arrays, caplog)[0])


def test_other_graphs_say_nothing(arrays, caplog, tmp_path):
    """Neither a symmetric graph nor one in files speaks of the caller's array."""
    manifold, note, _ = learned(*arrays, caplog, directory=tmp_path / "m")
    assert note is None and not np.shares_memory(manifold.arrays()[1], arrays[0])
    assert_same_map(Manifold.load(tmp_path / "m"), learned(*arrays, caplog)[0])
    with caplog.at_level(logging.INFO, "umap_sk"):
        PrecomputedUMAP(6).learn_manifold(knn_indices=arrays[0], knn_dists=arrays[1])
    assert "indices" not in caplog.records[-1].umap_sk
