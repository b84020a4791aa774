"""Quality of the layouts against umap-learn's, case by case, on the same neighbors, with the bars that must be cleared.

``python -m benchmarks.quality --case dimensions,kernel --seeds 3 --json ours.json --peer-figures umap_learn.json``

Cases: defaults (digits, Fashion-MNIST), dimensions (2, 3, 10 components), kernel (min_dist and spread), spectral and
random (starts), directed (symmetrize off), hubs (Fashion-MNIST plus 20 rows that 500 others list), kinds (branching
trajectories, tight clusters, text-like vectors, windows of signals), real (patches of images, cells, descriptions of
packages), held-out (functions of Python's library, by which nothing was chosen), alone (neighbors and nothing else,
each package's own start), mixture (1,000,000 rows). All six figures of the judge, medians over the seeds; ``eff``
with the a and b of the setting; ``reach`` is the largest radius over the 90 % radius; ``start`` the seconds of this
package's start, coarsening included. The results are written after every run, and an earlier run's file given as
--peer-figures saves running umap-learn again. Time is not compared here: see `benchmarks.compare`.
"""

import gc
import json
import math
import statistics
from pathlib import Path

from benchmarks import command, datasets, machine, peers
from benchmarks.cases import CASES
from benchmarks.judge import Figures, judge, reach

COLUMNS = (*Figures._fields, "reach")


def parse(arguments=None):
    """The command line."""
    parser = command.parser("quality", __doc__)
    parser.add_argument("--case", default="defaults", help=f"of {', '.join(CASES)}; comma-separated")
    parser.add_argument("--only", default="", help="run only the variants whose name has this in it")
    parser.add_argument("--peers", default="ours,umap-learn-seeded", help="comma-separated; the last one is the peer")
    parser.add_argument("--seeds", type=int, default=3, help="0 prints the table of the runs that --json has")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--n", type=int, help="rows of each set; default: the set's own size")
    parser.add_argument("--json", help="file for the runs; runs that it already has are kept")
    parser.add_argument("--peer-figures", default="", help="files of earlier runs, whose peer figures are taken")
    return parser.parse_args(arguments)


def earlier_runs(options):
    """Runs that --json has, and the peers' runs that --peer-figures have."""
    runs = {}
    for file in [options.json, *options.peer_figures.split(",")]:
        if file and Path(file).exists():
            for run in json.loads(Path(file).read_text())["runs"]:
                if run["peer"] != "ours" or file == options.json:
                    runs[run["variant"], run["rows"], run["peer"], run["seed"]] = run
    return list(runs.values())


def one_run(name, variant, seed, dataset, graph, options):
    """A peer's run on a variant: its figures and seconds as a dict."""
    task = variant.task._replace(seed=seed, threads=options.threads)
    outcome = peers.run(name, dataset, task)
    figures = judge(dataset, graph, outcome.embedding, peers.curve_of(task))._asdict()
    return {
        "variant": variant.name,
        "rows": dataset.n_rows,
        "peer": name,
        "seed": seed,
        **figures,
        "reach": reach(outcome.embedding),
        "start": outcome.start_seconds,
        "graph": outcome.graph_seconds,
        "layout": outcome.layout_seconds,
    }


def run_all(variants, names, runs, options):
    """Run what ``runs`` does not have yet, data set by data set and seed by seed, and append it."""
    for set_name in dict.fromkeys(variant.dataset for variant in variants):
        dataset = datasets.in_memory(datasets.load(set_name, options.n))
        graph = peers.reference_graph(dataset)
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            for variant in (variant for variant in variants if variant.dataset == set_name):
                key = (variant.name, dataset.n_rows, seed)
                done = {run["peer"] for run in runs if (run["variant"], run["rows"], run["seed"]) == key}
                for name in (name for name in names if name not in done):
                    gc.collect()
                    try:
                        runs.append(one_run(name, variant, seed, dataset, graph, options))
                    except peers.NotAvailable as error:
                        print(f"{name}: {error}", flush=True)
                        continue
                    print(" ".join(shown(key, value) for key, value in runs[-1].items()), flush=True)
                    machine.write(options.json, {"options": vars(options), "runs": runs})


def shown(key, value):
    """A value of a run for the log."""
    return f"{key}={value:.5g}" if isinstance(value, float) else f"{key}={value}"


def medians(runs, variant, peer):
    """Medians of a peer's figures on a variant, and the number of runs; nothing where there is no run."""
    chosen = [run for run in runs if run["variant"] == variant.name and run["peer"] == peer]
    if not chosen:
        return {}
    keys = (*COLUMNS, "start", "graph", "layout")
    return {"runs": len(chosen), **{key: statistics.median(run[key] for run in chosen) for key in keys}}


def missed(variant, figures, peer_figures):
    """The bars that the figures do not clear, in words; those that need a missing peer or figure are left out."""
    words = []
    for bar in variant.bars:
        known = not math.isnan(figures[bar.figure]) and (peer_figures or not bar.factor)
        if not known or bar.cleared(figures, peer_figures):
            continue
        words.append(f"{bar.figure} {figures[bar.figure]:.5g}, bar {bar.limit(peer_figures):.5g}")
    return words


def table(variants, names, runs):
    """Medians in Markdown, with the bars that are missed."""
    rows = []
    for variant in variants:
        peer_figures = medians(runs, variant, names[-1])
        for name in names:
            figures = medians(runs, variant, name)
            if not figures:
                continue
            verdict = ""
            if name == "ours" and variant.bars:
                verdict = "; ".join(missed(variant, figures, peer_figures)) or "-"
            cells = [f"{figures[key]:.4f}" for key in COLUMNS]
            rows.append([variant.name, name, str(figures["runs"]), *cells, f"{figures['start']:.2f}", verdict])
    return machine.markdown(["variant", "peer", "runs", *COLUMNS, "start s", "bars missed"], rows)


def main(arguments=None):
    """Run, print the table and write the JSON."""
    options = parse(arguments)
    names = options.peers.split(",")
    chosen = dict.fromkeys(variant for case in options.case.split(",") for variant in CASES[case])
    variants = [variant for variant in chosen if options.only in variant.name]
    runs = earlier_runs(options)
    given = {run["peer"] for run in runs} if options.peer_figures else set()
    if options.seeds:
        run_all(variants, [name for name in names if name == "ours" or name not in given], runs, options)
    rows = {variant.name: options.n or datasets.SIZES[variant.dataset] for variant in variants}
    print("\n" + table(variants, names, [run for run in runs if run["rows"] == rows.get(run["variant"])]))


if __name__ == "__main__":
    main()
