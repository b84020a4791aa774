"""Tests of the programs in examples/: they run and write what they announce."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest

from examples import demo, showcase

ROOT = Path(__file__).parent.parent


def test_demo_makes_picture_and_model(tmp_path, monkeypatch, capsys):
    """The demo writes the picture and the model where it says, and the scores are good."""
    monkeypatch.chdir(tmp_path)
    figures = []
    show = showcase.show
    monkeypatch.setattr(demo, "show", lambda *arguments: figures.append(show(*arguments)))
    demo.main()
    printed = capsys.readouterr().out
    assert "demo/digits.png" in printed and "demo/digits.joblib" in printed
    assert (tmp_path / "demo/digits.png").read_bytes().startswith(b"\x89PNG")
    model = joblib.load(tmp_path / "demo/digits.joblib")
    assert np.isfinite(model.embedding_).all() and model.embedding_.shape == (1500, 2)
    assert figures[0]["trustworthiness"] > 0.98 and figures[0]["5-NN accuracy of new rows"] > 0.96


def test_the_title_stands_over_the_panels(tmp_path, monkeypatch):
    """The title is above both panels and starts at the left edge of the left one."""
    closed = []
    monkeypatch.setattr(showcase.plt, "close", closed.append)
    rows = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 3
    showcase.draw(tmp_path / "map.png", "A title", "figures", rows, rows)
    (figure,) = closed
    left, right = (panel.get_position() for panel in figure.axes)
    assert figure._suptitle.get_position()[0] == left.x0
    assert figure._suptitle.get_position()[1] > max(left.y1, right.y1)


SCRIPTS = [
    "digits_classifier.py",
    "from_neighbor_arrays.py",
    "grid_search_graph.py",
    "grid_search_manifold.py",
    "grid_search_pipeline.py",
    "grid_search_whole_graph.py",
]
PICTURES = ["diagnostics", "digits", "globe", "min_dist", "new_rows", "single_cell"]


@pytest.mark.parametrize("program", SCRIPTS)
def test_program_runs(program, tmp_path, monkeypatch, capsys):
    """A script runs from any folder and prints its results."""
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / program), run_name="__main__")
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", PICTURES)
def test_gallery_ends_in_a_picture(name, monkeypatch):
    """A fast program of the gallery runs and leaves a figure. The build of the site runs all of them."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setattr(pyplot, "show", lambda: None)
    pyplot.switch_backend("Agg")
    pyplot.close("all")
    runpy.run_path(str(ROOT / "examples" / "gallery" / f"plot_{name}.py"), run_name="__main__")
    panels = [axes for number in pyplot.get_fignums() for axes in pyplot.figure(number).axes]
    assert panels and all(axes.collections or axes.images or axes.patches for axes in panels)
    pyplot.close("all")


def test_program_runs_by_itself(tmp_path):
    """An example needs only the installed package."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::FutureWarning"}
    command = [sys.executable, str(ROOT / "examples" / "from_neighbor_arrays.py")]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300)
