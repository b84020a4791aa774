"""Messages of the command line on stderr: log records, warnings, and progress in one line of a terminal."""

import contextlib
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

CLEAR_LINE = "\r\x1b[K"  # go to the beginning of the line and clear it


class Terminal:
    """Standard error, as a terminal or as a log file. A run continues if writing fails."""

    def __init__(self, quiet: bool):
        self._quiet = quiet
        self._stream = sys.stderr
        self._rewrites = self._stream is not None and self._stream.isatty()
        self.warnings: list[dict[str, str]] = []

    def say(self, text: str) -> None:
        """Write a line with the time, unless the command is quiet."""
        if not self._quiet:
            self.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}")

    def write(self, text: str) -> None:
        """Write a line, even if the command is quiet."""
        self._write_raw(f"{CLEAR_LINE if self._rewrites else ''}{text}\n")

    def show_progress(self, edges: Sequence[int], done: int) -> Callable[[int], object]:
        """Return a function that shows the epochs of a run, by rewriting a line or about every tenth epoch."""
        from umap_sk.monitor.progress import describe_epochs, write_epoch_lines

        if self._quiet or not self._rewrites:
            return write_epoch_lines(edges, done, self.say)
        line_at = describe_epochs(edges, done)

        def rewrite(epoch: int) -> None:
            self._write_raw(f"{CLEAR_LINE}{line_at(epoch)}")

        return rewrite

    @contextlib.contextmanager
    def show_messages(self) -> Iterator[None]:
        """Show the package's log records and all warnings in this block."""
        logger = logging.getLogger("umap_sk")
        handler, level = _LogHandler(self), logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            with warnings.catch_warnings():
                warnings.showwarning = self._show_warning  # type: ignore[assignment]
                yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)

    def flush(self) -> None:
        """Flush the stream, so that a failure does not change the exit code to 120 at the end of the process."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except OSError:
                redirect_to_null(self._stream)

    def _write_raw(self, text: str) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.write(_escape(text, self._stream))
                self._stream.flush()

    def _show_warning(self, message: Warning | str, category: type[Warning], *place: object) -> None:
        text = " ".join(str(message).split())
        self.warnings.append({"category": category.__name__, "message": text})
        self.write(f"warning: {text} [{category.__name__}]")


class _LogHandler(logging.Handler):
    """Handler that passes log records to a terminal."""

    def __init__(self, terminal: Terminal):
        super().__init__(logging.INFO)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.say(record.getMessage())


def print_result(text: str) -> None:
    """Write a result to stdout. Bytes of a path that are no characters are escaped."""
    if sys.stdout is None:
        raise BrokenPipeError
    sys.stdout.write(f"{_escape(text, sys.stdout)}\n")
    sys.stdout.flush()


def redirect_to_null(stream: TextIO) -> None:
    """Discard the buffered text of a stream and everything that follows."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _escape(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
