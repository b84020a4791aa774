"""Seconds and recall of every searcher on Fashion-MNIST (70,000 rows of 784), against exact neighbors.

``python -m benchmarks.searchers`` searches once with few rows, so that what is compiled is not timed, then with all of
them: seconds of index and neighbors together, the recall that the report tells, and that of all rows against the data
set's exact neighbors. New rows are a tenth of the rows, moved a little. Bars: each recall .95, told within .01 of what
it is over all rows, and PyNNDescent, which "auto" takes, in less time than the exact search. Libraries that are not
installed have no row.
"""

import time

import numpy as np
from numba import get_num_threads

from benchmarks import command, datasets, machine
from umap_sk.neighbors.choice import NAMES, Asked
from umap_sk.neighbors.searchers import find_neighbors, search_training

FEW = 2000  # rows of the search before
K = 14  # neighbors of a row, itself not counted


def searched(features, searcher):
    """A search, what it found of the training rows, what it tells, and its seconds."""
    asked = Asked(searcher, "euclidean", None, None, 0, False)
    clock = time.perf_counter()
    made, indices, _, figures = search_training(features, asked, K)
    return made, indices, figures, time.perf_counter() - clock


def measured(features, true_indices, searcher):
    """Figures of one searcher."""
    warm = searched(features[:FEW], searcher)[0]
    new = features[::10] + np.float32(0.01)
    find_neighbors(warm, new[:100], K + 1, own=False)
    made, indices, figures, seconds = searched(features, searcher)
    found = np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(indices, true_indices, strict=True)])
    clock = time.perf_counter()
    find_neighbors(made, new, K + 1, own=False)
    told = figures.get("recall", 1.0)
    return {"seconds": seconds, "told": told, "recall": float(found), "new": time.perf_counter() - clock}


def missed(results):
    """The bars that are missed, in words."""
    for name, row in results.items():
        if row["recall"] < 0.95:
            yield f"{name}: recall {row['recall']:.3f} is below .95"
        if abs(row["recall"] - row["told"]) > 0.01:
            yield f"{name}: told {row['told']:.3f}, but it is {row['recall']:.3f}"
    both = {"exact", "pynndescent"} <= results.keys()
    if both and results["pynndescent"]["seconds"] > results["exact"]["seconds"]:
        yield "pynndescent takes longer than the exact search"


def main(arguments=None):
    """Measure and print."""
    parser = command.parser("searchers", __doc__)
    parser.add_argument("--rows", type=int, default=70_000)
    parser.add_argument("--searchers", default=",".join(NAMES[1:]), help="comma-separated")
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    data = datasets.in_memory(datasets.load("fashion", options.rows))
    features = np.ascontiguousarray(data.features, np.float32)
    others = data.knn_indices != np.arange(len(features))[:, None]
    true_indices = [row[keep][:K] for row, keep in zip(data.knn_indices, others, strict=True)]
    results = {}
    for searcher in options.searchers.split(","):
        try:
            results[searcher] = measured(features, true_indices, searcher)
        except ImportError as error:
            print(error)
    header = ["searcher", "index and neighbors s", "recall told", "recall", f"{len(features) // 10:,} new rows s"]
    rows = [
        [name, f"{row['seconds']:.1f}", f"{row['told']:.3f}", f"{row['recall']:.3f}", f"{row['new']:.2f}"]
        for name, row in results.items()
    ]
    print(machine.markdown(header, rows), f"{get_num_threads()} threads", sep="\n")
    print(*missed(results), sep="\n")
    machine.write(options.json, {"options": vars(options), "results": results})


if __name__ == "__main__":
    main()
