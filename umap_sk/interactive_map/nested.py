"""Which coloring refines which: as the map comes nearer, names of finer classes join those of the coarser ones."""

from itertools import product

import numpy as np

from umap_sk.interactive_map.colorings import Coloring

PURE = 0.95
"""Share of the rows that lie in the coarser class which most rows of their finer class lie in."""


def with_finer(colorings: list[Coloring]) -> list[Coloring]:
    """The colorings, with the next finer one in the legend of each that has one.

    ``legend["finer"]`` is the number of that coloring, and for each of its names the place of the coarser class.
    """
    by_count = sorted(range(len(colorings)), key=lambda k: len(colorings[k].legend.get("names", ())))
    found: dict[int, list] = {}
    for coarse, fine in product(by_count, by_count):
        parents = _parents(colorings[coarse].members, colorings[fine].members)
        if parents is not None:
            found.setdefault(coarse, [fine, parents])
    return [one._replace(legend=one.legend | {"finer": found.get(k)}) for k, one in enumerate(colorings)]


def _parents(coarse: np.ndarray | None, fine: np.ndarray | None) -> list[int] | None:
    """The coarse class of each fine one; None where these, at least twice as many, lie across coarse ones."""
    if coarse is None or fine is None:
        return None
    known = (coarse >= 0) & (fine >= 0)
    n_coarse, n_fine = int(coarse.max(initial=-1)) + 1, int(fine.max(initial=-1)) + 1
    if not known.any() or not 1 < n_coarse <= n_fine // 2:
        return None
    pairs = coarse[known] * n_fine + fine[known]
    counts = np.bincount(pairs, minlength=n_coarse * n_fine).reshape(n_coarse, n_fine)
    most = counts.max(axis=0)
    if most.sum() < PURE * known.sum():
        return None
    return np.where(most > 0, counts.argmax(axis=0), -1).tolist()
