"""Progress of a run on the terminal: rich's bar where it is installed, plain lines where it is not, or a watcher's."""

import contextlib
import importlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from itertools import accumulate
from typing import Any

from umap_sk.monitor.units import duration

Watcher = Callable[[Sequence[int], int], Callable[[int], bool]]
"""Gets edges of each epoch, and how many were run; what it returns is called after each, and stops the run if true."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_bar: ContextVar[Any] = ContextVar("bar", default=None)


@contextlib.contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Have the fits of this block, in this thread, watched: instead of a bar, and with every scikit-learn."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextlib.contextmanager
def progress_bar(
    edges: Sequence[int], done: int, shown: bool, task: str = "layout", unit: str = "epoch"
) -> Iterator[Callable[[int], bool | None]]:
    """Show the epochs of a run from their edges; what it yields is called with the number of those run, after each."""
    watcher = _watcher.get()
    if watcher is not None:
        yield watcher(edges, done)
        return
    if not shown:
        yield lambda epoch: None
        return
    bar = _rich_bar()
    if bar is None:
        yield plain_lines(edges, done, what=f"{task}: {unit}")
        return
    passed = [0, *accumulate(edges)]
    token = _bar.set(bar)
    try:
        with bar as progress:
            number = progress.add_task(task, total=passed[-1])
            progress.update(number, completed=passed[done])
            yield lambda epoch: progress.update(number, completed=passed[epoch])
    finally:
        _bar.reset(token)


def _rich_bar() -> Any:
    """rich's bar on stderr; None without rich, or in a notebook that cannot show it."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        return None
    console = Console(stderr=True)
    if console.is_jupyter and not _can_import("ipywidgets"):
        return None
    return Progress(console=console)


def _can_import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def say(text: str) -> None:
    """Write a line of a fit that shows its progress, above the bar if there is one; a watcher has the log for that."""
    bar = _bar.get()
    if bar is not None:
        bar.console.print(text)
    elif _watcher.get() is None:
        sys.stderr.write(f"{text}\n")


def plain_lines(
    edges: Sequence[int],
    done: int,
    write: Callable[[str], object] = lambda line: sys.stderr.write(f"{line}\n"),
    what: str = "layout: epoch",
) -> Callable[[int], None]:
    """Write a line to stderr about every ten percent of the epochs, with the time left."""
    total, line_at, last = len(edges), epoch_line(edges, done, what), done

    def show(epoch: int) -> None:
        nonlocal last
        line = line_at(epoch)
        if epoch * 10 // total > last * 10 // total:
            write(line)
        last = epoch

    return show


def epoch_line(edges: Sequence[int], done: int, what: str = "layout: epoch") -> Callable[[int], str]:
    """Tell, after each epoch, how far a run is, and how long it still takes.

    An epoch takes as long as its level has edges, at the pace of the last tenth of all epochs on the level that runs.
    """
    total, passed = len(edges), [0, *accumulate(edges)]
    recent = deque([(done, time.perf_counter())], maxlen=max(2, total // 10))

    def line(epoch: int) -> str:
        recent.append((epoch, time.perf_counter()))
        (first, began), (_, now) = recent[0], recent[-1]
        left = (now - began) / (passed[epoch] - passed[first]) * (passed[total] - passed[epoch])
        if epoch < total and edges[epoch] != edges[epoch - 1]:  # the next level has a pace of its own
            recent.clear()
            recent.append((epoch, now))
        return f"{what} {epoch} of {total}, about {f'{left:.0f} s' if left < 120 else duration(left)} left"

    return line
