"""Maps that grow, and sequences of maps.

``python -m benchmarks.growing --part update,align --rounds 3``

update: Fashion-MNIST, 60,000 images fitted, 10,000 more taken in by `update`, with the new rows' neighbors alone
("lists") or the graph of all rows ("graph"), beside a fit of all 70,000. All six figures of the judge, how far the old
rows move at the median, in widths of the map, and seconds. Bars: a move below a twentieth; of "graph" no figure worse
than a fit's by more than two standard deviations over the rounds, or .005 of a figure if that is more. ("lists" is
another graph than `eff` judges, since old rows list no new ones there: its figures are shown, and have no bars.)

align: digits in the order of their labels, windows of 400 rows of which 200 are the next window's too, by `align` and
by umap-learn's AlignedUMAP. The mean distance of a row to itself in the next map, in widths of the maps, and the mean
trustworthiness. Bars: the distance at most AlignedUMAP's, trustworthiness at least its own less .002.
"""

import statistics
import time
import warnings

import numba
import numpy as np
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness

from benchmarks import command, datasets, judge, machine, peers
from benchmarks.cases import LOWER_IS_BETTER
from benchmarks.judge import Figures
from umap_sk import PrecomputedUMAP, align

MOST_MOVED = 1 / 20  # of the map's width
NOISE = 0.005  # of a figure, at least
WINDOW, SHARED = 400, 200


def width(embedding):
    """Of a map, along its longer axis."""
    return float(np.ptp(embedding, axis=0).max())


def update_rounds(options):
    """Runs by name, each with its figures, seconds and move."""
    whole, old = (datasets.in_memory(datasets.load(name)) for name in ("fashion", "fashion-train"))
    n, graph = old.n_rows, peers.reference_graph(whole)
    arrays = {"knn_indices": whole.knn_indices, "knn_dists": whole.knn_dists}
    new = {name: array[n:] for name, array in arrays.items()}
    runs = {"fit": [], "lists": [], "graph": []}
    for seed in range(-1, options.rounds):  # the first one compiles
        for name, of_name in runs.items():
            model = PrecomputedUMAP(random_state=max(seed, 0), n_jobs=options.threads)
            before = None
            if name != "fit":
                model.fit(knn_indices=old.knn_indices, knn_dists=old.knn_dists, init=old.start)
                before = model.embedding_
            clock = time.perf_counter()
            if name == "fit":
                model.fit(**arrays, init=whole.start)
            else:
                model.update(**(new if name == "lists" else {"manifold": model.learn_manifold(**arrays)}))
            line = {"seconds": time.perf_counter() - clock}
            if before is not None:
                steps = np.linalg.norm(model.embedding_[:n] - before, axis=1)
                line["move"] = float(np.median(steps)) / width(before)
            if seed >= 0:
                of_name.append(line | judge.judge(whole, graph, model.embedding_)._asdict())
                print(name, {key: round(value, 5) for key, value in of_name[-1].items()}, flush=True)
    return runs


def missed_updates(runs):
    """The bars that are missed, in words."""
    words = []
    for name in ("lists", "graph"):
        move = statistics.median(run["move"] for run in runs[name])
        if move > MOST_MOVED:
            words.append(f"{name}: old rows move {move:.3f} widths, bar {MOST_MOVED}")
    for key in Figures._fields:
        fitted, found = [run[key] for run in runs["fit"]], statistics.median(run[key] for run in runs["graph"])
        middle = statistics.median(fitted)
        room = max(2 * float(np.std(fitted, ddof=1)) if len(fitted) > 1 else 0.0, NOISE * middle)
        worse = found - middle if key in LOWER_IS_BETTER else middle - found
        if worse > room:
            words.append(f"graph: {key} {found:.4f}, of fits {middle:.4f} with room for {room:.4f}")
    return words


def windows_of_digits():
    """Windows of the digits in the order of their labels, and which rows are the same."""
    data, labels = load_digits(return_X_y=True)
    data = data[np.argsort(labels, kind="stable")]
    windows = [data[first : first + WINDOW] for first in range(0, len(data) - WINDOW + 1, WINDOW - SHARED)]
    return windows, [{row + WINDOW - SHARED: row for row in range(SHARED)}] * (len(windows) - 1)


def by_align(windows, relations, seed, threads):
    """Maps by this package."""
    learner = PrecomputedUMAP(metric="euclidean", n_jobs=threads)
    manifolds = [learner.learn_manifold(window) for window in windows]
    return [model.embedding_ for model in align(manifolds, relations, random_state=seed, n_jobs=threads)]


def by_aligned_umap(windows, relations, seed, threads):
    """Maps by umap-learn."""
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return umap.AlignedUMAP(random_state=seed, transform_seed=seed).fit(windows, relations=relations).embeddings_


ALIGNERS = {"align": by_align, "AlignedUMAP": by_aligned_umap}


def align_rounds(options):
    """Runs by name, each with its distance, trustworthiness and seconds."""
    windows, relations = windows_of_digits()
    runs = {name: [] for name in ALIGNERS}
    for seed in range(-1, options.rounds):
        for name, aligned in ALIGNERS.items():
            if seed < 0:
                aligned(windows[:2], relations[:1], 0, options.threads)
                continue
            clock = time.perf_counter()
            maps = aligned(windows, relations, seed, options.threads)
            line = {"seconds": time.perf_counter() - clock}
            pairs = list(zip(maps, maps[1:], strict=False))
            steps = [np.linalg.norm(a[-SHARED:] - b[:SHARED], axis=1).mean() for a, b in pairs]
            line["distance"] = float(np.mean(steps)) / statistics.mean(map(width, maps))
            trusts = [trustworthiness(*pair, n_neighbors=15) for pair in zip(windows, maps, strict=True)]
            runs[name].append(line | {"trust": float(np.mean(trusts))})
            print(name, {key: round(value, 5) for key, value in runs[name][-1].items()}, flush=True)
    return runs


def missed_alignments(runs):
    """The bars that are missed, in words."""
    ours, theirs = ({key: statistics.median(run[key] for run in runs[name]) for key in runs[name][0]} for name in runs)
    words = []
    if ours["distance"] > theirs["distance"]:
        words.append(f"distance {ours['distance']:.4f}, bar {theirs['distance']:.4f}")
    if ours["trust"] < theirs["trust"] - 0.002:
        words.append(f"trust {ours['trust']:.4f}, bar {theirs['trust'] - 0.002:.4f}")
    return words


PARTS = {"update": (update_rounds, missed_updates), "align": (align_rounds, missed_alignments)}


def main(arguments=None):
    """Measure and print medians."""
    parser = command.parser("growing", __doc__)
    parser.add_argument("--part", default="update,align", help=f"of {', '.join(PARTS)}; comma-separated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    numba.set_num_threads(options.threads)
    for part in options.part.split(","):
        measure, missed = PARTS[part]
        runs = measure(options)
        header = list(dict.fromkeys(key for of_name in runs.values() for key in of_name[0]))
        cells = [
            [name, *(f"{statistics.median(run[k] for run in lines):.4f}" if k in lines[0] else "" for k in header)]
            for name, lines in runs.items()
        ]
        print("\n" + machine.markdown([part, *header], cells))
        print("\nbars missed:", "; ".join(missed(runs)) or "none", "\n", flush=True)


if __name__ == "__main__":
    main()
