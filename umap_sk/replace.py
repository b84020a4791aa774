"""Replacement of umap-learn by this package, for programs that import umap: a session, a block or a script.

python -m umap_sk.replace script.py its arguments
python -m umap_sk.replace -m package its arguments
"""

import importlib
import importlib.machinery
import runpy
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from umap_sk.interop import functions, show
from umap_sk.interop.vertices import disconnected_vertices
from umap_sk.monitor.progress import say

VERSION = "0.5.12"
"""The version of umap-learn that has these names. Some packages check it."""

USAGE = "usage: python -m umap_sk.replace script.py [arguments], or -m module [arguments]"


class Replacement:
    """The modules that replace umap-learn's, and a context manager that removes them at its end.

    Parameters
    ----------
    modules : dict of module
        The modules by their names in `sys.modules`.
    """

    def __init__(self, modules: dict[str, types.ModuleType]):
        self._modules = modules

    def undo(self) -> None:
        """Remove the modules, so that ``import umap`` imports umap-learn again. Imported names stay."""
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        self._modules = {}

    def __enter__(self) -> "Replacement":
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()


def replace_umap() -> Replacement:
    """Replace umap-learn by this package in all later imports of umap. Programs need no other change.

    The modules `umap`, `umap.umap_`, `umap.plot`, `umap.aligned_umap` and `umap.utils` contain the names that
    ``umap_sk.interop.functions`` and ``umap_sk.plot`` provide. Other parts of umap-learn cannot be imported.
    umap-learn need not be installed. A second call changes nothing.

    Returns
    -------
    Replacement
        An object with the method ``undo()``, and a context manager that calls it.

    Raises
    ------
    RuntimeError
        If umap-learn has been imported, since parts of it may be in use already.

    Examples
    --------
    >>> import umap_sk
    >>> with umap_sk.replace_umap():  # doctest: +SKIP
    ...     from umap import UMAP
    >>> UMAP is umap_sk.UMAP  # doctest: +SKIP
    True
    """
    loaded = sys.modules.get("umap")
    if getattr(loaded, "stands_for_umap_learn", False):
        return Replacement({})
    others = sorted(name for name in sys.modules if name == "umap" or name.startswith("umap."))
    if others:
        raise RuntimeError(
            f"umap-learn has been imported already ({', '.join(others[:3])}), by this program or by a package that it "
            "imports. Call umap_sk.replace_umap() before them, or start the program by python -m umap_sk.replace."
        )
    modules = make_modules()
    sys.modules.update(modules)
    say("umap_sk stands in the place of umap-learn: import umap means it from now on.")
    return Replacement(modules)


def make_modules() -> dict[str, types.ModuleType]:
    """Return modules with umap-learn's names."""
    names = {name: getattr(functions, name) for name in functions.__all__}
    inner = {
        "umap.umap_": make_module("umap.umap_", names),
        "umap.aligned_umap": make_module("umap.aligned_umap", {"AlignedUMAP": functions.AlignedUMAP}),
        "umap.utils": make_module("umap.utils", {"disconnected_vertices": disconnected_vertices}),
        "umap.plot": make_plot_module(),
    }
    outer = {name: names[name] for name in ("UMAP", "AlignedUMAP")} | {"ParametricUMAP": MissingParametricUMAP}
    outer |= {name.removeprefix("umap."): module for name, module in inner.items()}
    package = make_module("umap", outer | {"__version__": VERSION, "stands_for_umap_learn": True}, package=True)
    return {"umap": package, **inner}


class MissingParametricUMAP:
    """A class in the place of umap-learn's, whose construction is an error."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise ImportError(
            "umap_sk stands in the place of umap-learn and has no ParametricUMAP. Run this part with umap-learn, or "
            "place new rows by transform, which needs no network."
        )


def make_plot_module() -> types.ModuleType:
    """Return the functions of umap_sk.plot, and those of umap.plot that show their results."""
    plot = importlib.import_module("umap_sk.plot")
    values = {name: getattr(plot, name) for name in plot.__all__} | {name: getattr(show, name) for name in show.__all__}
    return make_module("umap.plot", values)


def make_module(name: str, values: Mapping[str, object], *, package: bool = False) -> types.ModuleType:
    """Make a module that contains the given values."""
    module = types.ModuleType(name, f"Stands for umap-learn's {name}: see umap_sk.replace_umap.")
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=package)
    if package:
        module.__path__ = []

    def raise_missing(attribute: str) -> NoReturn:
        if attribute.startswith("__"):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        raise AttributeError(
            f"umap_sk stands in the place of umap-learn and has no {name}.{attribute}. See 'Packages that call "
            "umap-learn' in its user guide, or run this part with umap-learn."
        )

    vars(module).update(values, __getattr__=raise_missing)
    return module


def main(arguments: list[str]) -> None:
    """Run a script or a module with this package instead of umap-learn."""
    if not arguments or (arguments[0] == "-m" and len(arguments) < 2):
        raise SystemExit(USAGE)
    replace_umap()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    sys.argv = arguments
    sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
