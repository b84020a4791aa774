"""Tests of the drawing of maps: rows, positions, colors, and the rows that are left out."""

import re
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from anndata import AnnData
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import umap_sk
from umap_sk import EmbeddingDisplay, LossCurveDisplay, PrecomputedUMAP
from umap_sk.appearance import colors
from umap_sk.appearance.names import find_densest_row
from umap_sk.plot import draw, raster, read, view

RNG = np.random.default_rng(0)
PLACES = RNG.normal(size=(300, 2)).astype(np.float32)
WORDS = np.array(["ant", "bee", "cat"])[np.arange(300) % 3]


def drawn_colors(display, rows):
    """Return the colors of the given rows, found by their positions."""
    offsets, faces = np.asarray(display.points_.get_offsets()), display.points_.get_facecolors()[:, :3]
    at = {tuple(np.float32(place)): face for place, face in zip(offsets, faces, strict=True)}
    return np.array([at[tuple(place)] for place in display.rows.positions[rows]])


def test_each_row_is_drawn_once_at_its_place_in_the_color_of_its_class():
    display = EmbeddingDisplay.from_embedding(PLACES, labels=WORDS)
    offsets = np.asarray(display.points_.get_offsets(), np.float32)
    np.testing.assert_array_equal(np.sort(offsets, axis=0), np.sort(PLACES, axis=0))
    expected = np.array([to_rgb(f"#{colors.PALETTE[code]}") for code in np.arange(300) % 3])
    np.testing.assert_allclose(drawn_colors(display, np.arange(300)), expected)
    assert [text.get_text() for text in display.legend_.get_texts()] == ["ant", "bee", "cat"]
    assert display.image_ is None and display.caption_ == "300 rows"
    assert display.ax_.get_aspect() == 1 and not len(display.ax_.get_xticks())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_class_has_its_color_whichever_rows_are_drawn(theme):
    whole = EmbeddingDisplay.from_embedding(PLACES, labels=WORDS, theme=theme)
    rows = np.flatnonzero(WORDS != "ant")[:50]
    part = EmbeddingDisplay.from_embedding(PLACES, labels=WORDS, subset=rows, theme=theme)
    np.testing.assert_array_equal(drawn_colors(part, rows), drawn_colors(whole, rows))
    assert len(part.points_.get_offsets()) == 50 and part.caption_ == "50 of 300 rows"
    assert [text.get_text() for text in part.legend_.get_texts()] == ["bee", "cat"]
    assert part.ax_.get_xlim() == whole.ax_.get_xlim()


def test_rows_that_subset_repeats_are_drawn_once():
    display = EmbeddingDisplay.from_embedding(PLACES, subset=[7, 5, 7])
    assert display.rows.drawn.tolist() == [7, 5] and display.caption_ == "2 of 300 rows"


def test_categories_keep_their_order_and_what_is_missing_has_no_label():
    labels = pd.Series(pd.Categorical(["low", "high", None] * 100, ["low", "middle", "high"]), name="level")
    display = EmbeddingDisplay.from_embedding(PLACES, labels=labels)
    np.testing.assert_allclose(drawn_colors(display, [1])[0], to_rgb(f"#{colors.PALETTE[2]}"))
    assert [text.get_text() for text in display.legend_.get_texts()] == ["low", "high", read.UNLABELED]
    assert display.legend_.get_title().get_text() == "level"


@pytest.mark.parametrize("missing", [None, np.nan])
def test_words_may_be_missing(missing):
    codes, classes = read.read_classes(np.array(["b", missing, "a"], object))
    assert classes == ["a", "b"] and codes.tolist() == [1, 3, 0]


def test_integers_may_be_missing():
    """A missing label in a column of integers does not turn the others into fractional numbers."""
    codes, classes = read.read_classes(pd.Series([2, None, 10], dtype="Int64"))
    assert classes == ["2", "10"] and codes.tolist() == [0, 3, 1]

    class Column(list):
        dtype = "Int64"  # as in polars, which converts its integers to float64 if some are missing

        def __array__(self, dtype=None, copy=None):
            return np.array([2, np.nan, 10]).astype(dtype or np.float64)

    assert read.read_classes(Column([2, None, 10]))[1] == ["2", "10"]


def test_beyond_60_classes_the_smallest_share_a_color():
    labels = np.concatenate([np.arange(70), np.arange(5, 65)])
    display = EmbeddingDisplay.from_embedding(PLACES[:130], labels=labels)
    shown = [text.get_text() for text in display.legend_.get_texts()]
    assert shown == [*map(str, range(5, 65)), "other"]
    np.testing.assert_allclose(drawn_colors(display, [0, 69]), [to_rgb(colors.THEMES["light"].other)] * 2)


def test_colors_differ_for_people_who_lack_a_kind_of_cones():
    """The colors differ in OKLab for every kind of vision simulated by Machado, Oliveira and Fernandes (2009)."""
    lacking = {
        "none": np.eye(3),
        "long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "middle": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        "short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    }
    cones = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
    lab = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    palette = np.array([to_rgb(f"#{color}") for color in colors.PALETTE])
    linear = np.where(palette <= 0.04045, palette / 12.92, ((palette + 0.055) / 1.055) ** 2.4)
    assert len(palette) == 60
    for matrix in lacking.values():
        seen = np.cbrt(np.clip(linear @ np.transpose(matrix), 0, 1) @ np.transpose(cones)) @ np.transpose(lab)
        for count, bar in ((10, 0.04), (60, 0.028)):
            assert min(np.linalg.norm(a - b) for a, b in combinations(seen[:count], 2)) > bar


def test_rows_without_a_place_or_a_value_are_left_out_and_counted():
    places, numbers = PLACES.copy(), np.arange(300.0)
    places[:7], numbers[5:9], numbers[9] = np.nan, np.nan, np.inf
    display = EmbeddingDisplay.from_embedding(places, values=numbers)
    assert len(display.points_.get_offsets()) == 290
    assert display.caption_ == "290 of 300 rows, 7 without a place left out, 3 without a finite value left out"
    assert display.ax_.get_xlabel() == display.caption_
    with pytest.raises(ValueError, match="None of 300 rows can be drawn"):
        EmbeddingDisplay.from_embedding(places, values=np.full(300, np.nan))


def test_numbers_have_a_bar_that_ends_where_few_lie_beyond():
    numbers = np.concatenate([np.linspace(0, 1, 299), [1000.0]])
    display = EmbeddingDisplay.from_embedding(PLACES, values=pd.Series(numbers, name="age"), cmap="magma")
    assert display.color_bar_.norm.vmax < 1 < display.color_bar_.norm.vmin + 2 and display.color_bar_.extend == "both"
    assert display.color_bar_.ax.get_ylabel() == "age" and display.legend_ is None
    low, high = drawn_colors(display, [0, 299])
    np.testing.assert_allclose([low, high], [plt.get_cmap("magma")(0.0)[:3], plt.get_cmap("magma")(1.0)[:3]])


def test_more_than_50_000_points_become_pixels(monkeypatch):
    assert draw.MAX_POINTS == 50_000
    monkeypatch.setattr(draw, "MAX_POINTS", 500)
    many = RNG.normal(size=(501, 2))
    display = EmbeddingDisplay.from_embedding(many)
    assert display.points_ is None and display.image_.get_array().shape[2] == 4
    assert EmbeddingDisplay.from_embedding(many, subset=draw.MAX_POINTS).image_ is None
    assert EmbeddingDisplay.from_embedding(many[:9], raster=True).image_ is not None


def test_a_pixel_has_the_mean_color_of_its_points(monkeypatch):
    monkeypatch.setattr(raster, "MAX_SPREAD_POINTS", 0)
    points = np.array([[0.5, 0.5]] * 3 + [[0.515, 0.5], [9.5, 0.5]])
    box = raster.Box(0, 10, 0, 1)
    image = raster.make_class_image(points, np.eye(3), np.array([0, 0, 0, 1, 2]), box)
    assert image.shape == (96, 960, 4)
    np.testing.assert_allclose(image[48, 48, :3], [1, 0, 0])
    np.testing.assert_allclose(image[48, 912, :3], [0, 0, 1])
    assert (image[..., 3] > 0).sum() == 3 and image[48, 48, 3] > image[48, 912, 3] >= raster.MIN_OPACITY
    means, _ = raster.make_value_image(points, np.array([1.0, 2, 6, 0, 4]), box)
    assert means[48, 48] == 3 and means[48, 912] == 4 and np.isnan(means).sum() == 96 * 960 - 3


def test_pixels_hold_every_point():
    points = RNG.normal(size=(1000, 2))
    box, weights = raster.find_box(points), RNG.random(1000)
    expected = np.zeros(box.shape)
    for (x, y), weight in zip(points, weights, strict=True):
        row = int((y - box.bottom) / (box.top - box.bottom) * box.shape[0])
        expected[row, int((x - box.left) / (box.right - box.left) * box.shape[1])] += weight
    np.testing.assert_allclose(raster.count_points(points, box, weights), expected)


def test_names_stand_where_classes_are_densest():
    islands = RNG.normal(0, 0.3, (330, 2)) + np.repeat([[0, 0], [10, 0], [0, 10]], [200, 100, 30], axis=0)
    words = np.repeat(["ant", "bee", "bee"], [200, 100, 30])
    display = EmbeddingDisplay.from_embedding(islands, labels=words, names=True)
    assert [text.get_text() for text in display.names_] == ["ant", "bee"]
    for text, members in zip(display.names_, (islands[:200], islands[200:]), strict=True):
        squares = ((members[:, None] - members) ** 2).sum(axis=2)
        density = np.exp(-squares / (2 * (np.ptp(islands, axis=0).max() / 16) ** 2)).sum(axis=1)
        place = (members == text.get_position()).all(axis=1).argmax()
        np.testing.assert_array_equal(text.get_position(), members[place])
        assert density[place] > 0.97 * density.max()
    assert find_densest_row(np.zeros((3, 2)), np.zeros(2), 0.0) == 0
    with pytest.raises(ValueError, match="Pass a label"):
        display.from_embedding(PLACES, names=True)


def test_only_classes_with_a_color_are_named():
    """Neither the classes beyond 60, which share a color, nor rows without a label get a name."""
    many = EmbeddingDisplay.from_embedding(RNG.normal(size=(700, 2)), labels=np.arange(700) % 61, names=True)
    assert sorted(int(text.get_text()) for text in many.names_) == list(range(60))
    some = EmbeddingDisplay.from_embedding(RNG.normal(size=(60, 2)), labels=["ant", None, None] * 20, names=True)
    assert [text.get_text() for text in some.names_] == ["ant"]


def test_names_do_not_cover_each_other():
    """The name of a smaller class moves within the class, and stays if there is no room."""
    points = np.append(RNG.normal(size=(1_200, 2)), np.zeros((40, 2)), axis=0)
    words = np.repeat(["bumblebee", "butterfly", "ant"], [700, 500, 40])
    display = EmbeddingDisplay.from_embedding(points, labels=words, names=True)
    display.figure_.canvas.draw()
    boxes = {text.get_text(): text.get_window_extent() for text in display.names_}
    assert not boxes["bumblebee"].overlaps(boxes["butterfly"])
    positions = {text.get_text(): text.get_position() for text in display.names_}
    members = points[700:1_200]
    assert (members == positions["butterfly"]).all(axis=1).any()
    distances = np.linalg.norm(members - members.mean(axis=0), axis=1)
    assert np.linalg.norm(np.subtract(positions["butterfly"], members.mean(axis=0))) < np.median(distances)
    assert positions["ant"] == (0, 0)


def test_infinite_positions_are_left_out():
    places = PLACES.astype(np.float64)
    places[3] = np.inf, 0
    display = EmbeddingDisplay.from_embedding(places)
    assert display.caption_.startswith(f"{len(PLACES) - 1:,} of {len(PLACES):,} rows")
    assert np.isfinite([*display.ax_.get_xlim(), *display.ax_.get_ylim()]).all()


def test_times_are_classes_in_their_order():
    days = np.datetime64("2020-02-28", "ns") + np.arange(len(PLACES)) % 3 * np.timedelta64(1, "D")
    days[5] = "NaT"
    display = EmbeddingDisplay.from_embedding(PLACES, labels=days)
    assert display.rows.classes == ["2020-02-28", "2020-02-29", "2020-03-01"]
    assert display.rows.codes[:4].tolist() == [0, 1, 2, 0] and display.rows.codes[5] > 2
    hours = pd.to_timedelta(np.arange(len(PLACES)) % 2 * 240, unit="h")
    assert EmbeddingDisplay.from_embedding(PLACES, labels=hours).rows.classes == ["0 days", "10 days"]


def test_frames_and_anndata_name_their_columns():
    frame = pd.DataFrame(PLACES, columns=["x", "y"]).assign(kind=WORDS)
    display = EmbeddingDisplay.from_embedding(frame, labels="kind")
    np.testing.assert_array_equal(display.rows.positions, PLACES)
    assert display.rows.classes == ["ant", "bee", "cat"] and display.rows.name == "kind"
    genes = scipy.sparse.csr_array(RNG.poisson(1.0, (300, 4)).astype(np.float32))
    cells = AnnData(genes, obs=frame[["kind"]].set_index(frame.index.astype(str)))
    cells.var_names = ["g0", "g1", "g2", "g3"]
    cells.obsm["X_umap"] = PLACES
    np.testing.assert_array_equal(
        EmbeddingDisplay.from_embedding(cells, values="g2").rows.values, genes[:, [2]].toarray().ravel()
    )
    by_kind = EmbeddingDisplay.from_embedding(PLACES, labels="kind", data=cells)
    np.testing.assert_array_equal(by_kind.rows.codes, display.rows.codes)
    with pytest.raises(ValueError, match="values='g9' is no column"):
        EmbeddingDisplay.from_embedding(cells, values="g9")


def test_a_frame_has_its_positions_in_x_and_y_or_in_all_other_columns():
    def of(names, **given):
        frame = pd.DataFrame({name: np.arange(9.0) + 10 * at for at, name in enumerate(names)})
        return EmbeddingDisplay.from_embedding(frame, **given).rows.positions[0].tolist()

    assert of(["age", "Y", "X"]) == [20, 10] and of(["z", "age", "x", "y"]) == [20, 30, 0]
    assert of(["x", "y"], values="x") == [0, 10] and of(["x", "y", "z"], labels="z") == [0, 10]
    assert of(["u0", "age", "u1"], values="age") == [0, 20] and of([0, 1, 2]) == [0, 10, 20]
    for columns in (["u0", "u1", "age", "size"], ["age"]):
        with pytest.raises(ValueError, match=r"The columns \[.*'age'.*data=frame"):
            of(columns)
    with pytest.raises(ValueError, match="labels='agee' is no column"):
        of(["u0", "u1", "age", "size"], labels="agee")


def test_dollars_are_written_as_they_are():
    prices = np.array(["$1 to $2", "$3_4$", "$x^$"])[np.arange(300) % 3]
    display = EmbeddingDisplay.from_embedding(
        PLACES, labels=pd.Series(prices, name="$a$"), names=True, title="$5 or $6"
    )
    legend = [*display.legend_.get_texts(), display.legend_.get_title()]
    texts = [*legend, *display.names_, display.ax_._left_title]
    bar = EmbeddingDisplay.from_embedding(PLACES, values=pd.Series(np.arange(300.0), name="$b$")).color_bar_
    assert len(texts) == 8 and not any(text.get_parse_math() for text in [*texts, bar.ax.yaxis.label])
    display.figure_.canvas.draw()  # "$x^$" would be an error as mathematics


def test_of_an_estimator_or_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), PrecomputedUMAP(metric="euclidean", n_epochs=10, random_state=0))
    with pytest.raises(NotFittedError):
        EmbeddingDisplay.from_estimator(pipeline)
    pipeline.fit(RNG.normal(size=(60, 3)))
    _, axes = plt.subplots()
    display = EmbeddingDisplay.from_estimator(pipeline, ax=axes, title="Sixty")
    assert display.ax_ is axes and display.figure_ is axes.figure and axes.get_title(loc="left") == "Sixty"
    np.testing.assert_array_equal(display.rows.positions, pipeline[-1].embedding_)


def test_three_components_are_seen_from_a_side():
    corner = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]])
    np.testing.assert_allclose(view.rotate(corner, 0, 0)[:3], [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-12)
    np.testing.assert_allclose(view.rotate(corner, 90, 0)[0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(view.rotate(corner, 0, 90)[2], [0, 0, 1], atol=1e-12)
    solid = RNG.normal(size=(50, 3))
    display = EmbeddingDisplay.from_embedding(solid, view=(0, 0))
    nearest = solid[solid[:, 1].argmin()]  # drawn last, and most opaque
    np.testing.assert_allclose(display.points_.get_offsets()[-1], nearest[[0, 2]] - solid.mean(0)[[0, 2]])
    assert np.all(np.diff(display.points_.get_alpha()) > 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": WORDS, "values": np.arange(300)}, "one color"),
        ({"labels": WORDS[:5]}, r"labels have shape \(5,\), but the embedding has 300 rows"),
        ({"labels": "kind"}, "labels='kind' is no column"),
        ({"subset": [5, 300]}, "subset contains 300, but rows are numbered from 0 to 299"),
        ({"subset": [-1, 5]}, "subset contains -1, but rows are numbered from 0 to 299"),
        ({"subset": PLACES[:, 0] > 99}, "subset selects no rows. Choose one at least"),
        ({"subset": 0}, "a count of at least 1"),
        ({"values": np.arange(300).astype("M8[D]")}, r"dtype datetime64\[D\].* dates as days"),
        ({"values": pd.Series(pd.date_range("2020", periods=300, tz="UTC"))}, "dates as days"),
        ({"values": WORDS}, "dtype <U3, but numbers are needed. Pass classes and words as labels=.$"),
        ({"theme": "blue"}, "theme='blue'"),
        ({"embedding": np.ones((5, 4))}, r"shape \(5, 4\)"),
        ({"embedding": PLACES.astype(object)}, r"dtype object.* Convert them: np.asarray\(embedding, float\)"),
        ({"cmap": "nope"}, "cmap='nope' is no colormap .*matplotlib.colormaps"),
        ({"cmap": 3, "values": PLACES[:, 0]}, "cmap=3 is no colormap"),
        ({"view": 3}, "view=3, but two numbers"),
        ({"box": (1, 2)}, r"box=\(1, 2\), but four numbers"),
        ({"box": (0, 1, 5, 2)}, "left < right and bottom < top"),
        ({"ax": 3}, r"ax is int, but matplotlib Axes are needed, as in figure, ax = plt.subplots\(\)"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        EmbeddingDisplay.from_embedding(**{"embedding": PLACES, **given})
    if "ax" in given:
        with pytest.raises(TypeError, match=message):
            LossCurveDisplay(epochs=[1, 2], vertices=[9, 9], losses=[2, 1]).plot(**given)


def test_matplotlib_is_loaded_when_something_is_drawn(monkeypatch):
    files = sorted(Path(umap_sk.__file__).parent.rglob("*.py"))
    assert not [file for file in files if re.search(r"^(import|from) (matplotlib|PIL)", file.read_text(), re.MULTILINE)]
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match='extra "plot"'):
        EmbeddingDisplay.from_embedding(PLACES)


@pytest.mark.parametrize("positions", [[[0.0, 0.0]], [[3e6, -2.0]] * 2])
def test_equal_positions_are_drawn(positions):
    """One row, or rows at one position, are in the middle of the picture."""
    display = EmbeddingDisplay.from_embedding(np.array(positions))
    (left, right), (bottom, top) = display.ax_.get_xlim(), display.ax_.get_ylim()
    assert ((left + right) / 2, (bottom + top) / 2) == pytest.approx(positions[0], abs=0.5)


def test_values_whose_types_are_not_those_of_numpy():
    """Columns of polars are read as numbers, though their types have no kind."""

    class Column:
        dtype = "Float64"

        def __array__(self, dtype=None, copy=None):
            return np.arange(300).astype(dtype or np.float64)

    display = EmbeddingDisplay.from_embedding(PLACES, values=Column())
    np.testing.assert_array_equal(display.rows.values, np.arange(300))


def test_a_series_in_another_order_is_refused():
    """Rows are matched by position, so a series with the index of the embedding must have its order."""
    frame = pd.DataFrame(PLACES, columns=["x", "y"], index=[f"row{i}" for i in range(len(PLACES))])
    words = pd.Series(WORDS, index=frame.index)
    with pytest.raises(ValueError, match=r"labels have the index .* another order.*labels.loc\[embedding.index\]"):
        EmbeddingDisplay.from_embedding(frame, labels=words[::-1])
    for fitting in (words, words[::-1].loc[frame.index], words.reset_index(drop=True)):
        EmbeddingDisplay.from_embedding(frame, labels=fitting)
