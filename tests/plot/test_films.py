"""Tests of films, whose frames are the epochs of the layout."""

import numpy as np
import pytest
from PIL import Image

from umap_sk import UMAP, EmbeddingDisplay, PrecomputedUMAP
from umap_sk.layout import coarsen
from umap_sk.plot import epochs, films, movie
from umap_sk.plot.raster import Box, find_box

POINTS = np.random.default_rng(0).normal(size=(400, 4))


@pytest.fixture(scope="module")
def model():
    return PrecomputedUMAP(metric="euclidean", init="pivot_mds", n_epochs=40, random_state=3).fit(POINTS)


def test_frames_are_the_way_to_the_map_on_all_levels(model, monkeypatch):
    monkeypatch.setattr(coarsen.build_levels, "__defaults__", (100,))
    fitted = PrecomputedUMAP(metric="euclidean", init="pivot_mds", n_epochs=40, random_state=3).fit(POINTS)
    stepper, given = epochs.make_stepper(fitted, {"X": None, "manifold": None})
    assert given["manifold"] is fitted.manifold_
    frames = [epochs.advance_frame(stepper, 1, given)]
    while stepper.epoch_ < stepper.n_epochs_:
        frames.append(epochs.advance_frame(stepper, 3, {}))
    np.testing.assert_array_equal(frames[-1].positions, fitted.embedding_)
    sizes = [frame.vertices for frame in frames]
    assert sizes == sorted(sizes) and sizes[0] < 100 < sizes[-1] == 400
    assert [frame.epoch for frame in frames[:3]] == [1, 4, 7]


def test_a_film_of_epochs_ends_at_the_map(model, tmp_path, monkeypatch, capsys):
    moved = []
    move = films._move
    monkeypatch.setattr(films, "_move", lambda display, *given: (move(display, *given), moved.append((display, given))))
    labels = np.arange(400) % 4
    path = EmbeddingDisplay.epochs(model, tmp_path / "map.gif", labels=labels, names=True, frames=5, seconds=1.0)
    with Image.open(path) as film:
        assert film.n_frames == 5
        times = []
        for frame in range(5):
            film.seek(frame)
            times.append(film.info["duration"])
    assert times == [200, 200, 200, 200, 1700] and "film" in capsys.readouterr().err
    display, (points, _, box, caption) = moved[-1]
    np.testing.assert_array_equal(points, model.embedding_)
    np.testing.assert_array_equal(np.sort(display.points_.get_offsets(), axis=0), np.sort(points, axis=0))
    assert box == find_box(points) and caption.startswith(f"epoch {model.n_epochs_} of {model.n_epochs_}, 400 vertices")
    for text, row in zip(display.names_, display._named, strict=True):
        assert text.get_position() == tuple(points[row])
    assert moved[0][1][3].startswith("epoch 1 of")


def test_a_fitted_umap_is_filmed_by_its_estimator(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(films, "write_movie", lambda path, figure, steps, *rest: seen.append(len(steps)))
    model = UMAP(init="random", n_epochs=10, random_state=0).fit(POINTS)
    EmbeddingDisplay.epochs(model, tmp_path / "map.gif", frames=4, progress=False)
    assert seen == [4]


def test_the_camera_ends_at_the_last_box_and_holds_every_point():
    rng = np.random.default_rng(0)
    frames = [rng.normal(size=(50, 2)) * size + [size, 0] for size in np.linspace(3, 20, 12)]
    last = find_box(frames[-1])
    boxes = movie.compute_boxes(frames, last)
    assert boxes[-1] == last
    form = (last.right - last.left) / (last.top - last.bottom)
    for points, box in zip(frames, boxes, strict=True):
        assert (box.right - box.left) / (box.top - box.bottom) == pytest.approx(form)
        inside = (points > [box.left, box.bottom]) & (points < [box.right, box.top])
        assert inside.all(axis=1).mean() > 0.9


def test_a_turn_shows_the_map_from_all_sides(tmp_path, monkeypatch):
    moved = []
    monkeypatch.setattr(films, "_move", lambda display, *given: moved.append(given))
    solid = np.random.default_rng(0).normal(size=(30, 3))
    EmbeddingDisplay.rotation(solid, tmp_path / "turn.gif", frames=4, view=(0, 0), progress=False)
    centered = solid - solid.mean(axis=0)
    for (points, depth, box, _), (right, near) in zip(moved, [(0, -1), (1, 0), (0, 1), (1, 0)], strict=True):
        assert box == Box(*moved[0][2])
        np.testing.assert_allclose(np.abs(points[:, 0]), np.abs(centered[:, right]), atol=1e-6)
        assert near == 0 or np.allclose(depth, near * centered[:, 1])
    with pytest.raises(ValueError, match="n_components=3"):
        EmbeddingDisplay.rotation(solid[:, :2], tmp_path / "turn.gif")


def test_what_is_refused(model, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"a \.gif or \.mp4 file"):
        EmbeddingDisplay.epochs(model, "map.png")
    from matplotlib import animation

    monkeypatch.setattr(animation.writers, "is_available", lambda name: False)
    with pytest.raises(ValueError, match="needs ffmpeg"):
        EmbeddingDisplay.epochs(model, "map.mp4")
    with pytest.raises(ValueError, match="frames=0, but a film needs at least one picture"):
        EmbeddingDisplay.rotation(POINTS[:, :3], "map.gif", frames=0)
    with pytest.raises(TypeError, match=r"a UMAP after fit, but got UMAP\(\)"):
        EmbeddingDisplay.epochs(UMAP(), "map.gif", POINTS)
    with pytest.raises(ValueError, match="not fitted: pass X"):
        EmbeddingDisplay.epochs(PrecomputedUMAP(), "map.gif")
    started = PrecomputedUMAP(metric="euclidean", init="pca", n_epochs=5).fit(POINTS)
    with pytest.raises(ValueError, match="pass the same X or init"):
        EmbeddingDisplay.epochs(started, tmp_path / "map.gif")
