"""Files and directories that are whole or not there, and what is looked at before one is read or written."""

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".tmp"


class DamagedError(Exception):
    """Comes up when a file is not what was written."""


@contextlib.contextmanager
def new_file(path: Path, temporary: Path | None = None) -> Iterator[BinaryIO]:
    """A file to write, which takes its place, and an older one's, when the block ends well, and vanishes otherwise.

    Until then it is `temporary`, by default a name that no other process uses, since its folder is locked.
    """
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
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which takes its place when the block ends well and vanishes otherwise; its parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = hidden_beside(path)
    folder.mkdir()
    try:
        yield folder
        for written in (*folder.iterdir(), folder):
            _sync(written)
        os.rename(folder, path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _sync(path.parent)


def hidden_beside(path: Path) -> Path:
    """A name beside another that nothing has, in a folder that anybody may write to."""
    return path.with_name(f".umap_sk-{secrets.token_hex(8)}")


def check_regular(path: Path) -> None:
    """Raise unless a path is a file or a directory: a pipe would be waited for, a device read for ever."""
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DamagedError(f"{path.name} is a pipe or a device, not a file")


def check_writable(folder: Path) -> None:
    """Raise if no file can be made in a locked folder, and remove what a killed process has left half-written."""
    for leftover in folder.glob(f"*{TEMPORARY}"):
        leftover.unlink()
    probe = folder / f"probe{TEMPORARY}"
    probe.touch(exist_ok=False)
    probe.unlink()


def _sync(path: Path) -> None:
    """Bring a file's content, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
