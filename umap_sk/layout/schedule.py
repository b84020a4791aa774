"""The schedule: which epochs run on which level, and how vertices move in them."""

from typing import NamedTuple

from umap_sk import kernels

COARSEST_SHARE, BETWEEN_SHARE = 0.6, 0.15  # of n_epochs
FINE_SHARES, SINGLE_SHARES = (0.1, 0.28), (0.4, 0.5)  # of the two phases on the graph itself, below levels or alone
COARSEST_NEGATIVES = 128  # sampled vertices a vertex; fewer are cheaper and let chance tear clusters apart
MOST_RUNS = 64
LONGEST = 200  # n_epochs beyond which only the last phase grows: what is arranged for longer is arranged worse


class Descent(NamedTuple):
    """How the vertices of a phase move.

    Attributes
    ----------
    step : float
        Step size alpha of its first epoch, in units of the embedding; on coarse levels in widths of the start.
    fall : float
        How it falls: as ``(1 - u) ** fall`` over the phase.
    floor : float
        Share of a vertex's degree in Adam's epsilon: weak forces move a vertex less than strong ones.
    softening : float
        Length whose square is added to squared distances in its first epoch, as in Plummer's softened gravity (1911):
        it takes away the barriers between points that block each other. In units of the embedding.
    softening_fall : float
        How the length falls.
    repulsion : float
        Factor of the repulsion.
    near : bool
        Whether the last quarter has the near field, where the repulsion is a field.
    """

    step: float
    fall: float
    floor: float = 0.0
    softening: float = 0.0
    softening_fall: float = 1.0
    repulsion: float = 1.0
    near: bool = False


COARSE = Descent(step=0.4, fall=1.2, floor=0.5, softening=1.0, repulsion=1.5)  # the floor times the level's depth
ARRANGING = Descent(step=8.0, fall=1.5, floor=0.3, softening=2.0, softening_fall=3.0)
SETTLING = Descent(step=1.8, fall=2.0, near=True)
RESETTLING = Descent(step=1.0, fall=2.0, near=True)  # of a map to which rows have come


class Phase(NamedTuple):
    """Epochs on one level.

    Attributes
    ----------
    depth : int
        The level; 0 is the graph itself.
    first_epoch, epochs : int
        Where the phase begins in the whole schedule, and how long it is.
    field : bool
        Whether the repulsion is a field on a grid, or sampled.
    negatives : int
        Sampled vertices a vertex, where the repulsion is sampled.
    descent : Descent
        How the vertices move.
    """

    depth: int
    first_epoch: int
    epochs: int
    field: bool
    negatives: int
    descent: Descent


def plan_phases(n_levels: int, n_epochs: int, negatives: int, *, field: bool) -> tuple[Phase, ...]:
    """Schedule of the epochs over the levels.

    On the graph itself large softened steps arrange it first, then small ones settle what weak forces have left behind.
    """
    coarsest = n_levels - 1
    arranging, settling = FINE_SHARES if coarsest else SINGLE_SHARES
    at_most = min(n_epochs, LONGEST) if coarsest else n_epochs
    planned = [
        (
            depth,
            (COARSEST_SHARE if depth == coarsest else BETWEEN_SHARE) * at_most,
            COARSE._replace(floor=depth * COARSE.floor),
        )
        for depth in range(coarsest, 0, -1)
    ]
    planned += [(0, arranging * at_most, ARRANGING), (0, settling * n_epochs, SETTLING)]
    phases: list[Phase] = []
    first = 0
    for depth, epochs, descent in planned:
        count = max(negatives, COARSEST_NEGATIVES) if depth == coarsest > 0 else negatives
        phases.append(Phase(depth, first, max(1, round(epochs)), field, count, descent))
        first += phases[-1].epochs
    return tuple(phases)


def resettling_phases(n_epochs: int, negatives: int, *, field: bool) -> tuple[Phase, ...]:
    """Schedule of epochs that start at a map and keep its arrangement: small steps on the graph itself."""
    return (Phase(0, 0, n_epochs, field, negatives, RESETTLING),)


def in_units(phase: Phase, unit: float) -> Phase:
    """A phase whose lengths are multiplied by a space's unit."""
    descent = phase.descent
    return phase._replace(descent=descent._replace(step=unit * descent.step, softening=unit * descent.softening))


def total_epochs(phases: tuple[Phase, ...]) -> int:
    """Epochs of the whole schedule, over all levels."""
    return phases[-1].first_epoch + phases[-1].epochs


def negatives_for(mean_degree: float, rate: float) -> int:
    """Sampled vertices a vertex that stand for `rate` negative samples an edge, in whole runs."""
    return kernels.RUN * min(MOST_RUNS, max(1, round(rate * mean_degree / kernels.RUN)))
