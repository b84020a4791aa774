"""Atomic writing of files and folders, and checks before a file is read or written."""

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".tmp"


class DamagedError(Exception):
    """Raised when the content of a file is not what was written."""


@contextlib.contextmanager
def open_new_file(path: Path, temporary: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` if the block succeeds and is removed if it fails.

    Until then the data are in the file `temporary`. By default it has a name that no other process uses, because its
    folder is locked.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "Is a directory. Pass the name of a file in it", str(path))
    temporary = temporary or path.with_name(path.name + TEMPORARY)
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


@contextlib.contextmanager
def make_new_folder(path: Path) -> Iterator[Path]:
    """Make a folder that is renamed to `path` if the block succeeds and is removed if it fails."""
    folder = choose_hidden_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}. Choose a writable location", str(path)) from error
    try:
        yield folder
        for written in (*folder.iterdir(), folder):
            _sync(written)
        os.rename(folder, path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _sync(path.parent)


def choose_hidden_path(path: Path) -> Path:
    """Return an unused path beside `path`, for folders to which other processes may write."""
    return path.with_name(f".umap_sk-{secrets.token_hex(8)}")


def check_regular(path: Path) -> None:
    """Raise an error unless the path is a file or a directory. Reading a pipe or a device might never end."""
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DamagedError(f"{path.name} is a pipe or a device, not a file")


def check_writable(folder: Path) -> None:
    """Raise an error if no file can be made in a locked folder, or if a directory has the name of one.

    Incomplete files of a killed process are removed.
    """
    for path in (*folder.glob("*.json"), *folder.glob("*.joblib")):
        if path.is_dir():
            raise ValueError(f"{str(path)!r} is a directory, but a file is needed there. Remove that directory.")
    for leftover in folder.glob(f"*{TEMPORARY}"):
        leftover.unlink()
    probe = folder / f"probe{TEMPORARY}"
    probe.touch(exist_ok=False)
    probe.unlink()


def _sync(path: Path) -> None:
    """Flush the content of a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
