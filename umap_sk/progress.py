"""Progress of a run on the terminal: rich's bar where it is installed, plain lines where it is not, or a watcher's."""

import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from umap_sk.planning import duration

Watcher = Callable[[int, int], Callable[[int], bool]]
"""Gets the epochs planned and run already; what it returns is called after every epoch, and stops the run if true."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextlib.contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Have the fits of this block, in this thread, watched: instead of a bar, and with every scikit-learn.

    Parameters
    ----------
    watcher : callable
        Gets the epochs planned and run already, and returns a callable that gets the number of epochs run after each;
        if that returns True, the run stops there.
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextlib.contextmanager
def progress_bar(total: int, done: int, shown: bool) -> Iterator[Callable[[int], bool | None]]:
    """Show the epochs of a run.

    Parameters
    ----------
    total, done : int
        Epochs planned, and run already.
    shown : bool
        False shows nothing.

    Yields
    ------
    callable
        To be called with the number of epochs run; a true answer asks to stop there.
    """
    watcher = _watcher.get()
    if watcher is not None:
        yield watcher(total, done)
        return
    if not shown:
        yield lambda epoch: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield plain_lines(total, done)
        return
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("layout", total=total, completed=done)
        yield lambda epoch: progress.update(task, completed=epoch)


def plain_lines(
    total: int, done: int, write: Callable[[str], object] = lambda line: sys.stderr.write(f"{line}\n")
) -> Callable[[int], None]:
    """Write a line to stderr about every ten percent, with the time left.

    Parameters
    ----------
    total, done : int
        Epochs planned, and run already.
    write : callable
        Takes the lines instead.

    Returns
    -------
    callable
        To be called with the number of epochs run.
    """
    line_at = epoch_line(total, done)

    def show(epoch: int) -> None:
        line = line_at(epoch)
        if epoch * 10 // total > (epoch - 1) * 10 // total:
            write(line)

    return show


def epoch_line(total: int, done: int) -> Callable[[int], str]:
    """Tell how far a run is, and how long it still takes if its epochs go on as the last tenth of all did.

    The first ones are on coarse levels, and take less time than the rest.

    Parameters
    ----------
    total, done : int
        Epochs planned, and run already.

    Returns
    -------
    callable
        The line, from the number of epochs run; to be called after each.
    """
    recent = deque([(done, time.perf_counter())], maxlen=max(2, total // 10))

    def line(epoch: int) -> str:
        recent.append((epoch, time.perf_counter()))
        (first, began), (_, now) = recent[0], recent[-1]
        left = (now - began) / max(1, epoch - first) * (total - epoch)
        return f"layout: epoch {epoch} of {total}, about {f'{left:.0f} s' if left < 120 else duration(left)} left"

    return line
