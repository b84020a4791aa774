"""Functions of the fuzz tests: numbered examples, each with its own random generator, and counts of outcomes."""

import collections

import numpy as np


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
