"""Functions for all commands: options, clocks, rounds in which programs take turns, medians and tables."""

import argparse
import gc
import math
import statistics
import time

from benchmarks import machine

PARALLEL_THREADS = 2


def parser(module, description, sets=None, rounds=None):
    """Make the argument parser of ``python -m benchmarks.<module>``, whose help is the module's docstring."""
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if sets:
        made.add_argument("--set", default=sets, help=f"name or name:rows, separated by commas (default: {sets})")
    if rounds:
        made.add_argument("--rounds", "--seeds", type=int, default=rounds, help=f"default: {rounds}")
    made.add_argument("--threads", type=int, default=PARALLEL_THREADS)
    made.add_argument("--json", help="write the results to this file")
    return made


def timed(function, *arguments, **named):
    """Call a function, and return its result, its seconds and its CPU seconds."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    result = function(*arguments, **named)
    return result, {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def take_turns(programs, rounds, patience=math.inf):
    """Run each program once a round, so that disturbances of the machine affect all of them equally.

    Parameters
    ----------
    programs : dict
        Functions by name. Each takes the round's number, which serves as the seed, and returns a dict of figures.
    rounds : int
    patience : float
        A program runs once only if its first run took more seconds than this.

    Returns
    -------
    dict
        A list of figures for each program.
    """
    runs = {name: [] for name in programs}
    for number in range(rounds):
        for name, run in programs.items():
            if number == 0 or runs[name][0].get("seconds", 0) <= patience:
                runs[name].append(run(number))
                print(name, *(f"{key}={cell(value)}" for key, value in runs[name][-1].items()), flush=True)
    return runs


def medians(runs):
    """Return the median of each figure over the runs of a program."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def median_ratio(runs, others, key="seconds"):
    """Return the median over the common rounds of the others' figure divided by that of the runs."""
    return statistics.median(other[key] / run[key] for run, other in zip(runs, others, strict=False))


def cell(value):
    """Return a value as the text of a table's cell."""
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def markdown(lines, name=""):
    """Return a Markdown table of dicts of figures, one a row, under the names of the rows."""
    keys = list(dict.fromkeys(key for line in lines.values() for key in line))
    rows = [[str(row), *(cell(line.get(key, "")) for key in keys)] for row, line in lines.items()]
    return "\n".join("| " + " | ".join(row) + " |" for row in [[name, *keys], ["---"] * (len(keys) + 1), *rows])


def conclude(options, results, missed=None):
    """Print the missed bars, if there are bars, and write the results if a file is given."""
    if missed is not None:
        print("\nbars missed:", "; ".join(missed) or "none", flush=True)
    machine.write(options.json, {"options": {key: str(value) for key, value in vars(options).items()}, **results})
