"""A progress bar and lines for notebooks, where stderr has a red background and no line can be overwritten."""

import html
import importlib
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from umap_sk.monitor.units import format_seconds

if TYPE_CHECKING:
    from IPython.display import DisplayHandle


def is_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def write_line(text: str) -> None:
    """Write a line to the output of the cell."""
    _import_display()({"text/plain": text}, raw=True)


def show_bar(task: str, total: float, done: float) -> Callable[[float], object]:
    """Show a progress bar, and return a function that updates it at most ten times a second."""
    began, before = time.perf_counter(), done
    shown = _import_display()(_render_bar(task, done, total, None), raw=True, display_id=True)
    drawn = began

    def update(completed: float) -> None:
        nonlocal drawn
        now = time.perf_counter()
        if now - drawn >= 0.1 or completed >= total:
            left = (now - began) * (total - completed) / max(1e-9, completed - before)
            shown.update(_render_bar(task, completed, total, left), raw=True)
            drawn = now

    return update


def _render_bar(task: str, done: float, total: float, left: float | None) -> dict[str, str]:
    """Return the bar as HTML and as text."""
    text = f"{task}: {done / max(1e-9, total):.0%}" + ("" if left is None else f", about {format_seconds(left)} left")
    drawn = f"<progress value={done / max(1e-9, total):.3f}></progress> {html.escape(text)}"
    return {"text/plain": text, "text/html": drawn}


def _import_display() -> Callable[..., "DisplayHandle"]:
    return importlib.import_module("IPython.display").display
