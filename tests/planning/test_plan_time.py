"""Times of plans: sums by hand from made-up rates, and the rates of this machine."""

import math

import numpy as np
import pytest
from graphs import random_graph

from umap_sk import plan
from umap_sk.layout import optimizer, repulsion, schedule, sell
from umap_sk.layout.coarsen import build_levels
from umap_sk.layout.curve import fit_curve
from umap_sk.planning import calibration
from umap_sk.planning import seconds as plan_time
from umap_sk.planning.calibration import Rates

RATES = Rates(
    read=1.0,
    graph=3.0,
    levels=5.0,
    arrange=7.0,
    smooth=11.0,
    attract=17.0,
    attract_coarse=19.0,
    sample=23.0,
    grid=29.0,
    field=31.0,
    near=37.0,
    fresh=0.0,
    gather=(41.0, 43.0, 47.0),
)


@pytest.fixture
def made_up(monkeypatch):
    """A function that puts rates in the place of this machine's; a list of what they were asked for."""
    asked = []

    def put(rates=RATES):
        monkeypatch.setattr(calibration, "rates", lambda *given: asked.append(given) or rates)
        return asked

    return put


def seconds(**options):
    """Seconds of a plan by phase."""
    return {phase.name: phase.seconds for phase in plan(**options).phases}


def test_one_level_by_hand(made_up):
    """Repulsion is sampled, nothing is coarsened, no read misses the caches."""
    made_up()
    n, kept, edges = 10_000, 90_000, 120_000
    negatives = schedule.negatives_for(math.log2(10) * 1.5, 5)
    found = seconds(n_samples=n, n_neighbors=10, edges=edges, n_epochs=30)
    epochs = schedule.total_epochs(schedule.plan_phases(1, 30, negatives, field=False))
    assert found == {
        "neighbors": RATES.read * 100_000,
        "graph": RATES.graph * kept,
        "start": pytest.approx((RATES.arrange + RATES.smooth) * edges),
        "layout": epochs * (edges * RATES.attract + n * negatives * RATES.sample),
    }
    for init in ("spectral", "pivot_mds"):
        solved = seconds(n_samples=n, n_neighbors=10, edges=edges, n_epochs=30, init=init)
        assert found["start"] - solved["start"] == pytest.approx(RATES.smooth * edges - 1e-5 * n)


def test_levels_fresh_memory_and_missed_reads_by_hand(made_up):
    """600,000 rows: three levels, a field on each, its short range in the last quarter of the last phase's epochs."""
    made_up(RATES._replace(fresh=1e-3))
    n, kept, edges = 600_000, 8_400_000, 12_000_000
    found = seconds(n_samples=n, edges=edges, n_epochs=100)
    assert found["neighbors"] == pytest.approx(9_000_000 + 1e-3 * 8 * kept)
    doublings = math.log2(8 * kept / 2**23)  # a read takes 2 more up to 2**25 bytes, and 4 more up to 2**27
    missed = 2 + 4 * (doublings - 2) / 2
    assert found["graph"] == pytest.approx((3 + 4.4 * missed) * kept + 1e-3 * (16 * n + 8 * edges))
    missed = 2 + 4 * (math.log2(8 * edges / 2**23) - 2) / 2
    (_, _), (middle, middle_edges), (top, top_edges) = levels = plan_time.levels_of(plan_sizes(n, edges))
    assert [vertices for vertices, _ in levels] == [n, n // 7, n // 49]
    work = (5 + 5.5 * missed + 7 + 2.5 * missed + 11 + 0.5 * missed) * edges + 1e-3 * int(8 * 1.04 * edges)
    assert found["start"] == pytest.approx(work)
    longest, short, arranging, settling = (phase.epochs for phase in schedule.plan_phases(3, 100, 32, field=True))
    cells = 25_000 * 6**0.4
    coarse = longest * (top_edges * 19 + cells / 9 * 29 + top * 31)
    coarse += short * (middle_edges * 19 + cells / 9 * 29 + middle * 31)
    near = 1.3 * 37 + 1.5 * 2 * math.log2(16 * n / 2**23) / 2
    last_quarter = settling - math.ceil(0.75 * settling)
    finest = (arranging + settling) * (edges * 17 + cells * 29 + n * 31) + last_quarter * n * near
    handed_down = 0.4 * 11 * (middle_edges + edges)
    assert found["layout"] == pytest.approx(coarse + finest + handed_down)
    manifold = seconds(n_samples=n, edges=edges, n_epochs=100, on_disk=True)
    assert found["start"] - manifold["start"] == pytest.approx(1e-3 * int(8 * 1.04 * edges))


def test_costs_of_a_layout(layers):
    """Of its own levels, and of grids as wide as its map: at any rates the sum of each epoch's work."""
    layout, state = layers
    sizes = [(level.n_vertices, len(level.strips.indices)) for level in layout.levels]
    spacing = repulsion.spacing_for(*layout.forces.curve)
    cells = [math.prod(repulsion.frame_of(state.positions, size * spacing, 1000 // size).shape) for size in (1, 3)]
    found, rates, expected = plan_time.costs_of(layout, state), calibration.TYPICAL, []
    for phase in layout.phases:
        (n, edges), coarse = sizes[phase.depth], phase.depth > 0
        each = (
            edges * (rates.attract_coarse if coarse else rates.attract) + cells[coarse] * rates.grid + n * rates.field
        )
        expected += [each] * phase.epochs
        if coarse:
            expected[-1] += 0.4 * rates.smooth * sizes[phase.depth - 1][1]
    last = layout.phases[-1]
    for epoch in range(-(-3 * last.epochs // 4), last.epochs):
        expected[last.first_epoch + epoch] += sizes[0][0] * 1.3 * rates.near
    assert found == pytest.approx(expected) and len(found) == schedule.total_epochs(layout.phases)
    wide = state._replace(positions=state.positions * 10)
    assert all(one > other for one, other in zip(plan_time.costs_of(layout, wide), found, strict=True))


@pytest.fixture
def layers():
    """A layout of three levels whose repulsion is a field, and its first state."""
    levels = sell.arrange(build_levels(random_graph(0, n=3000), 0, largest=1)[:3], 0)
    phases = schedule.plan_phases(len(levels), 40, 32, field=True)
    layout = optimizer.LayoutProblem(levels, phases, optimizer.Forces(fit_curve()))
    start = np.random.default_rng(1).uniform(0, 10, (levels[-1].n_vertices, 2))
    return layout, optimizer.begin(layout, start, 0)


def plan_sizes(n, edges):
    """Sizes of a symmetric graph of 15 neighbors."""
    from umap_sk.planning.sizes import make_sizes

    settings = {"n_components": 2, "symmetrize": True, "multilevel": True, "start": "array"}
    return make_sizes(n, 14, 15, edges, n_epochs=100, on_disk=False, own=True, **settings)


def test_threads_that_a_fit_would_use(made_up):
    """Rates are those of so many threads; few rows are laid out on one."""
    asked = made_up()
    threads = plan(n_samples=4097, n_jobs=2).threads
    plan(n_samples=4096, n_jobs=2)
    assert asked == [(4097, 2, threads), (4096, 2, 1)]


def test_reads_beyond_the_caches():
    """By the logarithm of the size; nothing below the made-up map's, the last figure beyond the largest."""
    assert [RATES.missed(size) for size in (0, 2**10, 2**23, 2**24, 2**25, 2**26, 2**27, 2**40)] == [
        0, 0, 0, 1, 2, 4, 6, 6,
    ]  # fmt: skip
    assert RATES._replace(gather=(5.0, 5.0, 5.0)).missed(2**30) == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_rates_of_this_machine(threads):
    """All are told, once a process and size."""
    found = calibration.rates(70_000, 2, threads)
    assert all(0 <= value < 1 for name, value in found._asdict().items() if name != "gather") and found.attract > 0
    assert len(found.gather) == len(calibration.GATHERED) and list(found.gather) == sorted(found.gather)
    assert calibration.rates(70_001, 2, threads) is found
