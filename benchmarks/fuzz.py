"""Functions for the commands fuzz_*: numbered examples, each with its own random generator, and counts of outcomes."""

import collections

import numpy as np

from benchmarks import command


def fuzz(check, examples, seed):
    """Run examples and count their outcomes.

    ``check`` draws an example from a generator, and returns the outcome or raises an error if it is a fault. An
    AssertionError names the first example that failed, so that it can be repeated alone.
    """
    counts = collections.Counter()
    for number in examples:
        try:
            counts[check(np.random.default_rng([seed, number]))] += 1
        except Exception as error:
            raise AssertionError(f"example {number} of seed {seed}: {error!r}") from error
    return counts


def pick(random, choices):
    """Return one of some choices, which may be arrays."""
    return choices[random.integers(len(choices))]


def main(module, description, check, arguments=None):
    """Run the command line of a module, and print the counts."""
    parser = command.parser(module, description)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first example")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    examples = range(options.first, options.first + options.examples)
    with np.errstate(over="ignore"):  # numbers of an example that its type cannot represent
        counts = dict(sorted(fuzz(check, examples, options.seed).items()))
    print(command.markdown({outcome: {"examples": count} for outcome, count in counts.items()}, "outcome"))
    command.conclude(options, {"outcomes": counts})
