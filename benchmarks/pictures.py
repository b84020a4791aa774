"""Pictures of what `benchmarks.compare` measured, as small SVG files that are the same for the same figures.

``python -m benchmarks.pictures`` reads the JSON files in benchmarks/results and draws into docs/pictures:

- time.svg: seconds of graph and layout against rows, on the family of one recipe;
- quality.svg: eff and trustworthiness against these seconds, set by set;
- memory.svg: peak memory above the inputs against the graph's edges, all sets.

Full markers are peers that reach umap-learn's quality in all six figures (see `benchmarks.tables`), hollow ones those
that do not, crosses those on sets that umap-learn did not run on. A marker on the frame with a triangle's point lies
beyond it.
"""

import json
from pathlib import Path

from benchmarks import command, peers, tables

ROOT = Path(__file__).parent.parent
STYLE = {"svg.hashsalt": "umap-sk", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False}
STYLE |= {"axes.spines.right": False, "legend.frameon": False, "path.simplify": True}
COLORS = dict(zip(peers.PEERS, [f"C{number}" for number in (3, 0, 9, 5, 2, 8, 4, 6, 1, 7)], strict=True))
FAMILY = "uniform"
MIB = 2**20
BEYOND = {"eff": 1.15, "trust": 0.985}  # times the reference's: what is worse lies beyond the frame


def read(folder):
    """Results of `benchmarks.compare` in a folder, fewest rows first."""
    found = [json.loads(file.read_text()) for file in sorted(Path(folder).glob("*.json"))]
    return sorted((results for results in found if "set" in results), key=lambda results: results["rows"])


def points(all_results, x, y):
    """By peer: (x, y, what is below the reference's quality, None if unknown) of every set, sorted by x."""
    lines = {}
    for results in all_results:
        for name, line in tables.summarize(results).items():
            lines.setdefault(name, []).append((x(results, line), y(results, line), line["below"]))
    return {name: sorted(lines[name]) for name in COLORS if name in lines}


def draw(axes, lines, joined=True):
    """Lines on logarithmic axes, with full and hollow markers and crosses."""
    for name, line in lines.items():
        style = {"color": COLORS[name], "linewidth": 2.2 if name == "ours" else 1.0, "label": name}
        xs, ys, _ = zip(*line, strict=True)
        axes.plot(xs, ys, linestyle="-" if joined else "", **style)
        for x, y, below in line:
            face, marker = "white" if below else COLORS[name], "x" if below is None else "o"
            axes.plot([x], [y], marker=marker, markersize=5, color=COLORS[name], markerfacecolor=face)
    plain(axes, "x")
    axes.grid(True, linewidth=0.3)


def plain(axes, which):
    """A logarithmic axis with few ticks and plain numbers; thousands and millions are k and M."""
    from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullLocator

    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=8))
    axis.set_minor_locator(NullLocator())
    large = EngFormatter(sep="\N{THIN SPACE}")
    axis.set_major_formatter(FuncFormatter(lambda value, _: large(value) if value >= 1_000 else f"{value:g}"))


def legend(figure, names, *, crosses=False):
    """One legend for the whole figure, on the right."""
    from matplotlib.lines import Line2D

    entries = [Line2D([], [], color=COLORS[name], marker="o", markersize=5, label=name) for name in names]
    style = {"color": "gray", "linestyle": "", "markersize": 5}
    entries.append(Line2D([], [], marker="o", markerfacecolor="white", label="below umap-learn's quality", **style))
    if crosses:
        entries.append(Line2D([], [], marker="x", label="no umap-learn to compare", **style))
    figure.legend(handles=entries, loc="outside right center")


def unknown(lines):
    """Whether some marker is a cross."""
    return any(below is None for line in lines.values() for _, _, below in line)


def time_picture(all_results):
    """Seconds against rows on the family."""
    family = [results for results in all_results if results["set"] == FAMILY]
    figure, axes = canvas(1, 1, (6.4, 4))
    lines = points(family, lambda results, line: results["rows"], lambda results, line: line["total"])
    draw(axes[0][0], lines)
    plain(axes[0][0], "y")
    axes[0][0].set(xlabel="rows", ylabel="seconds, graph and layout")
    legend(figure, lines, crosses=unknown(lines))
    return figure if lines else None


def memory_picture(all_results):
    """Peak memory against edges on all sets."""
    figure, axes = canvas(1, 1, (6.4, 4))
    lines = points(all_results, lambda results, line: results["edges"], lambda results, line: line["peak"] / MIB)
    draw(axes[0][0], lines)
    plain(axes[0][0], "y")
    axes[0][0].set(xlabel="edges of the graph, both directions", ylabel="peak MiB above the inputs")
    legend(figure, lines, crosses=unknown(lines))
    return figure if lines else None


def quality_picture(all_results):
    """eff and trustworthiness against seconds, a column for every set that is not of the family."""
    sets = [results for results in all_results if results["set"] != FAMILY]
    if not sets:
        return None
    figure, axes = canvas(2, len(sets), (2.2 + 2.4 * len(sets), 4.6))
    for column, results in enumerate(sets):
        for row, key in enumerate(BEYOND):
            lines = points([results], lambda results, line: line["total"], lambda results, line, key=key: line[key])
            quality_panel(axes[row][column], lines, key, tables.reference_figures(results))
            axes[row][column].set_ylabel(
                f"{key} ({'lower' if key == 'eff' else 'higher'} is better)" if not column else ""
            )
        axes[0][column].set_title(f"{results['set']}, {results['rows']:,} rows", fontsize=9)
        axes[1][column].set_xlabel("seconds, graph and layout")
    legend(figure, [name for name in COLORS if any(name in tables.summarize(results) for results in sets)])
    return figure


def quality_panel(axes, lines, key, reference):
    """One figure against seconds; what is far worse than the reference is drawn on the frame."""
    values = [y for line in lines.values() for _, y, _ in line]
    worst = reference[0][key] * BEYOND[key] if reference else None
    if worst is not None:
        inside = [y for y in values if (y <= worst if key == "eff" else y >= worst)]
        low, high = min([*inside, reference[0][key]]), max([*inside, reference[0][key]])
        room = 0.1 * (high - low) or 0.01
        low, high = low - room, high + room
        for name, line in list(lines.items()):
            x, y, _ = line[0]
            if not low <= y <= high:
                axes.plot([x], [high if y > high else low], marker="^" if y > high else "v", markersize=6,
                          color=COLORS[name], clip_on=False, markerfacecolor="white")  # fmt: skip
                lines = {other: line for other, line in lines.items() if other != name}
        axes.set_ylim(low, high)
        axes.axhline(reference[0][key], color="gray", linewidth=0.6, linestyle=":")
    draw(axes, lines, joined=False)


def canvas(rows, columns, size):
    """A figure and its axes, rows by columns."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


PICTURES = {"time": time_picture, "quality": quality_picture, "memory": memory_picture}


def main(arguments=None):
    """Draw all pictures that there are figures for."""
    import matplotlib

    parser = command.parser("pictures", __doc__)
    parser.add_argument("--results", default=ROOT / "benchmarks" / "results", help="folder of JSON files")
    parser.add_argument("--pictures", default=ROOT / "docs" / "pictures", help="folder to draw into")
    options = parser.parse_args(arguments)
    all_results = read(options.results)
    Path(options.pictures).mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        with matplotlib.rc_context(STYLE):
            figure = picture(all_results)
            if figure is None:
                print(f"{name}.svg: no figures in {options.results}")
                continue
            file = Path(options.pictures) / f"{name}.svg"
            figure.savefig(file, metadata={"Date": None, "Creator": None})
            print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
