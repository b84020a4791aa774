"""Matplotlib, which is an optional dependency."""

import importlib
from types import ModuleType


def import_matplotlib(name: str) -> ModuleType:
    """Import a module of matplotlib, or raise an ImportError that says how to install it."""
    try:
        return importlib.import_module(f"matplotlib.{name}")
    except ImportError as error:
        raise ImportError(
            'Pictures need matplotlib, the extra "plot" of this package. Run: pip install "matplotlib>=3.8"'
        ) from error
