"""A file past the system's cache has the bytes that it was given, whatever the system makes of the request."""

import errno
import fcntl
import os
import pickle

import joblib
import numpy as np
import pytest

from umap_sk.runtime.checksum import AT_ONCE, checksum_of_file
from umap_sk.runtime.direct_file import DirectFile

DIRECT = getattr(os, "O_DIRECT", 0)
write = os.write


def refused(descriptor, piece):
    """As a place that takes the flag and then has no way past the cache."""
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & DIRECT:
        raise OSError(errno.EINVAL, "Invalid argument")
    return write(descriptor, piece)


def cut_short(descriptor, piece):
    """As a disk that takes less than it is given, up to the middle of a page."""
    return write(descriptor, piece[: max(1, len(piece) // 2 - 100)])


def written(path, pieces):
    """A file of these pieces, and what it says of itself."""
    with DirectFile(path) as file:
        for piece in pieces:
            assert file.write(piece) == memoryview(piece).nbytes
        return file.finish(), file.size


@pytest.mark.parametrize("system", [None, refused, cut_short, "no such flag"])
@pytest.mark.parametrize("sizes", [(), (1,), (AT_ONCE,), (5, AT_ONCE, 7), (3 * AT_ONCE + 4097, 12), (AT_ONCE - 1, 2)])
def test_content(tmp_path, monkeypatch, system, sizes):
    """Whatever the pieces; an older file is replaced."""
    if callable(system):
        monkeypatch.setattr(os, "write", system)
    elif system:
        monkeypatch.delattr(os, "O_DIRECT", raising=False)
    content = np.random.default_rng(0).bytes(sum(sizes))
    ends = np.cumsum(sizes, dtype=int).tolist()
    path = tmp_path / "file"
    path.write_bytes(bytes(5 * AT_ONCE))
    checksum, size = written(path, [content[end - count : end] for end, count in zip(ends, sizes, strict=True)])
    assert path.read_bytes() == content
    assert (checksum, size) == (checksum_of_file(path), len(content))


def test_full_pieces_pass_the_cache(tmp_path, monkeypatch):
    """The flag is set for each piece of 1 MiB, where the system has it at all, and not for what is left."""
    seen = []

    def look(descriptor, piece):
        seen.append((len(piece), bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & DIRECT)))
        return write(descriptor, piece)

    with open(tmp_path / "probe", "wb") as probe:
        try:
            fcntl.fcntl(probe, fcntl.F_SETFL, fcntl.fcntl(probe, fcntl.F_GETFL) | DIRECT)
            here = bool(DIRECT)
        except OSError:
            here = False
    monkeypatch.setattr(os, "write", look)
    written(tmp_path / "file", [bytes(2 * AT_ONCE + 9)])
    assert seen == [(AT_ONCE, here), (AT_ONCE, here), (9, False)]


def test_other_errors_come_through(tmp_path, monkeypatch):
    """As they do where a disk is full."""

    def full(descriptor, piece):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        written(tmp_path / "file", [bytes(AT_ONCE)])


def test_pickled_arrays(tmp_path):
    """Arrays of any kind come back from joblib.load."""
    rng = np.random.default_rng(0)
    arrays = rng.random((400_000, 2)), np.asfortranarray(rng.random((3, 100_000), np.float32)), np.empty((0, 2)), np.inf
    with DirectFile(tmp_path / "file") as file:
        pickle.dump(arrays, file, protocol=5)
        file.finish()
    for was, now in zip(arrays, joblib.load(tmp_path / "file"), strict=True):
        np.testing.assert_array_equal(was, now)
