"""Tests of replace_umap: on request, a program that imports umap gets this package."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pytest

import umap_sk
from umap_sk import replace
from umap_sk.interop import functions

SCRIPT = """
import sys
import umap, umap.umap_, umap.plot
from umap.umap_ import INT32_MAX, INT32_MIN
import umap_sk
assert umap.UMAP is umap_sk.UMAP
print(umap.__version__, sys.argv[1:], __name__)
"""


@pytest.fixture
def apart(monkeypatch):
    """Remove umap-learn from the imported modules."""
    for name in [name for name in sys.modules if name == "umap" or name.startswith("umap.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.filterwarnings("ignore::umap_sk.DisconnectedWarning")
def test_imports_get_this_package(apart, capsys):
    """In a block of replace_umap, umap is this package, which is reported once. After the block nothing is left."""
    with umap_sk.replace_umap():
        import umap
        import umap.plot
        from umap.umap_ import find_ab_params, fuzzy_simplicial_set, nearest_neighbors, simplicial_set_embedding
        from umap.utils import disconnected_vertices

        assert (umap.UMAP, umap.AlignedUMAP) == (umap_sk.UMAP, functions.AlignedUMAP)
        assert all(getattr(umap.plot, name) is getattr(umap_sk.plot, name) for name in umap_sk.plot.__all__)
        assert find_ab_params is functions.find_ab_params and nearest_neighbors is functions.nearest_neighbors
        assert fuzzy_simplicial_set is functions.fuzzy_simplicial_set and simplicial_set_embedding
        assert importlib.util.find_spec("umap").name == "umap"
        with umap_sk.replace_umap():
            pass
        assert sys.modules["umap"] is umap
        with pytest.raises(ImportError):
            import umap.distances  # noqa: F401
        with pytest.raises(AttributeError, match="umap_sk stands in the place of umap-learn and has no umap.spectral"):
            umap.spectral  # noqa: B018
        with pytest.raises(ImportError, match="umap_sk stands in the place of umap-learn and has no ParametricUMAP"):
            umap.ParametricUMAP(n_components=2)
        X = np.vstack([np.random.default_rng(0).normal(size=(60, 3)), np.full((1, 3), 100.0)])
        model = umap.UMAP(disconnection_distance=50, n_epochs=2).fit(X)
        np.testing.assert_array_equal(disconnected_vertices(model), np.arange(61) == 60)
    assert not [name for name in sys.modules if name == "umap" or name.startswith("umap.")]
    assert capsys.readouterr().err.count("umap_sk stands in the place of umap-learn") == 1


def test_it_is_undone(apart):
    """The method undo removes the replaced modules, but not those that others have imported since."""
    replacement = umap_sk.replace_umap()
    other = sys.modules["umap.plot"] = type(sys)("umap.plot")
    replacement.undo()
    assert "umap" not in sys.modules and sys.modules.pop("umap.plot") is other


def test_umap_learn_in_use_is_refused(apart, monkeypatch):
    """If umap-learn has already been imported, the replacement is refused, since parts of it would stay in use."""
    monkeypatch.setitem(sys.modules, "umap", type(sys)("umap"))
    with pytest.raises(RuntimeError, match="umap-learn has been imported already .umap., by this program"):
        umap_sk.replace_umap()


def test_nothing_is_replaced_unasked():
    """The import of the package and its modules does not replace umap."""
    command = "import sys, umap_sk.replace, umap_sk.interop.functions; assert 'umap' not in sys.modules"
    subprocess.run([sys.executable, "-c", command], check=True)


@pytest.mark.parametrize("form", ["script", "module"])
def test_scripts_run_unmodified(tmp_path, form):
    """The command python -m umap_sk.replace runs a script or a module as python does."""
    (tmp_path / "asks.py").write_text(SCRIPT)
    given = [str(tmp_path / "asks.py")] if form == "script" else ["-m", "asks"]
    command = [sys.executable, "-m", "umap_sk.replace", *given, "7"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stdout == f"{replace.VERSION} ['7'] __main__\n"


def test_command_without_a_script():
    """The command without a script prints its usage."""
    with pytest.raises(SystemExit, match="usage: python -m umap_sk.replace script.py"):
        replace.main([])


def test_maps_are_shown(apart, monkeypatch, tmp_path):
    """`umap.plot.show` opens interactive maps in a browser, and shows pictures by matplotlib."""
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: opened.append("picture"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with umap_sk.replace_umap():
        import umap.plot

        positions = np.random.default_rng(0).normal(size=(20, 2))
        umap.plot.output_notebook()
        page, written = umap.plot.interactive(positions), umap_sk.interactive(positions, path=tmp_path / "map.html")
        for plot in (page, written, object()):
            umap.plot.show(plot)
    stored = Path(unquote(urlparse(opened[0]).path))
    assert stored.parent == tmp_path and stored.read_text(encoding="utf-8") == page.page
    assert opened[1:] == [(tmp_path / "map.html").as_uri(), "picture"]
