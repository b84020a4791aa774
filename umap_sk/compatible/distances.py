"""Metrics that umap-learn has and scikit-learn has not: a row is compared with many rows in one call.

Each metric is a pair of functions. The first computes what is needed of each row once, as a tuple of arrays with an
entry for each row. The second takes one entry of each array and the arrays of other rows, and returns the distances.
No distance depends on which other rows are in the call.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import betaln

SMALL = 1e-11  # added to shares of a row, of which none may be 0
COUNTED = 0.9  # counts above which an entry takes part

Parts = tuple[np.ndarray, ...]
"""What a metric needs of each row."""


class Metric(NamedTuple):
    """A metric of rows.

    Attributes
    ----------
    parts : callable
        ``parts(rows)`` is what the metric needs of each row.
    distances : callable
        ``distances(one, others, **arguments)`` is an array of the distances of one row to others.
    """

    parts: Callable[[np.ndarray], Parts]
    distances: Callable[..., np.ndarray]


def of_the_ball(rows: np.ndarray) -> Parts:
    """Points of the Poincare ball, and one minus their squared norms."""
    return rows, 1 - np.einsum("ij,ij->i", rows, rows)


def poincare(one: Parts, others: Parts) -> np.ndarray:
    """Hyperbolic distance of points of the Poincare ball, whose norms are below 1."""
    squares = cdist(one[0][None], others[0], "sqeuclidean")[0]
    return np.arccosh(1 + 2 * squares / (one[1] * others[1]))


def as_shares(rows: np.ndarray) -> Parts:
    """Shares of each row, none of them 0, their logarithms, and the mean logarithm."""
    shares = rows + SMALL
    shares /= shares.sum(axis=1, keepdims=True)
    logarithms = np.log(shares)
    return shares, logarithms, np.einsum("ij,ij->i", shares, logarithms)


def symmetric_kl(one: Parts, others: Parts) -> np.ndarray:
    """Mean of the Kullback-Leibler divergences of rows of frequencies in both directions; 1e-11 is added to each."""
    crossed = np.einsum("ij,j->i", others[1], one[0]) + np.einsum("ij,j->i", others[0], one[1])
    return np.maximum(0.0, (one[2] + others[2] - crossed) / 2)


def as_counts(rows: np.ndarray) -> Parts:
    """Rows of counts, the logarithm of each total's beta function, and what a row's own likelihood adds to it."""
    totals = rows.sum(axis=1)
    counted = np.where(rows > COUNTED, rows, 1.0)  # the logarithm of B(1, 1) is 0
    return rows, totals, betaln(counted, counted).sum(axis=1) - betaln(totals, totals)


def ll_dirichlet(one: Parts, others: Parts) -> np.ndarray:
    """Root of the symmetric log-likelihood ratio of rows of counts under Dirichlet-multinomial models."""
    (x, total, own), (rows, totals, of_rows) = one, others
    entries = np.flatnonzero(x)
    columns = rows[:, entries]
    shared = columns * x[entries] > COUNTED
    logarithms = betaln(np.where(shared, columns, 1.0), np.where(shared, x[entries], 1.0))
    together = logarithms.sum(axis=1) - betaln(totals, total)
    return np.sqrt(np.maximum(0.0, (together - of_rows) / totals + (together - own) / total))


def as_sets(rows: np.ndarray) -> Parts:
    """Which entries are in each row's set."""
    return (rows != 0,)


def kulsinski(one: Parts, others: Parts) -> np.ndarray:
    """Share of entries that are not in both of two sets, those that are in one alone counted twice."""
    n, common = len(one[0]), (others[0] & one[0]).sum(axis=1)
    different = (others[0] ^ one[0]).sum(axis=1)
    return np.where(different > 0, (different - common + n) / (different + n), 0.0)


def as_words(rows: np.ndarray) -> Parts:
    """Letters of each row as numbers, which NaN fills up, and how many there are."""
    return rows, np.isfinite(rows).sum(axis=1)


def edit_distance(one: Parts, others: Parts, normalisation: float = 1.0, max_distance: float = np.inf) -> np.ndarray:
    """Fewest letters that are put in, taken out or changed to make one word another, of Levenshtein.

    It is cut at `max_distance`, and divided by `normalisation`.
    """
    letters, lengths = others
    steps = np.arange(letters.shape[1] + 1.0)
    costs = np.tile(steps, (len(letters), 1))
    for letter in one[0][: one[1]]:
        kept = np.minimum(costs[:, 1:] + 1, costs[:, :-1] + (letters != letter))
        costs = np.column_stack([costs[:, 0] + 1, kept])
        costs = np.minimum.accumulate(costs - steps, axis=1) + steps  # letters that are put in
    return np.minimum(costs[np.arange(len(lengths)), lengths], max_distance) / normalisation


METRICS = {
    "poincare": Metric(of_the_ball, poincare),
    "symmetric_kl": Metric(as_shares, symmetric_kl),
    "ll_dirichlet": Metric(as_counts, ll_dirichlet),
    "kulsinski": Metric(as_sets, kulsinski),
    "string": Metric(as_words, edit_distance),
    "myers": Metric(as_words, edit_distance),
}
"""By umap-learn's names."""

NEEDED = {
    "poincare": "Rows must have a norm below 1.",
    "symmetric_kl": "Rows must be frequencies, none of them negative and some above 0.",
    "ll_dirichlet": "Rows must be counts, none of them negative and some above 0.",
}
"""What metrics ask of rows."""

OF_WORDS = ("string", "myers")
"""Those that compare texts."""


def distances_of(name: str, rows: np.ndarray, others: np.ndarray, arguments: dict[str, Any]) -> Iterable[np.ndarray]:
    """Distances of each row to all others, one row after the other."""
    metric = METRICS[name]
    with np.errstate(invalid="ignore", divide="ignore"):  # told below
        known, parts = metric.parts(others), metric.parts(rows)
    for place, one in enumerate(zip(*parts, strict=True)):
        with np.errstate(invalid="ignore", divide="ignore"):
            dists = metric.distances(one, known, **arguments)
        if name not in OF_WORDS:
            dists[(others == rows[place]).all(axis=1)] = 0.0  # which rounding may miss
        if np.isnan(dists).any():
            raise ValueError(
                f"By metric={name!r}, row {place} of X has a distance that is no number. {NEEDED.get(name, '')} Leave "
                "such rows out, or use another metric."
            )
        yield dists


def distance(name: str, arguments: dict[str, Any], x: np.ndarray, y: np.ndarray) -> float:
    """The distance of two rows."""
    return float(next(iter(distances_of(name, x[None], y[None], arguments)))[0])


def of_two_rows(name: str, arguments: dict[str, Any] | None = None) -> Callable[[np.ndarray, np.ndarray], float]:
    """A metric as a function of two rows, which pickle knows."""
    return partial(distance, name, arguments or {})
