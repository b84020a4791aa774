"""Growing maps, and sequences of maps.

``python -m benchmarks.growing --part update,align --rounds 3``

update: 60,000 images of Fashion-MNIST are fitted, and `update` adds 10,000 more, with the neighbors of the new rows
("lists") or the graph of all rows ("graph"). The third program fits all 70,000. The figures are seconds, the median
displacement of the old rows in widths of the map, and the six figures of the judge. Bars: the displacement is below a
twentieth. No figure of "graph" is worse than that of a fit by more than two standard deviations over the rounds, or
.005 of the figure if that is more. In the graph of "lists", old rows list no new ones. It differs from the graph that
`eff` uses, so "lists" has no such bars.

align: digits in the order of their labels, in windows of 400 rows that share 200 with the next, by `align` and by
umap-learn's AlignedUMAP. The figures are the mean distance of a row to itself in the next map, in widths of the maps,
and the mean trustworthiness. Bars: the distance is at most AlignedUMAP's, and trustworthiness at most .002 below its.
"""

import warnings

import numba
import numpy as np
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness

from benchmarks import command, datasets, judge, peers
from umap_sk import PrecomputedUMAP, align

MOST_MOVED = 1 / 20  # of the map's width
NOISE = 0.005  # of a figure, at least
WINDOW, SHARED = 400, 200


def width(embedding):
    """Return the width of a map along its longer axis."""
    return float(np.ptp(embedding, axis=0).max())


def update_programs(threads):
    """Return the fit of all rows, and both ways to add new rows."""
    whole, old = (datasets.in_memory(datasets.load(name)) for name in ("fashion", "fashion-train"))
    n, graph = old.n_rows, peers.reference_graph(whole)

    def fit(seed):
        model = PrecomputedUMAP(random_state=seed, n_jobs=threads)
        _, times = command.timed(model.fit, **whole.arrays, init=whole.start)
        return times | judge.judge(whole, graph, model.embedding_)._asdict()

    def update_with(arguments):
        def run(seed):
            model = PrecomputedUMAP(random_state=seed, n_jobs=threads).fit(**old.arrays, init=old.start)
            before = model.embedding_
            _, times = command.timed(lambda: model.update(**arguments(model)))
            move = float(np.median(np.linalg.norm(model.embedding_[:n] - before, axis=1))) / width(before)
            return times | judge.judge(whole, graph, model.embedding_)._asdict() | {"move": move}

        return run

    new = {name: array[n:] for name, array in whole.arrays.items()}
    programs = {"fit": fit, "lists": update_with(lambda _: new)}
    programs["graph"] = update_with(lambda model: {"manifold": model.learn_manifold(**whole.arrays)})
    return programs


def missed_by_update(runs):
    """Return the missed bars, in words."""
    medians = {name: command.medians(of_program) for name, of_program in runs.items()}
    moves = {name: medians[name]["move"] for name in ("lists", "graph")}
    words = [f"{name}: old rows move {move:.3f} widths" for name, move in moves.items() if move > MOST_MOVED]
    for key in judge.Figures._fields:
        fitted, found, middle = [run[key] for run in runs["fit"]], medians["graph"][key], medians["fit"][key]
        room = max(2 * float(np.std(fitted, ddof=1)) if len(fitted) > 1 else 0.0, NOISE * middle)
        if (found - middle if key in judge.LOWER_IS_BETTER else middle - found) > room:
            words.append(f"graph: {key} {found:.4f}, of fits {middle:.4f} with room for {room:.4f}")
    return words


def by_align(windows, relations, seed, threads):
    """Return maps by this package."""
    learner = PrecomputedUMAP(metric="euclidean", n_jobs=threads)
    manifolds = [learner.learn_manifold(window) for window in windows]
    return [model.embedding_ for model in align(manifolds, relations, random_state=seed, n_jobs=threads)]


def by_aligned_umap(windows, relations, seed, threads):
    """Return maps by umap-learn."""
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return umap.AlignedUMAP(random_state=seed, transform_seed=seed).fit(windows, relations=relations).embeddings_


def align_programs(threads):
    """Return both programs, after a warm-up."""
    data, labels = load_digits(return_X_y=True)
    data = data[np.argsort(labels, kind="stable")]
    windows = [data[first : first + WINDOW] for first in range(0, len(data) - WINDOW + 1, WINDOW - SHARED)]
    relations = [{row + WINDOW - SHARED: row for row in range(SHARED)}] * (len(windows) - 1)

    def program(aligned):
        aligned(windows[:2], relations[:1], 0, threads)

        def run(seed):
            maps, times = command.timed(aligned, windows, relations, seed, threads)
            pairs = zip(maps, maps[1:], strict=False)
            steps = [np.linalg.norm(one[-SHARED:] - other[:SHARED], axis=1).mean() for one, other in pairs]
            trusts = [trustworthiness(*pair, n_neighbors=15) for pair in zip(windows, maps, strict=True)]
            distance = float(np.mean(steps) / np.mean([width(each) for each in maps]))
            return times | {"distance": distance, "trust": float(np.mean(trusts))}

        return run

    return {"align": program(by_align), "AlignedUMAP": program(by_aligned_umap)}


def missed_by_align(runs):
    """Return the missed bars, in words."""
    ours, theirs = (command.medians(of_program) for of_program in runs.values())
    bars = {"distance": ours["distance"] <= theirs["distance"], "trust": ours["trust"] >= theirs["trust"] - 0.002}
    return [f"{key} {ours[key]:.4f}, AlignedUMAP's {theirs[key]:.4f}" for key, cleared in bars.items() if not cleared]


PARTS = {"update": (update_programs, missed_by_update), "align": (align_programs, missed_by_align)}


def main(arguments=None):
    """Measure, and print medians and the missed bars."""
    parser = command.parser("growing", __doc__, rounds=3)
    parser.add_argument("--part", default="update,align", help=f"of {', '.join(PARTS)}; separated by commas")
    options = parser.parse_args(arguments)
    numba.set_num_threads(options.threads)
    for part in options.part.split(","):
        programs_of, missed = PARTS[part]
        runs = command.take_turns(programs_of(options.threads), options.rounds)
        print("\n" + command.markdown({name: command.medians(of) for name, of in runs.items()}, part))
        command.conclude(options, {"runs": runs}, missed(runs))


if __name__ == "__main__":
    main()
