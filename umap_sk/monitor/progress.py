"""Progress of a run: a bar on the terminal or in a notebook, lines where no library shows one, or a watcher's."""

import contextlib
import importlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from itertools import accumulate
from typing import Any

from umap_sk.monitor import notebook
from umap_sk.monitor.units import duration

Watcher = Callable[[Sequence[int], int], Callable[[int], bool]]
"""Gets edges of each epoch, and how many were run; what it returns is called after each, and stops the run if true."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_bar: ContextVar[Any] = ContextVar("bar", default=None)
_telling: ContextVar[bool] = ContextVar("telling", default=False)
LONG = 2.0  # seconds of a phase that is told of
WITH_BARS = ("layout",)


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
) -> Iterator[Callable[[int], Any]]:
    """Show the epochs of a run from their edges; what it yields is called with the number of those run, after each."""
    watcher = _watcher.get()
    if watcher is not None:
        yield watcher(edges, done)
        return
    if not shown:
        yield lambda epoch: None
        return
    passed = [0, *accumulate(edges)]
    with bar_of(task, passed[-1], passed[done]) as update:
        if update is None:
            yield plain_lines(edges, done, what=f"{task}: {unit}")
        else:
            yield lambda epoch: update(passed[epoch])


@contextlib.contextmanager
def rows_bar(task: str, shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many rows of all are done; what it yields is called with both numbers, None where nothing is shown."""
    if not shown or _watcher.get() is not None:
        yield None
        return
    with contextlib.ExitStack() as stack:
        updates: list[Callable[[float], object]] = []

        def show(done: int, total: int) -> None:
            if not updates:
                bar, lines = stack.enter_context(bar_of(task, total, 0)), row_lines(task, total)
                updates.append(lines if bar is None else bar)
            updates[0](done)

        yield show


def row_lines(task: str, total: int) -> Callable[[float], object]:
    """Write a line about every fifth of some rows, with the time left."""
    began, last = time.perf_counter(), 0

    def show(done: float) -> None:
        nonlocal last
        if done * 5 // total > last and done < total:
            left = (time.perf_counter() - began) * (total - done) / done
            say(f"{task}: {100 * done // total:.0f} %, about {duration(left)} left")
        last = int(done * 5 // total)

    return show


@contextlib.contextmanager
def bar_of(task: str, total: float, done: float) -> Iterator[Callable[[float], object] | None]:
    """A bar that is called with how much of the total is done; None where lines have to take its place.

    It is rich's, if that can show one here. In a notebook it is else that of tqdm, or a bar of the notebook's own.
    """
    bar = _rich_bar()
    if bar is not None:
        token = _bar.set(bar)
        try:
            with bar as progress:
                number = progress.add_task(task, total=total, completed=done)
                yield lambda completed: progress.update(number, completed=completed)
        finally:
            _bar.reset(token)
    elif not notebook.runs():
        yield None
    elif _can_import("ipywidgets") and _can_import("tqdm.auto"):
        with importlib.import_module("tqdm.auto").tqdm(
            total=total, initial=done, desc=task, bar_format="{desc}: {percentage:3.0f}%|{bar}| {remaining} left"
        ) as tqdm_bar:
            yield lambda completed: tqdm_bar.update(completed - tqdm_bar.n)
    else:
        yield notebook.bar(task, total, done)


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
        if notebook.runs():
            notebook.write(text)
        else:
            sys.stderr.write(f"{text}\n")


@contextlib.contextmanager
def telling(shown: bool) -> Iterator[None]:
    """Write a line, in the block, at the end of each phase that has taken long and had no bar of its own."""
    token = _telling.set(bool(shown))
    try:
        yield
    finally:
        _telling.reset(token)


def phase_ended(name: str, seconds: float) -> None:
    """Write that a phase has ended, where that is told, and it took long enough to be missed."""
    if _telling.get() and seconds >= LONG and name not in WITH_BARS:
        say(f"{name}: done in {duration(seconds)}")


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
