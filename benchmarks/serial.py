"""What of a fit runs on one thread: seconds of CPU between the launches of kernels, and of the busiest thread in them.

``python -m benchmarks.serial --set mixture`` learns a graph and lays it out on one thread and on two, in turn, after a
warm-up, and prints for both phases, medians over the rounds:

- CPU on one thread; launches of kernels and of numpy in blocks;
- between: CPU of the main thread outside of all launches, where other threads have nothing to do;
- uneven: CPU of each launch's busiest thread above the mean, summed up; none is counted where threads take blocks as
  they become free (kernels/turns.py), since the one whose core is busy with something else does less there;
- serial share: (between + 2 uneven) / CPU on one thread, which is 2 / speed-up - 1 where two threads have two cores;
- a model of more threads: what is between launches, all of what is uneven, and the rest shared out, at most to as many
  threads as a kernel has parts.

All of it is CPU, so that other work on the machine hardly moves a figure. What is most uneven follows. Threads wait
asleep (OMP_WAIT_POLICY=passive), so that waking them counts as between or uneven.
"""

import importlib
import os
import statistics
import sys
import threading
import time

import numba

from benchmarks import command, datasets, machine

WARM_UP = ("uniform", 30_000)
MODELLED = (2, 16, 64, 128)
PARTS = {"deposit": 8, "count_cells": 8, "sort_into_cells": 8, "count_union": 8, "fill_received": 8}
SHOWN = 12
THREADS = (1, 2)


def thread_clocks():
    """Seconds of CPU of each thread of this process by its number, as of now."""
    found = {}
    for task in os.listdir("/proc/self/task"):
        try:
            found[int(task)] = time.clock_gettime((~int(task) << 3) | 6)  # the clock that Linux gives a thread
        except OSError:  # it has just ended
            continue
    return found


class Launches:
    """Clocks around every launch of a kernel, and of numpy in blocks: seconds of all threads, and of the busiest."""

    def __init__(self):
        self.main = threading.get_native_id()
        self.figures, self.inside = {}, False

    def watch(self):
        """Put clocks around everything that starts threads, in this process from now on."""
        from umap_sk import kernels
        from umap_sk.runtime import side_by_side

        for name in dir(kernels):
            kernel = getattr(kernels, name)
            if hasattr(kernel, "compiled") or hasattr(kernel, "py_func"):
                setattr(kernels, name, self._timed(kernel, name))
        blocks = side_by_side.in_blocks
        for module in [module for name, module in sys.modules.items() if name.startswith("umap_sk")]:
            if getattr(module, "in_blocks", None) is blocks:
                module.in_blocks = self._timed(blocks, "numpy in blocks")

    def _timed(self, function, name):
        body = getattr(function, "__wrapped__", getattr(function, "py_func", function))
        in_turns = "shared_out" in body.__code__.co_names

        def timed(*arguments, **named):
            if self.inside:
                return function(*arguments, **named)
            self.inside, whole, before = True, time.process_time(), thread_clocks()
            try:
                return function(*arguments, **named)
            finally:
                after, whole = thread_clocks(), time.process_time() - whole
                spent = {task: seconds - before.get(task, 0.0) for task, seconds in after.items()}
                ended = max(0.0, whole - sum(spent.values())) / 2  # of two threads that are no more
                even = whole / numba.get_num_threads()
                busiest = even if in_turns else max(*spent.values(), spent[self.main] + ended)
                line = self.figures.setdefault(name, [0, 0.0, 0.0, 0.0])
                for place, value in enumerate((1, whole, busiest, spent[self.main])):
                    line[place] += value
                self.inside = False

        if hasattr(function, "compiled"):
            timed.compiled = function.compiled
        return timed


def run(dataset, threads, n_epochs, launches):
    """Figures of both phases of a fit."""
    from umap_sk import PrecomputedUMAP

    model = PrecomputedUMAP(random_state=0, n_jobs=threads, n_epochs=n_epochs)
    found, results = {}, []
    graph = {"knn_indices": dataset.knn_indices, "knn_dists": dataset.knn_dists}
    steps = {
        "graph": lambda: results.append(model.learn_manifold(**graph)),
        "layout": lambda: model.fit(manifold=results[0], init=dataset.start),
    }
    for phase, step in steps.items():
        launches.figures = {}
        whole, main = time.process_time(), time.thread_time()
        step()
        between = time.thread_time() - main - sum(line[3] for line in launches.figures.values())
        found[phase] = {"cpu": time.process_time() - whole, "between": between, "launches": launches.figures}
    return found


def summary(one, two):
    """A phase's figures from its rounds on one thread and on two."""
    names = sorted({name for figures in two for name in figures["launches"]})

    def middle(name, place):
        return statistics.median(figures["launches"].get(name, [0] * 4)[place] for figures in two)

    cpu, between = (statistics.median(figures[key] for figures in of) for of, key in ((one, "cpu"), (two, "between")))
    uneven = {name: middle(name, 2) - middle(name, 1) / 2 for name in names}
    parallel = {name: middle(name, 1) - 2 * uneven[name] for name in names}
    serial = between + 2 * sum(uneven.values())
    alone = cpu - serial  # what one thread takes of what is shared out, which two may take longer for
    share = {name: alone * seconds / sum(parallel.values()) for name, seconds in parallel.items()}
    model = {
        count: cpu / (serial + sum(seconds / min(count, PARTS.get(name, count)) for name, seconds in share.items()))
        for count in MODELLED
    }
    calls = sum(middle(name, 0) for name in names)
    whole = {"cpu": cpu, "launches": calls, "between": between, "uneven": sum(uneven.values()), "share": serial / cpu}
    return whole | {"model": model, "uneven_by_launch": uneven, "cpu_by_launch": {n: middle(n, 1) for n in names}}


def tables(phases):
    """Phases, and what is uneven in them, in Markdown."""
    header = ["phase", "CPU s on one thread", "launches", "between s", "uneven s", "serial share"]
    header += [f"{count} threads" for count in MODELLED]
    rows = [
        [phase, f"{of['cpu']:.2f}", f"{of['launches']:.0f}", f"{of['between']:.3f}", f"{of['uneven']:.3f}",
         f"{100 * of['share']:.1f} %", *(f"{speed:.1f}" for speed in of["model"].values())]
        for phase, of in phases.items()
    ]  # fmt: skip
    parts = []
    for phase, of in phases.items():
        for name, seconds in sorted(of["uneven_by_launch"].items(), key=lambda item: -item[1])[:SHOWN]:
            ratio = 1 + 2 * seconds / of["cpu_by_launch"][name] if of["cpu_by_launch"][name] else 1.0
            parts.append([phase, name, f"{of['cpu_by_launch'][name]:.3f}", f"{seconds:.4f}", f"{ratio:.3f}"])
    launches = machine.markdown(["phase", "launch", "CPU s", "uneven s", "busiest over mean"], parts)
    return f"{machine.markdown(header, rows)}\n\n{launches}"


def main(arguments=None):
    """Measure and print."""
    parser = command.parser("serial", __doc__)
    parser.add_argument("--set", default="mixture", choices=datasets.SIZES)
    parser.add_argument("--n", type=int, help="rows; default: the set's own size")
    parser.add_argument("--n-epochs", type=int, help="default: the package's own")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "passive"
    importlib.import_module("umap_sk")
    launches = Launches()
    launches.watch()
    rounds = {threads: [] for threads in THREADS}
    for name, n, count in ((*WARM_UP, 1), (options.set, options.n, options.rounds)):
        dataset = datasets.in_memory(datasets.load(name, n))
        for _ in range(count):
            for threads in THREADS:
                rounds[threads].append(run(dataset, threads, options.n_epochs, launches))
    found = {phase: [[figures[phase] for figures in rounds[count][1:]] for count in THREADS] for phase in rounds[1][0]}
    phases = {phase: summary(*of) for phase, of in found.items()}
    print(tables(phases))
    machine.write(options.json, {"options": vars(options), "phases": phases})


if __name__ == "__main__":
    main()
