"""Time, memory and quality of the peers on the same neighbors and starts, warmed up, in interleaved rounds of one run.

``python -m benchmarks.compare --set digits,fashion,family --peers all --results results``

Every round runs each peer once, with the round's number as seed, so that what disturbs the machine disturbs all
alike. Ratios are medians of the ratios within a round. All six figures of the judge stand beside every time. A peer
that cannot run is listed with the reason. Each peer has a process of its own that stays warm (``--one-process`` runs
all in this one, where nothing limits them); one works at a time. A JSON file is written after every run, a table
printed after every set: see `benchmarks.tables` for what its columns mean.
"""

import gc
import os
from pathlib import Path

import numpy as np

from benchmarks import command, datasets, machine, peers, tables
from benchmarks.judge import judge, reach
from benchmarks.processes import Apart, Here, Stopped

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
ROUNDS = {100_000: 5, 2_000_000: 3}  # up to so many rows; 2 beyond


def parse(arguments=None):
    """The command line."""
    parser = command.parser("compare", __doc__)
    kinds = ", ".join(datasets.SIZES)
    parser.add_argument("--set", default="digits", help=f"of {kinds}, name:rows, family; comma-separated")
    parser.add_argument("--peers", default="all", help=f"all, or of {', '.join(peers.PEERS)}")
    parser.add_argument("--reference", default="umap-learn", help="the peer that ratios and quality are against")
    parser.add_argument(
        "--reference-figures", help="take its figures from this file of `benchmarks.quality`, if it has the set"
    )
    parser.add_argument("--seeds", type=int, help="rounds; default: 5 up to 100,000 rows, 3 up to 2,000,000, 2 beyond")
    parser.add_argument("--once", default="", help="slow peers that run in the first round only; comma-separated")
    parser.add_argument("--patience", type=float, default=60, help="seconds beyond which a peer runs once (not ours)")
    parser.add_argument("--limit", type=float, default=2400, help="seconds after which a run is stopped")
    parser.add_argument("--one-process", action="store_true", help="run all peers in this process")
    parser.add_argument("--n-epochs", type=int)
    parser.add_argument("--n-components", type=int, default=2)
    parser.add_argument("--min-dist", type=float, default=0.1)
    parser.add_argument("--spread", type=float, default=1.0)
    parser.add_argument("--no-symmetrize", action="store_true")
    parser.add_argument("--start", default="pca", choices=["pca", "spectral", "random"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", help="folder for a JSON file a set")
    parser.add_argument("--embeddings", help="folder for each peer's first embedding, as .npy")
    return parser.parse_args(arguments)


def task_of(options):
    """What the peers are asked for."""
    return peers.Task(
        n_epochs=options.n_epochs,
        threads=options.threads,
        n_components=options.n_components,
        min_dist=options.min_dist,
        spread=options.spread,
        start=options.start,
        symmetrize=not options.no_symmetrize,
    )


def rounds_of(rows, options):
    """Rounds on a set of so many rows."""
    return options.seeds or next((rounds for most, rounds in ROUNDS.items() if rows <= most), 2)


def names_of(options):
    """The peers that are asked for."""
    names = list(peers.PEERS) if options.peers == "all" else options.peers.split(",")
    for name in names:
        if name not in peers.PEERS:
            raise ValueError(f"unknown peer {name!r}: all, or of {', '.join(peers.PEERS)} is needed")
    return names


class Pace:
    """What earlier runs tell about later ones: which peers run once on a set, and which would take too long."""

    def __init__(self, options):
        self.once, self.patience, self.limit = set(options.once.split(",")), options.patience, options.limit
        self.last = {}  # (peer, set): rows and seconds

    def note(self, name, set_name, rows, seconds):
        """A run, and how long it took."""
        self.last[name, set_name] = rows, seconds
        if name != "ours" and seconds > self.patience:
            self.once.add((name, set_name, rows))

    def repeats(self, name, set_name, rows):
        """Whether the peer runs in every round."""
        return name not in self.once and (name, set_name, rows) not in self.once

    def too_long(self, name, set_name, rows):
        """Why the peer is not tried on so many rows of a set, if fewer of them say so; None where it is."""
        fewer, seconds = self.last.get((name, set_name), (rows, 0.0))
        if rows > fewer and seconds * rows / fewer > self.limit:
            return f"not tried: {fewer:,} rows took {seconds:.0f} s, the limit is {self.limit:.0f} s"
        return None


def start_results(set_name, n, names, graph, options):
    """What is known of a set before the first run."""
    return {
        "set": set_name,
        "rows": n,
        "edges": graph.nnz,
        "options": vars(options),
        "data": datasets.about(set_name, n),
        "peers": {name: peers.version(name) for name in names},
        "missing": {},
        "runs": [],
    }


def one_run(name, seed, dataset, graph, runner, options):
    """One peer's run and its figures, as a dict."""
    task = task_of(options)._replace(seed=seed)
    outcome = runner.run(name, dataset.name, dataset.n_rows, task)
    if options.embeddings and seed == 0:
        Path(options.embeddings).mkdir(parents=True, exist_ok=True)
        np.save(Path(options.embeddings) / f"{dataset.name}-{dataset.n_rows}-{name}.npy", outcome.embedding)
    return {
        "peer": name,
        "seed": seed,
        "graph": outcome.graph_seconds,
        "layout": outcome.layout_seconds,
        "peak": outcome.peak_bytes,
        **judge(dataset, graph, outcome.embedding, peers.curve_of(task))._asdict(),
        "reach": reach(outcome.embedding),
    }


def compare(set_name, n, runner, pace, options):
    """All rounds on one data set; returns what is written to its JSON file."""
    dataset = datasets.load(set_name, n)
    graph = peers.reference_graph(dataset)
    names = names_of(options)
    results = start_results(set_name, n, names, graph, options)
    if options.reference_figures:
        results["reference_runs"] = tables.earlier_reference(options.reference_figures, set_name, n)
    for seed in range(rounds_of(n, options)):
        for name in names:
            if name in results["missing"] or (seed > 0 and not pace.repeats(name, set_name, n)):
                continue
            gc.collect()
            try:
                if reason := pace.too_long(name, set_name, n):
                    raise Stopped(reason)
                run = one_run(name, seed, dataset, graph, runner, options)
            except (peers.NotAvailable, Stopped) as error:
                results["missing"][name] = str(error)
                print(f"{name}: {error}", flush=True)
                continue
            results["runs"].append(run)
            pace.note(name, set_name, n, np.nansum([run["graph"], run["layout"]]))
            print(name, " ".join(f"{key}={run[key]:.4g}" for key in list(run)[1:]), flush=True)
            write(results, options)
    write(results, options)
    return results


def write(results, options):
    """Write a set's results, with their summary, where the options say."""
    if options.results:
        whole = f"{results['set']}:{results['rows']}" in datasets.FAMILY
        own = not whole and results["rows"] == datasets.SIZES[results["set"]]
        file = results["set"] if own else f"{results['set']}-{results['rows']}"
        machine.write(f"{options.results}/{file}.json", {**results, "summary": tables.summarize(results)})


def main(arguments=None):
    """Run, and print a table after each set."""
    options = parse(arguments)
    chosen = datasets.chosen(options.set)
    names_of(options)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(options.threads)))  # for the peers' processes
    runner, pace = Here() if options.one_process else Apart(options.limit), Pace(options)
    try:
        for set_name, n in chosen:
            print("\n" + tables.show(compare(set_name, n, runner, pace, options)) + "\n", flush=True)
    finally:
        runner.close()


if __name__ == "__main__":
    main()
