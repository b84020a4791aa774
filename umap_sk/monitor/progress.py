"""Progress of a run: a bar on the terminal or in a notebook, lines if no library shows a bar, or a watcher's view."""

import contextlib
import importlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from itertools import accumulate
from typing import TYPE_CHECKING

from umap_sk.monitor import notebook
from umap_sk.monitor.units import format_seconds

if TYPE_CHECKING:
    from rich.progress import Progress

Watcher = Callable[[Sequence[int], int], Callable[[int], bool]]
"""A function of the edges of all epochs and of the number of epochs already run.

The function that it returns is called after each epoch, and stops the run if it returns True.
"""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_bar: ContextVar["Progress | None"] = ContextVar("bar", default=None)
_phases_shown: ContextVar[bool] = ContextVar("telling", default=False)
LONG_PHASE = 2.0  # seconds; shorter phases are not shown
PHASES_WITH_BARS = ("layout",)


@contextlib.contextmanager
def set_watcher(watcher: Watcher) -> Iterator[None]:
    """Let `watcher` follow the fits of this block and thread instead of a bar."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextlib.contextmanager
def show_epochs(
    phases: Sequence[tuple[int, int]], done: int, shown: bool, task: str = "layout", unit: str = "epoch"
) -> Iterator[Callable[[int], object]]:
    """Show the progress of a run, and yield a function to call with the number of epochs after each epoch.

    `phases` are pairs of edges and of the number of epochs with that many edges.
    """
    watcher = _watcher.get()
    if watcher is None and not shown:
        yield lambda epoch: None
        return
    edges = [count for count, epochs in phases for _ in range(epochs)]
    if watcher is not None:
        yield watcher(edges, done)
        return
    passed = [0, *accumulate(edges)]
    with open_bar(task, passed[-1], passed[done]) as update:
        if update is None:
            yield write_epoch_lines(edges, done, what=f"{task}: {unit}")
        else:
            yield lambda epoch: update(passed[epoch])


@contextlib.contextmanager
def show_rows(task: str, shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many rows are done, and yield a function to call with that number and the total, or None."""
    if not shown or _watcher.get() is not None:
        yield None
        return
    with contextlib.ExitStack() as stack:
        updates: list[Callable[[float], object]] = []

        def show(done: int, total: int) -> None:
            if not updates:
                bar, lines = stack.enter_context(open_bar(task, total, 0)), write_row_lines(task, total)
                updates.append(lines if bar is None else bar)
            updates[0](done)

        yield show


def write_row_lines(task: str, total: int) -> Callable[[float], object]:
    """Return a function that writes a line about every fifth of the rows, with the estimated time left."""
    began, last = time.perf_counter(), 0

    def show(done: float) -> None:
        nonlocal last
        if done * 5 // total > last and done < total:
            left = (time.perf_counter() - began) * (total - done) / done
            say(f"{task}: {100 * done // total:.0f} %, about {format_seconds(left)} left")
        last = int(done * 5 // total)

    return show


@contextlib.contextmanager
def open_bar(task: str, total: int, done: int) -> Iterator[Callable[[float], object] | None]:
    """Yield a function that updates a progress bar, or None if lines have to replace the bar.

    The bar is rich's if rich can show one here. Otherwise a notebook gets tqdm's bar or that of
    :mod:`umap_sk.monitor.notebook`.
    """
    bar = _make_rich_bar()
    if bar is not None:
        token = _bar.set(bar)
        try:
            with bar as progress:
                number = progress.add_task(task, total=total, completed=done)
                yield lambda completed: progress.update(number, completed=completed)
        finally:
            _bar.reset(token)
    elif not notebook.is_notebook():
        yield None
    elif _is_importable("ipywidgets") and _is_importable("tqdm.auto"):
        with importlib.import_module("tqdm.auto").tqdm(
            total=total, initial=done, desc=task, bar_format="{desc}: {percentage:3.0f}%|{bar}| {remaining} left"
        ) as tqdm_bar:
            yield lambda completed: tqdm_bar.update(completed - tqdm_bar.n)
    else:
        yield notebook.show_bar(task, total, done)


def _make_rich_bar() -> "Progress | None":
    """Return rich's progress bar on stderr, or None without rich or where it cannot show a bar, as in a file."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        return None
    console = Console(stderr=True)
    can_show = _is_importable("ipywidgets") if console.is_jupyter else console.is_terminal
    return Progress(console=console) if can_show else None


def _is_importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def say(text: str) -> None:
    """Write a line of a verbose fit, above the bar if there is one. Watchers read the log instead."""
    bar = _bar.get()
    if bar is not None:
        bar.console.print(text)
    elif _watcher.get() is None:
        if notebook.is_notebook():
            notebook.write_line(text)
        else:
            sys.stderr.write(f"{text}\n")


@contextlib.contextmanager
def show_phases(shown: bool) -> Iterator[None]:
    """In this block, write a line after each phase that took long and had no bar."""
    token = _phases_shown.set(bool(shown))
    try:
        yield
    finally:
        _phases_shown.reset(token)


def show_phase_end(name: str, seconds: float) -> None:
    """Write that a phase has ended, if phases are shown and it took long enough to matter."""
    if _phases_shown.get() and seconds >= LONG_PHASE and name not in PHASES_WITH_BARS:
        say(f"{name}: done in {format_seconds(seconds)}")


def write_epoch_lines(
    edges: Sequence[int],
    done: int,
    write: Callable[[str], object] = lambda line: sys.stderr.write(f"{line}\n"),
    what: str = "layout: epoch",
) -> Callable[[int], None]:
    """Return a function that writes a line about every tenth of the epochs, with the estimated time left."""
    total, line_at, last = len(edges), describe_epochs(edges, done, what), done

    def show(epoch: int) -> None:
        nonlocal last
        line = line_at(epoch)
        if epoch * 10 // total > last * 10 // total:
            write(line)
        last = epoch

    return show


def describe_epochs(edges: Sequence[int], done: int, what: str = "layout: epoch") -> Callable[[int], str]:
    """Return a function that describes the progress after an epoch, with the estimated time left.

    The duration of an epoch is proportional to the number of edges of its level. The pace is that of the last tenth of
    all epochs, as far as these were on the current level.
    """
    total, passed = len(edges), [0, *accumulate(edges)]
    recent = deque([(done, time.perf_counter())], maxlen=max(2, total // 10))

    def line(epoch: int) -> str:
        recent.append((epoch, time.perf_counter()))
        (first, began), (_, now) = recent[0], recent[-1]
        left = (now - began) / max(1, passed[epoch] - passed[first]) * (passed[total] - passed[epoch])
        if epoch < total and edges[epoch] != edges[epoch - 1]:  # the next level has its own pace
            recent.clear()
            recent.append((epoch, now))
        return f"{what} {epoch} of {total}, about {f'{left:.0f} s' if left < 120 else format_seconds(left)} left"

    return line
