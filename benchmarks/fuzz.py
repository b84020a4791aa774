"""What the files fuzz_* share: numbered examples, each of a random generator of its own, and counts of what came."""

import collections
from collections.abc import Callable

import numpy as np

from benchmarks import command

Check = Callable[[np.random.Generator], str]


def fuzz(check: Check, examples: range, seed: int) -> collections.Counter[str]:
    """Run examples.

    Parameters
    ----------
    check : callable
        Takes a generator, which decides the example; returns what came of it, or raises if that must not be.
    examples : range
        Numbers of the examples.
    seed : int
        Decides all of them.

    Returns
    -------
    Counter
        How many examples ended in which way.

    Raises
    ------
    AssertionError
        With the number of the first example that failed, by which it can be repeated alone.
    """
    counts = collections.Counter[str]()
    for number in examples:
        try:
            counts[check(np.random.default_rng([seed, number]))] += 1
        except Exception as error:
            raise AssertionError(f"example {number} of seed {seed}: {error!r}") from error
    return counts


def main(module: str, description: str, check: Check, arguments: list[str] | None = None) -> None:
    """Run the command line of a module, and print what came of its examples."""
    parser = command.parser(module, description)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first example")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    examples = range(options.first, options.first + options.examples)
    for outcome, count in sorted(fuzz(check, examples, options.seed).items()):
        print(f"{outcome:<40}{count:>8,}")
