"""Tests of the content of the page: positions, colors, columns and pictures, and of the errors for others."""

import base64
import hashlib
import io
import json
import os
import re
import zlib
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import polars as pl
import pytest

import umap_sk
from umap_sk import UMAP, PrecomputedUMAP, interactive
from umap_sk.appearance.colors import PALETTE
from umap_sk.interactive_map.colorings import MISSING_CODE, read_colorings
from umap_sk.interactive_map.columns import read_index, to_json_values
from umap_sk.interactive_map.encode import quantize
from umap_sk.interactive_map.pictures import encode_png

LINE = np.column_stack([np.arange(200.0), np.zeros(200)])


def read_blocks(page):
    """Return the decompressed blocks of the page by name."""
    found = re.findall(r'<script type="application/octet-stream" id="data-([\w-]+)">([\w+/=]*)</script>', page)
    return {name: zlib.decompress(base64.b64decode(text)) for name, text in found}


def make_colorings(colour, embedding=LINE):
    return read_colorings(colour, quantize(np.asarray(embedding)))


def test_places_are_within_half_a_step():
    """Positions are rounded by half a step at most, with the longer axis over all steps.

    Rows without one are left out.
    """
    rng = np.random.RandomState(0)
    map_ = (rng.normal(size=(1000, 2)) * [3, 1] + 100).astype(np.float32)
    map_[[3, 500]] = [[np.nan, 0], [1, np.inf]]
    steps, has_position = quantize(map_)
    assert np.flatnonzero(~has_position).tolist() == [3, 500] and steps.dtype == "<u2"
    low, high = map_[has_position].min(axis=0).astype(float), map_[has_position].max(axis=0).astype(float)
    step = (high - low).max() / 65535
    assert (steps[0].min(), steps[0].max()) == (0, 65535)
    back = (steps.T - 32767.5) * step + (low + high) / 2
    assert np.abs(back - map_[has_position]).max() <= step * 0.51


def test_the_page_carries_what_was_given():
    """The page contains the positions, colors, columns and index, and has the same bytes the second time."""
    map_ = np.array([[0, 0], [np.nan, np.nan], [1, 2], [1, 0]])
    hover = pd.DataFrame({"name": ["a", "b", None, "</script>"], "n": [1, 2, 3, 2**60]}, index=[5, 6, 7, 8])
    made = interactive(map_, hover, colour=["x", "y", "y", None], title="<b>{{script}}")
    found = read_blocks(made.page)
    assert np.frombuffer(found["positions"], "<u2").reshape(2, 3).tolist() == [[16384, 49151, 49151], [0, 65535, 0]]
    assert np.frombuffer(found["left-out"], "<u4").tolist() == [1]
    assert list(found["codes-0"]) == [0, 1, MISSING_CODE]
    assert json.loads(found["table"]) == {
        "names": ["name", "n"],
        "columns": [["a", "b", None, "</script>"], ["1", "2", "3", str(2**60)]],
        "index": [5, 6, 7, 8],
    }
    assert "<title>&lt;b&gt;{{script}}</title>" in made.page and made.page.count("</script>") == len(found) + 1
    assert repr(made) == "InteractiveMap(n_samples=4, n_left_out=1)"
    again = interactive(map_, hover, colour=["x", "y", "y", None], title="<b>{{script}}")
    assert again.page == made.page


def test_a_column_colors_by_its_name():
    """The name of a column colors by its values, also for a polars frame."""
    hover = pl.DataFrame({"kind": ["b", "a"] * 100, "n": range(200)})
    made = interactive(LINE, hover, colour="kind")
    assert made.page == interactive(LINE, hover, colour={"kind": ["b", "a"] * 100}).page
    assert list(read_blocks(made.page)["codes-0"]) == [1, 0] * 100


def test_columns_color_by_their_names():
    """Several names and names of any type are accepted, and `color` is `colour`.

    A list with a word for each row is values.
    """
    hover = pd.DataFrame({"kind": ["b", "a"] * 100, 7: np.arange(200.0), ("x", 1): ["c"] * 200})
    for names in (["kind", 7], ("kind", 7), hover.columns[:2]):
        legends = json.loads(read_blocks(interactive(LINE, hover, colour=names).page)["metadata"])["colorings"]
        assert [(legend["name"], legend["kind"]) for legend in legends] == [("kind", "classes"), ("7", "scale")]
    for name in (7, ("x", 1)):
        assert interactive(LINE, hover, color=name).page == interactive(LINE, hover, colour=[name]).page
    (legend,) = json.loads(read_blocks(interactive(LINE, hover, colour=["kind"] * 200).page)["metadata"])["colorings"]
    assert legend["classes"] == ["kind"]


@pytest.mark.parametrize("values", [[["a", 1], ["a", 1]], [{"a": 1}, {"b": 2}], [["a"], None], [{1}, "x"]])
@pytest.mark.parametrize("frame", [dict, pd.DataFrame])
def test_lists_are_classes_by_their_text(values, frame):
    """Lists and dicts are shown as their text, in the card and in the legend."""
    found = read_blocks(interactive(LINE[:2], frame({"tags": values}), colour="tags").page)
    words = [None if value is None else str(value) for value in values]
    assert json.loads(found["table"])["columns"] == [words]
    (legend,) = json.loads(found["metadata"])["colorings"]
    assert legend["classes"] == sorted({word for word in words if word is not None})


def test_polars_lists_and_structs():
    """Lists and structs of polars are shown as lists and dicts of Python."""
    frame = pl.DataFrame({"list": [[1], [2]], "struct": [{"a": 1}, {"a": 2}]})
    found = read_blocks(interactive(LINE[:2], frame, colour="list").page)
    assert json.loads(found["table"])["columns"] == [["[1]", "[2]"], ["{'a': 1}", "{'a': 2}"]]
    assert json.loads(found["metadata"])["colorings"][0]["classes"] == ["[1]", "[2]"]


def test_anndata():
    """An AnnData provides its map, and its observations unless a table is given."""
    anndata = pytest.importorskip("anndata")
    names = [f"cell{row}" for row in range(200)]
    adata = anndata.AnnData(np.ones((200, 2)), obs=pd.DataFrame({"type": ["T", "B"] * 100}, index=names))
    with pytest.raises(ValueError, match=r'no obsm\["X_umap"\]. Put the map there'):
        interactive(adata)
    adata.obsm["X_umap"] = LINE
    assert interactive(adata, colour="type").page == interactive(LINE, adata.obs, colour="type").page
    assert interactive(adata, {"n": np.arange(200)}).page == interactive(LINE, {"n": np.arange(200)}).page


def test_the_policy_lets_through_one_script_and_one_style():
    """The policy allows only the script and the style of the page, by their digests, and no external resources."""
    page = interactive(LINE).page
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    for kind in ("script", "style"):
        text = re.search(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_classes():
    """Classes are sorted or in the order of a Categorical. None and NaN have a separate code."""
    (coloring,) = make_colorings(["b", "a", None, "b"] + ["a"] * 196)
    assert coloring.codes[:4].tolist() == [1, 0, MISSING_CODE, 1]
    assert coloring.legend["classes"] == ["a", "b"] and coloring.legend["counts"] == [197, 2]
    assert coloring.legend["missing"] == 1
    ordered = pd.Series(pd.Categorical(["low", "high"] * 100, categories=["low", "high"]), name="level")
    (coloring,) = make_colorings(ordered)
    assert coloring.legend["classes"] == ["low", "high"] and coloring.legend["name"] == "level"
    (coloring,) = make_colorings(np.arange(200) % 3 == 0)
    assert coloring.legend["classes"] == ["False", "True"]
    (coloring,) = make_colorings([10, 9] * 100)
    assert coloring.legend["classes"] == ["9", "10"]


def test_names_stand_at_the_middle_of_their_classes():
    """The name of a class is at one of its middle points."""
    (coloring,) = make_colorings(["a"] * 10 + ["b"] * 190)
    assert coloring.legend["names"][1][1] in (round(4 / 199 * 65535), round(5 / 199 * 65535))


def test_the_rarest_of_many_classes_share_a_color():
    """The 60 largest classes have colors of their own. The legend gives the number of the others."""
    words = [f"c{row // 2:02d}" if row < 120 else f"rare{row}" for row in range(200)]
    (coloring,) = make_colorings(words)
    legend = coloring.legend
    assert legend["classes"][:60] == [f"c{k:02d}" for k in range(60)] and legend["classes"][60] == "80 other classes"
    assert legend["counts"] == [2] * 60 + [80] and len(set(legend["colors"])) == 61
    assert len(legend["names"]) == 140 and {line[0]: line[3:] for line in legend["names"]}["rare150"] == [1, 60]
    assert coloring.codes.tolist() == [row // 2 for row in range(120)] + [60] * 80


def test_times_of_a_zone_are_a_scale():
    times = pd.Series(pd.date_range("2020-06-01", periods=200, freq="D"), name="day")
    (plain,), (zoned,) = make_colorings(times), make_colorings(times.dt.tz_localize("Europe/Berlin"))
    assert zoned.legend == plain.legend and zoned.legend["kind"] == "scale"


def test_numbers_are_a_scale():
    """Numbers and times have a scale from the 1 % to the 99 % quantile."""
    values = np.arange(200.0)
    values[[0, 199, 5]] = [-1e9, 1e9, np.nan]
    (coloring,) = make_colorings(values)
    low, high = np.quantile(values[np.isfinite(values)], [0.01, 0.99])
    assert coloring.codes[5] == MISSING_CODE and coloring.legend["missing"] == 1
    assert coloring.codes[0] == 0 and coloring.codes[199] == 254
    assert coloring.codes[100] == round((100 - low) / (high - low) * 254)
    assert coloring.legend["low"].startswith("≤ ") and coloring.legend["high"].startswith("≥ ")
    edges, bars = np.array(coloring.legend["edges"], float), coloring.legend["bars"]
    assert edges[0] == low == float(coloring.legend["low"][2:]) and edges[-1] == float(coloring.legend["high"][2:])
    inside = np.histogram(np.clip(values[np.isfinite(values)], low, high), np.linspace(low, high, 52))[0]
    assert sum(bars) == 199 and np.abs(np.array(bars) - inside).max() <= 2 and np.all(np.diff(edges) > 0)
    days = np.datetime64("2020-01-01") + np.arange(200)
    (coloring,) = make_colorings({"day": days})
    assert coloring.legend["kind"] == "scale" and coloring.legend["low"] == "≤ 2020-01-02"
    (coloring,) = make_colorings(np.arange(200))
    assert coloring.legend["kind"] == "scale"  # more whole numbers than colors
    (coloring,) = make_colorings(np.full(200, 3.0))
    assert set(coloring.codes) == {0} and coloring.legend["low"] == coloring.legend["high"] == "3"


def test_columns_become_json():
    """Columns of pandas, polars and numpy become JSON. float32 keeps its digits, and other values become text."""
    assert to_json_values(np.array([0.1, np.nan], np.float32)) == [0.1, None]
    assert to_json_values([1.5, float("inf")]) == [1.5, "inf"]
    assert to_json_values(pd.Series([1, None], dtype="Int64")) == [1, None]
    assert to_json_values(pd.Series(["a", pd.NA])) == ["a", None]
    assert to_json_values(np.array(["2020-01-01", "NaT"], "M8[D]")) == ["2020-01-01", None]
    assert to_json_values([{"a": 1}, b"\xff", "\ud800"]) == ["{'a': 1}", "\ufffd", "\ud800"]
    assert to_json_values(np.array([True, False])) == [True, False]
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert [to_json_values(frame[name]) for name in frame.columns] == [[1, 2], ["x", None]]
    assert read_index(frame, 2) is None and read_index(pd.DataFrame({"a": [1]}), 1) is None
    assert read_index(pd.DataFrame({"a": [1]}, index=["p"]), 1) == ["p"]


def test_pictures():
    """The PNG can be read by another library, and the sheets contain the picture of each row in the right position."""
    rng = np.random.RandomState(0)
    gray, color = rng.randint(256, size=(7, 5)).astype(np.uint8), rng.randint(256, size=(7, 5, 3)).astype(np.uint8)
    for pixels in (gray, color):
        decoded = matplotlib.image.imread(io.BytesIO(encode_png(pixels)), format="png")
        np.testing.assert_array_equal(np.rint(decoded[..., : 3 if pixels.ndim == 3 else None] * 255), pixels)
    images = rng.uniform(size=(60, 300, 250)).astype(np.float32)
    found = read_blocks(interactive(LINE[:60], images=images).page)
    pictures = json.loads(found["metadata"])["pictures"]
    assert (pictures["columns"], pictures["perSheet"]) == (8, 48)
    sheet = np.rint(255 * matplotlib.image.imread(io.BytesIO(found["sheet-1"]), format="png"))
    place = 59 - 48
    line, column = divmod(place, 8)
    part = sheet[line * 300 : line * 300 + 300, column * 250 : column * 250 + 250]
    assert np.abs(part - images[59] * 255 / images.max()).max() < 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"model": np.zeros((5, 3))}, r"shape \(5, 3\).*n_components=2"),
        ({"model": np.full((5, 2), np.nan)}, "None of the map's 5 rows has a position"),
        ({"hover": {"a": [1, 2]}}, r"hover: 'a' has shape \(2,\), but the map has 200 rows"),
        ({"colour": [1, 2]}, r"colour: 'color' has shape \(2,\)"),
        ({"colour": {}}, "colour has no columns"),
        ({"colour": "b", "hover": {"a": np.ones(200)}}, r"colour='b' is no column of hover. Pass one of \['a'\]"),
        ({"colour": ["a", "b"], "hover": {"a": np.ones(200)}}, "colour='b' is no column"),
        ({"colour": 1}, "colour=1 is no column"),
        ({"colour": LINE[:, 0], "color": LINE[:, 0]}, "are the same parameter"),
        ({"hover": {1: np.ones(200), "1": np.ones(200)}}, "names two columns alike"),
        ({"images": np.zeros((200, 3))}, r"shape \(200, 3\).*height, width"),
        ({"images": np.zeros((200, 3, 600))}, "3 x 600 pixels, but 1 to 512"),
        ({"images": ["https://example.org/x.png"] * 200}, "row 0 begins with 'https://.*loads nothing"),
        ({"images": ["data:image/png;base64,"]}, "1 addresses, but the map has 200 rows"),
        ({"images": [[1], [1, 2]]}, r"shape \(\) and dtype object, but numbers of shape \(200, height, width\)"),
        ({"images": ["a", b"\xff"]}, "or a list of addresses"),
    ],
)
def test_what_is_refused(arguments, message):
    """The error for invalid input names the value and the needed form."""
    with pytest.raises(ValueError, match=message):
        interactive(**{"model": LINE, **arguments})


def test_odd_values_are_shown_as_text():
    """Bytes, huge numbers, unsortable values, an index with gaps and odd titles are shown as text."""
    odd = [b"\xff", 2**70, np.timedelta64(2**62, "ns"), float("inf"), "a", pd.NA]
    hover = pd.DataFrame({"odd": odd}, index=[pd.NA, 1, "x", 2.5, 2, 3])
    made = interactive(LINE[:6], hover, colour="odd", title="\ud800</script>")
    table = json.loads(read_blocks(made.page)["table"])
    assert table["columns"] == [["\ufffd", str(2**70), str(odd[2]), "inf", "a", None]]
    assert table["index"] == [None, 1, "x", 2.5, 2, 3]
    assert b"<title>?&lt;/script&gt;</title>" in made.page.encode("utf-8")
    assert "<title>3</title>" in interactive(LINE, title=3).page
    if hasattr(pl, "Int128"):
        wide = interactive(LINE[:2], pl.DataFrame({"a": pl.Series([2**70, None], dtype=pl.Int128)}), colour="a")
        assert json.loads(read_blocks(wide.page)["table"])["columns"] == [[str(2**70), None]]
    listed = interactive(LINE[:2], {"a": ["x", b"\xff"]})
    assert json.loads(read_blocks(listed.page)["table"])["columns"] == [["x", "\ufffd"]]


def test_other_things_are_refused():
    """A hover that is no table and an estimator that is not fitted are refused."""
    with pytest.raises(TypeError, match="hover is a list, but a frame"):
        interactive(LINE, ["a"] * 200)
    for estimator in (PrecomputedUMAP(), UMAP()):
        with pytest.raises(ValueError, match=f"This {type(estimator).__name__} instance is not fitted"):
            interactive(estimator)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_it_is_written_whole(tmp_path, monkeypatch, step):
    """The page is written in UTF-8. A missing folder is an error that leaves no file.

    A failure while the page is written keeps the earlier file.
    """
    made = interactive(LINE, {"name": ["ä"] * 200}, path=tmp_path / "map.html", title="Ä")
    assert made.path == tmp_path / "map.html" and made.path.read_text("utf-8") == made.page
    with pytest.raises(FileNotFoundError, match=rf"there is no folder '{re.escape(str(tmp_path / 'none'))}'"):
        interactive(LINE, path=tmp_path / "none" / "map.html")
    with pytest.raises(IsADirectoryError, match=f"Pass the name of a file in it: {re.escape(repr(str(tmp_path)))}"):
        interactive(LINE, path=tmp_path)
    found = []

    def fail(*arguments):
        found.extend(path for path in tmp_path.iterdir() if path != made.path and path.stat().st_size)
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(OSError, match="No space left"):
            interactive(LINE[:5], path=made.path, title="Later")
    assert len(found) == 1  # the new page was beside the earlier one
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]
    assert made.path.read_text("utf-8") == made.page


def test_a_notebook_gets_a_frame():
    """The page is shown in a sandboxed frame with its text escaped as an attribute."""
    made = interactive(LINE)
    frame = made._repr_html_()
    assert frame.count('"') == 2 * len(re.findall(r'\w+="', frame)) and "allow-same-origin" not in frame
    assert frame.startswith('<iframe srcdoc="&lt;!doctype html&gt;') and 'sandbox="allow-scripts' in frame


def test_sizes():
    """A million points with a class and a number each need less than 8 MB, and the package less than 1 MB."""
    rng = np.random.RandomState(0)
    colour = {"class": rng.randint(20, size=100_000), "number": rng.normal(size=100_000)}
    page = interactive(rng.normal(size=(100_000, 2)), colour=colour).page
    own = interactive(LINE).page
    assert 10 * (len(page.encode()) - len(own.encode())) + len(own.encode()) < 8e6 and len(own) < 80_000
    found = Path(umap_sk.__file__).parent.rglob("*")
    files = [path for path in found if path.is_file() and path.parent.name != "__pycache__"]
    assert {"page.html", "page.css", "main.js"} <= {path.name for path in files}
    assert sum(len(zlib.compress(path.read_bytes())) for path in files) < 1e6


def test_palette():
    """The palette has 60 different colors."""
    assert len(PALETTE) == len(set(PALETTE)) == 60


def test_labels_in_another_order_are_refused():
    """Rows are matched by position, so frames with the index of the map must have its order."""
    names = [f"row{i}" for i in range(200)]
    frame = pd.DataFrame(LINE, columns=["x", "y"], index=names)
    kinds = pd.Series(["b", "a"] * 100, index=names)
    with pytest.raises(ValueError, match="colour have the index of the embedding in another order"):
        interactive(frame, colour=kinds[::-1])
    with pytest.raises(ValueError, match="hover have the index of the embedding in another order"):
        interactive(frame, kinds[::-1].to_frame("kind"))
    assert interactive(frame, colour=kinds[::-1].loc[frame.index]).page == interactive(frame, colour=kinds).page
