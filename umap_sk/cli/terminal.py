"""What the command line tells on stderr: log records, warnings, and progress that a terminal shows in one line."""

import contextlib
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

CLEAR = "\r\x1b[K"  # back to the beginning of the line, and nothing in it


class Terminal:
    """Standard error, as a terminal or as a log file; a run goes on when nobody takes its lines any more."""

    def __init__(self, quiet: bool):
        self._quiet = quiet
        self._stream = sys.stderr
        self._rewrites = self._stream is not None and self._stream.isatty()
        self.warnings: list[dict[str, str]] = []

    def say(self, text: str) -> None:
        """Write a line with the time, unless quiet, which leaves warnings and errors only."""
        if not self._quiet:
            self.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}")

    def write(self, text: str) -> None:
        """Write a line, quiet or not."""
        self._put(f"{CLEAR if self._rewrites else ''}{text}\n")

    def progress(self, edges: Sequence[int], done: int) -> Callable[[int], object]:
        """What shows the epochs of a run: one line that is rewritten, or a line about every ten percent."""
        from umap_sk.monitor.progress import describe_epochs, write_epoch_lines

        if self._quiet or not self._rewrites:
            return write_epoch_lines(edges, done, self.say)
        line_at = describe_epochs(edges, done)

        def rewrite(epoch: int) -> None:
            self._put(f"{CLEAR}{line_at(epoch)}")

        return rewrite

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Tell the package's log records and all warnings while the block runs."""
        logger = logging.getLogger("umap_sk")
        handler, level = _Records(self), logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            with warnings.catch_warnings():
                warnings.showwarning = self._show_warning  # type: ignore[assignment]
                yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)

    def end(self) -> None:
        """See to it that what nobody took does not fail once more, as exit code 120, when the process ends."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except OSError:
                silence(self._stream)

    def _put(self, text: str) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.write(_encodable(text, self._stream))
                self._stream.flush()

    def _show_warning(self, message: Warning | str, category: type[Warning], *place: Any) -> None:
        text = " ".join(str(message).split())
        self.warnings.append({"category": category.__name__, "message": text})
        self.write(f"warning: {text} [{category.__name__}]")


class _Records(logging.Handler):
    """Hands log records on."""

    def __init__(self, terminal: Terminal):
        super().__init__(logging.INFO)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.say(record.getMessage())


def show(text: str) -> None:
    """Write a result to stdout, where a path may have bytes that no character stands for."""
    if sys.stdout is None:
        raise BrokenPipeError
    sys.stdout.write(f"{_encodable(text, sys.stdout)}\n")
    sys.stdout.flush()


def silence(stream: Any) -> None:
    """Let what is left in a stream, and all that follows, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _encodable(text: str, stream: Any) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
