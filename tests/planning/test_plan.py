"""Tests of plans: the memory model compared with sums by hand and with a measured fit."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from umap_sk import Checkpoint, Manifold, PrecomputedUMAP, plan
from umap_sk.monitor import units
from umap_sk.pipeline.settings import settings_of
from umap_sk.planning import plan as planning
from umap_sk.planning import sizes as plan_sizes

ROOT = Path(__file__).parents[2]
MIB = 2**20

PEAKS = """
import gc, resource, sys, threading, time
import numpy as np
from scipy.spatial import cKDTree
from umap_sk import PrecomputedUMAP, plan

def resident():
    with open("/proc/self/status") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))) * 1024

def fitted(n):
    points = np.random.default_rng(0).random((n, 3))
    dists, indices = cKDTree(points).query(points, 15)
    arrays = {"knn_indices": indices.astype(np.int32), "knn_dists": dists.astype(np.float32)}
    start = points[:, :2].astype(np.float32)
    del points, dists, indices
    gc.collect()
    before, largest, done = resident(), [0], []
    def watch():
        while not done:
            largest.append(resident())
            time.sleep(0.001)
    watcher = threading.Thread(target=watch)
    watcher.start()
    model = PrecomputedUMAP(n_epochs=10, random_state=0, init=start)
    planned = model.plan(knn_indices=arrays["knn_indices"], timed=False)
    model.fit(**arrays)
    done.append(True)
    watcher.join()
    known = plan(n_samples=n, edges=model.manifold_.n_edges, timed=False)
    bound = plan(n_samples=n, timed=False)
    return max(largest) - before, *(p.peak - p.libraries for p in (planned, known, bound))

fitted(26_000)  # loads the kernels
print(*fitted(int(sys.argv[1])))
"""


def test_a_plan_by_hand():
    """The memory of each phase is the sum of its arrays, for 10,000 rows with 10 neighbors on one thread."""
    made = plan(n_samples=10_000, n_neighbors=10, edges=120_000, n_jobs=1, timed=False)
    memory = {phase.name: phase.bytes for phase in made.phases}
    neighbors = 8 * 90_000 + 8 * 10_000
    graph = 8 * 120_000 + 8 * 10_000
    arranged = int(8 * 1.04 * 120_000) + 8 * 10_000  # slices, order and degrees
    assert memory == {
        "neighbors": neighbors + 16 * 2**16,  # one block
        "graph": neighbors + (4 + 4 + 8) * 10_000 + 8 * 120_000,
        "start": graph + arranged + 8 * 10_000 - 4 * 120_000,  # the graph's indices are released, then its weights
        "layout": graph + arranged + 56 * 10_000 - 8 * 120_000,
    }
    assert made.peak == made.libraries + max(memory.values()) and made.seconds is None and made.disk == 0
    assert made.edges_known and made.n_samples == 10_000 and made.edges == 120_000 and made.threads == 1


def test_levels_by_hand():
    """The start includes the slices of coarse levels, and the layout does not.

    If the graph is in files, the slices of the finest level take no memory.
    """
    n, edges = 600_000, 9_000_000
    made = plan(n_samples=n, n_neighbors=16, edges=edges, n_jobs=1, timed=False, n_components=1)
    coarse = int(edges * 0.1 * (15 / 22) ** -0.68)  # all neighbors are mutual
    arranged = int(8 * 1.04 * edges) + int(8 * 1.04 * coarse) + 8 * n + 2 * 4 * n + 16 * 100_000
    assert made.phases[2].bytes == 4 * edges + 8 * n + arranged + 8 * n  # coarse graphs are released when arranged
    assert made.phases[3].bytes == 8 * n + arranged - int(8 * 1.04 * coarse) + 28 * n  # coarse slices, too
    on_disk = plan(n_samples=n, n_neighbors=16, edges=edges, n_jobs=1, timed=False, n_components=1, on_disk=True)
    merged = 16 * n + 8 * 2**21 + 2 * (16 * 100_000 + 8 * coarse)
    assert on_disk.phases[2].bytes == max(36 * n, merged, arranged - int(8 * 1.04 * edges) + 24 * n)


def test_on_disk():
    """The planned disk space holds the graph and its slices or neighbors.

    Apart from coarse levels, no memory grows with the edges.
    """
    options = {"n_samples": 10_000, "n_neighbors": 10, "edges": 120_000, "timed": False}
    made, in_memory = plan(**options, on_disk=True), plan(**options)
    assert made.disk == 8 * 120_000 + 8 * 10_001 + int(8 * 1.04 * 120_000)  # the graph and its slices
    listed = plan(**options | {"edges": 80_000}, on_disk=True)
    assert listed.disk == 8 * 80_000 + 8 * 10_001 + 8 * 90_000  # an intersection, with few slices
    assert all(phase.bytes < 10_000 * 80 + 16 * 100_000 for phase in made.phases) and made.peak < in_memory.peak


def test_checkpoints():
    """Checkpoints add memory to the start and the layout, and the graph and `keep + 1` states to the disk space."""
    options = {"n_samples": 10_000, "n_neighbors": 10, "edges": 120_000, "timed": False}
    state, graph = 12 * 3 * 10_000, 8 * 120_000 + 8 * 10_001
    made, without = (plan(**options, n_components=3, checkpoint=kept) for kept in (Checkpoint("runs", keep=4), None))
    added = [one.bytes - other.bytes for one, other in zip(made.phases, without.phases, strict=True)]
    assert added == [0, 0, 8 * 120_000, state]
    assert made.disk == graph + 5 * state and without.disk == 0
    made, without = (plan(**options, n_components=3, on_disk=True, checkpoint=kept) for kept in ("runs", None))
    assert made.disk - without.disk == 3 * state
    large, without = (plan(n_samples=10**7, checkpoint=kept, timed=False).phases[3] for kept in ("runs", None))
    assert large.bytes - without.bytes == 16 * 10**7  # in two dimensions, there is one moment and not two


def test_checkpoints_of_a_run(arrays, tmp_path):
    """The planned disk space is that of a run's files, except for one more state and some kilobytes of metadata."""
    kept = Checkpoint(tmp_path / "runs", every_seconds=1000)
    model = PrecomputedUMAP(5, n_epochs=20, n_components=50, checkpoint=kept, init="random")
    planned = model.plan(knn_indices=arrays["knn_indices"], edges=258, timed=False).disk
    for _ in range(3):
        model.partial_fit(**arrays)
    assert model.manifold_.n_edges == 258
    sizes = [path.stat().st_size for path in tmp_path.glob("runs/*/*.joblib")]
    assert len(sizes) == 3 and 0 < sum(sizes) - (planned - 12 * 50 * 60) < 6000


def test_bounds_and_directions():
    """A plan grows with the rows, the neighbors, the edges and the components. Unknown edges have an upper bound."""

    def peak(**options):
        return plan(**{"n_samples": 200_000, "timed": False} | options).peak

    assert peak() > peak(edges=4_000_000) > peak(edges=3_500_000)
    assert peak(n_neighbors=30) > peak(symmetrize=False, n_neighbors=30)
    assert peak(n_neighbors=30) > peak() and peak(n_samples=300_000) > peak()
    assert peak(n_components=10) > peak(n_components=3)
    for init in ("spectral", "pivot_mds"):
        solved = plan(n_samples=30_000, edges=900_000, init=init, timed=False).phases[2].bytes
        assert solved > plan(n_samples=30_000, edges=900_000, timed=False).phases[2].bytes
    assert plan(n_samples=200_000, n_neighbors=11, timed=False).edges == 200_000 * 10 * 2
    assert plan(n_samples=200_000, n_neighbors=30, listed=11, timed=False).edges == 200_000 * 11 * 2
    assert not plan(n_samples=200_000, timed=False).edges_known


def test_it_prints_as_a_table():
    """A plan is printed as a table of its phases and totals, in readable units, and without times if it has none."""
    lines = repr(plan(n_samples=10_000_000, n_neighbors=30, timed=False, on_disk=True, n_jobs=1)).splitlines()
    assert lines[0] == "10,000,000 rows, 580,000,000 entries at most, 1 thread"
    assert [line.split()[0] for line in lines[3:]] == ["neighbors", "graph", "start", "layout", "peak", "on"]
    assert lines[-1].endswith("8.9 GiB")
    assert all(re.fullmatch(r"[a-z /]+ [\d.]+ [MG]iB", line) for line in lines[3:])
    phases = planning.PhasePlan("start", MIB, 0.5), planning.PhasePlan("layout", 2 * MIB, 150.0)
    timed = str(planning.Plan(100, 1000, True, phases, MIB, 0, 1)).splitlines()[3:]
    assert [line.split() for line in timed] == [
        ["start", "2", "MiB", "0.5", "s"],
        ["layout", "3", "MiB", "2", "min"],
        ["peak", "/", "sum", "3", "MiB", "3", "min"],
    ]
    assert [units.format_bytes(size) for size in (MIB, 1023.4 * MIB, 3 * 2**29)] == ["1 MiB", "1023 MiB", "1.5 GiB"]
    assert [units.format_seconds(s) for s in (0.04, 119, 150, 9000)] == ["0.0 s", "119.0 s", "2 min", "2.5 h"]


def test_times():
    """Each phase has a time, and more rows take longer."""
    small, large = (plan(n_samples=n, edges=20 * n) for n in (100_000, 130_000))
    assert all(phase.seconds > 0 for phase in small.phases)
    assert small.seconds == sum(phase.seconds for phase in small.phases) < large.seconds
    assert "nan" not in str(small)


@pytest.mark.long
@pytest.mark.parametrize("n", [100_000])
def test_measured(n):
    """A real fit needs the planned memory within 10 % if its edges or neighbors are known, and otherwise less."""
    done = subprocess.run([sys.executable, "-c", PEAKS, str(n)], cwd=ROOT, capture_output=True, text=True, check=True)
    measured, from_arrays, known, bound = map(int, done.stdout.split())
    assert measured < bound
    for planned in (from_arrays, known):
        assert abs(planned - measured) < 0.1 * (measured + planning.LIBRARY_BYTES)


def test_entries_from_a_sample(ring):
    """The estimated number of edges of a small graph is exact. Missing neighbors and rows themselves do not count."""
    indices = np.array(ring[0], np.int64)
    indices[3, 6:] = -1
    graph = PrecomputedUMAP(6).learn_manifold(knn_indices=indices, knn_dists=ring[1]).graph
    assert plan_sizes.estimate_edges(indices, 5) == graph.nnz
    directed = PrecomputedUMAP(6, symmetrize=False).learn_manifold(knn_indices=indices, knn_dists=ring[1]).graph
    assert plan_sizes.estimate_edges(indices, 5, symmetrize=False) == directed.nnz


def test_plans_of_an_estimator(ring, tmp_path):
    """A plan takes parameters from the estimator, and rows and edges from the arguments of the fit, also from files."""
    model = PrecomputedUMAP(6, n_components=3)
    manifold = model.learn_manifold(knn_indices=ring[0], knn_dists=ring[1])
    from_arrays, from_graph = (
        model.plan(**given, timed=False) for given in ({"knn_indices": ring[0]}, {"manifold": manifold})
    )
    assert from_arrays.edges == from_graph.edges == manifold.n_edges
    assert [phase.name for phase in from_graph.phases] == ["start", "layout"]
    slices = int(8 * 1.04 * from_graph.edges)  # they replace the given graph
    assert from_graph.phases[-1].bytes == slices - 8 * from_graph.edges + 8 * 60 + 28 * 3 * 60 and from_graph.disk == 0
    manifold.save(tmp_path / "m")
    from_files = model.plan(manifold=Manifold.load(tmp_path / "m"), timed=False)
    assert from_files.phases[-1].bytes == 8 * 60 + 28 * 3 * 60 and from_files.disk == slices
    expected = plan(n_samples=500, n_neighbors=6, n_components=3, init="auto", timed=False)
    assert model.plan(n_samples=500, timed=False) == model.plan(np.zeros((500, 9)), timed=False) == expected
    with pytest.raises(ValueError, match="The number of rows is unknown"):
        model.plan()
    with pytest.raises(ValueError, match="learned with other parameters: n_neighbors=6 there, 5 here"):
        PrecomputedUMAP(5).plan(manifold=manifold)


def test_plans_take_the_arguments_of_a_fit(ring):
    """The arguments of a fit are those of a plan, lists included, and wrong indices are refused by both."""
    indices, dists = np.array(ring[0]), ring[1]
    model, labels = PrecomputedUMAP(6), np.zeros(60)
    start = np.zeros((60, 2), np.float32)
    by_array = model.plan(knn_indices=indices, init=start, timed=False)
    assert by_array == model.plan(None, labels, knn_indices=indices.tolist(), knn_dists=dists, init=start, timed=False)
    assert by_array != model.plan(knn_indices=indices, init="pivot_mds", timed=False)
    with pytest.raises(TypeError, match="knn_indices has dtype float"):
        model.plan(knn_indices=dists, knn_dists=indices)
    with pytest.raises(ValueError, match="names no other row in 60 of its 60 rows: .* from 0 to 59"):
        model.plan(knn_indices=indices + 60, knn_dists=dists)


def test_numbers_of_numpy():
    """Numbers of few bits do not overflow in a plan."""
    many = {"n_samples": 5_000_000, "n_neighbors": 15, "edges": 120_000_000}
    short = {name: np.int32(value) for name, value in many.items()}
    expected = plan(**many, timed=False)
    assert plan(**short, n_components=np.int8(2), timed=False) == expected
    model = PrecomputedUMAP(np.uint8(15), init="random")
    of_model = PrecomputedUMAP(15, init="random").plan(n_samples=5_000_000, timed=False)
    assert model.plan(n_samples=np.int32(5_000_000), timed=False) == of_model


@pytest.mark.parametrize("options", [{"n_samples": 1}, {"n_samples": 1e6}, {"n_samples": 10, "n_neighbors": 1}])
def test_too_few(options):
    """The error message names the parameter, its value and the minimum."""
    name, value = list(options.items())[-1]
    with pytest.raises(ValueError, match=f"{name}={value}, but a whole number of at least 2 is needed"):
        plan(**options)


def test_more_rows_than_a_fit_takes():
    """Too many rows are refused before anything is read, also if only the shape of an array declares them."""
    promised = np.broadcast_to(np.zeros((1, 3), np.int32), (10**12, 3))
    for call in (lambda: plan(n_samples=10**12), lambda: PrecomputedUMAP().plan(knn_indices=promised)):
        with pytest.raises(ValueError, match="1,000,000,000,000 rows are too many: at most 4,294,967,296"):
            call()


def test_few_rows_of_files_are_read(tmp_path):
    """A plan reads few rows of a file, since each takes milliseconds on a slow disk. The estimate hardly changes."""
    rows = np.arange(20_000)[:, None]
    indices = (rows + np.random.default_rng(0).integers(-6, 7, (20_000, 6))) % 20_000
    np.save(tmp_path / "i.npy", indices)
    read = []

    class Counted(np.memmap):
        def __getitem__(self, place):
            read.extend(np.ravel(place).tolist())
            return super().__getitem__(place)

    mapped = np.load(tmp_path / "i.npy", mmap_mode="r").view(Counted)
    found = plan_sizes.estimate_edges(mapped, 5)
    assert len(read) <= 600
    assert abs(found - plan_sizes.estimate_edges(indices, 5)) < 0.1 * found


def test_a_start_that_there_is_not():
    """The error message names the unknown initial layout and the valid ones."""
    with pytest.raises(ValueError, match="init='sprectral', but one of .*'spectral'.* is needed"):
        plan(n_samples=10, init="sprectral")
    with pytest.raises(ValueError, match="init='sprectral', but one of .*'spectral'.* is needed"):
        plan_sizes.derive_sizes(settings_of({}), n_samples=10, init="sprectral")


@pytest.mark.parametrize("name", ["n_components", "n_epochs", "n_features", "edges", "listed"])
def test_impossible_numbers_are_refused(name):
    for value in (0, -3, 1.5):
        with pytest.raises(ValueError, match=f"{name}={value}, but a whole number of at least 1 is needed"):
            plan(n_samples=1000, timed=False, **{name: value})
    with pytest.raises(ValueError, match="edges=1000000, but 1000 rows have at most 999000"):
        plan(n_samples=1000, edges=10**6, timed=False)
