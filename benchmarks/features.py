"""From features to a map: ``UMAP(random_state=0).fit(X)`` and umap-learn's ``umap.UMAP().fit(X)``.

``python -m benchmarks.features --set digits,fashion:5000,fashion:20000 --rounds 3``

umap-learn runs with its defaults, on all threads and without a seed. Both packages are warmed up on a part of the rows,
and then take turns in one process. The table contains medians of the seconds, of the CPU seconds, of the ratios within
a round, and of the judge's six figures for up to 200,000 rows. A program that takes more than ``--patience`` seconds
runs once.
"""

import numpy as np

from benchmarks import command, datasets, peers
from benchmarks.judge import judge

SETS = "digits,fashion:5000,fashion:20000,fashion:45000,fashion,text:50000,embeddings,short_embeddings"
WARM_ROWS = 4500  # more than either package searches by comparing all rows


def embed(name, features):
    """Return an embedding by one of the programs with its defaults."""
    if name == "ours":
        from umap_sk import UMAP

        return UMAP(random_state=0).fit(features).embedding_
    import umap

    return umap.UMAP().fit(features).embedding_


def programs_of(name, n, options):
    """Return the programs of a set, after a warm-up."""
    dataset = datasets.in_memory(datasets.load(name, n)) if n <= datasets.EXACT_UP_TO else None
    features = dataset.features if dataset else datasets.features_of(name, n)[0]
    features = np.ascontiguousarray(features, np.float32)
    graph = peers.reference_graph(dataset) if dataset else None

    def program(peer):
        embed(peer, features[:WARM_ROWS].copy())

        def run(_):
            embedding, times = command.timed(embed, peer, features)
            return times | (judge(dataset, graph, embedding)._asdict() if dataset else {})

        return run

    return {peer: program(peer) for peer in options.peers.split(",")}


def main(arguments=None):
    """Measure, and print a table after each set."""
    parser = command.parser("features", __doc__, sets=SETS, rounds=3)
    parser.add_argument("--peers", default="umap-learn,ours", help="separated by commas")
    parser.add_argument("--patience", type=float, default=300)
    options = parser.parse_args(arguments)
    lines, results = {}, {}
    for name, n in datasets.chosen(options.set):
        programs = programs_of(name, n, options)
        runs = results[f"{name}:{n}"] = command.take_turns(programs, options.rounds, options.patience)
        for peer, of_peer in runs.items():
            reference = runs.get("umap-learn", of_peer)
            median = command.medians(of_peer)
            cpu = command.medians(reference)["cpu"] / median["cpu"]
            times = {"times as fast": command.median_ratio(of_peer, reference), "by CPU": cpu}
            lines[f"{name} {n:,}, {peer}"] = dict(list(median.items())[:2]) | times | dict(list(median.items())[2:])
        print("\n" + command.markdown(lines, "data"), flush=True)
        command.conclude(options, {"results": results})


if __name__ == "__main__":
    main()
