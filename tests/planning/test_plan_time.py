"""Tests of the times of plans: sums by hand with invented rates, and the fit that measures a machine's rates."""

import itertools
import math
import types

import pytest

from umap_sk import plan
from umap_sk.layout import schedule
from umap_sk.planning import seconds as plan_time
from umap_sk.planning.memory import estimate_level_sizes
from umap_sk.planning.sizes import make_sizes

COARSE, ARRANGING, SETTLING = (True, False), (False, False), (False, True)
RATES = plan_time.Rates(neighbors=1.0, graph=3.0, start=5.0, epoch={COARSE: 7.0, ARRANGING: 11.0, SETTLING: 13.0})


@pytest.fixture
def asked(monkeypatch):
    """Replace the measured rates by `RATES`, and return the list of the requests for rates."""
    found = []
    monkeypatch.setattr(plan_time, "measure_rates", lambda *given: found.append(given) or RATES)
    return found


def seconds(**options):
    """Return the seconds of a plan by phase."""
    return {phase.name: phase.seconds for phase in plan(**options).phases}


@pytest.mark.usefixtures("asked")
def test_one_level_by_hand():
    """The time of each phase of a graph without coarse levels is its rate times its size."""
    n, kept, edges = 10_000, 90_000, 120_000
    options = {"n_samples": n, "n_neighbors": 10, "edges": edges, "n_epochs": 27}
    found = seconds(**options)
    assert found == {
        "neighbors": RATES.neighbors * 100_000,
        "graph": RATES.graph * kept,
        "start": RATES.start * edges,
        "layout": (12 * 11 + 15 * 13) * edges,
    }
    for init in ("spectral", "pivot_mds"):
        assert seconds(**options, init=init)["start"] - found["start"] == pytest.approx(1e-5 * n)


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("multilevel", [True, False])
def test_levels_by_hand(multilevel):
    """The time of the layout is the sum over its levels. Coarse levels have half the edges of the memory model."""
    n, edges = 600_000, 12_000_000
    settings = {"n_components": 2, "symmetrize": True, "start": "array", "n_epochs": 73, "on_disk": False, "own": True}
    _, (_, middle), (_, top) = estimate_level_sizes(make_sizes(n, 14, 15, edges, multilevel=multilevel, **settings))
    expected = (28 * top / 2 + 10 * middle / 2) * 7 + (15 * 11 + 20 * 13) * edges
    if not multilevel:
        expected = (40 * 11 + 50 * 13) * edges
    found = seconds(n_samples=n, edges=edges, n_epochs=73 if multilevel else 90, multilevel=multilevel)
    assert found["layout"] == pytest.approx(expected) and found["start"] == 5 * edges


def test_rates_that_a_plan_asks_for(asked):
    """A plan requests the rates of the next larger of four sizes, or of the largest one."""
    threads = plan(n_samples=10, n_jobs=2).threads
    for n in (4096, 4097, 10_000, 10_001, 25_000, 25_001, 10**7):
        plan(n_samples=n, n_components=3, n_jobs=2)
    rows = (4096, 10_000, 10_000, 25_000, 25_000, 60_000, 60_000)
    assert asked == [(4096, 2, threads), *((n, 3, threads) for n in rows)]


@pytest.mark.parametrize(
    ("rows", "n_components"), [(4096, 3), (10_000, 2), (12_000, 2), (12_000, 3), (30_000, 2), (30_000, 3)]
)
def test_rates_of_a_made_up_fit(rows, n_components, monkeypatch):
    """With a clock that advances by 1 in each step and epoch, a rate is 1 over the number of processed elements."""
    monkeypatch.setattr(plan_time, "time", types.SimpleNamespace(perf_counter=itertools.count().__next__))
    found = plan_time.measure_rates.__wrapped__(rows, n_components, 1)
    assert 1 / found.neighbors == pytest.approx(15 * rows) and 1 / found.graph == pytest.approx(14 * rows)
    assert 14 * rows < 1 / found.start < 28 * rows
    coarse = rows > (10_000 if n_components == 2 else 25_000)
    assert found.epoch.keys() == {ARRANGING, SETTLING} | ({COARSE} if coarse else set())
    edges = {kind: 1 / rate for kind, rate in found.epoch.items()}
    assert edges[ARRANGING] == edges[SETTLING] and 1 <= edges[SETTLING] * found.start < 1.05
    assert edges.get(COARSE, 0) < edges[ARRANGING] / 4


def test_rates_of_this_machine():
    """The rates are measured once, and are plausible numbers of seconds."""
    found = plan_time.measure_rates(4096, 2, 1)
    assert all(0 < rate < 1e-4 for rate in (*found[:3], *found.epoch.values()))
    assert plan_time.measure_rates(4096, 2, 1) is found


def test_schedule_of_a_plan():
    """The schedule of a plan is that of a fit with the same number of rows."""
    settings = {"n_components": 3, "symmetrize": True, "multilevel": True, "start": "array", "on_disk": False}
    sizes = make_sizes(10_000, 9, 10, None, n_epochs=None, own=True, **settings)
    negatives = schedule.choose_negatives(math.log2(10) * 1.5, 5)
    assert plan_time.plan_fit_phases(sizes, 1) == schedule.plan_phases(1, 500, negatives, field=False)
    assert schedule.count_epochs(plan_time.plan_fit_phases(sizes._replace(n=10_001), 1)) == 180
