"""Tests of ``umap-sk show``: the page that it writes from files, and the input that it refuses."""

import json

import numpy as np
import pytest
from commands import answer_of, error_of

from umap_sk.cli.show import _convert_words


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("map.npy", np.array([[0, 0], [1, 1], [np.nan, 0]], np.float32))
    (tmp_path / "l.csv").write_text('\ufeffname,kind,size\r\nant,x,1\r\n"b, or c",y,2.5\r\ndog,,\r\n', "utf-8")
    return tmp_path


def test_a_table_becomes_a_page(folder, capsys):
    """All columns become part of the page. The requested ones color the points, by default all with few values."""
    command = ["show", "map.npy", "--labels", "l.csv", "--out", "map.html"]
    code, answer = answer_of(command, capsys)
    assert code == 0 and (answer["rows"], answer["rows_without_place"]) == (3, 1)
    assert answer["columns"] == answer["colorings"] == ["name", "kind", "size"]
    assert answer["bytes"] == (folder / "map.html").stat().st_size
    code, answer = answer_of([*command, "--color", "size", "--title", "Animals"], capsys)
    assert answer["colorings"] == ["size"] and "<title>Animals</title>" in (folder / "map.html").read_text()
    np.save("l.npy", np.array(["a", "b", "c"]))
    code, answer = answer_of(["show", "map.npy", "--labels", "l.npy", "--out", "map.html"], capsys)
    assert answer["colorings"] == ["label"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(folder, capsys, separator):
    """The header line determines the separator. Commas in values and separators in quotes separate nothing."""
    (folder / "l.csv").write_text(
        "\ufeff\nname,size\n1,5,2\nb,3\nc,4\n".replace(",", separator).replace(f"1{separator}5", "1,5")
    )
    command = ["show", "map.npy", "--labels", "l.csv", "--out", "map.html"]
    assert answer_of(command, capsys)[1]["columns"] == ["name", "size"]
    (folder / "l.csv").write_text(f'"a{separator}b"\n1\n2\n3\n')
    assert answer_of(command, capsys)[1]["columns"] == [f"a{separator}b"]


def test_digits_that_name_something_stay_words():
    """A column becomes numbers unless a value is no number, starts with a zero or is too long for JavaScript."""
    for words, wanted in ((["1", "-2"], [1, -2]), (["1.5", "1e3"], [1.5, 1000.0]), (["007", "1"], ["007", "1"])):
        assert _convert_words(words).tolist() == wanted
    for words in (["1234567890123456"], ["1_000"], ["a", "1"]):
        assert _convert_words(words).tolist() == words
    assert json.dumps(_convert_words(["1", ""]).tolist()) == "[1.0, NaN]" and _convert_words(["a", ""]).tolist() == [
        "a",
        None,
    ]


@pytest.mark.parametrize(
    "table, said",
    [
        ("name\na\nb\n", "has 2 rows, but the map has 3"),
        ("name\n", "has 0 rows, but the map has 3"),
        ("", "is no table"),
        ("a,b\n1\n2,3\n4,5\n", "has 1 values in row 1, but 2 columns"),
        ("a,a\n1,2\n3,4\n5,6\n", "names two columns alike"),
        ('a\n"1\n', "is no table"),
    ],
)
def test_tables_that_are_refused(folder, capsys, table, said):
    """A table that does not fit the map is refused in one line that names the problem. No page is written."""
    (folder / "l.csv").write_text(table)
    assert said in error_of(["show", "map.npy", "--labels", "l.csv", "--out", "map.html"], capsys)
    assert not (folder / "map.html").exists()


def test_other_mistakes(folder, capsys):
    """Unknown columns, unreadable files, a wrong ending of the output and two-dimensional labels are refused."""
    command = ["show", "map.npy", "--labels", "l.csv", "--out", "map.html"]
    assert "--colour 'z' is not a column" in error_of([*command, "--colour", "z"], capsys)
    assert "--labels: 'none.csv' cannot be read" in error_of([*command, "--labels", "none.csv"], capsys)
    assert "ends in .npy" in error_of(["show", "map.npy", "--out", "page.npy"], capsys)
    assert "shape (3, 2), but one value" in error_of([*command, "--labels", "map.npy"], capsys)
    (folder / "l.csv").write_bytes(b"name\n\xff\nb\nc\n")
    assert "is no table" in error_of(command, capsys)
