"""Time and quality of the peers on one data set, in one process, warmed up, in interleaved rounds.

``python -m benchmarks.compare --set fashion --peers ours,umap-learn --rounds 3 --seeds 5 --json results.json``

Every round runs each peer once, with the round's number as seed, so that what disturbs the machine disturbs all
alike. Ratios are medians of the ratios within a round. All six figures of the judge stand beside every time. Bars:
the graph 1.5 times as fast as umap-learn's, the layout 8 times on Fashion-MNIST and 15 times on the mixture.
"""

import gc
import statistics

import numpy as np

from benchmarks import command, datasets, machine, peers
from benchmarks.cases import LOWER_IS_BETTER
from benchmarks.judge import Figures, judge, reach

SPEED_BARS = {"fashion": (1.5, 8.0), "mixture": (1.5, 15.0)}  # graph and layout, times as fast as umap-learn
WARM_UP = ("text", 30_000)  # enough rows for coarse levels, so that everything is compiled


def parse(arguments=None):
    """The command line."""
    parser = command.parser("compare", __doc__)
    parser.add_argument("--set", default="digits", choices=datasets.SIZES)
    parser.add_argument("--n", type=int, help="rows; default: the set's own size")
    parser.add_argument("--peers", default="ours,umap-learn", help=f"of {', '.join(peers.PEERS)}; comma-separated")
    parser.add_argument("--reference", default="umap-learn", help="the peer that the ratios are against")
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds, at least")
    parser.add_argument("--seeds", type=int, default=3, help="seeds judged; more rounds are run for them if need be")
    parser.add_argument("--once", default="", help="slow peers that run in the first round only; comma-separated")
    parser.add_argument("--n-epochs", type=int)
    parser.add_argument("--n-components", type=int, default=2)
    parser.add_argument("--min-dist", type=float, default=0.1)
    parser.add_argument("--spread", type=float, default=1.0)
    parser.add_argument("--no-symmetrize", action="store_true")
    parser.add_argument("--start", default="pca", choices=["pca", "spectral", "random"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="file for the results")
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


def warm_up(names, task):
    """Compile everything on a small set; returns {name: why it cannot run} of the peers that cannot."""
    dataset = datasets.in_memory(datasets.load(*WARM_UP))
    graph = peers.reference_graph(dataset)
    missing = {}
    for name in names:
        try:
            peers.run(name, dataset, graph, task._replace(n_epochs=12))
        except peers.NotAvailable as error:
            missing[name] = str(error)
    return missing


def run_rounds(dataset, graph, names, task, options):
    """All runs as dicts: peer, seed, graph and layout seconds, the figures."""
    curve = peers.curve_of(task)
    once = set(options.once.split(","))
    runs = []
    for seed in range(max(options.rounds, options.seeds)):
        for name in names:
            if seed > 0 and name in once:
                continue
            gc.collect()
            outcome = peers.run(name, dataset, graph, task._replace(seed=seed))
            run = {"peer": name, "seed": seed, "graph": outcome.graph_seconds, "layout": outcome.layout_seconds}
            if seed < options.seeds:
                run.update(judge(dataset, graph, outcome.embedding, curve)._asdict(), reach=reach(outcome.embedding))
            if seed == 0 and options.embeddings:
                np.save(f"{options.embeddings}/{options.set}-{name}.npy", outcome.embedding)
            runs.append(run)
            print(name, " ".join(f"{key}={run[key]:.4g}" for key in list(run)[1:]), flush=True)
    return runs


def column(runs, peer, key):
    """A peer's values of one key, by seed."""
    return {run["seed"]: run[key] for run in runs if run["peer"] == peer and key in run}


def total(runs, peer):
    """Seconds of graph and layout together by seed; where the graph is not told apart, of the layout."""
    graph = column(runs, peer, "graph")
    return {seed: seconds + np.nan_to_num(graph[seed]) for seed, seconds in column(runs, peer, "layout").items()}


def ratio(reference, other):
    """Median over the common rounds of reference / other."""
    shared = [reference[seed] / other[seed] for seed in reference if seed in other]
    return statistics.median(shared) if shared else float("nan")


def summarize(runs, names, reference):
    """Median, mean and standard deviation of everything, per peer, and the ratios to the reference."""
    summary = {}
    for name in names:
        keys = ["graph", "layout", *Figures._fields, "reach"]
        values = {key: list(column(runs, name, key).values()) for key in keys}
        line = {key: statistics.median(value) for key, value in values.items() if value}
        line["mean"] = {key: statistics.mean(value) for key, value in values.items() if value}
        line["sd"] = {key: statistics.stdev(value) if len(value) > 1 else 0.0 for key, value in values.items()}
        if reference in names:
            line["layout_ratio"] = ratio(column(runs, reference, "layout"), column(runs, name, "layout"))
            line["graph_ratio"] = ratio(column(runs, reference, "graph"), column(runs, name, "graph"))
            line["total_ratio"] = ratio(total(runs, reference), total(runs, name))
        summary[name] = line
    return summary


def missed(summary, name, reference):
    """Figures whose median is not within one standard deviation of the reference's mean."""
    if reference not in summary:
        return []
    mean, sd = summary[reference]["mean"], summary[reference]["sd"]
    sign = {key: -1 if key in LOWER_IS_BETTER else 1 for key in Figures._fields}
    return [key for key in Figures._fields if sign[key] * (summary[name][key] - mean[key]) < -sd[key]]


def too_slow(set_name, line):
    """The speed bars that are missed, in words."""
    ratios = zip(("graph_ratio", "layout_ratio"), SPEED_BARS.get(set_name, ()), strict=False)
    return [f"{name} {line[name]:.2f}, bar {bar}" for name, bar in ratios if name in line and line[name] < bar]


def table(summary, missing, reference):
    """The results in Markdown: medians, standard deviations of the figures in brackets."""
    header = [
        "peer",
        "version",
        "graph s",
        "layout s",
        "graph x",
        "layout x",
        "total x",
        *Figures._fields,
        "reach",
        "below",
    ]
    rows = []
    for name, line in summary.items():
        ratios = [f"{line.get(key, float('nan')):.2f}" for key in ("graph_ratio", "layout_ratio", "total_ratio")]
        figures = [f"{line[key]:.4f} ({line['sd'][key]:.4f})" for key in Figures._fields]
        below = ", ".join(missed(summary, name, reference)) or "-"
        times = [f"{line['graph']:.3f}", f"{line['layout']:.3f}"]
        rows.append([name, peers.version(name), *times, *ratios, *figures, f"{line['reach']:.2f}", below])
    rows += [[name, peers.version(name), reason, *[""] * (len(header) - 3)] for name, reason in missing.items()]
    return machine.markdown(header, rows)


def main(arguments=None):
    """Run, print the table and write the JSON."""
    options = parse(arguments)
    names, task = options.peers.split(","), task_of(options)
    dataset = datasets.in_memory(datasets.load(options.set, options.n))
    graph = peers.reference_graph(dataset)
    missing = warm_up(names, task)
    names = [name for name in names if name not in missing]
    runs = run_rounds(dataset, graph, names, task, options)
    summary = summarize(runs, names, options.reference)
    print(f"\n{options.set}, {dataset.n_rows:,} rows, {graph.nnz:,} edges, {options.threads} threads")
    print(f"x: times as fast as {options.reference}, median of the rounds' ratios; in brackets: standard deviations")
    print("below: figures more than one standard deviation worse than the mean of the reference\n")
    print(table(summary, missing, options.reference))
    print("\n" + "\n".join(too_slow(options.set, summary.get("ours", {}))))
    about = datasets.about(options.set, options.n)
    versions = {name: peers.version(name) for name in [*names, *missing]}
    results = {"options": vars(options), "data": about, "edges": graph.nnz, "peers": versions, "missing": missing}
    machine.write(options.json, {**results, "summary": summary, "runs": runs})


if __name__ == "__main__":
    main()
