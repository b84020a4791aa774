"""Tests of ``umap-sk compile``: the cache that it leaves contains every kernel that fits need."""

import json
import os
import subprocess
import sys
import warnings

import pytest
from commands import error_of

from umap_sk.cli import compile as command_compile
from umap_sk.cli import tiny_runs

ONE_KERNEL = """
import sys, numpy as np
from umap_sk import kernels
from umap_sk.cli import tiny_runs
from umap_sk.cli.main import main
jitter = lambda: kernels.jitter(np.zeros((100, 2), np.float32), 0, np.float32(1))
tiny_runs.USUAL_RUNS = {"jitter": jitter}
"""
COMPILE = ONE_KERNEL + "sys.exit(main(['compile', '--json']))"
MISSES = (
    ONE_KERNEL
    + """
import numba
for threads in (1, numba.config.NUMBA_NUM_THREADS):
    numba.set_num_threads(threads)
    jitter()
print(*(sum(getattr(kernels.jitter.compiled(alone=alone).stats, name).values())
        for name in ("cache_hits", "cache_misses") for alone in (True, False)))
"""
)
FITS = """
import sys, numpy as np, scipy.sparse
from umap_sk import NeighborsTransformer, PrecomputedUMAP, knn_graph
from umap_sk.cli import tiny_runs
from umap_sk.runtime.first_compile import record_compiled

few, many = tiny_runs.make_ring(150), tiny_runs.make_ring(26_000)
np.save("i.npy", few.indices)
mapped = {"knn_indices": np.load("i.npy", mmap_mode="r"), "knn_dists": few.distances}
with record_compiled() as names:
    for index, distance in ((np.int32, np.float32), (np.int64, np.float64), (np.uint16, np.float16)):
        given = {"knn_indices": few.indices.astype(index), "knn_dists": few.distances.astype(distance)}
        PrecomputedUMAP(5, n_epochs=20, random_state=0).fit(**given)
    PrecomputedUMAP(5, n_epochs=20, random_state=0).fit(**mapped)
    graph = knn_graph(few.indices, few.distances)
    PrecomputedUMAP(5, 3, n_epochs=20, random_state=0).fit(graph).transform(graph[:9])
    PrecomputedUMAP(5, n_epochs=20, random_state=0, symmetrize=False).fit(graph)
    PrecomputedUMAP(5, 4, n_epochs=20, dens_lambda=1.0, init="random").fit(graph)
    PrecomputedUMAP(5, n_epochs=20, metric="cosine", target_metric="categorical").fit(few.features, np.arange(150) % 3)
    model = PrecomputedUMAP(5, n_epochs=20, random_state=0).fit(many.features, **many.neighbors())
    model.inverse_transform(model.transform(many.features, **many.neighbors()))
    manifold = model.learn_manifold(**many.neighbors(), directory="graph")
    PrecomputedUMAP(5, n_epochs=20, dens_lambda=1.0, init="spectral").fit(**many.neighbors())
    PrecomputedUMAP(5, n_epochs=20).fit(manifold=manifold, init=many.features[:, :2])
    for rows in (many.features, many.features.astype(np.float64), scipy.sparse.csr_array(np.eye(500))):
        NeighborsTransformer(5, metric="cosine").fit(rows).transform(rows[:9])
assert not names, names
"""


def python(code, folder, **environment):
    """Return what a new process prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


@pytest.mark.long
def test_the_cache_holds_both_ways_of_a_kernel(package, tmp_path):
    """One process compiles each kernel for one thread and for many, and reports the numbers. Later ones find both."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_NUM_THREADS": "2"}
    first, second = (json.loads(python(COMPILE, tmp_path, **cache)) for _ in range(2))
    assert first["compiled"] > 2 and first["new_files"] == first["files"] == first["compiled"]
    assert (second["compiled"], second["new_files"]) == (0, 0)
    assert (second["files"], second["bytes"]) == (first["files"], first["bytes"])
    kept = list((tmp_path / "cache").rglob("*.nbc"))
    assert {str(path.parent) for path in kept} == {first["folder"]} and len(kept) == first["files"]
    assert sum(path.stat().st_size for path in kept) == first["bytes"]
    assert python(MISSES, tmp_path, **cache).split() == ["1", "1", "0", "0"]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled")
def test_nothing_is_left_to_compile(tmp_path):
    """After the command, fits of all usual kinds compile nothing, on one thread and on two."""
    compile_all = "import sys; from umap_sk.cli.main import main; sys.exit(main(['compile', '--json']))"
    python(compile_all, tmp_path)
    assert json.loads(python(compile_all, tmp_path))["compiled"] == 0
    for threads in ("1", "2"):
        folder = tmp_path / threads
        folder.mkdir()
        python(FITS, folder, NUMBA_NUM_THREADS=threads)


@pytest.mark.slow
@pytest.mark.parametrize("name", tiny_runs.OTHER_RUNS)
def test_the_runs_of_all_kernels_work(name):
    """The runs that only --all makes end without an error."""
    with warnings.catch_warnings(action="ignore"):
        tiny_runs.OTHER_RUNS[name]()


def test_no_folder(monkeypatch, tmp_path, capsys):
    """Without a writable folder, or with compilation switched off, an error says so before anything is compiled."""
    monkeypatch.setattr(command_compile, "find_cache_folder", lambda launch: None)
    monkeypatch.setattr(command_compile.config, "DISABLE_JIT", False)
    line = error_of(["compile"], capsys)
    assert "No folder for compiled kernels is writable. Set NUMBA_CACHE_DIR to" in line
    monkeypatch.setattr(command_compile, "find_cache_folder", lambda launch: tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "other"))
    assert "other', which is not writable. Set NUMBA_CACHE_DIR to" in error_of(["compile"], capsys)
    monkeypatch.setattr(command_compile.config, "DISABLE_JIT", True)
    assert "NUMBA_DISABLE_JIT is set" in error_of(["compile"], capsys)


def test_a_folder_that_cannot_be_made(tmp_path):
    """A cache folder that cannot be created is an error, although numba itself would silently use another one."""
    (tmp_path / "file").touch()
    with pytest.raises(subprocess.CalledProcessError) as failed:
        python(COMPILE, tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "file" / "cache"))
    assert failed.value.returncode == 2
    assert "cache', which is not writable" in json.loads(failed.value.stdout)["error"]
