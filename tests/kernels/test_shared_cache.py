"""Tests of a folder of compiled kernels that many processes use at once."""

import os
import subprocess
import sys

import pytest

from umap_sk.runtime.kernel_cache import SignatureFiles

pytestmark = pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled")
CODE = """
import hashlib, sys, numpy as np
from umap_sk import kernels
from umap_sk.runtime.first_compile import record_compiled
print("ready", flush=True)
sys.stdin.readline()
with record_compiled() as names:
    positions = np.zeros((3000, 2), np.float32)
    kernels.jitter(positions, 0, np.float32(1))
    shares = np.linspace(0, 1, 3000).astype(np.float32)
    kernels.jitter(shares.reshape(-1, 2), 0, np.float32(1))
print(hashlib.sha256(positions.tobytes() + shares.tobytes()).hexdigest(), len(names))
"""


WRITES_NOWHERE = """
from numba.core import caching
def refused(self):
    raise PermissionError
caching._CacheLocator.ensure_cache_path = refused
"""


def started(folder, code=CODE):
    """Start a process in a folder with a copy of the package. It waits for a line before it calls a kernel."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "NUMBA_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.long
def test_eight_processes_at_once(package, tmp_path):
    """All processes begin with an empty folder and return the same bits. A ninth one compiles nothing."""
    processes = [started(tmp_path) for _ in range(8)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 8
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=300)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert len({bits for bits, _ in answers}) == 1 and sum(count != "0" for _, count in answers) > 1
    assert started(tmp_path).communicate("\n")[0].split() == ["ready", answers[0][0], "0"]
    assert not list(tmp_path.rglob("*.tmp.*"))


def files(folder, *more):
    """Return the cache of one function."""
    return SignatureFiles([str(folder), *map(str, more)], "kernel")


def test_two_signatures_saved_at_once_keep_apart(tmp_path):
    """Two signatures are stored if both processes read before they write. In numba, both files have one name."""
    one, other = files(tmp_path), files(tmp_path)
    assert one.load(("first", 1)) is None and other.load(("second", 2)) is None
    one.save(("first", 1), "code of the first")
    other.save(("second", 2), "code of the second")
    assert files(tmp_path).load(("first", 1)) == "code of the first"
    assert files(tmp_path).load(("second", 2)) == "code of the second"
    assert files(tmp_path).load(("third", 3)) is None


def test_another_signature_of_the_same_name_is_not_taken(tmp_path):
    """A file contains its whole key, and is ignored if only the checksum of a key is the same."""
    files(tmp_path).save("one", "code")
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / files(tmp_path)._name_file("other"))
    assert files(tmp_path).load("other") is None


@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_file_that_is_not_whole_is_compiled_again(kept, tmp_path):
    """A truncated file, as after a power failure, is ignored and then replaced."""
    files(tmp_path).save("key", list(range(100)))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:kept])
    assert files(tmp_path).load("key") is None
    files(tmp_path).save("key", "code")
    assert files(tmp_path).load("key") == "code"


def test_folders_that_are_only_read(tmp_path):
    """Files in another folder are found, and new ones are written to the first folder."""
    image, own = tmp_path / "image", tmp_path / "own"
    image.mkdir(), own.mkdir()
    files(image).save("old", "code of the image")
    assert files(own, image).load("old") == "code of the image"
    files(own, image).save("new", "code")
    assert files(image).load("new") is None and files(own).load("new") == "code"
    assert files(own, tmp_path / "none", image).load("old") == "code of the image"


def test_no_folder_to_write_to(tmp_path):
    """Without a writable folder, readable files are found, and nothing is written."""
    image = tmp_path / "image"
    image.mkdir()
    files(image).save("old", "code of the image")
    files("", image).save("new", "code")
    assert files("", image).load("old") == "code of the image" and files("", image).load("new") is None


def test_a_process_that_may_write_nowhere_finds_the_kernels(package, tmp_path):
    """A process that cannot write anywhere finds stored kernels, and compiles missing ones without storing them."""
    bits, count = started(tmp_path).communicate("\n")[0].split()[1:]
    assert int(count) > 0
    before = sorted(tmp_path.rglob("*"))
    assert started(tmp_path, WRITES_NOWHERE + CODE).communicate("\n")[0].split() == ["ready", bits, "0"]
    for path in tmp_path.rglob("*jitter*"):
        path.unlink()
    assert started(tmp_path, WRITES_NOWHERE + CODE).communicate("\n")[0].split()[:2] == ["ready", bits]
    assert set(tmp_path.rglob("*")) < set(before)
