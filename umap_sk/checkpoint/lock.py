"""The lock of a run's folder, which dies with its process."""

import contextlib
import errno
import os
import socket
import stat
import time
from pathlib import Path

PATIENCE = 1.0  # seconds that a lock is tried for: a process that is being killed may still hold it

_locks: dict[Path, int] = {}
_idle: set[Path] = set()  # locks that are kept between two calls of partial_fit


def holder(folder: Path) -> str | None:
    """Who is at work in a folder; None if nobody is."""
    try:
        descriptor = _open(folder)
    except OSError:
        return None
    try:
        return None if _try(descriptor) else _named(descriptor)
    finally:
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether any process is at work in a folder."""
    return holder(folder) is not None


def lock(folder: Path) -> bool:
    """Take a folder for this process, or for one thread of it; False if it was kept from an earlier call.

    Raises BlockingIOError if another process or thread has it.
    """
    folder = folder.resolve()
    with contextlib.suppress(KeyError):
        _idle.remove(folder)
        return False
    descriptor = _open(folder, os.O_CREAT)
    end = time.monotonic() + PATIENCE
    while not _try(descriptor):
        if time.monotonic() > end:
            by = _named(descriptor)
            os.close(descriptor)
            raise BlockingIOError(
                f"The run in {folder} is being computed by {by}. Wait until that has ended and call fit again, "
                "which goes on from there, or give this run a directory of its own."
            )
        time.sleep(PATIENCE / 20)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    _locks[folder] = descriptor
    return True


def unlock(folder: Path, *, keep: bool = False) -> None:
    """Give a folder back if it is locked, or keep it for this process's next call."""
    folder = folder.resolve()
    if folder not in _locks:
        return
    if keep:
        _idle.add(folder)
    else:
        _idle.discard(folder)
        os.close(_locks.pop(folder))


def release(folder: Path) -> None:
    """Give a folder back that is kept between two calls; one that a call is at work in stays taken."""
    if folder.resolve() in _idle:
        unlock(folder)


def _named(descriptor: int) -> str:
    """Who has written its name into a lock."""
    return os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"


def _open(folder: Path, flags: int = 0) -> int:
    """Open a folder's lock, a file of its own: what a link points at must not be emptied, nor a pipe be waited for."""
    refused = "the file 'lock' in it is a link, a pipe or another thing that is no lock; remove it"
    never = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | never | flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise OSError(error.errno, refused) from error
        raise
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
        os.close(descriptor)
        raise OSError(errno.EINVAL, refused)
    return descriptor


def _try(descriptor: int) -> bool:
    """Whether a lock could be taken."""
    try:
        import fcntl
    except ImportError as error:
        raise OSError("Checkpoints need the file locks of Linux and macOS, which this system lacks.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget() -> None:
    """In a forked child: the locks are the parent's."""
    for descriptor in _locks.values():
        os.close(descriptor)
    _locks.clear()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
