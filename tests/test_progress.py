"""What a fit tells while it runs: the progress bar, its plain substitute, and the log."""

import logging
import sys

import numpy as np
import pytest

from umap_sk import PrecomputedUMAP

SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}


@pytest.fixture
def without_rich(monkeypatch):
    """As if rich were not installed."""
    for name in ("rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)


def test_silent_by_default(ring, capfd):
    """Nothing is written."""
    PrecomputedUMAP(**SETTINGS).fit(knn_indices=ring[0], knn_dists=ring[1])
    assert capfd.readouterr() == ("", "")


def test_bar(ring, capfd):
    """rich's bar ends at all epochs; stdout stays the caller's."""
    pytest.importorskip("rich")
    PrecomputedUMAP(**SETTINGS, verbose=True).fit(knn_indices=ring[0], knn_dists=ring[1])
    out, err = capfd.readouterr()
    assert out == "" and "layout" in err and "100%" in err


@pytest.mark.usefixtures("without_rich")
def test_plain_lines(ring, capfd):
    """A line for each tenth, whatever the steps."""
    PrecomputedUMAP(**SETTINGS, verbose=True).fit(knn_indices=ring[0], knn_dists=ring[1])
    out, err = capfd.readouterr()
    expected = [f"layout: epoch {epoch} of 20, about {{}} s left" for epoch in range(2, 21, 2)]
    assert out == "" and len(err.splitlines()) == 10
    for line, pattern in zip(err.splitlines(), expected, strict=True):
        before, after = pattern.split("{}")
        assert line.startswith(before) and line.endswith(after) and line[len(before) : -len(after)].isdigit()
    model = PrecomputedUMAP(**SETTINGS, verbose=True)
    for _ in range(20):
        model.partial_fit(knn_indices=ring[0], knn_dists=ring[1])
    assert [line.split(",")[0] for line in capfd.readouterr().err.splitlines()] == [p.split(",")[0] for p in expected]


def test_telling_changes_nothing(ring):
    """The same bits with and without a bar."""
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    quiet = PrecomputedUMAP(**SETTINGS).fit_transform(**arrays)
    assert np.array_equal(PrecomputedUMAP(**SETTINGS, verbose=True).fit_transform(**arrays), quiet)


def test_one_record_a_phase(ring, caplog):
    """Each record carries the entry of the report and reads as its line."""
    with caplog.at_level(logging.INFO, logger="umap_sk"):
        model = PrecomputedUMAP(**SETTINGS, metric="euclidean").fit(ring[2])
    assert [record.umap_sk for record in caplog.records] == model.report_["phases"]
    assert [record.getMessage().split()[0] for record in caplog.records] == [
        "search",
        "neighbors",
        "graph",
        "start",
        "layout",
    ]
    assert all(record.levelno == logging.INFO and record.name == "umap_sk" for record in caplog.records)
    assert str(model.report_).splitlines()[3:5] == [record.getMessage() for record in caplog.records[3:5]]


def test_steps_add_up_to_one_phase(ring):
    """A layout in steps is one phase of the report, whose seconds grow."""
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=5)
    before = model.report_.seconds("layout")
    model.partial_fit(epochs=15)
    assert [phase["name"] for phase in model.report_["phases"]] == ["neighbors", "graph", "start", "layout"]
    assert model.report_["phases"][-1]["epochs"] == 20
    assert model.report_.seconds("layout") > before
