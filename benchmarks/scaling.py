"""How the layout scales: with rows at a fixed k, and from one thread to two, part by part.

``python -m benchmarks.scaling --sizes 1e5,1e6,1e7 --json scaling.json`` fits points of one recipe (`uniform`: shuffled,
three dimensions, 15 neighbors), a process a size, on one and on several threads in turn, after a warm-up. Columns:

- calls: of the part in a fit; ms a call, ns an edge: medians over the calls, on several threads;
- share: of the seconds of the fit;
- speed-up: seconds on one thread over those on several;
- CPU ratio: CPU on several threads over CPU on one: what is above 1 is lost to sharing caches and memory;
- imbalance: CPU of the busiest thread over the mean: 1 where both do the same.

Threads that wait do not spin meanwhile (OMP_WAIT_POLICY=passive), so that CPU is work. "an epoch" is one of the finest
level, and what stands below it are its parts; "field" includes deposit and Fourier transforms, the near field comes
in the last quarter of the epochs only. "an epoch, coarse" counts the trials of the start's scale as well. Bar: ns an
edge and epoch at most doubles from the fewest rows to the most.
"""

import json
import os
import statistics
import subprocess
import sys
import time

from benchmarks import command, datasets, machine
from benchmarks.stopwatch import Clock, Stopwatch, Watched, thread_seconds

EPOCH, FIT = "an epoch", "fit"
SETTINGS = 8  # place of an epoch's settings among the arguments of a step; their floor is 0 on the finest level
PARTS = {
    "coarsening": Watched(("umap_sk.layout.coarsen.build_levels",)),
    "arranging": Watched(("umap_sk.layout.problem.arrange",)),
    "an epoch, coarse": Watched(("umap_sk.layout.optimizer.advance",), lambda layout, state, *rest: state.depth > 0),
    EPOCH: Watched(("umap_sk.layout.optimizer.advance",), lambda layout, state, *rest: state.depth == 0),
    "repulsion": Watched(("umap_sk.layout.optimizer.repulsion_of",), lambda layout, phase, *rest: phase.depth == 0),
    "of it the field": Watched(
        ("umap_sk.layout.optimizer.grid_field",), lambda *given, mass=None, **named: mass is None
    ),
    "of it the near field": Watched(("umap_sk.layout.optimizer.add_near_field",)),
    "attraction, Adam": Watched(("umap_sk.kernels.field_step",), lambda *given: given[SETTINGS]["floor"][0] == 0),
}
WARM_UP = 30_000  # rows, enough for coarse levels
GROWTH_BAR = 2.0


def timed_fit(dataset, manifold, threads, n_epochs):
    """Clocks of the parts and of the whole fit; what was not found."""
    from umap_sk import PrecomputedUMAP

    model = PrecomputedUMAP(n_epochs=n_epochs, random_state=0, n_jobs=threads)
    whole, before, began = Clock(), thread_seconds(), time.perf_counter()
    with Stopwatch(**PARTS) as watch:
        model.fit(manifold=manifold, init=dataset.start)
    whole.seconds.append(time.perf_counter() - began)
    whole.threads = {task: seconds - before.get(task, 0.0) for task, seconds in thread_seconds().items()}
    return {**watch.clocks, FIT: whole}, watch.absent


def measure(n, options):
    """Figures of one size, part by part; runs in a process of its own."""
    from umap_sk import PrecomputedUMAP

    fits = {1: [], options.threads: []}
    for rows in (WARM_UP, n):
        dataset = datasets.load("uniform", rows)
        model = PrecomputedUMAP(n_jobs=options.threads)
        manifold = model.learn_manifold(knn_indices=dataset.knn_indices, knn_dists=dataset.knn_dists)
        for _ in range(options.rounds if rows == n else 1):
            for threads in fits:
                clocks, absent = timed_fit(dataset, manifold, threads, options.n_epochs)
                if rows == n:
                    fits[threads].append(clocks)
    edges = manifold.graph.nnz
    parts = {part: figures([fit[part] for fit in fits[1]], [fit[part] for fit in fits[options.threads]], edges,
                           options.threads) for part in clocks if clocks[part].seconds}  # fmt: skip
    return {"rows": n, "edges": edges, "threads": options.threads, "parts": parts, "absent": absent}


def figures(one, several, edges, threads):
    """A part's figures, from its clocks in the fits on one thread and on several."""
    call = statistics.median(seconds for clock in several for seconds in clock.seconds)
    wall = [statistics.median(clock.wall for clock in clocks) for clocks in (one, several)]
    cpu = [statistics.median(clock.cpu for clock in clocks) for clocks in (one, several)]
    return {
        "calls": len(several[0].seconds),
        "call": call,
        "an_edge": call / edges,
        "wall": wall[1],
        "speed_up": wall[0] / wall[1],
        "cpu_ratio": cpu[1] / cpu[0] if cpu[0] else float("nan"),
        "imbalance": statistics.median(clock.imbalance(threads) for clock in several),
    }


def in_own_process(n, options):
    """The figures of one size, or why there are none."""
    datasets.load("uniform", n)
    arguments = ["--sizes", str(n), "--rounds", str(options.rounds), "--n-epochs", str(options.n_epochs)]
    environment = dict(os.environ, OMP_WAIT_POLICY="passive", KMP_BLOCKTIME="0", PYTHONWARNINGS="ignore")
    command_line = [sys.executable, "-m", "benchmarks.scaling", "--here", "--threads", str(options.threads), *arguments]
    try:
        done = subprocess.run(command_line, env=environment, capture_output=True, text=True, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return {"rows": n, "failed": f"stopped after {options.limit:.0f} s, the limit"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"rows": n, "failed": f"exit status {done.returncode}: {last}"}
    return json.loads(done.stdout.splitlines()[-1])


def table(size):
    """A size's parts in Markdown."""
    whole = size["parts"][FIT]["wall"]
    rows = []
    for name, part in size["parts"].items():
        times = [f"{1e3 * part['call']:.1f}", f"{1e9 * part['an_edge']:.2f}", f"{100 * part['wall'] / whole:.0f} %"]
        ratios = [f"{part[key]:.2f}" for key in ("speed_up", "cpu_ratio", "imbalance")]
        rows.append([name, str(part["calls"]), *times, *ratios])
    header = ["part", "calls", "ms a call", "ns an edge", "share", "speed-up", "CPU ratio", "imbalance"]
    return machine.markdown(header, rows)


def growth(sizes):
    """Seconds an edge and epoch at the most rows over those at the fewest; None with less than two sizes."""
    measured = [size["parts"][EPOCH]["an_edge"] for size in sizes if EPOCH in size.get("parts", {})]
    return measured[-1] / measured[0] if len(measured) > 1 else None


def main(arguments=None):
    """Measure size after size, print each, and write all after each."""
    parser = command.parser("scaling", __doc__)
    parser.add_argument("--sizes", default="1e5,1e6,1e7", help="rows; comma-separated")
    parser.add_argument("--n-epochs", type=int, default=40, help="E; 0.3 E on the finest level")
    parser.add_argument("--rounds", type=int, default=3, help="fits on one thread and on several, in turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=3600, help="seconds after which a size is stopped")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--here", action="store_true", help="measure in this process and print JSON")
    options = parser.parse_args(arguments)
    sizes = []
    for n in (int(float(size)) for size in options.sizes.split(",")):
        if options.here:
            print(json.dumps(measure(n, options)))
            continue
        sizes.append(in_own_process(n, options))
        size = sizes[-1]
        print(f"\n### {n:,} rows\n\n{size['failed'] if 'failed' in size else table(size)}", flush=True)
        if size.get("absent"):
            print(f"\nNot found in the package: {', '.join(size['absent'])}")
        machine.write(options.json, {"options": vars(options), "sizes": sizes, "growth": growth(sizes)})
    if growth(sizes) is not None:
        print(f"\nns an edge and epoch, most rows over fewest: {growth(sizes):.2f}, bar {GROWTH_BAR}")


if __name__ == "__main__":
    main()
