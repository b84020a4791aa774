"""The schedule: which epochs run on which level, and how vertices move in them."""

from itertools import accumulate
from typing import NamedTuple

from umap_sk import kernels

COARSEST_NEGATIVES = 128  # sampled vertices a vertex; fewer are cheaper and let chance tear clusters apart
MOST_RUNS = 64
SOFTENINGS = 10  # in a phase: the field's transformed kernel is kept from one to the next
LONGEST = 200  # usual epochs beyond which only the last phase grows: what is arranged for longer is arranged worse


class Descent(NamedTuple):
    """How the vertices of a phase move.

    Attributes
    ----------
    step : float
        Step size of its first epoch. With a momentum in steps to the lowest point of the attraction's majorizer;
        without one it is Adam's alpha, in units of the embedding, on coarse levels in widths of the start.
    fall : float
        How it falls: as ``(1 - u) ** fall`` over the phase.
    momentum : float or None
        Share of a vertex's last step in its next one; None for Adam in place of the majorizer.
    momentum_rise : float
        Share of the phase in which the momentum rises to this, in a line from 0 (it rises in Sutskever et al. 2013,
        section 3, as well). With all of it from the first epoch on, discs are folded more often.
    floor : float
        Share of a vertex's degree that is added to what its gradient is divided by, so that weak forces move a vertex
        less than strong ones; on coarse levels times their depth.
    softening : float
        Length whose square is added to squared distances in its first epoch, as in Plummer's softened gravity (1911):
        it takes away the barriers between points that block each other. In units of the embedding, on coarse levels in
        widths of the start: what is narrow at first, since it is folded or needs no room, is sorted more gently.
    softening_fall : float
        How the length falls.
    repulsion : float
        Factor of the repulsion.
    near : bool
        Whether the last quarter has the near field, where the repulsion is a field.
    """

    step: float
    fall: float
    momentum: float | None = None
    momentum_rise: float = 0.0
    floor: float = 0.0
    softening: float = 0.0
    softening_fall: float = 1.0
    repulsion: float = 1.0
    near: bool = False


RESETTLING = Descent(step=1.0, fall=2.0, near=True)  # of a map to which rows have come


class Recipe(NamedTuple):
    """How a layout goes about its levels.

    Attributes
    ----------
    coarse, arranging, settling : Descent
        How vertices move on coarse levels, and in the two phases on the graph itself.
    coarsest, between : float
        Epochs of the coarsest level, and of each level between it and the graph, in shares of `n_epochs`.
    fine : tuple of 2 float
        Those of the two phases on the graph itself.
    """

    coarse: Descent
    arranging: Descent
    settling: Descent
    coarsest: float
    between: float
    fine: tuple[float, float]


MAJORIZED = Recipe(
    Descent(step=4.5, fall=1.4, momentum=0.65, momentum_rise=0.5, floor=0.035, softening=0.11, repulsion=1.5),
    Descent(step=4.0, fall=0.5, momentum=0.78, floor=0.05, softening=3.0, softening_fall=3.0),
    Descent(step=3.1, fall=0.7, momentum=0.84, near=True),
    coarsest=0.5,
    between=0.1,
    fine=(0.2, 0.2),
)
BELOW_LEVELS = MAJORIZED._replace(coarsest=0.28, fine=(0.15, 0.2))  # where several coarse levels lie above the graph
BY_ADAM = Recipe(
    Descent(step=0.4, fall=1.2, floor=0.5, softening=0.05, repulsion=1.5),
    Descent(step=8.0, fall=1.5, floor=0.3, softening=2.0, softening_fall=3.0),
    Descent(step=1.8, fall=2.0, near=True),
    coarsest=0.6,
    between=0.15,
    fine=(0.1, 0.28),
)
ALONE = 0.4, 0.5  # shares of the two phases on the graph itself where no coarse level lies above it


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


def recipe_for(n_levels: int, *, majorized: bool) -> Recipe:
    """The recipe for so many levels, by majorization or by Adam."""
    if majorized:
        recipe = BELOW_LEVELS if n_levels > 2 else MAJORIZED
    else:
        recipe = BY_ADAM
    return recipe._replace(fine=ALONE) if n_levels == 1 else recipe


def plan_phases(
    n_levels: int, n_epochs: float, negatives: int, *, field: bool, majorized: bool = True
) -> tuple[Phase, ...]:
    """Schedule of shares of `n_epochs` over the levels, mostly nine tenths of it in all.

    Vertices move by majorization, if at all, where the repulsion is a field.

    On the graph itself large softened steps arrange it first, then small ones settle what weak forces have left behind.
    What majorization does not know of, chance in the repulsion or other forces than UMAP's, Adam bears.
    """
    coarsest = n_levels - 1
    recipe = recipe_for(n_levels, majorized=field and majorized)
    at_most = min(n_epochs, LONGEST) if coarsest else n_epochs
    planned = [
        (
            depth,
            (recipe.coarsest if depth == coarsest else recipe.between) * at_most,
            recipe.coarse._replace(floor=depth * recipe.coarse.floor),
        )
        for depth in range(coarsest, 0, -1)
    ]
    settling = cooled(recipe.settling, n_epochs / LONGEST)
    planned += [(0, recipe.fine[0] * at_most, recipe.arranging), (0, recipe.fine[1] * n_epochs, settling)]
    phases: list[Phase] = []
    first = 0
    for depth, epochs, descent in planned:
        count = max(negatives, COARSEST_NEGATIVES) if depth == coarsest > 0 else negatives
        phases.append(Phase(depth, first, max(1, round(epochs)), field, count, descent))
        first += phases[-1].epochs
    return tuple(phases)


def phases_of_length(
    n_levels: int, length: int, negatives: int, *, field: bool, majorized: bool = True
) -> tuple[Phase, ...]:
    """Schedule of so many epochs over all levels, at least one on each; shares are those of :func:`plan_phases`."""
    recipe = recipe_for(n_levels, majorized=field and majorized)
    arranging, settling = recipe.fine
    before = arranging + (recipe.coarsest + (n_levels - 2) * recipe.between if n_levels > 1 else 0)
    n_epochs = length / (before + settling)
    if n_levels > 1 and n_epochs > LONGEST:
        n_epochs = (length - before * LONGEST) / settling
    usual = plan_phases(n_levels, round(n_epochs, 6), negatives, field=field, majorized=majorized)
    return fitted_into(usual, length)


def fitted_into(phases: tuple[Phase, ...], length: int) -> tuple[Phase, ...]:
    """The phases with so many epochs in all: the last one makes up for rounding, then longer ones give some away."""
    epochs = [phase.epochs for phase in phases]
    epochs[-1] = max(1, length - sum(epochs[:-1]))
    while sum(epochs) > length and max(epochs) > 1:
        epochs[epochs.index(max(epochs))] -= 1
    if sum(epochs) > length:  # one epoch a level, which settles the graph itself
        phases, epochs = (*phases[:-2], phases[-1]), epochs[1:]
    firsts = [0, *accumulate(epochs[:-1])]
    counted = zip(phases, firsts, epochs, strict=True)
    return tuple(phase._replace(first_epoch=first, epochs=count) for phase, first, count in counted)


def cooled(descent: Descent, share: float) -> Descent:
    """How vertices settle in this share of the usual epochs, in which what keeps them in motion has to come to rest.

    The momentum's memory, 1 / (1 - momentum) epochs, takes the same part of the phase, if it is not less than an epoch.
    """
    if descent.momentum is None or share >= 1:
        return descent
    return descent._replace(momentum=1 - 1 / max(1.0, share / (1 - descent.momentum)))


def resettling_phases(n_epochs: int, negatives: int, *, field: bool) -> tuple[Phase, ...]:
    """Schedule of epochs that start at a map and keep its arrangement: small steps on the graph itself."""
    return (Phase(0, 0, n_epochs, field, negatives, RESETTLING),)


def in_units(phase: Phase, unit: float) -> Phase:
    """A phase whose lengths are multiplied by a space's unit."""
    descent = phase.descent
    return phase._replace(descent=descent._replace(step=unit * descent.step, softening=unit * descent.softening))


def phase_at(phases: tuple[Phase, ...], epoch: int) -> Phase:
    """The phase that an epoch belongs to."""
    return next(phase for phase in phases if epoch < phase.first_epoch + phase.epochs)


def unit_of(phase: Phase, width: float) -> float:
    """What lengths of a phase are told in: on coarse levels in widths of the start, else in the embedding's units."""
    return width if phase.depth else 1.0


def step_at(phase: Phase, epoch: int, width: float, b: float) -> float:
    """Step size of an epoch of a layout whose start was so wide, and whose curve is 1 / (1 + a d^2b).

    By majorization, steps go to the lowest point of a quadratic above the attraction's loss. With b > 1, as a large
    `min_dist` asks for, those of the edges' factors do not lie above it: the second derivative of log(1 + a d^2b) is up
    to 2 b - 1 times the factor.
    """
    descent = phase.descent
    step = descent.step * (1 - (epoch - phase.first_epoch) / phase.epochs) ** descent.fall
    return unit_of(phase, width) * step if descent.momentum is None else step / max(1.0, 2 * b - 1)


def momentum_at(phase: Phase, epoch: int) -> float:
    """Share of the last step in an epoch's; below 0 for steps by Adam."""
    descent, done = phase.descent, (epoch - phase.first_epoch) / phase.epochs
    if descent.momentum is None:
        return -1.0
    return descent.momentum * (min(1.0, done / descent.momentum_rise) if descent.momentum_rise else 1.0)


def softening_at(phase: Phase, epoch: int, width: float) -> float:
    """What is added to squared distances in an epoch of a layout whose start was so wide; it falls in steps."""
    step = (epoch - phase.first_epoch) * SOFTENINGS // phase.epochs
    length = unit_of(phase, width) * phase.descent.softening
    return (length * (1 - step / SOFTENINGS) ** phase.descent.softening_fall) ** 2


def moments_of(phase: Phase) -> int:
    """Moments of a vertex in a phase: its last step, or Adam's two."""
    return 2 if phase.descent.momentum is None else 1


def keeps_moments(phase: Phase, following: Phase) -> bool:
    """Whether a phase's last steps go on in the next one: of the same vertices, with momentum in both."""
    return phase.depth == following.depth and moments_of(phase) == moments_of(following) == 1


def total_epochs(phases: tuple[Phase, ...]) -> int:
    """Epochs of the whole schedule, over all levels."""
    return phases[-1].first_epoch + phases[-1].epochs


def negatives_for(mean_degree: float, rate: float) -> int:
    """Sampled vertices a vertex that stand for `rate` negative samples an edge, in whole runs."""
    return kernels.RUN_LENGTH * min(MOST_RUNS, max(1, round(rate * mean_degree / kernels.RUN_LENGTH)))
