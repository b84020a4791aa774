"""Quality of maps of this package and of umap-learn from the same neighbors, by case, with bars.

``python -m benchmarks.quality --case dimensions,kernel --seeds 3 --json ours.json --peer-figures umap_learn.json``

The cases are:

- defaults: digits and Fashion-MNIST;
- dimensions: 2, 3 and 10 components;
- kernel: values of min_dist and spread;
- spectral: the spectral initial layout;
- directed: symmetrize=False;
- kinds: trajectories, tight clusters, text-like vectors, windows of signals;
- real: patches of images, cells, descriptions of packages;
- held-out: functions of Python's library, which no parameter was tuned on;
- alone: neighbors without features, with each package's own initial layout;
- mixture: 1,000,000 rows.

The table contains medians of the judge's six figures over the seeds, with a and b of the setting. The file is written
after every run, and its runs are not repeated. With the file of an earlier run as --peer-figures, umap-learn is not run
again.
"""

import json
from pathlib import Path

from benchmarks import command, datasets, machine, peers
from benchmarks.cases import CASES
from benchmarks.judge import Figures, judge, reach

COLUMNS = (*Figures._fields, "reach")


def parse(arguments=None):
    """Parse the command line."""
    parser = command.parser("quality", __doc__, rounds=3)
    parser.add_argument("--case", default="defaults", help=f"of {', '.join(CASES)}; separated by commas")
    parser.add_argument("--only", default="", help="run only the variants whose name contains this")
    parser.add_argument("--peers", default="ours,umap-learn-seeded", help="the last one is the reference")
    parser.add_argument("--n", type=int, help="rows of each set; default: the set's own size")
    parser.add_argument("--peer-figures", default="", help="files of earlier runs, separated by commas")
    return parser.parse_args(arguments)


def key_of(run):
    """Return the key that identifies a run."""
    return run["variant"], run["rows"], run["peer"], run["seed"]


def earlier_runs(options):
    """Return the runs in --json, and the other programs' runs in --peer-figures, by key."""
    runs = {}
    for file in [options.json, *options.peer_figures.split(",")]:
        if file and Path(file).exists():
            found = json.loads(Path(file).read_text())["runs"]
            runs |= {key_of(run): run for run in found if run["peer"] != "ours" or file == options.json}
    return runs


def run_all(variants, runs, options):
    """Run everything that ``runs`` lacks, by data set and by seed, and add it."""
    names = options.peers.split(",")
    given = {run["peer"] for run in runs.values()} if options.peer_figures else set()
    for set_name in dict.fromkeys(variant.dataset for variant in variants):
        dataset = datasets.in_memory(datasets.load(set_name, options.n))
        graph = peers.reference_graph(dataset)
        wanted = [variant for variant in variants if variant.dataset == set_name]
        programs = [name for name in names if name == "ours" or name not in given]
        for seed, variant, name in ((s, v, n) for s in range(options.rounds) for v in wanted for n in programs):
            run = {"variant": variant.name, "rows": dataset.n_rows, "peer": name, "seed": seed}
            if key_of(run) in runs:
                continue
            task = variant.task._replace(seed=seed, threads=options.threads)
            try:
                embedding = peers.run(name, dataset, task).embedding
            except peers.NotAvailable as error:
                print(f"{name}: {error}", flush=True)
                continue
            run |= judge(dataset, graph, embedding, peers.curve_of(task))._asdict() | {"reach": reach(embedding)}
            runs[key_of(run)] = run
            print(*(f"{key}={command.cell(value)}" for key, value in run.items()), flush=True)
            machine.write(options.json, {"options": vars(options), "runs": list(runs.values())})


def lines_of(variants, runs, options):
    """Return the rows of the table: medians by variant and program, with the missed bars."""
    lines, names = {}, options.peers.split(",")
    for variant in variants:
        rows = options.n or datasets.SIZES[variant.dataset]
        medians = {}
        for name in names:
            found = [run for run in runs.values() if key_of(run)[:3] == (variant.name, rows, name)]
            if found:
                medians[name] = command.medians([{key: run[key] for key in COLUMNS} for run in found])
                lines[f"{variant.name}, {name}"] = {"runs": len(found), **medians[name]}
        reference = medians.get(names[-1])
        if "ours" in medians and variant.bars:
            bars = [bar for bar in variant.bars if reference or not bar.factor]
            missed = [f"{bar.figure}, bar {bar.limit(reference):.5g}" for bar in bars
                      if not bar.cleared(medians["ours"], reference)]  # fmt: skip
            lines[f"{variant.name}, ours"]["bars missed"] = "; ".join(missed) or "-"
    return lines


def main(arguments=None):
    """Run, and print the table."""
    options = parse(arguments)
    chosen = dict.fromkeys(variant for case in options.case.split(",") for variant in CASES[case])
    variants = [variant for variant in chosen if options.only in variant.name]
    runs = earlier_runs(options)
    run_all(variants, runs, options)
    print("\n" + command.markdown(lines_of(variants, runs, options), "variant"))


if __name__ == "__main__":
    main()
