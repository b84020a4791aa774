"""The lock of a run's folder, which the system releases when its process ends."""

import contextlib
import errno
import os
import socket
import stat
import time
from pathlib import Path

LOCK_TIMEOUT = 1.0  # seconds; a process that is being killed may still hold the lock

_locks: dict[Path, int] = {}
_idle: set[Path] = set()  # locks that stay between two calls of partial_fit


def find_holder(folder: Path) -> str | None:
    """Return a description of the process that uses a folder, or None."""
    try:
        descriptor = _open_lock(folder)
    except OSError:
        return None
    try:
        return None if _try_lock(descriptor) else _read_holder(descriptor)
    finally:
        os.close(descriptor)


def lock(folder: Path) -> bool:
    """Lock a folder for one thread of this process.

    Returns False if the lock was kept from an earlier call. Raises BlockingIOError if another process or thread
    holds it.
    """
    folder = folder.resolve()
    with contextlib.suppress(KeyError):
        _idle.remove(folder)
        return False
    descriptor = _open_lock(folder, os.O_CREAT)
    end = time.monotonic() + LOCK_TIMEOUT
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > end:
                raise BlockingIOError(
                    f"The run in {folder} is being computed by {_read_holder(descriptor)}. Wait until that has ended "
                    "and call fit again, which goes on from there, or give this run a directory of its own."
                )
            time.sleep(LOCK_TIMEOUT / 20)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    except BaseException:  # a full disk, for example
        os.close(descriptor)
        raise
    _locks[folder] = descriptor
    return True


def unlock(folder: Path, *, keep: bool = False) -> None:
    """Unlock a folder if it is locked, or keep the lock for the next call in this process."""
    folder = folder.resolve()
    if folder not in _locks:
        return
    if keep:
        _idle.add(folder)
    else:
        _idle.discard(folder)
        os.close(_locks.pop(folder))


def unlock_idle(folder: Path) -> None:
    """Unlock a folder unless a call uses it now."""
    if folder.resolve() in _idle:
        unlock(folder)


def _read_holder(descriptor: int) -> str:
    """Return the description of the process that is stored in a lock."""
    return os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"


def _open_lock(folder: Path, flags: int = 0) -> int:
    """Open the lock of a folder. Links and pipes are refused, since opening them could erase a file or never return."""
    reason = "the file 'lock' in it is a link, a pipe or another thing that is no lock; remove it"
    safe_flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | safe_flags | flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise OSError(error.errno, reason) from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(descriptor)
        raise OSError(errno.EINVAL, reason)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    """Try to acquire a lock, and return whether this succeeded."""
    try:
        import fcntl
    except ImportError as error:
        raise OSError("Checkpoints need the file locks of Linux and macOS, which this system lacks.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _drop_inherited_locks() -> None:
    """Drop the locks in a forked child, because they belong to the parent."""
    for descriptor in _locks.values():
        os.close(descriptor)
    _locks.clear()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_inherited_locks)
