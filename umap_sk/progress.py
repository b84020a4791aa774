"""Progress of a run on the terminal: rich's bar where it is installed, plain lines where it is not."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress_bar(total: int, done: int, shown: bool) -> Iterator[Callable[[int], None]]:
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
        To be called with the number of epochs run.
    """
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


def plain_lines(total: int, done: int) -> Callable[[int], None]:
    """Write a line to stderr about every ten percent, with the seconds left.

    Parameters
    ----------
    total, done : int
        Epochs planned, and run already.

    Returns
    -------
    callable
        To be called with the number of epochs run.
    """
    began = time.perf_counter()

    def write(epoch: int) -> None:
        if epoch * 10 // total > (epoch - 1) * 10 // total:
            left = (time.perf_counter() - began) / max(1, epoch - done) * (total - epoch)
            sys.stderr.write(f"layout: epoch {epoch} of {total}, about {left:.0f} s left\n")

    return write
