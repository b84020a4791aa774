"""Tests of plans of fits that search their neighbors: arrays by hand, and the memory of a search."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from umap_sk import MemoryPlanWarning, PrecomputedUMAP, plan
from umap_sk.neighbors import few_rows
from umap_sk.planning import plan as planning
from umap_sk.planning.search import SearchSizes, count_search_bytes, estimate_search_seconds

ROOT = Path(__file__).parents[2]
PEAK = """
import threading, time
import numpy as np
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.planning.search import SearchSizes, count_search_bytes

def resident():
    with open("/proc/self/status") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))) * 1024

def searched(n, columns):
    random = np.random.default_rng(0)
    rows = random.normal(size=(30, columns))[random.integers(0, 30, n)].astype(np.float32)
    rows += 0.3 * random.standard_normal((n, columns), np.float32)
    before, largest, done = resident(), [0], []
    def watch():
        while not done:
            largest.append(resident())
            time.sleep(0.001)
    watcher = threading.Thread(target=watch)
    watcher.start()
    RowSearch(rows, "euclidean", exact=False).find_neighbors(None, 14)
    done.append(True)
    watcher.join()
    return max(largest) - before

searched(5000, 40)  # loads the kernels
print(searched(60_000, 40), count_search_bytes(60_000, SearchSizes(40, None, False), 14, 2)[0])
"""


def phases_of(plan):
    return {phase.name: phase.bytes for phase in plan.phases}


def test_arrays_by_hand():
    """The index of a search remains until the end of the fit, and the found neighbors until the graph exists."""
    n, columns, k = 100_000, 50, 14
    peak, index = count_search_bytes(n, SearchSizes(columns, None, False), k, 1)
    assert index == int(4.2 * columns + 34) * n and peak == index + (4 * columns + 80) * n
    alone, searched = (plan(n_samples=n, timed=False, n_jobs=1, **given) for given in ({}, {"n_features": columns}))
    before, after = phases_of(alone), phases_of(searched)
    assert next(iter(after)) == "search" and after.pop("search") == peak
    found = {"neighbors": 16 * k * n, "graph": 16 * k * n, "start": 0, "layout": 0}
    assert after == {name: size + index + found[name] for name, size in before.items()}


def test_axes_bound_the_width():
    """The index stores at most 192 axes and one for the rest. The peak includes the sample from which the axes come."""
    index = [count_search_bytes(10**6, SearchSizes(columns, None, False), 14, 1)[1] for columns in (784, 10_000)]
    assert index[0] == index[1] == int(4.2 * 193 + 34) * 10**6
    assert count_search_bytes(6000, SearchSizes(4000, None, True), 14, 1)[0] >= 20 * 4000 * 1800


def test_of_an_estimator():
    """The plan of an estimator includes only searches by the package. Sparse features count by their entries."""
    model, rows = PrecomputedUMAP(metric="cosine"), np.zeros((30_000, 20), np.float32)
    by_features = model.plan(rows, timed=False)
    assert phases_of(by_features) == phases_of(plan(n_samples=30_000, n_features=20, init="auto", timed=False))
    sparse = scipy.sparse.random_array((30_000, 500), density=0.01, format="csr", random_state=0)
    index = (
        phases_of(model.plan(sparse, timed=False))["layout"]
        - phases_of(model.plan(n_samples=30_000, timed=False))["layout"]
    )
    assert index == 24 * sparse.nnz + 32 * 30_000
    assert model.plan(sparse).phases[0].seconds is None
    for other in (
        PrecomputedUMAP(metric="canberra"),
        PrecomputedUMAP(metric="cosine", searcher="hnswlib"),
        PrecomputedUMAP(),
    ):
        assert "search" not in phases_of(other.plan(rows, timed=False))
    assert "search" not in phases_of(model.plan(rows, knn_indices=np.zeros((30_000, 15), np.int64), timed=False))


def test_seconds():
    """More rows take longer, and the plan's total includes the search."""
    small, large = (estimate_search_seconds(n, SearchSizes(10, None, True), 14, 2) for n in (6000, 20_000))
    assert 0 < small < large
    made = plan(n_samples=20_000, n_features=10)
    assert made.phases[0].seconds > 0 and made.seconds == sum(phase.seconds for phase in made.phases)


def test_a_fit_warns_of_its_search(monkeypatch):
    """The warning about the memory of a search recommends precomputed neighbors."""
    monkeypatch.setattr(planning, "find_available_memory", lambda: 200_000)
    monkeypatch.setattr(few_rows, "MAX_ROWS", 100)
    rows = np.random.default_rng(0).normal(size=(300, 200))
    with pytest.warns(MemoryPlanWarning, match="phase 'search' needs .* precomputed neighbors"):
        PrecomputedUMAP(metric="euclidean", n_epochs=1).learn_manifold(rows)


@pytest.mark.long
def test_measured():
    """The measured memory of a search is within 10 % of the plan."""
    done = subprocess.run([sys.executable, "-c", PEAK], cwd=ROOT, capture_output=True, text=True, check=True)
    measured, planned = map(int, done.stdout.split())
    assert abs(planned - measured) < 0.1 * (measured + planning.LIBRARY_BYTES)


@pytest.mark.parametrize(
    "parameters, omitted",
    [
        ({}, None),
        ({"metric": "manhattan"}, "the search by this metric or searcher"),
        ({"searcher": "pynndescent"}, "the search by this metric or searcher"),
        ({"output_metric": "haversine"}, "the time that output_metric adds"),
        ({"negative_sample_rate": 20, "dens_lambda": 1.0}, "the time that negative_sample_rate and dens_lambda add"),
    ],
)
def test_a_plan_says_what_it_does_not_count(parameters, omitted):
    """Searches that are not estimated, and slower epochs, are named below the table."""
    X = np.random.default_rng(0).random((500, 20))
    made = PrecomputedUMAP(**{"metric": "euclidean", **parameters}).plan(X, timed=False)
    assert made.omitted == (() if omitted is None else (omitted,))
    assert str(made).splitlines()[-1].startswith("peak" if omitted is None else f"not counted: {omitted}")
    assert PrecomputedUMAP().plan(n_samples=500, timed=False).omitted == ()
