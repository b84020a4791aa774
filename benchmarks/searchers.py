"""Seconds and recall of searchers of nearest neighbors on the data sets: ours, PyNNDescent's and those of faiss.

``python -m benchmarks.searchers --set fashion,text,windows --rounds 3``

Every searcher gets the same float32 rows and finds the 15 nearest other rows of each. It is warmed up on few rows, so
that nothing is compiled within the time, and the searchers then take turns in one process. PyNNDescent runs with its
defaults ("pynndescent") and with more candidates and trees ("pynndescent+"). The recall is of all rows against the
data set's exact neighbors. Bars: our exact search has recall 1, the inverted file at least .99, in at most half of the
CPU seconds of PyNNDescent's run with the nearest recall.
"""

import statistics
import time

import numpy as np
from numba import get_num_threads

from benchmarks import command, datasets, machine
from umap_sk import nearest_neighbors

FEW = 5000  # rows of the search before: more than are searched without compiled code
K = 15  # neighbors of a row, itself not counted


def ours(searcher):
    """Our own search of a kind."""
    return lambda rows: nearest_neighbors(rows, K + 1, searcher=searcher)[0][:, 1:]


def pynndescent(**parameters):
    """PyNNDescent's index, whose neighbors of its own rows are there when it is built."""

    def search(rows):
        import pynndescent

        index = pynndescent.NNDescent(rows, n_neighbors=K + 1, random_state=0, **parameters)
        return index.neighbor_graph[0][:, 1:]

    return search


def faiss_index(description, **settings):
    """An index of faiss by its factory's description, with what its search is told."""

    def search(rows):
        import faiss

        index = faiss.index_factory(rows.shape[1], description.format(lists=int(4 * np.sqrt(len(rows)))))
        index.train(rows)
        index.add(rows)
        for name, value in settings.items():
            faiss.ParameterSpace().set_index_parameter(index, name, value)
        return without_itself(index.search(rows, K + 1)[1])

    return search


def without_itself(indices):
    """Neighbors without the row itself, or without the last where the row is not among them."""
    others = indices != np.arange(len(indices))[:, None]
    others[others.all(axis=1), -1] = False
    return indices[others].reshape(len(indices), -1)


SEARCHERS = {
    "exact": ours("exact"),
    "inverted_file": ours("inverted_file"),
    "pynndescent": pynndescent(),
    "pynndescent+": pynndescent(n_trees=20, max_candidates=60),
    "faiss exact": faiss_index("Flat"),
    "faiss IVF": faiss_index("IVF{lists},Flat", nprobe=32),
    "faiss HNSW": faiss_index("HNSW16", efSearch=96),
    "faiss NN-descent": faiss_index("NNDescent64,Flat"),
}


def recall(found, true_indices):
    """The share of the true neighbors that was found."""
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, true_indices, strict=True)]))


def measured(name, n, options):
    """Runs of all searchers on one set."""
    data = datasets.in_memory(datasets.load(name, n))
    rows, runs = np.ascontiguousarray(data.features, np.float32), {}
    for searcher in options.searchers.split(","):
        try:
            SEARCHERS[searcher](rows[:FEW])
            runs[searcher] = []
        except ImportError as error:
            print(error)
    for _ in range(options.rounds):
        for searcher, done in runs.items():
            clock, cpu = time.perf_counter(), time.process_time()
            found = SEARCHERS[searcher](rows)
            seconds, cpu = time.perf_counter() - clock, time.process_time() - cpu
            done.append({"seconds": seconds, "cpu": cpu, "recall": recall(found, data.nearest)})
            print(name, n, searcher, done[-1], flush=True)
    return {searcher: {key: median(done, key) for key in done[0]} for searcher, done in runs.items()}


def median(runs, key):
    """The median of a figure."""
    return statistics.median(run[key] for run in runs)


def missed(name, figures):
    """The bars that are missed on a set, in words."""
    if "exact" in figures and figures["exact"]["recall"] < 0.9999:  # equal distances may be listed in another order
        yield f"{name}: exact has recall {figures['exact']['recall']:.4f}"
    mine = figures.get("inverted_file")
    if not mine:
        return
    if mine["recall"] < 0.99:
        yield f"{name}: inverted_file has recall {mine['recall']:.3f}"
    theirs = [figures[peer] for peer in ("pynndescent", "pynndescent+") if peer in figures]
    if theirs:
        nearest = min(theirs, key=lambda other: abs(other["recall"] - mine["recall"]))
        if 2 * mine["cpu"] > nearest["cpu"]:
            yield f"{name}: {mine['cpu']:.1f} s of CPU are more than half of PyNNDescent's {nearest['cpu']:.1f}"


def main(arguments=None):
    """Measure and print."""
    parser = command.parser("searchers", __doc__)
    parser.add_argument("--set", default="fashion", help="name:rows, comma-separated")
    parser.add_argument("--searchers", default=",".join(SEARCHERS), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    header, rows, results = ["data", "searcher", "s", "CPU s", "recall"], [], {}
    for name, n in datasets.chosen(options.set):
        results[f"{name} {n:,}"] = figures = measured(name, n, options)
        for searcher, row in figures.items():
            cells = f"{row['seconds']:.2f}", f"{row['cpu']:.2f}", f"{row['recall']:.3f}"
            rows.append([f"{name} {n:,}", searcher, *cells])
        print(machine.markdown(header, rows), f"{get_num_threads()} threads", sep="\n", flush=True)
        machine.write(options.json, {"options": vars(options), "results": results})
    print(*(line for name, figures in results.items() for line in missed(name, figures)), sep="\n")


if __name__ == "__main__":
    main()
