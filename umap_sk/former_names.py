"""Modules by the names that they had in 0.1.0, which models that were stored then refer to."""

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType

FORMER = {
    "checkpoint": "checkpoint.settings",
    "curve": "layout.curve",
    "manifold": "graph.manifold",
    "optimise": "layout.optimizer",
    "report": "monitor.report",
    "search": "neighbors.search",
    "stepping": "layout.run",
    "transform": "layout.transform",
}
NAMES = {"Stepper": "LayoutRun"}  # in them


class FormerNames(MetaPathFinder, Loader):
    """Finds them where nothing else has: a module that asks its successor for every name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The specification, for a former name."""
        package, _, name = fullname.rpartition(".")
        return importlib.util.spec_from_loader(fullname, self) if package == __package__ and name in FORMER else None

    def exec_module(self, module: ModuleType) -> None:
        """Refer to the module of today."""
        name = module.__name__.rpartition(".")[2]
        successor = importlib.import_module(f"{__package__}.{FORMER[name]}")
        module.__getattr__ = lambda attribute: getattr(successor, NAMES.get(attribute, attribute))  # type: ignore[method-assign]


def install() -> None:
    """Have them found from now on."""
    if not any(isinstance(finder, FormerNames) for finder in sys.meta_path):
        sys.meta_path.append(FormerNames())
