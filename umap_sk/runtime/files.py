"""Files that are whole or not there, and a lock that dies with its process."""

import contextlib
import errno
import json
import os
import pickle
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib

from umap_sk.runtime.checksum import checksum_of_file
from umap_sk.runtime.direct_file import DirectFile

TEMPORARY = ".tmp"
DEEPEST_JSON = 50
LARGEST_JSON = 2**24  # bytes; what is written here takes some kilobytes
PATIENCE = 1.0  # seconds that a lock is tried for: a process that is being killed may still hold it

_locks: dict[Path, int] = {}
_idle: set[Path] = set()  # locks that are kept between two calls of partial_fit


class DamagedError(Exception):
    """Comes up when a file is not what was written."""


@contextlib.contextmanager
def in_place_of(path: Path, temporary: Path | None = None) -> Iterator[Path]:
    """A file that takes its place when the block ends, and of which nothing is left if that fails.

    Parameters
    ----------
    path : Path
        The file; an older one is replaced.
    temporary : Path, optional
        Where it is until then; by default a name that is the run's own.

    Yields
    ------
    Path
        Where to write it, and to bring it to the disk.
    """
    temporary = temporary or path.with_name(path.name + TEMPORARY)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring a rename in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write a dict as JSON, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    values : dict
        What JSON takes.
    """
    with in_place_of(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(json.dumps(values, indent=1, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_json(path: Path) -> dict[str, Any]:
    """A dict from a JSON file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    DamagedError
        If there is none, or it is not JSON.
    """
    try:
        check_regular(path)
        if path.stat().st_size > LARGEST_JSON:
            raise DamagedError(f"{path.name} is longer than {LARGEST_JSON:,} bytes")
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DamagedError(f"{path.name} is missing") from error
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path.name} is not JSON") from error
    if not isinstance(values, dict):
        raise DamagedError(f"{path.name} holds no table")
    if not _shallow(values, DEEPEST_JSON):
        raise DamagedError(f"{path.name} is nested more than {DEEPEST_JSON} deep")
    return values


def _shallow(value: Any, depth: int) -> bool:
    """Whether a value is nested so deep at most, so that all that prints or stores it can follow."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth >= 0 and all(_shallow(one, depth - 1) for one in inner)


def check_regular(path: Path) -> None:
    """Raise unless a path is a file, perhaps by way of links: a pipe would be waited for, a device read for ever.

    Parameters
    ----------
    path : Path
        What is about to be read.

    Raises
    ------
    DamagedError
        If it is neither a file nor a directory, for which the system has errors.
    OSError
        If there is nothing.
    """
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DamagedError(f"{path.name} is a pipe or a device, not a file")


def check_writable(folder: Path) -> None:
    """Raise the system's error if no file can be made in a folder, and remove what a killed process left half-written.

    Parameters
    ----------
    folder : Path
        A folder that is locked.
    """
    for leftover in folder.glob(f"*{TEMPORARY}"):
        leftover.unlink()
    probe = folder / f"probe{TEMPORARY}"
    probe.touch(exist_ok=False)
    probe.unlink()


def notes_path(path: Path) -> Path:
    """The JSON file that belongs to a joblib file."""
    return path.with_suffix(".json")


def store(path: Path, value: Any, notes: dict[str, Any]) -> None:
    """Dump a value for joblib.load, and beside it a JSON file with notes, size and checksum, which is there first.

    Unlike joblib.dump, the fifth protocol writes arrays from where they lie, without a copy.

    Parameters
    ----------
    path : Path
        The joblib file.
    value : object
        What to dump.
    notes : dict
        What the JSON file says besides.
    """
    with in_place_of(path) as temporary, DirectFile(temporary) as file:
        pickle.dump(value, file, protocol=5)
        checksum = file.finish()
        write_json(notes_path(path), {**notes, "bytes": file.size, "checksum": checksum})


def load(path: Path) -> Any:
    """What :func:`store` has dumped, if it still is what was written.

    Parameters
    ----------
    path : Path
        The joblib file.

    Returns
    -------
    object
        The value.

    Raises
    ------
    DamagedError
        If a byte differs, or one of the two files is missing.
    """
    notes = read_json(notes_path(path))
    check_regular(path)
    size = path.stat().st_size
    if size != notes.get("bytes"):
        raise DamagedError(f"it has {size:,} bytes, of {notes.get('bytes')} written")
    if checksum_of_file(path) != notes.get("checksum"):
        raise DamagedError("its checksum differs")
    return joblib.load(path)


def holder(folder: Path) -> str | None:
    """Who is at work in a folder.

    Parameters
    ----------
    folder : Path
        A run's folder.

    Returns
    -------
    str or None
        None if nobody is.
    """
    try:
        descriptor = _open_lock(folder)
    except OSError:
        return None
    try:
        return None if _try_lock(descriptor) else _named(descriptor)
    finally:
        os.close(descriptor)


def _named(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"


def lock(folder: Path) -> bool:
    """Take a run's folder for this process, or for one thread of it.

    Parameters
    ----------
    folder : Path
        The folder, which exists.

    Returns
    -------
    bool
        False if this process has kept it from an earlier call.

    Raises
    ------
    BlockingIOError
        If another process or thread has it.
    """
    folder = folder.resolve()
    with contextlib.suppress(KeyError):
        _idle.remove(folder)
        return False
    descriptor = _open_lock(folder, os.O_CREAT)
    end = time.monotonic() + PATIENCE
    while not _try_lock(descriptor):
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
    """Give a folder back.

    Parameters
    ----------
    folder : Path
        The folder; nothing happens if it is not locked.
    keep : bool
        Keep it for the next call in this process, but from other processes.
    """
    folder = folder.resolve()
    if folder not in _locks:
        return
    if keep:
        _idle.add(folder)
    else:
        _idle.discard(folder)
        os.close(_locks.pop(folder))


def let_go(folder: Path) -> None:
    """Give a folder back that is kept between two calls; one that a call is at work in stays taken.

    Parameters
    ----------
    folder : Path
        The folder.
    """
    if folder.resolve() in _idle:
        unlock(folder)


def is_locked(folder: Path) -> bool:
    """Whether any process has a folder.

    Parameters
    ----------
    folder : Path
        A run's folder.

    Returns
    -------
    bool
        True if one is at work there.
    """
    return holder(folder) is not None


@contextlib.contextmanager
def explained(directory: Path) -> Iterator[None]:
    """Say what an error of the file system means before a run.

    Parameters
    ----------
    directory : Path
        Where checkpoints are to be kept.
    """
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"checkpoints cannot be kept in {directory}, so nothing was computed: {error.strerror or error}. Give a "
            "directory that can be written to, or do without checkpoints",
        ) from error


def _open_lock(folder: Path, flags: int = 0) -> int:
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


def _try_lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError as error:
        raise OSError("Checkpoints need the file locks of Linux and macOS, which this system lacks.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_locks() -> None:
    """In a forked child: the locks are the parent's."""
    for descriptor in _locks.values():
        os.close(descriptor)
    _locks.clear()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)
