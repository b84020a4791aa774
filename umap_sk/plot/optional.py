"""Matplotlib, which not everybody has."""

import importlib
from typing import Any


def matplotlib_module(name: str) -> Any:
    """A module of matplotlib, or an ImportError that says how to get it."""
    try:
        return importlib.import_module(f"matplotlib.{name}")
    except ImportError as error:
        raise ImportError(
            'Pictures need matplotlib, the extra "plot" of this package. Run: pip install "matplotlib>=3.8"'
        ) from error
