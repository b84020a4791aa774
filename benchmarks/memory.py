"""Peak resident memory above the inputs, by phase, in a warm process.

``python -m benchmarks.memory --set uniform --n 1000000 --forms float32,float64_int64,fortran,memmap``

The operating system's own high-water mark is reset before each phase; a second process samples the resident size
beside it. Inputs are touched beforehand, so memory maps count as inputs. Two readings of the layout's peak are
printed: above the phase's beginning, which the bar is for (the graph is then an input), and above the arrays that the
user holds. Bars: 24 bytes an edge for the graph; 64 bytes a vertex, 4 bytes an edge and 64 MiB for the layout.
"""

import ctypes
import gc
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import command, datasets, machine, peers

MIB = 2**20
GRAPH_BAR = 24  # bytes an edge
LAYOUT_BAR = 64  # bytes a vertex, after 4 bytes an edge and 64 MiB
WARM_UP = ("uniform", 30_000)  # enough rows for coarse levels, so that everything is compiled
FORMS = ("float32", "float64_int64", "fortran", "memmap")


def status(field):
    """A field of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


class Sampler:
    """Largest resident size of this process that another process saw since `reset`."""

    def __init__(self):
        context = multiprocessing.get_context("fork")
        self.largest = context.Value("q", 0)
        self.process = context.Process(target=self._watch, args=(os.getpid(),), daemon=True)
        self.process.start()

    def _watch(self, watched):
        page = os.sysconf("SC_PAGE_SIZE")
        with open(f"/proc/{watched}/statm") as file:
            while True:
                file.seek(0)
                self.largest.value = max(self.largest.value, int(file.read().split()[1]) * page)
                time.sleep(0.001)

    def reset(self):
        """Forget what was seen."""
        self.largest.value = 0


def settle():
    """Give free memory back and forget the peak; the bytes that are resident then."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def measure(phase, sampler):
    """The phase's result, its seconds, and the bytes resident before it, at its peak (two ways) and after it."""
    before = settle()
    sampler.reset()
    clock = time.perf_counter()
    result = phase()
    seconds, peak, sampled = time.perf_counter() - clock, status("VmHWM"), sampler.largest.value
    gc.collect()
    return result, {"before": before, "peak": peak, "sampled": sampled, "after": status("VmRSS"), "seconds": seconds}


def in_form(dataset, form, folder):
    """The neighbors as a user might hold them."""
    indices, distances = np.array(dataset.knn_indices), np.array(dataset.knn_dists)
    if form == "float64_int64":
        return indices.astype(np.int64), distances.astype(np.float64)
    if form == "fortran":
        return np.asfortranarray(indices), np.asfortranarray(distances)
    if form == "memmap":
        np.save(f"{folder}/indices.npy", indices)
        np.save(f"{folder}/distances.npy", distances)
        maps = [np.load(f"{folder}/{name}.npy", mmap_mode="r") for name in ("indices", "distances")]
        for array in maps:
            array.max()  # now resident
        return tuple(maps)
    return indices, distances


def phases_of_ours(indices, distances, start, options):
    """This package's phases: a function for the graph, one that lays it out, one that counts its edges."""
    import umap_sk

    model = umap_sk.PrecomputedUMAP(
        n_neighbors=indices.shape[1], n_epochs=options.n_epochs, random_state=0, n_jobs=options.threads
    )

    def layout(manifold):
        model.fit(manifold=manifold, init=start)

    return (
        lambda: model.learn_manifold(knn_indices=indices, knn_dists=distances),
        layout,
        lambda manifold: manifold.graph.nnz,
    )


def phases_of_umap_learn(indices, distances, start, options):
    """umap-learn's phases, likewise."""
    import numba
    from umap.umap_ import fuzzy_simplicial_set, simplicial_set_embedding

    numba.set_num_threads(options.threads)
    a, b = peers.curve_of(peers.Task())
    stand_in = np.zeros((len(indices), 1), np.float32)

    def graph():
        random_state = np.random.RandomState(0)
        return fuzzy_simplicial_set(stand_in, indices.shape[1], random_state, "euclidean", {}, indices, distances)[0]

    def layout(fuzzy):
        simplicial_set_embedding(
            stand_in, fuzzy, 2, 1.0, a, b, 1.0, 5, options.n_epochs, start, np.random.RandomState(0), "euclidean", {},
            False, {}, False, parallel=True,
        )  # fmt: skip

    return graph, layout, lambda fuzzy: fuzzy.nnz


PEERS = {"ours": phases_of_ours, "umap-learn": phases_of_umap_learn}


def peak_memory(dataset, form, options):
    """Edges of the graph, and memory of both phases, on one data set."""
    start = np.array(dataset.start) if options.start == "pca" else options.start
    with tempfile.TemporaryDirectory() as folder:
        indices, distances = in_form(dataset, form, folder)
        graph, layout, edges_of = PEERS[options.peer](indices, distances, start, options)
        sampler = Sampler()
        fuzzy, graph_memory = measure(graph, sampler)
        edges = edges_of(fuzzy)
        _, layout_memory = measure(lambda: layout(fuzzy), sampler)
        sampler.process.terminate()
    return edges, graph_memory, layout_memory


def summary(form, n_rows, edges, graph, layout):
    """A form's line of the table: MiB, bytes against the bars, seconds."""
    graph_bytes = (graph["peak"] - graph["before"]) / edges
    layout_bytes = (layout["peak"] - layout["before"] - 4 * edges - 64 * MIB) / n_rows
    line = {
        "form": form,
        "graph peak MiB": (graph["peak"] - graph["before"]) / MIB,
        "graph sampled MiB": (graph["sampled"] - graph["before"]) / MIB,
        "graph bytes an edge": graph_bytes,
        "layout peak MiB": (layout["peak"] - layout["before"]) / MIB,
        "layout sampled MiB": (layout["sampled"] - layout["before"]) / MIB,
        "layout peak above arrays MiB": (layout["peak"] - graph["before"]) / MIB,
        "layout bytes a vertex": layout_bytes,
    }
    over = [
        name
        for name, bytes_, bar in (("graph", graph_bytes, GRAPH_BAR), ("layout", layout_bytes, LAYOUT_BAR))
        if bytes_ > bar
    ]
    return {**line, "over the bar": ", ".join(over) or "-"}


def main(arguments=None):
    """Measure and print, beside the bars."""
    parser = command.parser("memory", __doc__)
    parser.add_argument("--set", default="fashion", choices=datasets.SIZES)
    parser.add_argument("--n", type=int, help="rows; default: the set's own size")
    parser.add_argument("--forms", default="float32", help=f"of {', '.join(FORMS)}; comma-separated")
    parser.add_argument("--peer", default="ours", choices=PEERS)
    parser.add_argument("--start", default="pca", choices=["pca", "spectral", "random"])
    parser.add_argument("--n-epochs", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    dataset = datasets.load(options.set, options.n)
    lines, runs = [], {}
    for form in options.forms.split(","):
        peak_memory(datasets.load(*WARM_UP), form, options)
        edges, graph, layout = peak_memory(dataset, form, options)
        runs[form] = {"edges": edges, "graph": graph, "layout": layout}
        lines.append(summary(form, dataset.n_rows, edges, graph, layout))
    print(f"{options.peer}, {options.set}, {dataset.n_rows:,} rows, {edges:,} edges, {options.start} start\n")
    cells = [[f"{cell:.1f}" if isinstance(cell, float) else cell for cell in line.values()] for line in lines]
    print(machine.markdown(list(lines[0]), cells))
    machine.write(options.json, {"options": vars(options), "lines": lines, "runs": runs})


if __name__ == "__main__":
    main()
