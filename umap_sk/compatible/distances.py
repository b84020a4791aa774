"""Metrics that umap-learn has, but scikit-learn does not. One call compares a row with many rows.

Each metric is a pair of functions. The first prepares all rows once. It returns a tuple of arrays, with an entry for
each row. The second takes the entries of one row and the arrays of other rows, and returns the distances. A distance
does not depend on which other rows are in the call.
"""

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import betaln

from umap_sk._typing import Parameters
from umap_sk.neighbors.distances import check_arguments

SHARE_OFFSET = 1e-11  # added to frequencies, since none may be 0
COUNT_THRESHOLD = 0.9  # smaller entries are ignored

Prepared = tuple[np.ndarray, ...]
"""Arrays that a metric computes from the rows, with an entry for each row."""


class Metric(NamedTuple):
    """A metric of rows."""

    prepare: Callable[[np.ndarray], Prepared]
    compute: Callable[..., np.ndarray]  # compute(one, others, **arguments)


def prepare_ball(rows: np.ndarray) -> Prepared:
    """Return points of the Poincare ball, and one minus their squared norms."""
    return rows, 1 - np.einsum("ij,ij->i", rows, rows)


def compute_poincare(one: Prepared, others: Prepared) -> np.ndarray:
    """Compute hyperbolic distances in the Poincare ball, whose points have norms below 1."""
    squares = cdist(one[0][None], others[0], "sqeuclidean")[0]
    return np.arccosh(1 + 2 * squares / (one[1] * others[1]))


def prepare_shares(rows: np.ndarray) -> Prepared:
    """Return the frequencies of each row, none of them 0, their logarithms, and the negative entropy."""
    shares = rows + SHARE_OFFSET
    shares /= shares.sum(axis=1, keepdims=True)
    logarithms = np.log(shares)
    return shares, logarithms, np.einsum("ij,ij->i", shares, logarithms)


def compute_symmetric_kl(one: Prepared, others: Prepared) -> np.ndarray:
    """Compute the mean of the Kullback-Leibler divergences of frequencies in both directions."""
    crossed = np.einsum("ij,j->i", others[1], one[0]) + np.einsum("ij,j->i", others[0], one[1])
    return np.maximum(0.0, (one[2] + others[2] - crossed) / 2)


def prepare_counts(rows: np.ndarray) -> Prepared:
    """Return rows of counts, the total of each, and the logarithm of its likelihood."""
    totals = rows.sum(axis=1)
    counted = np.where(rows > COUNT_THRESHOLD, rows, 1.0)  # the logarithm of B(1, 1) is 0
    return rows, totals, betaln(counted, counted).sum(axis=1) - betaln(totals, totals)


def compute_ll_dirichlet(one: Prepared, others: Prepared) -> np.ndarray:
    """Compute the root of the symmetric log-likelihood ratio of counts under Dirichlet-multinomial models."""
    (x, total, own), (rows, totals, of_rows) = one, others
    entries = np.flatnonzero(x)
    columns = rows[:, entries]
    shared = columns * x[entries] > COUNT_THRESHOLD
    logarithms = betaln(np.where(shared, columns, 1.0), np.where(shared, x[entries], 1.0))
    together = logarithms.sum(axis=1) - betaln(totals, total)
    return np.sqrt(np.maximum(0.0, (together - of_rows) / totals + (together - own) / total))


def prepare_sets(rows: np.ndarray) -> Prepared:
    """Return which entries belong to the set of each row."""
    return (rows != 0,)


def compute_kulsinski(one: Prepared, others: Prepared) -> np.ndarray:
    """Compute the share of entries that are not in both sets. Entries in exactly one set count twice."""
    n, common = len(one[0]), (others[0] & one[0]).sum(axis=1)
    different = (others[0] ^ one[0]).sum(axis=1)
    return np.where(different > 0, (different - common + n) / (different + n), 0.0)


def prepare_texts(rows: np.ndarray) -> Prepared:
    """Return the letters of each row, padded with NaN, and their number."""
    return rows, np.isfinite(rows).sum(axis=1)


def compute_edit_distance(
    one: Prepared, others: Prepared, normalisation: float = 1.0, max_distance: float = np.inf
) -> np.ndarray:
    """Compute Levenshtein distances: the least number of insertions, deletions and substitutions of letters.

    They are at most `max_distance`, and are divided by `normalisation`.
    """
    letters, lengths = others
    steps = np.arange(letters.shape[1] + 1.0)
    costs = np.tile(steps, (len(letters), 1))
    for letter in one[0][: one[1]]:
        other = np.minimum(costs[:, 1:] + 1, costs[:, :-1] + (letters != letter))
        costs = np.column_stack([costs[:, 0] + 1, other])
        costs = np.minimum.accumulate(costs - steps, axis=1) + steps  # insertions
    return np.minimum(costs[np.arange(len(lengths)), lengths], max_distance) / normalisation


METRICS = {
    "poincare": Metric(prepare_ball, compute_poincare),
    "symmetric_kl": Metric(prepare_shares, compute_symmetric_kl),
    "ll_dirichlet": Metric(prepare_counts, compute_ll_dirichlet),
    "kulsinski": Metric(prepare_sets, compute_kulsinski),
    "string": Metric(prepare_texts, compute_edit_distance),
    "myers": Metric(prepare_texts, compute_edit_distance),
}
"""Metrics by umap-learn's names."""

REQUIREMENTS = {
    "poincare": "Rows must have a norm below 1.",
    "symmetric_kl": "Rows must be frequencies, none of them negative and some above 0.",
    "ll_dirichlet": "Rows must be counts, none of them negative and some above 0.",
}
"""What rows must be, by metric, as part of an error message."""

TEXT_METRICS = ("string", "myers")
"""Metrics that compare texts."""


def generate_distances(name: str, rows: np.ndarray, others: np.ndarray, arguments: Parameters) -> Iterable[np.ndarray]:
    """Yield the distances from each row to the others."""
    metric = METRICS[name]
    check_arguments(name, arguments, list(inspect.signature(metric.compute).parameters)[2:], "metric_kwds")
    with np.errstate(invalid="ignore", divide="ignore"):  # NaN raises an error below
        known, prepared = metric.prepare(others), metric.prepare(rows)
    for place, one in enumerate(zip(*prepared, strict=True)):
        with np.errstate(invalid="ignore", divide="ignore"):
            dists = metric.compute(one, known, **arguments)
        if name not in TEXT_METRICS:
            dists[(others == rows[place]).all(axis=1)] = 0.0  # equal rows, despite rounding
        if np.isnan(dists).any() or (name == "poincare" and min(one[1], known[1].min()) <= 0):
            raise ValueError(
                f"By metric={name!r}, row {place} of X has a distance that is undefined. {REQUIREMENTS.get(name, '')} "
                "Leave such rows out, or use another metric."
            )
        yield dists


def distance(name: str, arguments: Parameters, x: np.ndarray, y: np.ndarray) -> float:
    """Compute the distance between two rows."""
    return float(next(iter(generate_distances(name, x[None], y[None], arguments)))[0])


def make_pair_function(name: str, arguments: Parameters | None = None) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return a metric as a function of two rows that can be pickled."""
    return partial(distance, name, arguments or {})
