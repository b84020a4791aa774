"""Signals that ask the command line to stop. Only there: the library leaves the process's handlers alone."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP")
"""Ctrl-C; a batch system's ways to say that the time is over; the end of a terminal."""

SAME = 1.0  # seconds in which signals are one request: a batch system may reach a process by two ways
STOPPED = 75  # exit code of a run that was stopped with a checkpoint; EX_TEMPFAIL of sysexits.h: try again


class StopRequest:
    """Whether a signal has asked to stop, and what the next one does.

    With `gently` the first signal is only noted, for someone who looks at `received` after every epoch; the next one,
    and the first without `gently`, comes through as KeyboardInterrupt.
    """

    def __init__(self, gently: bool):
        self.gently = gently
        self.received: int | None = None
        self.over = False
        self._since = 0.0

    @property
    def name(self) -> str:
        """Name of the signal."""
        return signal.Signals(self.received).name if self.received else "no signal"

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal, which is one request with those that follow at once."""
        if self.over or (self.received is not None and time.monotonic() - self._since < SAME):
            return
        first, self.received, self._since = self.received is None, number, time.monotonic()
        if not (self.gently and first):
            raise KeyboardInterrupt
        # Not through sys.stderr, which may be in the middle of a line of its own.
        with contextlib.suppress(OSError):
            text = f"{self.name}: stopping after this epoch, with a checkpoint; once more to stop at once\n"
            os.write(2, f"\n{text}".encode() if os.isatty(2) else text.encode())


@contextlib.contextmanager
def caught(*, gently: bool, to_the_end: bool = False) -> Iterator[StopRequest]:
    """Take the signals while the block runs; those that are ignored, as under nohup, stay so.

    A process that ends after the block takes them `to_the_end`: one that comes so late must not change its exit code.
    """
    request = StopRequest(gently)
    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, request.handle)
    try:
        yield request
    finally:
        request.over = True
        for number, handler in () if to_the_end else before.items():
            signal.signal(number, handler)
