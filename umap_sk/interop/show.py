"""The functions of umap.plot that show pictures and interactive maps, for programs that call them."""

import importlib
import sys
import tempfile
import webbrowser
from pathlib import Path

from umap_sk.compatible.translation import warn_about_arguments
from umap_sk.interactive_map.interactive import InteractiveMap

__all__ = ["output_file", "output_notebook", "show"]


def show(plot_to_show: object) -> None:
    """Show a picture of matplotlib, or an interactive map in the notebook or in the browser.

    Parameters
    ----------
    plot_to_show : InteractiveMap or object of matplotlib
        The result of a function of `umap.plot`.
    """
    if not isinstance(plot_to_show, InteractiveMap):
        importlib.import_module("matplotlib.pyplot").show()
        return
    shell = sys.modules.get("IPython")
    if shell is not None and shell.get_ipython() is not None:
        importlib.import_module("IPython.display").display(plot_to_show)
        return
    path = plot_to_show.path
    if path is None:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="umap_sk_", suffix=".html", delete=False
        ) as file:
            file.write(plot_to_show.page)
        path = Path(file.name)
    webbrowser.open(path.resolve().as_uri())


def output_notebook(**arguments: object) -> None:
    """Do nothing, since interactive maps need no preparation in a notebook.

    Parameters
    ----------
    **arguments : object
        Arguments of Bokeh's function, which are not used.
    """
    warn_about_arguments("output_notebook", arguments)


def output_file(filename: str, **arguments: object) -> None:
    """Warn that interactive maps are written by ``interactive(path=...)``.

    Parameters
    ----------
    filename : str
        The file, which is not written.
    **arguments : object
        Arguments of Bokeh's function, which are not used.
    """
    warn_about_arguments("output_file", {"filename": filename, **arguments})
