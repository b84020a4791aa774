"""New rows in a map of Fashion-MNIST by both packages: 60,000 images are fitted, and 10,000 more are placed.

``python -m benchmarks.transform --rounds 3``

Both packages search the neighbors with their default parameters. The figures compare new rows with training rows:
accuracy by the 5 nearest rows in the map, recall of the 15 true neighbors, and trustworthiness. Further figures are the
seconds of all rows, and the milliseconds of a single row in a warm process. Bars: 5 times as fast as umap-learn, an
accuracy of at most .01 below its, and 5 ms for a single row. ``--n`` fits and places fewer rows.
"""

import numba
import numpy as np
from scipy.spatial import cKDTree
from sklearn.neighbors import NearestNeighbors

from benchmarks import command, datasets, judge, real_data

FASTER, SINGLE_BAR = 5.0, 5.0  # times, milliseconds


def make_model(name, seed, threads):
    """Return an unfitted model of a program."""
    if name == "ours":
        from umap_sk import UMAP

        return UMAP(random_state=seed, n_jobs=threads)
    import umap

    return umap.UMAP(n_jobs=threads)


def programs_of(names, n_train, threads):
    """Return the programs, after a warm-up."""
    features, labels = real_data.fashion_images()
    train, new = slice(n_train), slice(60_000, 60_000 + n_train // 6)
    search = NearestNeighbors(n_neighbors=15, algorithm="brute").fit(features[train])
    nearest = search.kneighbors(features[new], return_distance=False)

    def figures(embedding, placed):
        near = cKDTree(embedding).query(placed, 15, workers=-1)[1]
        rows = np.arange(0, len(placed), 5)
        excess = judge.excess_ranks(features[train], features[new][rows], np.full(len(rows), -1), near[rows])
        return {
            "accuracy": judge.vote_accuracy(labels[train], near[:, :5], labels[new]),
            "recall15": float((nearest[:, :, None] == near[:, None, :]).any(2).mean()),
            "trust": float(1 - 2 * excess / (len(rows) * 15 * (2.0 * n_train - 3.0 * 15 + 1.0))),
        }

    def program(name):
        def run(seed):
            model = make_model(name, seed, threads).fit(features[train])
            model.transform(features[new][:2])  # what is made once for each model
            placed, times = command.timed(model.transform, features[new])
            singles = [command.timed(model.transform, features[new][row : row + 1])[1]["seconds"] for row in range(9)]
            line = {"seconds": times["seconds"], "cpu": times["cpu"], "one row ms": 1e3 * float(np.median(singles))}
            return line | figures(model.embedding_, placed)

        make_model(name, 0, threads).fit(features[:5000]).transform(features[:200])  # compiles
        return run

    return {name: program(name) for name in names}


def missed(medians):
    """Return the missed bars, in words."""
    ours, theirs = medians["ours"], medians.get("umap-learn", medians["ours"])
    bars = {
        "accuracy": ours["accuracy"] >= theirs["accuracy"] - 0.01,
        "seconds": theirs is ours or FASTER * ours["seconds"] <= theirs["seconds"],
        "one row ms": ours["one row ms"] <= SINGLE_BAR,
    }
    return [f"{key} {ours[key]:.3g}" for key, cleared in bars.items() if not cleared]


def main(arguments=None):
    """Measure, and print medians and the missed bars."""
    parser = command.parser("transform", __doc__, rounds=3)
    parser.add_argument("--peers", default="ours,umap-learn", help="separated by commas")
    parser.add_argument("--n", type=int, default=datasets.SIZES["fashion-train"], help="training rows")
    options = parser.parse_args(arguments)
    numba.set_num_threads(options.threads)
    runs = command.take_turns(programs_of(options.peers.split(","), options.n, options.threads), options.rounds)
    medians = {name: command.medians(of_program) for name, of_program in runs.items()}
    print("\n" + command.markdown(medians, "program"))
    command.conclude(options, {"runs": runs}, missed(medians) if "ours" in medians else None)


if __name__ == "__main__":
    main()
