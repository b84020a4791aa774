"""Comparison of this package and others on the same neighbors and initial layouts, in interleaved rounds.

``python -m benchmarks.compare --set digits,fashion,family --peers ours,umap-learn --rounds 5``

Every round runs each program once after a warm-up, with the round's number as the seed. A program that cannot run is
listed with the reason, and one that takes more than ``--patience`` seconds runs once. The columns are:

- median seconds of the graph, and of the layout from its initial layout (of both, if a program does not separate them);
- speed-up relative to the reference, as the median of the ratios within rounds;
- peak memory in addition to the inputs, including conversions to the program's own types;
- the six figures of `benchmarks.judge`, and which of them are worse than the mean of the reference's seeds by more than
  one standard deviation.

Bars: graph and layout are 4 and 25 times as fast as umap-learn's on Fashion-MNIST, and 4 and 45 times on the mixture.
"""

import statistics

import numpy as np

from benchmarks import command, datasets, machine, peers
from benchmarks.judge import LOWER_IS_BETTER, Figures, judge, reach

SPEED_BARS = {"fashion": (4.0, 25.0), "mixture": (4.0, 45.0)}  # graph and layout, times as fast as umap-learn
WARM_UP = {True: ("text", 30_000), False: ("digits", None)}  # by Peer.compiled; the first has coarse levels
WARM_UP_EPOCHS = 40  # with fewer, the last epochs on the graph would do without the near field


def parse(arguments=None):
    """Parse the command line."""
    parser = command.parser("compare", __doc__, sets="digits", rounds=5)
    parser.add_argument("--peers", default="all", help=f"all, or of {', '.join(peers.PEERS)}")
    parser.add_argument("--reference", default="umap-learn", help="the program that ratios and quality are against")
    parser.add_argument("--patience", type=float, default=300, help="seconds after which a program runs once")
    parser.add_argument("--n-epochs", type=int)
    parser.add_argument("--start", default="pca", choices=["pca", "spectral", "auto"])
    options = parser.parse_args(arguments)
    options.names = list(peers.PEERS) if options.peers == "all" else options.peers.split(",")
    for name in options.names:
        if name not in peers.PEERS:
            raise ValueError(f"unknown peer {name!r}: all, or of {', '.join(peers.PEERS)} is needed")
    return options


def program(name, dataset, graph, options):
    """Return a function that runs a program once after a warm-up, or raise NotAvailable."""
    task = peers.Task(n_epochs=options.n_epochs, threads=options.threads, start=options.start)
    warm_up = datasets.in_memory(datasets.load(*WARM_UP[peers.PEERS[name].compiled]))
    peers.run(name, warm_up, task._replace(n_epochs=WARM_UP_EPOCHS))

    def run(seed):
        before = machine.settle()
        outcome = peers.run(name, dataset, task._replace(seed=seed))
        peak = machine.status("VmHWM") - before if np.isnan(outcome.peak_bytes) else outcome.peak_bytes
        seconds = {"graph": outcome.graph_seconds, "layout": outcome.layout_seconds}
        figures = judge(dataset, graph, outcome.embedding, peers.curve_of(task))._asdict()
        whole = {"seconds": float(np.nansum(list(seconds.values()))), "peak MiB": peak / 2**20}
        return seconds | whole | figures | {"reach": reach(outcome.embedding)}

    return run


def worse_figures(median, reference):
    """Return the figures that are worse than the reference's mean by more than one standard deviation."""
    names = []
    for key in Figures._fields:
        values = [run[key] for run in reference]
        sign = -1 if key in LOWER_IS_BETTER else 1
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        if not sign * (median[key] - statistics.mean(values)) >= -spread:
            names.append(key)
    return names


def summarize(runs, reference, options):
    """Return the rows of a set's table by program."""
    lines = {}
    for name, of_program in runs.items():
        line = lines[name] = command.medians(of_program)
        line["threads"] = 1 if peers.PEERS[name].serial else options.threads
        if reference in runs:
            for key, title in (("graph", "graph x"), ("layout", "layout x"), ("seconds", "whole x")):
                line[title] = command.median_ratio(of_program, runs[reference], key)
            line["worse"] = ", ".join(worse_figures(line, runs[reference])) or "-"
        line["runs"] = len(of_program)
    return lines


def too_slow(set_name, lines):
    """Return the missed speed bars of a set, in words."""
    bars = zip(("graph x", "layout x"), SPEED_BARS.get(set_name, ()), strict=False)
    ours = lines.get("ours", {})
    return [f"{set_name}: {key} {ours[key]:.2f}, bar {bar:g}" for key, bar in bars if ours.get(key, bar) < bar]


def main(arguments=None):
    """Compare on each set, and print its table and the missed bars."""
    options = parse(arguments)
    results = {}
    for set_name, n in datasets.chosen(options.set):
        dataset = datasets.in_memory(datasets.load(set_name, n))
        graph, programs, missing = peers.reference_graph(dataset), {}, {}
        for name in options.names:
            try:
                programs[name] = program(name, dataset, graph, options)
            except peers.NotAvailable as error:
                missing[name] = {"version": str(error)}
        runs = command.take_turns(programs, options.rounds, options.patience)
        lines = {name: {"version": peers.version(name)} | line
                 for name, line in summarize(runs, options.reference, options).items()}  # fmt: skip
        results[f"{set_name}:{n}"] = {"edges": graph.nnz, "runs": runs, "medians": lines, "missing": missing}
        print(f"\n### {set_name}, {n:,} rows, {graph.nnz:,} edges\n\n{command.markdown(lines | missing, 'program')}")
        command.conclude(options, {"results": results}, too_slow(set_name, lines))


if __name__ == "__main__":
    main()
