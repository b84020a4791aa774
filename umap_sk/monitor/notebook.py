"""A bar and lines in a notebook, where what is written to stderr stands on red, and a line cannot be taken back."""

import html
import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

from umap_sk.monitor.units import duration


def runs() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def write(text: str) -> None:
    """Show a line among the outputs of the cell."""
    _display()({"text/plain": text}, raw=True)


def bar(task: str, total: float, done: float) -> Callable[[float], object]:
    """Show a bar that is drawn anew when it is called with how much is done, ten times a second at most."""
    began, before = time.perf_counter(), done
    shown = _display()(_content(task, done, total, None), raw=True, display_id=True)
    drawn = began

    def update(completed: float) -> None:
        nonlocal drawn
        now = time.perf_counter()
        if now - drawn >= 0.1 or completed >= total:
            left = (now - began) * (total - completed) / max(1e-9, completed - before)
            shown.update(_content(task, completed, total, left), raw=True)
            drawn = now

    return update


def _content(task: str, done: float, total: float, left: float | None) -> dict[str, str]:
    """The bar as HTML and as text."""
    text = f"{task}: {done / max(1e-9, total):.0%}" + ("" if left is None else f", about {duration(left)} left")
    drawn = f"<progress value={done / max(1e-9, total):.3f}></progress> {html.escape(text)}"
    return {"text/plain": text, "text/html": drawn}


def _display() -> Any:
    return importlib.import_module("IPython.display").display
