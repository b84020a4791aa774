"""Modules by the names that models of formats 1 to 3 refer to. What is above is loaded by name, when one is read."""

import functools
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType

FORMER = {
    "checkpoint": "checkpoint.settings",
    "manifold": "graph.manifold",
    "report": "monitor.report",
    "search": "neighbors.search",
    "transform": "layout.transform",
}
OF_A_LAYOUT = ("curve", "optimise", "stepping")  # of whose values nothing is used any more


class Former(tuple):
    """A value of an unfinished layout of such a model, which ends where it is."""

    def __new__(cls, *values: object) -> "Former":
        return super().__new__(cls, values)


class FormerNames(MetaPathFinder, Loader):
    """Finds them where nothing else has: a module that asks its successor for every name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The specification, for a former name."""
        package, _, name = fullname.rpartition(".")
        return (
            importlib.util.spec_from_loader(fullname, self)
            if package == __package__ and name in (*FORMER, *OF_A_LAYOUT)
            else None
        )

    def exec_module(self, module: ModuleType) -> None:
        """Refer to the module of today, or to what stands for all values that are not used."""
        name = module.__name__.rpartition(".")[2]
        if name in OF_A_LAYOUT:
            for value in ("Curve", "Forces", "LayoutState", "Schedule", "Stepper"):
                setattr(module, value, Former)
            return
        successor = importlib.import_module(f"{__package__}.{FORMER[name]}")
        module.__getattr__ = functools.partial(getattr, successor)  # type: ignore[method-assign]


def install() -> None:
    """Have them found from now on."""
    if not any(isinstance(finder, FormerNames) for finder in sys.meta_path):
        sys.meta_path.append(FormerNames())
