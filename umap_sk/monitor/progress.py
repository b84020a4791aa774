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

from umap_sk.planning.plan import duration

Watcher = Callable[[Sequence[float], int], Callable[[int], bool]]
"""Gets what each epoch costs and how many were run; what it returns is called after each, and stops the run if true."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_bar: ContextVar[Any] = ContextVar("bar", default=None)


@contextlib.contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Have the fits of this block, in this thread, watched: instead of a bar, and with every scikit-learn.

    Parameters
    ----------
    watcher : callable
        Gets what each planned epoch costs beside the others and the number of those run already, and returns a callable
        that gets the number of epochs run after each; if that returns True, the run stops there.
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextlib.contextmanager
def progress_bar(
    costs: Callable[[], Sequence[float]], done: int, shown: bool
) -> Iterator[Callable[[int], bool | None]]:
    """Show the epochs of a run.

    Parameters
    ----------
    costs : callable
        Tells what each planned epoch costs beside the others.
    done : int
        Epochs run already.
    shown : bool
        False shows nothing.

    Yields
    ------
    callable
        To be called with the number of epochs run; a true answer asks to stop there.
    """
    watcher = _watcher.get()
    if watcher is not None:
        yield watcher(costs(), done)
        return
    if not shown:
        yield lambda epoch: None
        return
    bar = _rich_bar()
    if bar is None:
        yield plain_lines(costs(), done)
        return
    spent = [0.0, *accumulate(costs())]
    token = _bar.set(bar)
    try:
        with bar as progress:
            task = progress.add_task("layout", total=spent[-1])
            progress.update(task, completed=spent[done])
            yield lambda epoch: progress.update(task, completed=spent[epoch])
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
    """Write a line of a fit that shows its progress, above the bar if there is one; a watcher has the log for that.

    Parameters
    ----------
    text : str
        The line.
    """
    bar = _bar.get()
    if bar is not None:
        bar.console.print(text)
    elif _watcher.get() is None:
        sys.stderr.write(f"{text}\n")


def plain_lines(
    costs: Sequence[float], done: int, write: Callable[[str], object] = lambda line: sys.stderr.write(f"{line}\n")
) -> Callable[[int], None]:
    """Write a line to stderr about every ten percent of the epochs, with the time left.

    Parameters
    ----------
    costs : sequence of float
        What each planned epoch costs beside the others.
    done : int
        Epochs run already.
    write : callable
        Takes the lines instead.

    Returns
    -------
    callable
        To be called with the number of epochs run.
    """
    total, line_at, last = len(costs), epoch_line(costs, done), done

    def show(epoch: int) -> None:
        nonlocal last
        line = line_at(epoch)
        if epoch * 10 // total > last * 10 // total:
            write(line)
        last = epoch

    return show


def epoch_line(costs: Sequence[float], done: int) -> Callable[[int], str]:
    """Tell how far a run is, and how long it still takes if the machine goes on as in the last tenth of all epochs.

    Epochs on coarse levels cost less than others, so their number alone tells little.

    Parameters
    ----------
    costs : sequence of float
        What each planned epoch costs beside the others.
    done : int
        Epochs run already.

    Returns
    -------
    callable
        The line, from the number of epochs run; to be called after each.
    """
    total, spent = len(costs), [0.0, *accumulate(costs)]
    recent = deque([(done, time.perf_counter())], maxlen=max(2, total // 10))

    def line(epoch: int) -> str:
        recent.append((epoch, time.perf_counter()))
        (first, began), (_, now) = recent[0], recent[-1]
        left = (now - began) / (spent[epoch] - spent[first]) * (spent[total] - spent[epoch])
        return f"layout: epoch {epoch} of {total}, about {f'{left:.0f} s' if left < 120 else duration(left)} left"

    return line
