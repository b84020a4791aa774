"""The serial share of a fit, and the seconds of the layout for each edge and epoch.

``python -m benchmarks.serial --set mixture,uniform:1e6`` learns a graph and lays it out on one thread and on several,
in turns after a warm-up. The table contains medians over the rounds for both phases:

- s on one, s on several: seconds by the clock;
- serial by the clock: (t / speed-up - 1) / (t - 1) of t threads;
- CPU s: CPU seconds on one thread;
- launches: number of kernels and blocks of numpy that were started;
- between: CPU seconds of the main thread outside of all launches, when other threads are idle;
- uneven: sum of the CPU seconds of each launch's busiest thread above the mean, except for launches whose threads take
  blocks when they become idle (kernels/turns.py);
- serial by CPU: (between + 2 uneven) / CPU, which hardly depends on other work on the machine;
- ns an edge and epoch: seconds of the layout on several threads, divided by edges and by epochs of all levels.

Bar: a serial share of at most 5 %. "star" is a graph of 200,000 rows that all list one row, and its uneven share must
be at most 1.2. Waiting threads sleep (OMP_WAIT_POLICY=passive), so waking them counts as between or uneven.
"""

import os
import sys
import threading
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before numba is loaded

import numba
import numpy as np

from benchmarks import command, datasets

WARM_UP = ("uniform", 30_000)
STAR_ROWS = 200_000
SHARE_BAR, STAR_BAR = 0.05, 1.2


def thread_clocks():
    """Return the CPU seconds of each thread of this process, by its number."""
    found = {}
    for task in os.listdir("/proc/self/task"):
        try:
            found[int(task)] = time.clock_gettime((~int(task) << 3) | 6)  # the clock that Linux gives a thread
        except OSError:  # the thread has just ended
            continue
    return found


class Launches:
    """Clocks around every launch of a kernel or of blocks of numpy."""

    def __init__(self):
        self.main = threading.get_native_id()
        self.reset()

    def reset(self):
        """Forget all launches."""
        self.count, self.inside, self.cpu, self.uneven, self.of_main = 0, False, 0.0, 0.0, 0.0

    def watch(self):
        """Add clocks to everything that starts threads in this process, from now on."""
        from umap_sk import kernels
        from umap_sk.runtime import side_by_side

        for name in dir(kernels):
            kernel = getattr(kernels, name)
            if hasattr(kernel, "compiled"):
                setattr(kernels, name, self._timed(kernel))
        blocks = side_by_side.map_blocks
        for module in [module for name, module in sys.modules.items() if name.startswith("umap_sk")]:
            if getattr(module, "map_blocks", None) is blocks:
                module.map_blocks = self._timed(blocks)

    def _timed(self, function):
        body = getattr(function, "__wrapped__", function)
        in_turns = "divide_blocks" in body.__code__.co_names

        def timed(*arguments, **named):
            if self.inside:
                return function(*arguments, **named)
            self.inside, whole, before = True, time.process_time(), thread_clocks()
            try:
                return function(*arguments, **named)
            finally:
                after, whole = thread_clocks(), time.process_time() - whole
                spent = {task: seconds - before.get(task, 0.0) for task, seconds in after.items()}
                ended = max(0.0, whole - sum(spent.values())) / 2  # of two threads that have ended
                even = whole / numba.get_num_threads()
                self.uneven += 0.0 if in_turns else max(*spent.values(), spent[self.main] + ended) - even
                self.cpu, self.of_main = self.cpu + whole, self.of_main + spent[self.main]
                self.count, self.inside = self.count + 1, False

        if hasattr(function, "compiled"):
            timed.compiled = function.compiled
        return timed


def star():
    """Return neighbor arrays in which every row lists row 0 first, and an initial layout."""
    rng = np.random.default_rng(0)
    indices = np.c_[np.zeros(STAR_ROWS, int), rng.integers(1, STAR_ROWS, (STAR_ROWS, 14))]
    dists = np.sort(rng.random((STAR_ROWS, 15), np.float32) + 0.1, axis=1)
    return {"knn_indices": indices, "knn_dists": dists}, rng.normal(size=(STAR_ROWS, 2)).astype(np.float32)


def fit(arrays, start, threads, n_epochs, launches):
    """Return figures of graph and layout of a fit."""
    from umap_sk import PrecomputedUMAP

    model = PrecomputedUMAP(random_state=0, n_jobs=threads, n_epochs=n_epochs)
    graph, found = [], {}
    steps = {
        "graph": lambda: graph.append(model.learn_manifold(**arrays)),
        "layout": lambda: model.fit(manifold=graph[0], init=start),
    }
    for phase, step in steps.items():
        launches.reset()
        main = time.thread_time()
        _, times = command.timed(step)
        between = time.thread_time() - main - launches.of_main
        busiest = 1 + threads * launches.uneven / launches.cpu
        found[phase] = {**times, "between": between, "uneven": launches.uneven, "busiest": busiest}
        found[phase]["launches"] = launches.count
    found["layout"]["epochs"], found["layout"]["edges"] = model.n_epochs_, graph[0].n_edges
    return found


def summarize(one, several, threads):
    """Return the table row of a phase from its runs on one thread and on several."""
    alone, shared = command.medians(one), command.medians(several)
    speed_up = alone["seconds"] / shared["seconds"]
    line = {"s on one": alone["seconds"], f"s on {threads}": shared["seconds"]}
    line["serial by the clock"] = (threads / speed_up - 1) / (threads - 1)
    line |= {"CPU s": alone["cpu"], **{key: shared[key] for key in ("launches", "between", "uneven")}}
    line["serial by CPU"] = (shared["between"] + 2 * shared["uneven"]) / alone["cpu"]
    line["busiest over mean"] = shared["busiest"]
    if "edges" in shared:
        line["ns an edge and epoch"] = 1e9 * shared["seconds"] / shared["edges"] / shared["epochs"]
    return line


def main(arguments=None):
    """Measure, and print a table and the missed bars."""
    parser = command.parser("serial", __doc__, sets="mixture", rounds=3)
    parser.add_argument("--n-epochs", type=int, help="default: the package's own")
    options = parser.parse_args(arguments)
    import umap_sk  # noqa: F401, whose kernels are to be watched

    launches = Launches()
    launches.watch()

    def programs_of(arrays, start):
        def program(threads):
            return lambda _: fit(arrays, start, threads, options.n_epochs, launches)

        return {threads: program(threads) for threads in (1, options.threads)}

    def given(name, n):
        dataset = datasets.in_memory(datasets.load(name, n))
        return dataset.arrays, dataset.start

    warm = given(*WARM_UP)
    for program in programs_of(*warm).values():
        program(0)
    lines, missed = {}, []
    for name in options.set.split(","):
        runs = {threads: [] for threads in (1, options.threads)}
        inputs = star() if name == "star" else given(*datasets.chosen(name)[0])
        for _ in range(options.rounds):
            for threads, program in programs_of(*inputs).items():
                runs[threads].append(program(0))
        for phase in ("graph", "layout"):
            line = summarize(*([run[phase] for run in of] for of in runs.values()), options.threads)
            lines[f"{name}, {phase}"] = line
            share, bar = (line["busiest over mean"], STAR_BAR) if name == "star" else (line["serial by CPU"], SHARE_BAR)
            missed += [f"{name}, {phase}: {share:.3f}, bar {bar}"] * (share > bar)
        print(command.markdown(lines, "phase"), flush=True)
    command.conclude(options, {"results": lines}, missed)


if __name__ == "__main__":
    main()
