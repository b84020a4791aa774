"""Clocks around functions of the package, put there from outside by name.

The package is not changed, and a function that goes by another name now is told as absent instead of breaking a
benchmark.
"""

import importlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

TASKS = Path("/proc/self/task")


class Watched(NamedTuple):
    """Functions whose calls make up a part, as "module.function"; with a condition on their arguments, some calls."""

    names: tuple[str, ...]
    counts: Callable[..., bool] = lambda *arguments, **named: True


class Clock:
    """What a part took: calls, seconds of each, and seconds of CPU by thread."""

    def __init__(self):
        self.seconds, self.threads = [], {}

    @property
    def wall(self):
        """Seconds of all calls."""
        return sum(self.seconds)

    @property
    def cpu(self):
        """Seconds of CPU of all threads."""
        return sum(self.threads.values())

    def imbalance(self, threads):
        """The busiest thread's CPU over the mean of so many threads: 1 where all had the same, `threads` at worst."""
        return max(self.threads.values()) * threads / self.cpu if self.cpu else float("nan")


def thread_seconds():
    """Seconds of CPU of each thread of this process, by its number."""
    found = {}
    for task in os.listdir(TASKS):
        try:
            found[task] = int((TASKS / task / "schedstat").read_text().split()[0]) / 1e9
        except FileNotFoundError:  # a thread that has just ended
            continue
    return found


class Stopwatch:
    """Times the parts' functions within its context: ``clocks`` has a `Clock` a part, ``absent`` what is missing."""

    def __init__(self, **parts):
        self.parts, self.absent, self._restore = parts, [], []
        self.clocks = {part: Clock() for part in parts}

    def __enter__(self):
        for part, watched in self.parts.items():
            for name in watched.names:
                path, _, attribute = name.rpartition(".")
                module = importlib.import_module(path)
                if hasattr(module, attribute):
                    self._restore.append((module, attribute, getattr(module, attribute)))
                    setattr(module, attribute, self._timed(getattr(module, attribute), watched, self.clocks[part]))
                else:
                    self.absent.append(name)
        return self

    def __exit__(self, *error):
        while self._restore:
            setattr(*self._restore.pop())

    def _timed(self, function, watched, clock):
        def timed(*arguments, **named):
            if not watched.counts(*arguments, **named):
                return function(*arguments, **named)
            before, began = thread_seconds(), time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                clock.seconds.append(time.perf_counter() - began)
                for task, seconds in thread_seconds().items():
                    clock.threads[task] = clock.threads.get(task, 0.0) + seconds - before.get(task, 0.0)

        return timed
