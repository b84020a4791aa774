"""Seconds and recall of searchers of nearest neighbors: those of this package, PyNNDescent and faiss.

``python -m benchmarks.searchers --set fashion,text,windows --rounds 3``

Every searcher gets the same float32 rows and finds the 15 nearest other rows of each. It is warmed up on few rows, and
the searchers then take turns in one process. PyNNDescent runs with its defaults ("pynndescent") and with more
candidates and trees ("pynndescent+"). The recall is that of a sample of rows, whose true neighbors are found by
brute force in float64. Bars: the package's exact search has a recall of 1, and the inverted file one of at least .99,
in at most half of the CPU seconds of PyNNDescent's run with the closest recall.
"""

import numpy as np

from benchmarks import command, datasets
from benchmarks.judge import without_itself

FEW = 5000  # rows of the warm-up: more than are searched without compiled code
K = 15  # neighbors of a row, itself not counted


def ours(searcher):
    """Return a search by this package."""
    from umap_sk import nearest_neighbors

    return lambda rows: nearest_neighbors(rows, K + 1, searcher=searcher)[0]


def pynndescent(**parameters):
    """Return a search by PyNNDescent, whose index contains the neighbors of its own rows."""

    def search(rows):
        from pynndescent import NNDescent

        return NNDescent(rows, n_neighbors=K + 1, random_state=0, **parameters).neighbor_graph[0]

    return search


def faiss_index(description, **settings):
    """Return a search by an index of faiss, from the description for its factory."""

    def search(rows):
        import faiss

        index = faiss.index_factory(rows.shape[1], description.format(lists=int(4 * np.sqrt(len(rows)))))
        index.train(rows)
        index.add(rows)
        for name, value in settings.items():
            faiss.ParameterSpace().set_index_parameter(index, name, value)
        return index.search(rows, K + 1)[1]

    return search


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


def program(searcher, rows):
    """Return a function that runs a searcher once, or raise ImportError if its library is missing."""
    SEARCHERS[searcher](rows[:FEW])

    def run(_):
        found, times = command.timed(SEARCHERS[searcher], rows)
        others = found[without_itself(found, np.arange(len(rows)))].reshape(len(rows), -1)
        return times | {"recall": datasets.sampled_recall(rows, others)}

    return run


def missed(name, figures):
    """Return the missed bars of a set, in words."""
    words, mine = [], figures.get("inverted_file")
    if "exact" in figures and figures["exact"]["recall"] < 1:
        words.append(f"{name}: exact has recall {figures['exact']['recall']:.4f}")
    if mine and mine["recall"] < 0.99:
        words.append(f"{name}: inverted_file has recall {mine['recall']:.3f}")
    others = [figures[peer] for peer in ("pynndescent", "pynndescent+") if peer in figures]
    if mine and others:
        other = min(others, key=lambda line: abs(line["recall"] - mine["recall"]))
        if 2 * mine["cpu"] > other["cpu"]:
            words.append(f"{name}: {mine['cpu']:.1f} s of CPU are more than half of PyNNDescent's {other['cpu']:.1f}")
    return words


def main(arguments=None):
    """Measure, and print a table after each set."""
    parser = command.parser("searchers", __doc__, sets="fashion", rounds=3)
    parser.add_argument("--searchers", default=",".join(SEARCHERS), help="separated by commas")
    options = parser.parse_args(arguments)
    lines, words = {}, []
    for name, n in datasets.chosen(options.set):
        rows, programs = np.ascontiguousarray(datasets.features_of(name, n)[0], np.float32), {}
        for searcher in options.searchers.split(","):
            try:
                programs[searcher] = program(searcher, rows)
            except ImportError as error:
                print(error)
        runs = command.take_turns(programs, options.rounds)
        figures = {searcher: command.medians(of_searcher) for searcher, of_searcher in runs.items()}
        lines |= {f"{name} {n:,}, {searcher}": line for searcher, line in figures.items()}
        words += missed(name, figures)
        print("\n" + command.markdown(lines, "searcher"), flush=True)
    command.conclude(options, {"results": lines}, words)


if __name__ == "__main__":
    main()
