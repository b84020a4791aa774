"""Tests of compiled kernels on disk: the next process finds them, and never those of another source."""

import os
import subprocess
import sys

import numba
import pytest

FACTOR = "0x94D049BB133111EB"  # in a generator that kernels in other files call
CODE = """
import numba, numpy as np
from umap_sk import kernels
positions = np.zeros((100, 2), np.float32)
kernels.jitter(positions, 0, np.float32(1))
stats = getattr(kernels.jitter.compiled(alone=numba.get_num_threads() == 1), "stats", None)
print(positions.astype(float).sum(), *(sum(counts.values()) for counts in (stats or ())[1:]))
"""


def jittered(package, **environment):
    """Return the sum of the positions, cache hits and cache misses of a new process."""
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": "", **environment}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, cwd=package.parent, capture_output=True, text=True, check=True
    )
    total, *counts = done.stdout.split()
    return float(total), tuple(map(int, counts))


def test_a_helper_in_another_file_is_part_of_the_key(package):
    before, counts = jittered(package)
    assert counts == (0, 1)
    assert jittered(package) == (before, (1, 0))
    numbers = package / "kernels" / "numbers.py"
    changed = numbers.read_text().replace(FACTOR, "0x94D049BB133111ED")
    assert changed != numbers.read_text()
    numbers.write_text(changed)
    after, counts = jittered(package)
    assert after != before and counts == (0, 1)
    assert after == pytest.approx(jittered(package, NUMBA_DISABLE_JIT="1")[0], rel=1e-12)


def test_no_other_source_has_a_file_of_the_same_name(package):
    """Files of an older source or another numba cannot be mistaken for the current ones."""
    jittered(package)
    kept = {path: path.read_bytes() for path in package.rglob("*.nb[ic]")}
    numbers = package / "kernels" / "numbers.py"
    numbers.write_text(numbers.read_text().replace(FACTOR, "0x94D049BB133111ED"))
    jittered(package)
    written = set(package.rglob("*.nb[ic]")) - set(kept)
    assert len(written) == len(kept) > 1 and all(path.read_bytes() == stored for path, stored in kept.items())
    assert all(numba.__version__ in path.name for path in written)


def test_an_option_of_the_compiler_is_part_of_the_key(package):
    jittered(package)
    options = package / "runtime" / "compile.py"
    options.write_text(options.read_text().replace('"error_model": "numpy"', '"error_model": "python"'))
    assert jittered(package)[1] == (0, 1)
