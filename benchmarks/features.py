"""From features to a map: ``UMAP(random_state=0).fit(X)`` beside umap-learn's ``umap.UMAP().fit(X)``.

``python -m benchmarks.features --set digits,fashion:5000,fashion:20000 --rounds 3``

umap-learn runs as it does by default, on all threads and without a seed. Both are warmed up on a part of the rows, so
that nothing is compiled within the time, and then take turns in one process. The table has medians: seconds, seconds of
CPU, the ratio within a round, and the six figures of the judge, for sets of up to 200,000 rows. A peer that takes more
than ``--patience`` seconds runs once.
"""

import gc
import statistics
import time

import numba
import numpy as np

from benchmarks import command, datasets, machine, peers
from benchmarks.judge import Figures, judge

SETS = "digits,fashion:5000,fashion:20000,fashion:45000,fashion,text:50000,embeddings,short_embeddings"
WARM_ROWS = 4500  # more than umap-learn and we search by comparing all rows
NAMES = ("umap-learn", "ours")


def parse(arguments=None):
    """The command line."""
    parser = command.parser("features", __doc__)
    parser.add_argument("--set", default=SETS, help="name:rows, comma-separated")
    parser.add_argument("--peers", default=",".join(NAMES), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=300)
    parser.add_argument("--json", help="file for the results")
    return parser.parse_args(arguments)


def fitted(name, features):
    """An embedding, by one of the peers with its defaults."""
    if name == "ours":
        from umap_sk import UMAP

        return UMAP(random_state=0).fit(features).embedding_
    import umap

    return umap.UMAP().fit(features).embedding_


def timed(name, features):
    """One fit: seconds, seconds of CPU, and the embedding."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    embedding = fitted(name, features)
    return time.perf_counter() - wall, time.process_time() - cpu, embedding


def measured(name, n, options):
    """All rounds on one set."""
    known = datasets.in_memory(datasets.load(name, n)) if n <= datasets.EXACT_UP_TO else None
    features = datasets.features_of(name, n)[0] if known is None else known.features
    features = np.ascontiguousarray(features, np.float32)
    graph = None if known is None else peers.reference_graph(known)
    runs = {peer: [] for peer in options.peers.split(",")}
    for peer in runs:
        fitted(peer, features[:WARM_ROWS].copy())
    for _ in range(options.rounds):
        for peer, done in runs.items():
            if done and done[0]["seconds"] > options.patience:
                continue
            seconds, cpu, embedding = timed(peer, features)
            figures = judge(known, graph, embedding)._asdict() if known else dict.fromkeys(Figures._fields)
            done.append({"seconds": seconds, "cpu": cpu, **figures})
            print(name, n, peer, f"{seconds:.1f} s, {cpu:.1f} s of CPU", flush=True)
    return runs


def median(runs, key):
    """The median of a figure, or None where there is none."""
    values = [run[key] for run in runs if run[key] is not None]
    return statistics.median(values) if values else None


def row_of(name, n, peer, runs):
    """A row of the table."""
    done, reference = runs[peer], runs.get("umap-learn") or runs[peer]
    ratios = [base["seconds"] / run["seconds"] for base, run in zip(reference, done, strict=False)]
    cpu = median(reference, "cpu") / median(done, "cpu")
    figures = [median(done, key) for key in Figures._fields]
    return [
        f"{name} {n:,}",
        peer,
        f"{median(done, 'seconds'):.2f}",
        f"{median(done, 'cpu'):.2f}",
        f"{statistics.median(ratios):.1f}",
        f"{cpu:.1f}",
        *("" if value is None else f"{value:.3f}" for value in figures),
    ]


def main(arguments=None):
    """Measure and print."""
    options = parse(arguments)
    header = ["data", "peer", "s", "CPU s", "times as fast", "by CPU", *Figures._fields]
    rows, results = [], {}
    for name, n in datasets.chosen(options.set):
        results[f"{name}:{n}"] = runs = measured(name, n, options)
        rows += [row_of(name, n, peer, runs) for peer in runs]
        print(machine.markdown(header, rows), f"{numba.get_num_threads()} threads", sep="\n", flush=True)
        machine.write(options.json, {"options": vars(options), "results": results})


if __name__ == "__main__":
    main()
