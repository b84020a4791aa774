"""Tests of manifolds in directories: the same bits on loading, complete directories or none, and damage."""

import copy
import json
import os
import pickle
import platform
import resource
import signal
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from umap_sk import Manifold, PrecomputedUMAP
from umap_sk.graph import storage
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.neighbors import formats
from umap_sk.runtime import allocation

ROOT = Path(__file__).parents[2]
NAMES = (*storage.DTYPES, "lengths")
SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}


def assert_same_bits(ours, theirs):
    """Check that the arrays, dtypes, mean distances and parameters are equal."""
    pairs = zip((*ours.arrays(), ours._shared.lengths), (*theirs.arrays(), theirs._shared.lengths), strict=True)
    for array, other in pairs:
        assert array.dtype == other.dtype
        np.testing.assert_array_equal(array, other)
    assert ours.parameters == theirs.parameters


def is_mapped(array):
    """Return whether an array is mapped from a file."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


def many_neighbors(n=20_000, k=8):
    """Return random neighbors with some short rows and some memberships of 0."""
    rng = np.random.default_rng(0)
    dists = np.sort(rng.random((n, k)), axis=1)
    dists[::7, -1] = 1e9
    indices = rng.integers(0, n, (n, k))
    indices[::5, -2] = -1
    return {"knn_indices": indices, "knn_dists": dists}


@pytest.mark.parametrize("name", ["plain", "with spaces", "Grüße 図", "deep/er/still"])
def test_what_comes_back(manifold, tmp_path, name):
    """A loaded manifold has the same bits, parameters and map, and its arrays are mapped and read-only."""
    directory = tmp_path / name
    manifold.save(os.fspath(directory))
    taken = Manifold.load(os.fspath(directory))
    assert_same_bits(taken, manifold)
    arrays = *taken.arrays(), taken._shared.lengths
    assert all(is_mapped(array) and not array.flags.writeable for array in arrays)
    expected = PrecomputedUMAP(**SETTINGS).fit_transform(manifold=manifold)
    np.testing.assert_array_equal(PrecomputedUMAP(**SETTINGS).fit_transform(manifold=taken), expected)


def test_files_for_people_and_tools(saved):
    """The files are plain .npy arrays and standard JSON."""
    assert {path.name for path in saved.iterdir()} == {"manifold.json", *(f"{name}.npy" for name in NAMES)}
    about = json.loads((saved / "manifold.json").read_text(), parse_constant=pytest.fail)
    assert about["n_samples"] == 60 and about["n_edges"] == len(np.load(saved / "weights.npy"))
    assert about["parameters"]["n_neighbors"] == 5 and about["parameters"]["disconnection_distance"] == "inf"


def test_numbers_of_numpy_as_parameters(manifold, tmp_path):
    """Parameters that are numpy's numbers are loaded as equal numbers."""
    parameters = {"n_neighbors": np.int64(5), "symmetrize": np.bool_(True), "set_op_mix_ratio": np.float64(0.5)}
    Manifold(FuzzyGraph(*manifold.arrays()), parameters).save(tmp_path / "m")
    assert Manifold.load(tmp_path / "m").parameters == parameters


@pytest.mark.parametrize("form", ["learned", "from a graph", "older"])
def test_manifolds_with_and_without_distances(manifold, tmp_path, form):
    """A manifold without distances has no file of them and starts from the spectrum."""
    if form == "from a graph":
        manifold = Manifold.from_graph(manifold.graph)
    manifold.save(tmp_path / "m")
    if form == "older":
        without_distances(tmp_path / "m")
    taken = Manifold.load(tmp_path / "m")
    known = form == "learned"
    assert (tmp_path / "m" / "lengths.npy").exists() == known == (taken._shared.lengths is not None)
    model = PrecomputedUMAP(**SETTINGS).fit(manifold=taken)
    assert model.report_["phases"][0]["init"] == ("pivot_mds" if known else "spectral")


def without_distances(directory):
    """Change a saved manifold to the form of older versions, without distances."""
    (directory / "lengths.npy").unlink()
    about = json.loads((directory / "manifold.json").read_text())
    del about["checksums"]["lengths.npy"], about["checksum"]
    (directory / "manifold.json").write_text(json.dumps(about))


@pytest.mark.parametrize("exists", [True, False])
def test_symbolic_links(manifold, tmp_path, exists):
    """A link to a directory stays a link, and its target is written and read."""
    (tmp_path / "elsewhere").mkdir()
    if exists:
        (tmp_path / "elsewhere" / "m").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "m")
    manifold.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "elsewhere" / "m" / "manifold.json").exists()
    assert_same_bits(Manifold.load(tmp_path / "link"), manifold)


def test_umask(manifold, tmp_path):
    """The files and the directory have the permissions of the user's umask."""
    before = os.umask(0o027)
    try:
        manifold.save(tmp_path / "m")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o750
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "m").iterdir()} == {0o640}


def test_nothing_is_overwritten(manifold, saved, arrays):
    """Neither a manifold nor another file is overwritten, and the existing manifold stays readable."""
    for write in (manifold.save, lambda place: PrecomputedUMAP(5).learn_manifold(**arrays, directory=place)):
        for place in (saved, saved / "manifold.json"):
            with pytest.raises(FileExistsError, match="nothing is overwritten. Choose another directory"):
                write(place)
    assert_same_bits(Manifold.load(saved), manifold)
    assert [path.name for path in saved.parent.iterdir()] == ["ring"]


def test_an_empty_directory_is_filled(manifold, tmp_path):
    """A manifold can be saved to an empty directory that exists."""
    manifold.save(tmp_path)
    assert_same_bits(Manifold.load(tmp_path), manifold)


@pytest.mark.parametrize("build", [False, True])
def test_nothing_is_left_after_a_failure(manifold, arrays, tmp_path, build):
    """A failure to write, as on a full disk, is an error that leaves no directory."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError):
            if build:
                PrecomputedUMAP(5).learn_manifold(**arrays, directory=tmp_path / "m")
            else:
                manifold.save(tmp_path / "m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
import numpy as np
from umap_sk import PrecomputedUMAP
from umap_sk.runtime import allocation, files

steps = iter(range(int(sys.argv[2]) + 1))
def last(function):
    def call(*arguments):
        if next(steps, None) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)
    return call
allocation.write_array = last(allocation.write_array)
files._sync = last(files._sync)
os.rename = last(os.rename)
points = np.random.default_rng(0).random((50, 3))
PrecomputedUMAP(5, metric="euclidean").learn_manifold(points).save(sys.argv[1])
"""


@pytest.mark.parametrize("step", [6, *(pytest.param(step, marks=pytest.mark.long) for step in (1, 11))])
def test_killed_while_it_writes(tmp_path, step):
    """After a kill at any step of writing there is no directory with the final name."""
    target = tmp_path / "m"
    done = subprocess.run([sys.executable, "-c", KILLED, str(target), str(step)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    left = [path.name for path in tmp_path.iterdir()]
    assert len(left) == 1 and left[0].startswith(".umap_sk-")
    with pytest.raises(FileNotFoundError, match="contains no manifold"):
        Manifold.load(target)


def test_a_failed_search_leaves_nothing(arrays, tmp_path):
    """Neighbors that are refused leave no directory."""
    with pytest.raises(ValueError, match="indices from 0 to 59"):
        PrecomputedUMAP(5).learn_manifold(
            knn_indices=arrays["knn_indices"] + 1, knn_dists=arrays["knn_dists"], directory=tmp_path / "m"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("symmetrize", [True, False])
def test_built_on_disk(tmp_path, symmetrize, recwarn):
    """A graph built on disk has the same bits and the same map as one built in memory."""
    neighbors, model = many_neighbors(), PrecomputedUMAP(6, symmetrize=symmetrize, n_epochs=3, random_state=0)
    expected = model.learn_manifold(**neighbors)
    built = model.learn_manifold(**neighbors, directory=tmp_path / "m")
    assert_same_bits(built, expected)
    assert_same_bits(Manifold.load(tmp_path / "m"), expected)
    assert all(is_mapped(array) for array in built.arrays())
    assert {path.name for path in (tmp_path / "m").iterdir()} == {
        *(f"{name}.npy" for name in NAMES),
        "manifold.json",
    }
    one, other = (model.fit_transform(manifold=manifold) for manifold in (expected, built))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("symmetrize", [True, False])
def test_no_large_array_in_memory(tmp_path, monkeypatch, symmetrize, recwarn):
    """A graph built on disk needs less memory than a byte for each edge and 64 for each row."""
    monkeypatch.setattr(formats, "BLOCK_ENTRIES", 2**12)
    neighbors = many_neighbors(k=40)
    model = PrecomputedUMAP(40, symmetrize=symmetrize, n_jobs=1)
    peaks = []
    for directory in (None, tmp_path / "m"):
        tracemalloc.start()
        edges = len(model.learn_manifold(**neighbors, directory=directory).arrays()[1])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] > 8 * edges and peaks[1] < 64 * 20_000 + edges


def test_no_manifold_there(tmp_path):
    """An error says that a directory without manifold.json contains no manifold, also if it does not exist."""
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(FileNotFoundError, match="manifold.json is missing or is not a file. Pass a directory"):
            Manifold.load(place)


def test_a_file_is_missing(saved):
    """The error for a missing file names it and says what to do."""
    (saved / "weights.npy").unlink()
    with pytest.raises(FileNotFoundError, match="weights.npy is missing in .*Copy the complete directory"):
        Manifold.load(saved)


def test_a_newer_format(saved):
    """The error for a newer format recommends the version that wrote it."""
    about = json.loads((saved / "manifold.json").read_text())
    (saved / "manifold.json").write_text(json.dumps(about | {"format": 2, "umap_sk_version": "9.0"}))
    with pytest.raises(ValueError, match="written by umap_sk 9.0 in format 2, but .* Install umap_sk 9.0 or newer"):
        Manifold.load(saved)


def test_a_development_version(saved):
    """A manifold of a development version before the first release is refused."""
    about = json.loads((saved / "manifold.json").read_text())
    (saved / "manifold.json").write_text(json.dumps(about | {"format": 2, "kind": "umap_sk manifold"}))
    with pytest.raises(ValueError, match="made by a development version of umap_sk.*Learn the manifold again"):
        Manifold.load(saved)


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "umap_sk.Manifold"}', "\x00\x80", '{"kind": 3, "format": 1}'])
def test_another_description(saved, text):
    """JSON that is incomplete or describes something else is refused."""
    (saved / "manifold.json").write_text(text)
    with pytest.raises(ValueError, match="does not describe a manifold .*learn and save the manifold again"):
        Manifold.load(saved)


@pytest.mark.parametrize("keep", [0, 50, 200])
def test_a_file_cut_off(saved, keep):
    """An incomplete file is refused and not read beyond its end."""
    whole = (saved / "indices.npy").read_bytes()
    (saved / "indices.npy").write_bytes(whole[:keep])
    with pytest.raises(ValueError, match="indices.npy' is no complete .npy file .*Copy the complete directory"):
        Manifold.load(saved)


def test_never_unpickled(saved):
    """An array of objects is refused, since loading it would run code."""
    np.save(saved / "weights.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="weights.npy' is no complete .npy file"):
        Manifold.load(saved)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("weights", np.ones(3, np.float32), r"weights.npy has 3 entries instead of \d+"),
        ("weights", np.ones(3), r"contains float64 of shape \(3,\), but one dimension of float32 is needed"),
        (
            "indices",
            np.ones((2, 2), np.int32),
            r"contains int32 of shape \(2, 2\), but one dimension of int32 or uint32",
        ),
        ("indptr", np.arange(61), r"the rows reach from entry 0 to 60, but there are "),
        ("lengths", np.ones(60), r"contains float64 of shape \(60,\), but one dimension of float32 is needed"),
        ("lengths", np.ones(60, np.float32), "lengths.npy' is not what was written: its checksum differs"),
    ],
)
def test_files_that_disagree(saved, name, array, message):
    """Files of different manifolds in one directory are refused."""
    np.save(saved / f"{name}.npy", array)
    with pytest.raises(ValueError, match=f"{message}.*Copy the complete directory"):
        Manifold.load(saved)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (np.ones(59, np.float32), "mean distances of another form than one float32 for each of 60 rows"),
        (np.r_[np.ones(59), np.nan].astype(np.float32), "a mean distance that is negative or not finite"),
        (np.r_[np.ones(59), np.inf].astype(np.float32), "a mean distance that is negative or not finite"),
        (np.r_[np.ones(59), -1].astype(np.float32), "a mean distance that is negative or not finite"),
    ],
)
def test_distances_that_are_none(manifold, tmp_path, lengths, message):
    """Invalid distances are refused from files with right checksums and from pickles."""
    damaged = Manifold(FuzzyGraph(*manifold.arrays()), manifold.parameters, lengths=lengths)
    damaged.save(tmp_path / "m")
    with pytest.raises(ValueError, match=f"{message}.*Copy the complete directory"):
        Manifold.load(tmp_path / "m")
    with pytest.raises(ValueError, match=f"The stored manifold has {message}"):
        pickle.loads(pickle.dumps(damaged))
    with pytest.raises(ValueError, match="The stored manifold has mean distances of another form"):
        Manifold.__new__(Manifold).__setstate__(manifold.__getstate__() | {"lengths": [1.0] * 60})


def test_pickles_keep_distances(manifold):
    """Copies have the same initial layout as the original. A manifold without distances starts from eigenvectors."""
    expected = PrecomputedUMAP(**SETTINGS, init="pivot_mds").fit(manifold=manifold).embedding_
    for taken in (pickle.loads(pickle.dumps(manifold)), copy.deepcopy(manifold)):
        assert_same_bits(taken, manifold)
        model = PrecomputedUMAP(**SETTINGS, init="pivot_mds").fit(manifold=taken)
        np.testing.assert_array_equal(model.embedding_, expected)
    state = manifold.__getstate__()
    state["lengths"] = None
    without = Manifold.__new__(Manifold)
    without.__setstate__(state)
    with pytest.raises(ValueError, match="init='pivot_mds' needs the distances of the graph, but this manifold has"):
        PrecomputedUMAP(**SETTINGS, init="pivot_mds").fit(manifold=without)
    assert PrecomputedUMAP(**SETTINGS).fit(manifold=without).report_["phases"][0]["init"] == "spectral"


def test_mapped_arrays_of_any_length(tmp_path):
    """An array on disk of any length, also 0, consists of zeros and can be written."""
    for length in (0, 1, 3000):
        array = allocation.allocate_on_disk(tmp_path, f"a{length}", length, np.float32)
        assert array.shape == (length,) and array.dtype == np.float32 and not array.any()
        array[:] = 2
        np.testing.assert_array_equal(np.load(tmp_path / f"a{length}.npy"), array)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries keep no freed memory that can be asked for"
)
def test_freed_memory_goes_back_to_the_system():
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    parts = [np.ones(10_000) for _ in range(1_000)]  # 80 kB each, which is too small for mappings of their own
    last = parts.pop()
    del parts
    before = resident()
    allocation.release_free_memory(allocation.LARGE_ALLOCATION - 1)
    assert abs(before - resident()) < 1_000_000  # pages that are soon used again would only be lost
    allocation.release_free_memory(allocation.LARGE_ALLOCATION)
    assert before - resident() > 60_000_000 and last.sum() == 10_000
