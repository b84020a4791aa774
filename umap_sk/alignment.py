"""Sequences of maps of data that share rows, which have nearly the same positions in adjacent maps."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from umap_sk.estimator import PrecomputedUMAP
from umap_sk.graph.manifold import Manifold

SWEEPS = 2  # sweeps over all maps

Relation: TypeAlias = Mapping[int, int] | ArrayLike
"""The rows that two graphs share: row of the first, row of the second."""


def align(
    manifolds: Sequence[Manifold], relations: Sequence[Relation], *, strength: float = 0.3, **parameters: object
) -> list[PrecomputedUMAP]:
    """Lay out a sequence of graphs, so that shared rows have nearly the same positions in adjacent maps.

    The first map is laid out alone, and each later one with anchors at the positions of the map before. Then all of
    them are laid out again in order, each with anchors at the positions of both adjacent maps.

    Parameters
    ----------
    manifolds : sequence of Manifold
        The graphs, from :meth:`PrecomputedUMAP.learn_manifold`.
    relations : sequence of dict, or of array-like of shape (n_pairs, 2)
        The shared rows of each pair of adjacent graphs: row of the first graph, row of the second.
    strength : float, default=0.3
        Strength of the anchors, as in `anchors`.
    **parameters : object
        Parameters of :class:`PrecomputedUMAP`.

    Returns
    -------
    list of PrecomputedUMAP
        A fitted estimator for each graph.

    Raises
    ------
    ValueError, TypeError
        If there is not one relation for each pair of adjacent graphs, or a relation repeats a row or is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from umap_sk import PrecomputedUMAP, align
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> learner = PrecomputedUMAP(metric="euclidean")
    >>> manifolds = [learner.learn_manifold(X[first : first + 200]) for first in (0, 100)]
    >>> maps = align(manifolds, [{row + 100: row for row in range(100)}], n_epochs=50, random_state=0)
    >>> [model.embedding_.shape for model in maps]
    [(200, 2), (200, 2)]
    """
    if not manifolds:
        raise ValueError("There are no manifolds to align. Pass at least one.")
    if len(relations) != len(manifolds) - 1:
        raise ValueError(f"{len(manifolds)} manifolds have {len(manifolds) - 1} relations, not {len(relations)}.")
    for manifold in manifolds:
        if not isinstance(manifold, Manifold):
            raise TypeError(
                f"A manifold has type {type(manifold).__name__}. Use learn_manifold, or Manifold.from_graph."
            )
    pairs = [check_pairs(*relation) for relation in zip(relations, manifolds, manifolds[1:], strict=False)]
    models = [PrecomputedUMAP(**parameters) for _ in manifolds]
    fit_in_sweeps(models, manifolds, pairs, strength)
    return models


def fit_in_sweeps(
    models: Sequence[PrecomputedUMAP], manifolds: Sequence[Manifold], pairs: Sequence[np.ndarray], strength: float
) -> None:
    """Fit each model to its graph in several sweeps, with anchors from the adjacent maps."""
    for _ in range(SWEEPS):
        for place, (model, manifold) in enumerate(zip(models, manifolds, strict=True)):
            model.fit(manifold=manifold, anchors=compute_anchors(place, models, pairs, manifold.n_samples, strength))


def check_pairs(relation: Relation, before: Manifold, after: Manifold) -> np.ndarray:
    """Return the shared rows of two graphs as an array of pairs."""
    pairs = np.array(list(relation.items()) if isinstance(relation, Mapping) else relation)
    if pairs.size == 0:
        raise ValueError("A relation is empty: pass at least one shared row.")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise TypeError("A relation must be a dict of row numbers, or pairs of them: an array of shape (n_pairs, 2).")
    for rows, manifold in zip(pairs.T, (before, after), strict=True):
        if rows.min() < 0 or rows.max() >= manifold.n_samples:
            raise ValueError(
                f"A relation contains rows {rows.min()} to {rows.max()} of a graph of {manifold.n_samples}. Rows are "
                "counted from 0; a relation maps rows of a graph to those of the next graph."
            )
        if len(np.unique(rows)) < len(rows):
            raise ValueError("A relation contains a row twice; each row corresponds to at most one row.")
    return pairs


def compute_anchors(
    place: int, models: Sequence[PrecomputedUMAP], pairs: Sequence[np.ndarray], n_samples: int, strength: float
) -> tuple[np.ndarray, float] | None:
    """Return the mean positions of shared rows in the adjacent maps, NaN for other rows."""
    sides = [(models[place - 1], *pairs[place - 1].T)] if place else []
    if place + 1 < len(models):
        sides.append((models[place + 1], *pairs[place].T[::-1]))
    sides = [side for side in sides if hasattr(side[0], "embedding_")]
    if not sides:
        return None
    total = np.zeros((n_samples, models[place].n_components), np.float32)
    count = np.zeros((n_samples, 1), np.float32)
    for model, theirs, own in sides:
        positions = model.embedding_[theirs]
        is_known = ~np.isnan(positions[:, 0])
        total[own[is_known]] += positions[is_known]
        count[own[is_known]] += 1
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0), strength
