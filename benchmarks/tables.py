"""Tables of what `benchmarks.compare` measured.

``python -m benchmarks.tables benchmarks/results/*.json`` prints one for each file that it wrote. The columns:

- threads: 1 where the peer knows no others; runs: rounds, each with its own seed.
- graph s, layout s: medians of seconds, from neighbors to graph, and from graph and start to embedding. A peer that
  tells no phases has all under layout.
- graph x, layout x, total x: times as fast as the reference, medians of the rounds' ratios.
- peak MiB: memory above the inputs, conversions to the peer's own types included.
- the six figures of `benchmarks.judge`: medians, standard deviations over the seeds in brackets.
- s to quality: graph and layout, if all six figures are at least the mean of the reference's seeds less one standard
  deviation (eff: at most the mean plus one); otherwise the figures that are not.

Bars: the graph 4 times as fast as umap-learn's and 3 times umap-rs'; the layout 25 times umap-learn's on Fashion-MNIST,
8 times manifolds-rs', 20 times umap-rs', and on the mixture 45 times umap-learn's and 28 times umap-rs'.
"""

import json
import math
import statistics
from pathlib import Path

import numpy as np

from benchmarks import command, machine, peers
from benchmarks.cases import LOWER_IS_BETTER
from benchmarks.judge import Figures

SPEED_BARS = {  # graph and layout, times as fast as a peer; where it tells no phases, the layout against both
    "fashion": {"umap-learn": (4.0, 25.0), "manifolds-rs": (0.0, 8.0), "umap-rs": (3.0, 20.0)},
    "mixture": {"umap-learn": (4.0, 45.0), "umap-rs": (3.0, 28.0)},
}
ENOUGH_SEEDS = 5  # of the reference, up to so many rows:
FEW_ROWS = 100_000


def earlier_reference(file, set_name, n):
    """The reference's runs in a file of `benchmarks.quality` on a set of so many rows; none where it has none."""
    runs = json.loads(Path(file).read_text())["runs"]
    found = [run for run in runs if (run["variant"], run["rows"]) == (set_name, n) and run["peer"] != "ours"]
    return [{**run, "source": str(file)} for run in found]


def column(runs, peer, key):
    """A peer's values of one key, by seed."""
    return {run["seed"]: run[key] for run in runs if run["peer"] == peer and key in run}


def total(runs, peer):
    """Seconds of graph and layout together by seed; where the graph is not told apart, of the layout."""
    graph = column(runs, peer, "graph")
    layout = column(runs, peer, "layout")
    return {seed: value + (0.0 if math.isnan(graph[seed]) else graph[seed]) for seed, value in layout.items()}


def ratio(reference, other):
    """Median over the common rounds of reference / other."""
    shared = [reference[seed] / other[seed] for seed in reference if seed in other]
    return statistics.median(shared) if shared else float("nan")


def deviation(values):
    """Standard deviation; 0 of one value, NaN of values that are NaN (a peer that tells no phases)."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def reference_figures(results):
    """Mean and standard deviation of the reference's figures, and of how many runs; None where it did not run."""
    name = results["options"]["reference"]
    runs = results.get("reference_runs") or [run for run in results["runs"] if run["peer"] == name]
    if not runs:
        return None
    values = {key: [run[key] for run in runs] for key in Figures._fields}
    mean = {key: statistics.mean(value) for key, value in values.items()}
    return mean, {key: deviation(value) for key, value in values.items()}, len(runs)


def below(line, reference):
    """Figures of a line that are more than one standard deviation worse than the mean of the reference."""
    mean, sd, _ = reference
    sign = {key: -1 if key in LOWER_IS_BETTER else 1 for key in Figures._fields}
    return [key for key in Figures._fields if not sign[key] * (line[key] - mean[key]) >= -sd[key]]


def summarize(results):
    """By peer: medians and standard deviations of all, ratios to the reference, the figures below its quality."""
    runs, name_of_reference = results["runs"], results["options"]["reference"]
    reference = reference_figures(results)
    summary = {}
    for name in dict.fromkeys(run["peer"] for run in runs):
        keys = ("graph", "layout", "peak", *Figures._fields, "reach")
        values = {key: list(column(runs, name, key).values()) for key in keys}
        line = {key: statistics.median(value) for key, value in values.items()}
        line["sd"] = {key: deviation(value) for key, value in values.items()}
        line["runs"] = len(values["layout"])
        line["total"] = statistics.median(total(runs, name).values())
        for key in ("graph", "layout"):
            line[f"{key}_ratio"] = ratio(column(runs, name_of_reference, key), column(runs, name, key))
        line["total_ratio"] = ratio(total(runs, name_of_reference), total(runs, name))
        line["below"] = below(line, reference) if reference else None
        summary[name] = line
    return summary


def number(value, digits=2):
    """A value for a cell, with so many decimals or, where it is small, as many significant digits; "-" for none."""
    if math.isnan(value):
        return "-"
    return f"{value:.{digits}g}" if 0 < abs(value) < 1 else f"{value:.{digits}f}"


def to_quality(line):
    """The cell on the reference's quality: the seconds to it, or what is below it."""
    if line["below"] is None:
        return "-"
    return "below in " + ", ".join(line["below"]) if line["below"] else number(line["total"])


def table(results):
    """The results in Markdown."""
    summary, threads = summarize(results), results["options"]["threads"]
    header = ["peer", "version", "threads", "runs", "graph s", "layout s", "graph x", "layout x", "total x"]
    header += ["peak MiB", *Figures._fields, "reach", "s to quality"]
    rows = []
    for name, line in summary.items():
        used = "1" if peers.PEERS[name].serial else str(threads)
        times = [number(line[key]) for key in ("graph", "layout", "graph_ratio", "layout_ratio", "total_ratio")]
        sd = line["sd"] if line["runs"] > 1 else {}
        figures = [f"{line[key]:.4f}" + (f" ({sd[key]:.4f})" if sd else "") for key in Figures._fields]
        cells = [name, results["peers"][name], used, str(line["runs"]), *times, f"{line['peak'] / 2**20:.0f}"]
        rows.append([*cells, *figures, f"{line['reach']:.2f}", to_quality(line)])
    for name, reason in results["missing"].items():
        rows.append([name, results["peers"][name], reason, *[""] * (len(header) - 3)])
    return machine.markdown(header, rows)


def about_reference(results):
    """A sentence on whose quality is the reference's, and of how many seeds."""
    found = reference_figures(results)
    if found is None:
        return f"No run of {results['options']['reference']}, so nothing is said of its quality."
    count, earlier = found[2], results.get("reference_runs")
    source = f"of {earlier[0]['peer']} in {earlier[0]['source']}, an earlier run" if earlier else "in this run"
    words = f"Quality: the mean less one standard deviation of {count} seeds {source}."
    if count < 2:
        words = f"Quality: the figures of 1 seed {source}; one seed has no standard deviation."
    if count < ENOUGH_SEEDS and results["rows"] <= FEW_ROWS:
        words += f" {ENOUGH_SEEDS} are needed to tell small differences apart."
    return words


def too_slow(results):
    """The speed bars that this package misses, in words."""
    missed = []
    for peer, bars in SPEED_BARS.get(results["set"], {}).items():
        for key, bar in zip(("graph", "layout"), bars, strict=True):
            times = ratio(column(results["runs"], peer, key), column(results["runs"], "ours", key))
            if times < bar:
                missed.append(f"Missed: {key} {times:.2f} times as fast as {peer}, bar {bar:g}.")
    return missed


def show(results):
    """A set's heading, its table and what is to be said of it."""
    threads = results["options"]["threads"]
    head = f"{results['set']}, {results['rows']:,} rows, {results['edges']:,} edges, {threads} threads"
    return "\n".join([f"### {head}", "", about_reference(results), *too_slow(results), "", table(results)])


def main(arguments=None):
    """Print the tables."""
    parser = command.parser("tables", __doc__)
    parser.add_argument("files", nargs="+")
    for file in parser.parse_args(arguments).files:
        results = json.loads(Path(file).read_text())
        if "set" in results:
            about = results["machine"]
            print(f"{show(results)}\n\n{about['cpu']}, {about['cores']} cores, {about['date']}, {about['commit']}\n")


if __name__ == "__main__":
    main()
