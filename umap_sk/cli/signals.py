"""Signals that stop the command line. The library itself never changes the process's handlers."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

SIGNAL_NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP")
"""Ctrl-C, the signals of batch systems at the end of the time limit, and the closing of a terminal."""

# Seconds in which several signals are one request, since batch systems may send a signal twice.
SAME_REQUEST_SECONDS = 1.0
STOPPED = 75  # exit code of a run that was stopped with a checkpoint: EX_TEMPFAIL of sysexits.h


class Stop(KeyboardInterrupt):
    """Raised by a signal. Python ends ``python -m`` by SIGINT if a plain KeyboardInterrupt ever left an ``exec``."""


class StopRequest:
    """A request to stop by a signal.

    If `graceful`, the first signal is only recorded in `received`, which is checked after every epoch. The next signal,
    or the first one otherwise, raises Stop.
    """

    def __init__(self, graceful: bool):
        self.graceful = graceful
        self.received: int | None = None
        self.over = False
        self._since = 0.0

    @property
    def name(self) -> str:
        """Return the name of the signal."""
        return signal.Signals(self.received).name if self.received else "no signal"

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal. Signals that follow at once belong to the same request."""
        if self.over or (self.received is not None and time.monotonic() - self._since < SAME_REQUEST_SECONDS):
            return
        first, self.received, self._since = self.received is None, number, time.monotonic()
        if not (self.graceful and first):
            raise Stop
        # sys.stderr is avoided, because the signal may have interrupted a write to it.
        with contextlib.suppress(OSError):
            text = f"{self.name}: stopping after this epoch, with a checkpoint; repeat the signal to stop at once\n"
            os.write(2, f"\n{text}".encode() if os.isatty(2) else text.encode())


@contextlib.contextmanager
def catch_signals(*, graceful: bool, keep_handlers: bool = False) -> Iterator[StopRequest]:
    """Handle signals in this block, except those that are ignored, as under nohup.

    With `keep_handlers`, they stay in place after the block. Then a late signal cannot change the exit code of a
    process that is about to end.
    """
    request = StopRequest(graceful)
    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in SIGNAL_NAMES if hasattr(signal, name)]
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, request.handle)
    try:
        yield request
    finally:
        request.over = True
        for number, handler in () if keep_handlers else before.items():
            signal.signal(number, handler)
