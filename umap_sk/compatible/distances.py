"""Metrics that umap-learn has and scikit-learn has not, as functions of two rows."""

import numpy as np
from scipy.special import betaln

SMALL = 1e-11  # added to shares of a row, of which none may be 0
COUNTED = 0.9  # counts above which an entry takes part


def poincare(x: np.ndarray, y: np.ndarray) -> float:
    """Hyperbolic distance of two points of the Poincare ball, whose norms are below 1."""
    room = (1 - x @ x) * (1 - y @ y)
    return float(np.arccosh(1 + 2 * ((x - y) @ (x - y)) / room))


def symmetric_kl(x: np.ndarray, y: np.ndarray, z: float = SMALL) -> float:
    """Mean of the Kullback-Leibler divergences of two rows of frequencies, in both directions; `z` is added to each."""
    p, q = (row + z for row in (x, y))
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum() / 2)


def ll_dirichlet(x: np.ndarray, y: np.ndarray) -> float:
    """Root of the symmetric log-likelihood ratio of two rows of counts under Dirichlet-multinomial models."""
    in_x, in_y, both = x > COUNTED, y > COUNTED, x * y > COUNTED
    shared, total_x, total_y = betaln(x[both], y[both]).sum(), x.sum(), y.sum()
    together = shared - betaln(total_x, total_y)
    of_x = together - (betaln(x[in_x], x[in_x]).sum() - betaln(total_x, total_x))
    of_y = together - (betaln(y[in_y], y[in_y]).sum() - betaln(total_y, total_y))
    return float(np.sqrt(max(0.0, of_y / total_y + of_x / total_x)))


def kulsinski(x: np.ndarray, y: np.ndarray) -> float:
    """Share of entries that are not in both of two rows of a set, those that are in one alone counted twice."""
    different, common, n = np.sum((x != 0) != (y != 0)), np.sum((x != 0) & (y != 0)), len(x)
    return float((different - common + n) / (different + n)) if different else 0.0


FUNCTIONS = {"poincare": poincare, "symmetric_kl": symmetric_kl, "ll_dirichlet": ll_dirichlet, "kulsinski": kulsinski}
"""By umap-learn's names."""
