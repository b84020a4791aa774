"""Peak resident memory of the graph and of the layout in addition to the inputs, in a warm process.

``python -m benchmarks.memory --set mixture --n-epochs 20``

The peak that the system records is reset before each phase. Inputs are read beforehand, so memory maps count as inputs.
For the layout, the graph is an input. Bars: 24 bytes an edge for the graph, and 64 bytes a vertex, 4 bytes an edge and
64 MiB for the layout.
"""

import ctypes
import gc
from pathlib import Path

import numpy as np

from benchmarks import command, datasets, peers

MIB = 2**20
GRAPH_BAR = 24  # bytes an edge
LAYOUT_BAR = 64  # bytes a vertex, after 4 bytes an edge and 64 MiB
WARM_UP = ("uniform", 30_000)  # enough rows for coarse levels, so that everything is compiled


def status(field):
    """Return a field of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def settle():
    """Release free memory, reset the peak, and return the resident bytes."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def peak_of(phase, *arguments):
    """Return a phase's result, and the bytes of its peak in addition to those resident before."""
    before = settle()
    result = phase(*arguments)
    return result, status("VmHWM") - before


def phases_of_ours(arrays, start, options):
    """Return this package's functions for the graph, its layout, and its number of edges."""
    from umap_sk import PrecomputedUMAP

    k = arrays["knn_indices"].shape[1]
    model = PrecomputedUMAP(k, n_epochs=options.n_epochs, random_state=0, n_jobs=options.threads)

    def lay_out(manifold):
        model.fit(manifold=manifold, init=start)

    return lambda: model.learn_manifold(**arrays), lay_out, lambda manifold: manifold.n_edges


def phases_of_umap_learn(arrays, start, options):
    """Return the same functions of umap-learn."""
    features = np.zeros((len(start), 1), np.float32)
    task = peers.Task(n_epochs=options.n_epochs, threads=options.threads)
    return (
        lambda: peers.umap_learn_graph(features, *arrays.values()),
        lambda graph: peers.umap_learn_layout(features, graph, task, start),
        lambda graph: graph.nnz,
    )


PROGRAMS = {"ours": phases_of_ours, "umap-learn": phases_of_umap_learn}


def measure(dataset, options):
    """Return a data set's line of the table."""
    dataset = datasets.in_memory(dataset)
    make_graph, lay_out, count_edges = PROGRAMS[options.peer](dataset.arrays, dataset.start, options)
    graph, graph_peak = peak_of(make_graph)
    edges = count_edges(graph)
    _, layout_peak = peak_of(lay_out, graph)
    return {
        "edges": edges,
        "graph MiB": graph_peak / MIB,
        "bytes an edge": graph_peak / edges,
        "layout MiB": layout_peak / MIB,
        "bytes a vertex": (layout_peak - 4 * edges - 64 * MIB) / dataset.n_rows,
    }


def main(arguments=None):
    """Measure, and print a table and the missed bars."""
    parser = command.parser("memory", __doc__, sets="fashion")
    parser.add_argument("--peer", default="ours", choices=PROGRAMS)
    parser.add_argument("--n-epochs", type=int)
    options = parser.parse_args(arguments)
    measure(datasets.load(*WARM_UP), options)
    lines = {f"{name} {n:,}": measure(datasets.load(name, n), options) for name, n in datasets.chosen(options.set)}
    bars = {"bytes an edge": GRAPH_BAR, "bytes a vertex": LAYOUT_BAR}
    missed = [f"{name}: {key} {line[key]:.0f}" for name, line in lines.items() for key in bars if line[key] > bars[key]]
    print(command.markdown(lines, "set"))
    command.conclude(options, {"results": lines}, missed)


if __name__ == "__main__":
    main()
