"""Tests of the memory that a process can get, and of the warning before a fit that needs more."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from umap_sk import MemoryPlanWarning, PrecomputedUMAP
from umap_sk.pipeline import learn
from umap_sk.planning import plan as planning
from umap_sk.planning import sizes as plan_sizes
from umap_sk.planning.limits import find_available_addresses, find_available_memory

ROOT = Path(__file__).parents[2]


def test_a_fit_warns_before_it_allocates(ring, monkeypatch):
    """The warning states both amounts and a remedy, and points to the caller. There is none if the memory suffices."""
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    monkeypatch.setattr(planning, "find_available_memory", lambda: 1000)
    with pytest.warns(
        MemoryPlanWarning, match=r"needs about \d+ MiB .* can get 0 MiB. Build the graph on disk"
    ) as told:
        with pytest.raises(KeyboardInterrupt):
            monkeypatch.setattr(learn, "read_neighbors", _interrupt)
            PrecomputedUMAP(6).fit(**arrays)
    assert [warning.filename for warning in told] == [__file__]
    monkeypatch.undo()
    for available in (lambda: None, lambda: 10**9):
        monkeypatch.setattr(planning, "find_available_memory", available)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            PrecomputedUMAP(6, n_epochs=2).fit(**arrays)


def test_a_graph_in_memory_warns_and_one_in_files_does_not(ring, monkeypatch, tmp_path):
    """A graph in files, which the warning recommends, gives no warning."""
    arrays, model = {"knn_indices": ring[0], "knn_dists": ring[1]}, PrecomputedUMAP(6)
    monkeypatch.setattr(planning, "find_available_memory", lambda: 1000)
    with pytest.warns(MemoryPlanWarning, match=r"The phase '(neighbors|graph)' needs about"):
        model.learn_manifold(**arrays)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.learn_manifold(**arrays, directory=tmp_path / "m")


@pytest.mark.skipif(sys.platform != "linux", reason="where the process shows what it has mapped")
def test_limits_of_the_process_itself(tmp_path):
    """The limits `ulimit -v` and `ulimit -d` are respected up to some pages. Without limits, the result is None."""
    script = """
import resource
from umap_sk.planning.limits import find_available_addresses, find_available_memory
assert find_available_addresses() is None
def used(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
resource.setrlimit(resource.RLIMIT_AS, (used("VmSize") + 50 * 2**20, hard))
assert 0 <= 50 * 2**20 - find_available_addresses() < 2**20
resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
resource.setrlimit(resource.RLIMIT_DATA, (used("VmData") + 20 * 2**20, resource.getrlimit(resource.RLIMIT_DATA)[1]))
assert 0 <= 20 * 2**20 - find_available_memory() < 2**20
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    assert find_available_addresses(tmp_path) is None


def test_a_fit_warns_of_a_limit_of_addresses(ring, monkeypatch, tmp_path):
    """The warning recommends a higher limit of addresses, since a graph in files needs addresses as well."""
    model = PrecomputedUMAP(6, n_epochs=2, random_state=0)
    manifold = model.learn_manifold(knn_indices=ring[0], knn_dists=ring[1], directory=tmp_path / "m")
    sizes = plan_sizes.derive_sizes(model._get_settings(), manifold=manifold)
    files = planning.count_disk_bytes(sizes)
    assert files > 0
    peak = max(planning.count_phase_bytes(sizes, 1).values())
    monkeypatch.setattr(planning, "find_available_memory", lambda: None)
    monkeypatch.setattr(planning, "find_available_addresses", lambda: peak + files - 1)
    with pytest.warns(
        MemoryPlanWarning, match=r"of addresses, but the process is limited to .*Raise the limit \(ulimit"
    ):
        model.fit(manifold=manifold)
    monkeypatch.setattr(planning, "find_available_addresses", lambda: peak + files)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(manifold=manifold)


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def _write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


MACHINE = {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable: 8000 kB\n"}


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, None),
        (MACHINE, 8000 * 1024),
        # version 2: the parent group has a limit, and cached files count as available
        (
            MACHINE
            | {
                "proc/self/cgroup": "0::/job/step\n",
                "groups/job/step/memory.max": "max\n",
                "groups/job/step/memory.current": "50\n",
                "groups/job/memory.max": "5000\n",
                "groups/job/memory.current": "3000\n",
                "groups/job/memory.stat": "anon 2000\ninactive_file 300\nactive_file 40\n",
            },
            2340,
        ),
        # version 1: separate lines state the totals with subgroups
        (
            MACHINE
            | {
                "proc/self/cgroup": "5:devices:/\n4:cpu,memory:/job\n0::/\n",
                "groups/memory/job/memory.limit_in_bytes": "5000\n",
                "groups/memory/job/memory.usage_in_bytes": "4000\n",
                "groups/memory/job/memory.stat": "inactive_file 1\ntotal_inactive_file 20\ntotal_active_file 3\n",
                "groups/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "groups/memory/memory.usage_in_bytes": "7000\n",
            },
            1023,
        ),
        # more used than allowed
        (
            {
                "proc/self/cgroup": "0::/\n",
                "groups/memory.max": "10\n",
                "groups/memory.current": "30\n",
            },
            0,
        ),
    ],
)
def test_what_the_process_can_get(tmp_path, files, available):
    """The available memory is the minimum over the machine and all control groups of the process."""
    _write(tmp_path, files)
    assert find_available_memory(tmp_path / "proc", tmp_path / "groups") == available
