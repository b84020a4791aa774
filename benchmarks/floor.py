"""The layout's kernels against their floors, on one thread.

``python -m benchmarks.floor --set uniform:1e6 --json floor.json``

A kernel's floor is the larger of two: the same arithmetic on contiguous buffers in the cache, and the same reads and
writes without the arithmetic (`benchmarks.floor_kernels`). Kernels are timed from outside while the package runs, each
by the least of several calls; what is only part of a kernel is told by leaving the rest out: Adam is a step without
edges, attraction what edges add to it, sampled repulsion what a step of sampling adds to Adam. A kernel that is not
found under its name is listed so. The floor of the local scales is that of umap-learn's bisection.
"""

import time
from typing import NamedTuple

import numpy as np

from benchmarks import command, datasets, floor_kernels, machine
from benchmarks.stopwatch import Stopwatch, Watched

EPOCHS = 3  # of each variant; the least counts
KERNELS = ("field_step", "sampled_step", "add_near_field", "deposit", "interpolate", "solve_scales")
IN_CACHE = 2048  # elements of a buffer


class Floor(NamedTuple):
    """A kernel's seconds on all elements, and those of its two floors; NaN where it was not found."""

    name: str
    unit: str
    elements: int
    seconds: float
    arithmetic: float
    traffic: float

    @property
    def ratio(self):
        """The kernel over its floor."""
        return self.seconds / max(self.arithmetic, self.traffic)


class Moment(NamedTuple):
    """A layout in its first epoch on the graph itself, as the package holds it."""

    layout: object
    state: object

    @property
    def level(self):
        """The finest level."""
        return self.layout.levels[0]


def watch(*kernels):
    """A stopwatch on kernels of the package."""
    return Stopwatch(**{kernel: Watched((f"umap_sk.kernels.{kernel}",)) for kernel in kernels})


def least(watched, kernel):
    """The shortest call of a kernel; NaN where there was none."""
    return min(watched.clocks[kernel].seconds, default=float("nan"))


def shortest(function, *arguments, repeats=5):
    """Seconds of the shortest of several calls, after one that compiles."""
    function(*arguments)
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        function(*arguments)
        took.append(time.perf_counter() - began)
    return min(took)


def graph_and_scales(dataset):
    """The manifold, and seconds of the local scales."""
    from umap_sk import PrecomputedUMAP

    arrays = {"knn_indices": dataset.knn_indices, "knn_dists": dataset.knn_dists}
    with watch("solve_scales") as watched:
        for _ in range(EPOCHS):
            manifold = PrecomputedUMAP(n_jobs=1).learn_manifold(**arrays)
    return manifold, least(watched, "solve_scales")


def finest_moment(dataset, manifold):
    """The layout as it is when the graph itself begins to be laid out, caught on its way; Adam goes on with it."""
    from umap_sk import PrecomputedUMAP

    caught = []

    def first_of_finest(layout, state, *rest):
        if state.depth == 0 and not caught:
            phases = tuple(p._replace(descent=p.descent._replace(momentum=None)) for p in layout.phases)
            moments = np.zeros((2, *state.positions.shape), np.float32)
            caught.append(
                Moment(
                    layout._replace(phases=phases), state._replace(positions=state.positions.copy(), moments=moments)
                )
            )
        return False

    with Stopwatch(advance=Watched(("umap_sk.layout.optimizer.advance",), first_of_finest)):
        PrecomputedUMAP(n_epochs=40, random_state=0, n_jobs=1).fit(manifold=manifold, init=dataset.start)
    return caught[0]


def step_seconds(moment, *kernels, edges=True, field=True, last=False):
    """Least seconds of kernels in some epochs of a variant of the layout."""
    from umap_sk.layout import optimizer
    from umap_sk.runtime.threads import limit_threads

    level, layout, state = moment.level, moment.layout, moment.state
    if not edges:
        starts, indices, weights = level.slices
        level = level._replace(slices=type(level.slices)(np.zeros_like(starts), indices[:0].copy(), weights[:0].copy()))
    phases = tuple(phase._replace(field=phase.field and field) for phase in layout.phases)
    layout = layout._replace(levels=(level, *layout.levels[1:]), phases=phases)
    if last:
        state = state._replace(epoch=phases[-1].first_epoch + phases[-1].epochs - EPOCHS)
    with limit_threads(1), watch(*kernels) as watched:
        optimizer.run(layout, state, EPOCHS)
    return [least(watched, kernel) for kernel in kernels]


def arithmetic(function, elements, curve):
    """Seconds of a kernel's arithmetic for so many elements, on buffers in the cache."""
    rng = np.random.default_rng(0)
    x, y, weights = rng.uniform(0.1, 1.0, (3, IN_CACHE)).astype(np.float32)
    out = np.zeros((2, IN_CACHE), np.float32)
    repeats = max(1, min(2_000, elements // IN_CACHE))
    a, b = (np.float32(value) for value in curve)
    return shortest(function, x, y, weights, repeats, a, b, *out) / (repeats * IN_CACHE) * elements


def words(pairs):
    """Rows of two float32 as one uint64 each."""
    return np.ascontiguousarray(pairs, np.float32).view(np.uint64)[:, 0]


class Cells(NamedTuple):
    """Positions in the cells of a grid with an empty frame."""

    numbers: np.ndarray
    columns: int
    count: int


def cells_of(positions, side):
    """The cell of every row."""
    place = ((positions - positions.min(0)) / side).astype(np.int64) + 2
    rows, columns = place.max(0) + 4
    return Cells(place[:, 0] * columns + place[:, 1], int(columns), int(rows * columns))


def edge_floors(moment, curve):
    """Attraction, Adam and sampled repulsion."""
    level, phase = moment.level, moment.layout.phases[-1]
    starts, indices, weights = level.slices
    n, positions, edges = level.n_vertices, words(moment.state.positions), np.count_nonzero(weights)
    whole, bare = (step_seconds(moment, "field_step", edges=edges_too)[0] for edges_too in (True, False))
    sampled = step_seconds(moment, "sampled_step", edges=False, field=False)[0]
    rng, out = np.random.default_rng(1), np.zeros(n, np.uint64)
    pull = shortest(floor_kernels.attraction_traffic, positions, starts, indices, weights.view(np.uint32), out)
    pools = rng.integers(0, n, 2**20)
    pairs = n * phase.negatives
    push = shortest(floor_kernels.repulsion_traffic, positions, pools, phase.negatives, 1024, np.zeros(8192, np.uint64),
                    out)  # fmt: skip
    moments = [words(moment) for moment in moment.state.moments]
    streams = [np.zeros(n, np.uint64) for _ in range(3)]
    stream = shortest(floor_kernels.adam_traffic, positions, out, *moments, level.degree.view(np.uint32), *streams)
    return [
        Floor("attraction", "edges", edges, whole - bare, arithmetic(floor_kernels.attraction, edges, curve), pull),
        Floor("repulsion, sampled", "pairs", pairs, sampled - bare, arithmetic(floor_kernels.repulsion, pairs, curve),
              push),
        Floor("Adam", "rows", n, bare, arithmetic(floor_kernels.adam, 2 * n, curve), stream),
    ]  # fmt: skip


def field_floors(moment, curve):
    """Deposit, interpolation and the near field."""
    from umap_sk import kernels
    from umap_sk.layout.repulsion import REACH, spacing_for

    deposit, interpolate = step_seconds(moment, "deposit", "interpolate")
    near = step_seconds(moment, "add_near_field", last=True)[0]
    n, positions = moment.level.n_vertices, moment.state.positions
    spacing = max(spacing_for(*curve), float(np.ptp(positions, axis=0).max()) / 1_000)
    packed, out = words(positions), np.zeros(n, np.uint64)
    fine, coarse = cells_of(positions, spacing), cells_of(positions, REACH * spacing)
    grids = [np.zeros(fine.count, kind) for kind in (np.float32, np.uint32, np.uint32)]
    spread = shortest(floor_kernels.deposit_traffic, packed, fine.numbers, fine.columns, grids[0])
    read = shortest(floor_kernels.interpolate_traffic, packed, fine.numbers, fine.columns, *grids[1:], out)
    order = np.argsort(coarse.numbers, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(coarse.numbers, minlength=coarse.count))])
    around = (packed[order], order, begin, coarse.numbers[order], coarse.columns, getattr(kernels, "NEAR", 8), out)
    pairs = floor_kernels.near_field_traffic(*around)
    return [
        Floor("near field", "pairs", pairs, near, arithmetic(floor_kernels.near_field, pairs, curve),
              shortest(floor_kernels.near_field_traffic, *around)),
        Floor("deposit", "rows", n, deposit, arithmetic(floor_kernels.deposit, n, curve), spread),
        Floor("interpolate", "rows", n, interpolate, arithmetic(floor_kernels.interpolate, n, curve), read),
    ]  # fmt: skip


def scales_floor(dataset, seconds):
    """The search for the local scales, an entry of the neighbor arrays."""
    distances = np.ascontiguousarray(dataset.knn_dists[:, 1:], np.float32)
    excess = (distances - distances[:, :1]).astype(np.float64)
    visited = floor_kernels.bisections(excess, np.log2(distances.shape[1] + 1))
    buffer, repeats = np.linspace(0, 5, IN_CACHE), 2_000
    each = shortest(floor_kernels.scales, buffer, repeats, np.zeros(IN_CACHE)) / (repeats * IN_CACHE)
    indptr = np.arange(0, distances.size + 1, distances.shape[1])
    rho, sigma = np.zeros((2, len(distances)), np.uint32)
    read = shortest(floor_kernels.scales_traffic, indptr, distances.ravel().view(np.uint32), rho, sigma)
    return Floor("solve_scales", "entries", distances.size, seconds, each * visited, read)


def table(floors):
    """Nanoseconds an element, and the ratio to the floor, in Markdown."""
    rows = []
    for floor in floors:
        times = [1e9 * seconds / floor.elements for seconds in floor[3:]]
        cells = ["not found"] * 2 if np.isnan(floor.seconds) else [f"{times[0]:.2f}", f"{floor.ratio:.2f}"]
        rows.append([floor.name, f"{floor.elements:,} {floor.unit}", *cells, *(f"{each:.2f}" for each in times[1:])])
    header = ["kernel", "elements", "ns an element", "over the floor", "arithmetic ns", "reads and writes ns"]
    return machine.markdown(header, rows)


def main(arguments=None):
    """Measure and print."""
    parser = command.parser("floor", __doc__)
    parser.add_argument("--set", default="uniform:1e6", help="name:rows, more than 25,000, so that there is a field")
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    set_name, n = datasets.chosen(options.set)[0]
    dataset = datasets.in_memory(datasets.load(set_name, n))
    graph_and_scales(datasets.in_memory(datasets.load("digits")))  # compiles
    manifold, seconds = graph_and_scales(dataset)
    moment = finest_moment(dataset, manifold)
    curve = moment.layout.forces.curve
    floors = [*edge_floors(moment, curve), *field_floors(moment, curve), scales_floor(dataset, seconds)]
    print(f"### {set_name}, {n:,} rows, one thread\n\n{table(floors)}")
    lines = [{**floor._asdict(), "ratio": floor.ratio} for floor in floors]
    machine.write(options.json, {"options": vars(options), "kernels": lines})


if __name__ == "__main__":
    main()
