"""A file that is written past the system's cache, so that the epochs beside it keep theirs, and summed on the way."""

import contextlib
import errno
import mmap
import os
from pathlib import Path
from types import TracebackType

import numpy as np

from umap_sk.runtime.checksum import AT_ONCE, Checksum


class DirectFile:
    """A new file for :func:`pickle.dump`: what it is given goes through one buffer of 1 MiB to the disk.

    Pages of the system's cache, which nobody would read, cost a busy machine more than the writing itself. Where the
    system or the file's place has no other way, they are used.

    Parameters
    ----------
    path : Path
        The file; an older one is cut to nothing.

    Attributes
    ----------
    size : int
        Bytes that it was given.
    """

    def __init__(self, path: Path):
        self._pages = mmap.mmap(-1, AT_ONCE)  # begins with a page, as the disk wants it
        self._buffer = np.frombuffer(self._pages, np.uint8)
        self._filled = self.size = 0
        self._sum = Checksum()
        self._passes_cache = False
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        with contextlib.suppress(OSError):
            self._pass_cache(True)

    def write(self, data: bytes | memoryview) -> int:
        """Take bytes.

        Parameters
        ----------
        data : bytes or memoryview
            Any number of them.

        Returns
        -------
        int
            How many.
        """
        content = np.frombuffer(data, np.uint8)  # whose copies let other threads run, which those of bytes do not
        first = 0
        while first < len(content):
            count = min(AT_ONCE - self._filled, len(content) - first)
            self._buffer[self._filled : self._filled + count] = content[first : first + count]
            self._filled += count
            first += count
            if self._filled == AT_ONCE:
                self._empty()
        self.size += len(content)
        return len(content)

    def finish(self) -> str:
        """Bring all to the disk; the last piece, which fills no pages, through the cache.

        Returns
        -------
        str
            Checksum of the file.
        """
        self._pass_cache(False)
        self._empty()
        os.fsync(self._descriptor)
        return self._sum.hexdigest()

    def __enter__(self) -> "DirectFile":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._descriptor)

    def _empty(self) -> None:
        """Write what is in the buffer."""
        self._sum.update(self._buffer[: self._filled])
        piece, self._filled = memoryview(self._pages)[: self._filled], 0
        while len(piece):
            try:
                piece = piece[os.write(self._descriptor, piece) :]
            except OSError as error:
                if error.errno != errno.EINVAL or not self._passes_cache:
                    raise
                self._pass_cache(False)  # a place that only says that it can, or what is left begins amid a page

    def _pass_cache(self, wanted: bool) -> None:
        """Write past the system's cache from here on, or through it."""
        self._passes_cache = False
        direct = getattr(os, "O_DIRECT", 0)
        if direct:
            import fcntl

            flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL) & ~direct
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags | (direct if wanted else 0))
            self._passes_cache = wanted
