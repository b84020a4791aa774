"""Detection of colorings that refine others, whose names join those of the coarser one when the map is zoomed."""

from itertools import product

import numpy as np

from umap_sk.interactive_map.colorings import Coloring

MIN_PURITY = 0.95
"""Least share of rows that are in the coarser class of most rows of their finer class."""


def link_finer(colorings: list[Coloring]) -> list[Coloring]:
    """Add the next finer coloring to the legend of each coloring that has one.

    ``legend["finer"]`` contains the number of that coloring, and the index of the coarser class for each of its names.
    """
    by_count = sorted(range(len(colorings)), key=lambda k: len(colorings[k].legend.get("names", ())))
    finer: dict[int, list[int | list[int]]] = {}
    for coarse, fine in product(by_count, by_count):
        parents = _find_parents(colorings[coarse].members, colorings[fine].members)
        if parents is not None:
            finer.setdefault(coarse, [fine, parents])
    return [coloring._replace(legend=coloring.legend | {"finer": finer.get(k)}) for k, coloring in enumerate(colorings)]


def _find_parents(coarse: np.ndarray | None, fine: np.ndarray | None) -> list[int] | None:
    """Return the coarse class of each fine one, or None if the fine classes are too few or not nested."""
    if coarse is None or fine is None:
        return None
    known = (coarse >= 0) & (fine >= 0)
    n_coarse, n_fine = int(coarse.max(initial=-1)) + 1, int(fine.max(initial=-1)) + 1
    if not known.any() or not 1 < n_coarse <= n_fine // 2:
        return None
    pairs = coarse[known] * n_fine + fine[known]
    counts = np.bincount(pairs, minlength=n_coarse * n_fine).reshape(n_coarse, n_fine)
    most = counts.max(axis=0)
    if most.sum() < MIN_PURITY * known.sum():
        return None
    return np.where(most > 0, counts.argmax(axis=0), -1).tolist()
