"""This package in the place of umap-learn, for programs that import umap: for a session, a block or a script.

python -m umap_sk.replace script.py its arguments
python -m umap_sk.replace -m package its arguments
"""

import importlib
import importlib.machinery
import runpy
import sys
import types
from pathlib import Path
from typing import Any

from umap_sk.interop import functions
from umap_sk.interop.vertices import disconnected_vertices
from umap_sk.monitor.progress import say

VERSION = "0.5.12"
"""Of umap-learn, whose names these are; packages look at it."""

USAGE = "usage: python -m umap_sk.replace script.py [arguments], or -m module [arguments]"


class Replacement:
    """The modules that stand in the place of umap-learn's; a context that takes them away at its end.

    Parameters
    ----------
    modules : dict of module
        By the names that they have been put under.
    """

    def __init__(self, modules: dict[str, Any]):
        self._modules = modules

    def undo(self) -> None:
        """Take the modules away, so that ``import umap`` means umap-learn again; names that were imported stay."""
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        self._modules = {}

    def __enter__(self) -> "Replacement":
        return self

    def __exit__(self, *_: Any) -> None:
        self.undo()


def replace_umap() -> Replacement:
    """Put this package in the place of umap-learn: what imports umap from now on gets it, and needs no other change.

    `umap`, `umap.umap_`, `umap.plot`, `umap.aligned_umap` and `umap.utils` are there, with umap-learn's names as far as
    :mod:`umap_sk.interop.functions` and :mod:`umap_sk.plot` have them. Other parts of umap-learn cannot be imported.
    umap-learn need not be installed. Where this package is in its place already, nothing changes.

    Returns
    -------
    Replacement
        Has ``undo()``, and is a context manager that calls it.

    Raises
    ------
    RuntimeError
        If umap-learn has been imported: parts of it may be in use already.

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
    modules = standing_modules()
    sys.modules.update(modules)
    say("umap_sk stands in the place of umap-learn: import umap means it from now on.")
    return Replacement(modules)


def standing_modules() -> dict[str, Any]:
    """Modules by umap-learn's names."""
    names = {name: getattr(functions, name) for name in functions.__all__}
    inner = {
        "umap.umap_": module_of("umap.umap_", names),
        "umap.aligned_umap": module_of("umap.aligned_umap", {"AlignedUMAP": functions.AlignedUMAP}),
        "umap.utils": module_of("umap.utils", {"disconnected_vertices": disconnected_vertices}),
        "umap.plot": importlib.import_module("umap_sk.plot"),
    }
    outer = {name: names[name] for name in ("UMAP", "AlignedUMAP")}
    outer |= {name.removeprefix("umap."): module for name, module in inner.items()}
    package = module_of("umap", outer | {"__version__": VERSION, "stands_for_umap_learn": True}, package=True)
    return {"umap": package, **inner}


def module_of(name: str, values: dict[str, Any], *, package: bool = False) -> types.ModuleType:
    """A module of values, which is found as any other."""
    module = types.ModuleType(name, f"Stands for umap-learn's {name}: see umap_sk.replace_umap.")
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=package)
    if package:
        module.__path__ = []

    def missing(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        raise AttributeError(
            f"umap_sk stands in the place of umap-learn and has no {name}.{attribute}. See 'Packages that call "
            "umap-learn' in its user guide, or run this part with umap-learn."
        )

    vars(module).update(values, __getattr__=missing)
    return module


def main(arguments: list[str]) -> None:
    """Run a script or a module with this package in the place of umap-learn."""
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
