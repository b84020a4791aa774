"""Tests of graphs from outside: a damaged one is refused by name before a kernel uses it, a valid one accepted."""

import copy
import itertools
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import naive_graph
import numpy as np
import pytest
import scipy.sparse
from graphs import random_graph
from hypothesis import example, given, settings
from hypothesis import strategies as st

from umap_sk import Manifold, PrecomputedUMAP, kernels
from umap_sk.graph import validate
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.runtime.checksum import hash_arrays

ROOT = Path(__file__).parents[2]
FUZZ = settings(derandomize=True, deadline=None, max_examples=300)
CODES = {
    "bounds": kernels.BAD_BOUNDS,
    "range": kernels.OUT_OF_RANGE,
    "order": kernels.UNSORTED,
    "own": kernels.OWN_ROW,
    "weight": kernels.BAD_WEIGHT,
}


def small_graph(n, edges, index_dtype=np.int32):
    """Return a graph from a dict of edges {(row, other): weight}."""
    rows = sorted(edges)
    indptr = np.searchsorted([row for row, _ in rows], np.arange(n + 1)).astype(np.int64)
    indices = np.array([other for _, other in rows], index_dtype)
    return FuzzyGraph(indptr, indices, np.array([edges[row] for row in rows], np.float32))


@st.composite
def graphs_with_damage(draw):
    """Draw a small graph that may be symmetric and may have one wrong entry in an array."""
    n = draw(st.integers(2, 7))
    pairs = [(i, j) for i, j in itertools.product(range(n), repeat=2) if i != j]
    weights = st.sampled_from([0.25, 0.5, 1.0])
    edges = draw(st.dictionaries(st.sampled_from(pairs), weights, max_size=20))
    if draw(st.booleans()):
        edges |= {(j, i): weight for (i, j), weight in edges.items()}
    graph = small_graph(n, edges, draw(st.sampled_from([np.int32, np.uint32])))
    damaged = draw(st.sampled_from(["indptr", "indices", "weights", None]))
    if damaged and len(array := getattr(graph, damaged)):
        lowest = 0 if array.dtype == np.uint32 else -3
        odd = {
            "indptr": st.integers(-3, 60),
            "indices": st.one_of(st.integers(lowest, n + 2), st.sampled_from([2**31 - 1])),
            "weights": st.sampled_from([-0.5, 0.0, -0.0, 0.5, 1.5, np.nan, np.inf, 1e-40]),
        }
        array[draw(st.integers(0, len(array) - 1))] = draw(odd[damaged])
    return graph


@FUZZ
@given(graphs_with_damage())
@example(FuzzyGraph(np.array([0, 2, 2]), np.array([1, 1], np.int32), np.ones(2, np.float32)))  # a neighbor twice
def test_rows_that_are_looked_at(graph):
    """The first problem is the naive twin's, and the balance is 0 exactly for symmetric graphs."""
    expected = naive_graph.first_problem(*graph)
    problem = np.zeros(3, np.int64)
    n = len(graph.indptr) - 1
    with np.errstate(over="ignore"):
        balance = kernels.check_rows(*graph, 0, n, np.float32(1), problem)
    if expected is None:
        assert not problem.any()
        whole = graph.indptr[0] == 0 and graph.indptr[-1] == len(graph.indices)
        if whole:
            assert (int(balance) == 0) == naive_graph.is_symmetric(*graph)
        assert bool(validate.find_form_problem(graph)) != whole
    else:
        code, *place = expected
        assert problem.tolist() == [CODES[code], *place]


@pytest.mark.parametrize("seed", range(3))
def test_parts_are_looked_at_as_the_whole(seed, monkeypatch):
    """The checks and checksums do not depend on the size of the parts in which they run."""
    graph = random_graph(seed)
    content = np.frombuffer(np.random.default_rng(seed).bytes(3 * 10**5 + 7), np.uint8)
    for part in (2**15, 2**17, 2**24):
        monkeypatch.setattr(validate, "PART_BYTES", part)
        found = validate.scan_graph(graph, symmetric=True, contents=[content, content[:9]])
        assert found == ("", [hash_arrays([content]), hash_arrays([content[:9]])])
        for row in (0, 1, 1700, 2499):
            damaged = FuzzyGraph(*map(np.copy, graph))
            entry = int(np.searchsorted(graph.indptr, graph.indptr[row], "right")) - 1  # the next row with an edge
            damaged.weights[graph.indptr[entry]] = np.nan
            assert f"row {entry} has the weight nan" in validate.scan_graph(damaged, symmetric=True).problem
            damaged.weights[graph.indptr[entry]] = np.float32(0.123)
            assert "some edges lack the opposite direction" in validate.scan_graph(damaged, symmetric=True).problem
            assert validate.scan_graph(damaged, symmetric=False).problem == ""


@pytest.mark.filterwarnings("ignore::umap_sk.UMAPWarning")
@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("symmetrize", [True, False])
def test_learned_graphs_are_taken(ratio, symmetrize, tmp_path):
    """A learned graph of random neighbors with ties and duplicates is accepted from files and pickles."""
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 3000, (3000, 9))
    dists = np.sort(rng.integers(0, 5, indices.shape), axis=1).astype(float)
    model = PrecomputedUMAP(8, set_op_mix_ratio=ratio, symmetrize=symmetrize)
    learned = model.learn_manifold(knn_indices=indices, knn_dists=dists)
    learned.save(tmp_path / "m")
    for taken in (Manifold.load(tmp_path / "m"), pickle.loads(pickle.dumps(learned)), copy.deepcopy(learned)):
        for one, other in zip(taken.arrays(), learned.arrays(), strict=True):
            np.testing.assert_array_equal(one, other)


# ------------------------------------------------------------------------------------------------- saved manifolds


def without_checksums(folder):
    """Change a saved manifold to the form of an older version, without checksums."""
    about = json.loads((folder / "manifold.json").read_text())
    del about["checksums"], about["checksum"]
    (folder / "manifold.json").write_text(json.dumps(about))


DAMAGE = [
    ("indices", 100, 10**6, r"row \d+ lists the neighbor 1000000, but there are 60 rows"),
    ("indices", 100, -1, r"row \d+ lists the neighbor -1, but there are 60 rows"),
    ("weights", 100, -0.5, r"row \d+ has the weight -0.5 for the neighbor \d+, but weights lie in \(0, 1\]"),
    ("weights", 100, np.nan, r"row \d+ has the weight nan"),
    ("weights", 100, np.inf, r"row \d+ has the weight inf"),
    ("weights", 100, 0.123, "it was learned with symmetrize=True, but some edges lack the opposite direction"),
    ("indptr", 30, 10**9, r"row 29 reaches from entry \d+ to 1000000000, of \d+"),
    ("indptr", 30, 0, r"row 29 reaches from entry \d+ to 0, of \d+"),
]


@pytest.mark.parametrize("name, place, value, message", DAMAGE)
@pytest.mark.parametrize("older", [True, False])
def test_an_entry_that_was_changed(saved, name, place, value, message, older):
    """A changed entry is refused on loading with its row, and with its file if there are checksums."""
    if older:
        without_checksums(saved)
    array = np.load(saved / f"{name}.npy", mmap_mode="r+")
    array[place] = value
    array.flush()
    place = (
        "ring' contains no valid graph: " if older else rf"{name}.npy' is not what was written: its checksum differs.*"
    )
    with pytest.raises(ValueError, match=f"{place}.*{message}.*Copy the complete directory"):
        Manifold.load(saved)


def test_checksums_go_with_a_manifold(manifold, saved, arrays, tmp_path):
    """Every file has a checksum, however the manifold was written. Older manifolds without checksums are accepted."""
    PrecomputedUMAP(5).learn_manifold(**arrays, directory=tmp_path / "built")
    for folder in (saved, tmp_path / "built"):
        sums = json.loads((folder / "manifold.json").read_text())["checksums"]
        for name in ("indptr", "indices", "weights"):
            content = np.frombuffer((folder / f"{name}.npy").read_bytes(), np.uint8)
            assert sums[f"{name}.npy"] == hash_arrays([content])
    without_checksums(saved)
    for one, other in zip(Manifold.load(saved).arrays(), manifold.arrays(), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def flipped(path, bit):
    """Flip a bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["manifold.json", "indptr.npy", "indices.npy", "weights.npy"])
def test_flipped_bits(saved, manifold, name, tmp_path):
    """A manifold with a flipped bit is refused, or has the same bits and parameters as before."""
    size = 8 * (saved / name).stat().st_size
    header = range(8 * 128) if name == "indices.npy" else ()
    flips = [*header, *np.random.default_rng(1).choice(size, min(size, 200), replace=False).tolist()]
    expected, whole = manifold.arrays(), (saved / name).read_bytes()
    refused = 0
    for bit in flips:
        flipped(saved / name, bit)
        try:
            taken = Manifold.load(saved)
        except ValueError as error:
            assert "ring" in str(error)
            refused += 1
        else:
            assert taken.parameters == manifold.parameters
            for one, other in zip(taken.arrays(), expected, strict=True):
                np.testing.assert_array_equal(one, other, strict=True)
        (saved / name).write_bytes(whole)
    assert refused > 0.7 * len(flips)


@pytest.mark.parametrize("symmetrize", [True, False])
def test_flipped_bits_of_an_older_manifold(arrays, tmp_path, symmetrize):
    """Without checksums, a manifold with a flipped bit is refused, or it is valid, has as many edges and can be fitted.

    In a symmetric graph, every change is noticed.
    """
    model = PrecomputedUMAP(5, symmetrize=symmetrize, n_epochs=1, random_state=0)
    manifold, saved = model.learn_manifold(**arrays), tmp_path / "ring"
    manifold.save(saved)
    without_checksums(saved)
    changed = 0
    for name in ("indptr.npy", "indices.npy", "weights.npy"):
        whole = (saved / name).read_bytes()
        for bit in np.random.default_rng(2).choice(8 * len(whole), 100, replace=False).tolist():
            flipped(saved / name, bit)
            try:
                taken = Manifold.load(saved)
            except ValueError as error:
                assert "ring" in str(error)
            else:
                assert taken.n_edges == manifold.n_edges
                assert naive_graph.first_problem(*taken.arrays(), validate.LARGEST_WEIGHT) is None
                changed += any(map(np.any, map(np.not_equal, taken.arrays(), manifold.arrays())))
                if changed % 5 == 1:  # a fit of every one would take seconds
                    assert np.isfinite(model.fit(manifold=taken).embedding_).all()
            (saved / name).write_bytes(whole)
    assert changed == 0 if symmetrize else changed > 50


def test_numbers_in_the_order_of_another_machine(saved):
    """An array in the byte order of another machine is refused."""
    array = np.load(saved / "weights.npy")
    for checksums in (True, False):
        if not checksums:
            without_checksums(saved)
        np.save(saved / "weights.npy", array.astype(">f4"))
        with pytest.raises(
            ValueError, match=r"weights.npy' contains >f4 of shape .*one dimension of float32 is needed"
        ):
            Manifold.load(saved)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"kind": ' * 50_000,
        '{"format": 1e999, "kind": "umap_sk.Manifold", "parameters": {}}',
        " " * 2**25,
    ],
)
def test_descriptions_that_no_parser_takes(saved, text):
    """A description that is nested too deeply, has invalid numbers or is too long is refused."""
    (saved / "manifold.json").write_text(text)
    with pytest.raises(ValueError, match="does not describe a manifold"):
        Manifold.load(saved)


@pytest.mark.parametrize(
    "header", ["(" * 9_990, "{'descr': '<f4', 'fortran_order': False, 'shape': (-5,)}", "-" * 9_000]
)
def test_headers_that_no_parser_takes(saved, header):
    """A .npy file with a malformed header is refused by name."""
    text = header.encode() + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
    (saved / "weights.npy").write_bytes(content + bytes(64))
    with pytest.raises(ValueError, match="weights.npy' is no complete .npy file"):
        Manifold.load(saved)


@pytest.mark.filterwarnings("ignore::umap_sk.UMAPWarning")
def test_loading_makes_no_copy(tmp_path):
    """The memory for the checks on loading does not grow with the graph."""
    rng = np.random.default_rng(0)
    indices, dists = rng.integers(0, 200_000, (200_000, 10)), np.sort(rng.random((200_000, 10)), axis=1)
    manifold = PrecomputedUMAP(10, symmetrize=False).learn_manifold(
        knn_indices=indices, knn_dists=dists, directory=tmp_path / "m"
    )
    assert manifold.n_edges > 1_700_000
    script = f"""
import tracemalloc
from umap_sk import Manifold
Manifold.load({str(tmp_path / "m")!r})
tracemalloc.start()
Manifold.load({str(tmp_path / "m")!r})
print(tracemalloc.get_traced_memory()[1])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_500_000  # of 15.2 MB


# ------------------------------------------------------------------------------------------------- pickles and models


@pytest.mark.parametrize("name, place, value, message", DAMAGE)
def test_a_pickle_that_was_changed(manifold, name, place, value, message, tmp_path):
    """A changed entry in a pickle is refused, by pickle and by joblib, also inside another object."""
    state = manifold.__getstate__()
    graph = FuzzyGraph(*map(np.copy, state["graph"]))
    getattr(graph, name)[place] = value
    damaged = Manifold.__new__(Manifold)
    with pytest.raises(ValueError, match=f"The stored manifold contains no valid graph: {message}.*or learn it again"):
        damaged.__setstate__(state | {"graph": tuple(graph)})
    held = manifold._shared
    held._rows[name] = getattr(graph, name) if name != "indptr" else None
    if name == "indptr":
        held._rows.pop("indptr")
        held._indptr = graph.indptr
    joblib.dump([manifold], tmp_path / "m.joblib")
    for load in (lambda: joblib.load(tmp_path / "m.joblib"), lambda: pickle.loads(pickle.dumps({"m": manifold}))):
        with pytest.raises(ValueError, match=f"The stored manifold contains no valid graph: {message}"):
            load()


def test_pickled_arrays_of_another_form(manifold):
    """Arrays in a pickle with wrong dtypes, dimensions or lengths are refused."""
    indptr, indices, weights = manifold.arrays()
    state = manifold.__getstate__()
    for graph, message in (
        ((indptr.astype(np.int32), indices, weights), "indptr is int32 of shape"),
        ((indptr, indices.astype(np.int64), weights), "indices is int64 of shape"),
        ((indptr, indices, weights[:, None]), r"weights is float32 of shape \(\d+, 1\)"),
        ((indptr, indices, list(weights)), "weights is list of shape"),
        ((indptr, indices, weights[1:]), "are inconsistent"),
        ((indptr[:-1], indices, weights), "the rows reach from entry 0 to"),
        ((indptr[:0], indices[:0], weights[:0]), "0 bounds of rows"),
    ):
        with pytest.raises(ValueError, match=message):
            Manifold.__new__(Manifold).__setstate__({**state, "graph": graph})


def test_a_model_whose_graph_was_changed(arrays, tmp_path):
    """The manifold in the joblib file of a fitted estimator is checked as well."""
    model = PrecomputedUMAP(5, n_epochs=5, random_state=0).fit(**arrays)
    model.manifold_.arrays()[1][100] = 10**6
    joblib.dump(model, tmp_path / "model.joblib")
    with pytest.raises(ValueError, match="lists the neighbor 1000000, but there are 60 rows"):
        joblib.load(tmp_path / "model.joblib")


# ------------------------------------------------------------------------------------------------- from_graph


@pytest.mark.parametrize("weight", [1.5, 7, 1e30])
def test_weights_above_one(manifold, weight):
    """A weight above 1 is refused with advice, except one that exceeds 1 only by rounding."""
    graph = manifold.graph.copy()
    graph.data[40] = weight
    with pytest.raises(ValueError, match=r"row \d+ has the weight .*divide larger ones by the largest"):
        Manifold.from_graph(graph)
    graph.data[40] = np.nextafter(np.float32(1), np.float32(2))
    assert Manifold.from_graph(graph).arrays()[2][40] == graph.data[40]


def test_a_graph_with_room_to_spare(manifold):
    """Arrays that are longer than the bounds of the rows are valid."""
    graph = manifold.graph.copy()
    graph.indices, graph.data = np.r_[graph.indices, 10**6], np.r_[graph.data, np.float32(-1)]
    for one, other in zip(Manifold.from_graph(graph).arrays(), manifold.arrays(), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_a_flag_that_is_no_longer_true(manifold):
    """A graph that was changed after scipy marked it as sorted is refused or sorted."""
    graph = manifold.graph.copy()
    assert graph.has_canonical_format
    graph.indices[:2] = graph.indices[1::-1]
    try:
        taken = Manifold.from_graph(graph)
    except ValueError as error:
        assert "row 0 lists the neighbor" in str(error)
    else:
        assert naive_graph.first_problem(*taken.arrays()) is None


@FUZZ
@given(st.data())
def test_any_arrays_as_a_sparse_graph(data):
    """Any arrays lead to a valid graph or to a ValueError."""
    form = data.draw(st.sampled_from(["csr", "csc"]))
    n, length = data.draw(st.integers(2, 5)), data.draw(st.integers(0, 8))
    graph = {"csr": scipy.sparse.csr_array, "csc": scipy.sparse.csc_array}[form]((n, n), dtype=np.float32)
    graph.indptr = np.array(data.draw(st.lists(st.integers(-2, 9), min_size=n + 1, max_size=n + 1)), np.int32)
    graph.indices = np.array(data.draw(st.lists(st.integers(-1, n), min_size=length, max_size=length)), np.int32)
    weights = st.sampled_from([0.5, 1.0, 0.0, 2.0, np.nan])
    graph.data = np.array(data.draw(st.lists(weights, min_size=length, max_size=length)), np.float32)
    try:
        taken = Manifold.from_graph(graph)
    except ValueError:
        return
    assert naive_graph.first_problem(*taken.arrays()) is None


def test_a_moved_manifold(saved, tmp_path):
    """A copy of the directory elsewhere is equally valid."""
    shutil.copytree(saved, tmp_path / "copy")
    assert Manifold.load(tmp_path / "copy").n_edges == Manifold.load(saved).n_edges


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes fork on POSIX")
def test_in_a_forked_process(saved):
    """A graph of many parts can be checked in a forked process, where numba's own threads must not start."""
    script = f"""
import os, pickle, sys
from umap_sk import Manifold, PrecomputedUMAP
from umap_sk.graph import validate
manifold = Manifold.load({str(saved)!r})
PrecomputedUMAP(5, n_epochs=2, n_jobs=2).fit(manifold=manifold)
stored = pickle.dumps(manifold)
child = os.fork()
if child == 0:
    Manifold.load({str(saved)!r})
    validate.PART_BYTES = 256
    pickle.loads(stored)
    os._exit(7)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=120).returncode == 7
