"""The schedule: the levels of the epochs, and the steps in each phase."""

from itertools import accumulate
from typing import NamedTuple

from umap_sk import kernels

COARSEST_NEGATIVES = 128  # sampled vertices per vertex on the coarsest level: with fewer, noise tears clusters apart
MAX_RUNS = 64  # of the pool per vertex
SOFTENING_STEPS = 10  # different softenings in a phase: the transformed kernel of the field is cached between changes
USUAL_EPOCHS = 200  # Epochs beyond these extend only the last phase: longer coarse phases lower the triplet accuracy.


class Descent(NamedTuple):
    """The steps of the vertices in a phase. Their unit is that of the embedding, unless stated otherwise.

    With momentum, a step of 1 leads to the minimum of the attraction's majorizer. With Adam, steps on coarse levels are
    in widths of the initial layout.

    The momentum increases linearly from 0 (as in Sutskever et al. 2013, section 3). With full momentum from the first
    epoch on, closed curves and discs fold more often.

    Softening is Plummer's softened gravity (1911), which lets vertices pass each other. On coarse levels, its unit is
    the width of the initial layout, because wide layouts need more softening.
    """

    step: float  # size of the first epoch's steps
    fall: float  # exponent of the decay of the step size, ``(1 - u) ** fall`` after the part u of the phase
    momentum: float | None = None  # share of a vertex's last step in its next one, or None for Adam
    momentum_rise: float = 0.0  # share of the phase in which the momentum increases
    floor: float = 0.0  # share of the degree (on coarse levels times their depth) that shortens steps along weak edges
    softening: float = 0.0  # length in the first epoch whose square is added to squared distances
    softening_fall: float = 1.0  # exponent of the decay of this length
    repulsion: float = 1.0  # factor of the repulsion
    near: bool = False  # whether the last quarter of the phase has the near field, if the repulsion is a field


RESETTLING = Descent(step=1.0, fall=2.0, near=True)  # for a map to which rows were added


class Recipe(NamedTuple):
    """The steps on coarse levels and in the two phases on the graph, and the epochs as shares of `n_epochs`."""

    coarse: Descent
    arranging: Descent
    settling: Descent
    coarsest: float  # share of the coarsest level
    between: float  # share of each other coarse level
    fine: tuple[float, float]  # shares of the two phases on the graph


# The numbers were chosen by a regression over about 90 layouts of 12 data sets (benchmarks/NOTES.md).
MAJORIZED = Recipe(
    Descent(step=4.5, fall=1.4, momentum=0.65, momentum_rise=0.5, floor=0.035, softening=0.11, repulsion=1.5),
    Descent(step=4.0, fall=0.5, momentum=0.78, floor=0.05, softening=3.0, softening_fall=3.0),
    Descent(step=3.1, fall=0.7, momentum=0.84, near=True),
    coarsest=0.5,
    between=0.1,
    fine=(0.2, 0.2),
)
MAJORIZED_DEEP = MAJORIZED._replace(coarsest=0.28, fine=(0.15, 0.2))  # for several coarse levels
BY_ADAM = Recipe(
    Descent(step=0.4, fall=1.2, floor=0.5, softening=0.05, repulsion=1.5),
    Descent(step=8.0, fall=1.5, floor=0.3, softening=2.0, softening_fall=3.0),
    Descent(step=1.8, fall=2.0, near=True),
    coarsest=0.6,
    between=0.15,
    fine=(0.1, 0.28),
)
SINGLE_LEVEL_SHARES = 0.4, 0.5  # of the two phases on the graph without coarse levels


class Phase(NamedTuple):
    """Epochs on one level."""

    depth: int  # of the level, 0 for the graph
    first_epoch: int
    epochs: int
    field: bool  # whether the repulsion is a field on a grid; otherwise, it is sampled
    negatives: int  # number of sampled vertices per vertex, if the repulsion is sampled
    descent: Descent


def choose_recipe(n_levels: int, *, majorized: bool) -> Recipe:
    """Return the recipe for some levels, with majorization or Adam."""
    if majorized:
        recipe = MAJORIZED_DEEP if n_levels > 2 else MAJORIZED
    else:
        recipe = BY_ADAM
    return recipe._replace(fine=SINGLE_LEVEL_SHARES) if n_levels == 1 else recipe


def plan_phases(
    n_levels: int, n_epochs: float, negatives: int, *, field: bool, majorized: bool = True
) -> tuple[Phase, ...]:
    """Return the phases on all levels.

    Their epochs are shares of `n_epochs`, which add up to nine tenths of it in most cases. With a field, vertices move
    by majorization if `majorized` is true.

    The first phase on the graph arranges it by large softened steps. The second one takes small steps, which correct
    errors of weak forces. Adam is used for noisy repulsion and for other forces than UMAP's, which the majorizer does
    not contain.
    """
    coarsest = n_levels - 1
    recipe = choose_recipe(n_levels, majorized=field and majorized)
    at_most = min(n_epochs, USUAL_EPOCHS) if coarsest else n_epochs
    planned = [
        (
            depth,
            (recipe.coarsest if depth == coarsest else recipe.between) * at_most,
            recipe.coarse._replace(floor=depth * recipe.coarse.floor),
        )
        for depth in range(coarsest, 0, -1)
    ]
    settling = reduce_momentum(recipe.settling, n_epochs / USUAL_EPOCHS)
    planned += [(0, recipe.fine[0] * at_most, recipe.arranging), (0, recipe.fine[1] * n_epochs, settling)]
    phases: list[Phase] = []
    first = 0
    for depth, epochs, descent in planned:
        count = max(negatives, COARSEST_NEGATIVES) if depth == coarsest > 0 else negatives
        phases.append(Phase(depth, first, max(1, round(epochs)), field, count, descent))
        first += phases[-1].epochs
    return tuple(phases)


def plan_length(
    n_levels: int, length: int, negatives: int, *, field: bool, majorized: bool = True
) -> tuple[Phase, ...]:
    """Return phases with exactly `length` epochs, at least one on each level.

    The shares are those of :func:`plan_phases`.
    """
    recipe = choose_recipe(n_levels, majorized=field and majorized)
    arranging, settling = recipe.fine
    before = arranging + (recipe.coarsest + (n_levels - 2) * recipe.between if n_levels > 1 else 0)
    n_epochs = length / (before + settling)
    if n_levels > 1 and n_epochs > USUAL_EPOCHS:
        n_epochs = (length - before * USUAL_EPOCHS) / settling
    usual = plan_phases(n_levels, round(n_epochs, 6), negatives, field=field, majorized=majorized)
    return fit_to_length(usual, length)


def fit_to_length(phases: tuple[Phase, ...], length: int) -> tuple[Phase, ...]:
    """Change the phases to `length` epochs.

    The last phase corrects for rounding, and then the longest phases are shortened.
    """
    epochs = [phase.epochs for phase in phases]
    epochs[-1] = max(1, length - sum(epochs[:-1]))
    while sum(epochs) > length and max(epochs) > 1:
        epochs[epochs.index(max(epochs))] -= 1
    if sum(epochs) > length:  # one epoch per level, and on the graph that of the second phase
        phases, epochs = (*phases[:-2], phases[-1]), epochs[1:]
    firsts = [0, *accumulate(epochs[:-1])]
    counted = zip(phases, firsts, epochs, strict=True)
    return tuple(phase._replace(first_epoch=first, epochs=count) for phase, first, count in counted)


def reduce_momentum(descent: Descent, share: float) -> Descent:
    """Return the steps of a phase with this share of the usual epochs, with less momentum.

    The memory of the momentum is 1 / (1 - momentum) epochs. It becomes the same share of the phase, but at least one
    epoch.
    """
    if descent.momentum is None or share >= 1:
        return descent
    return descent._replace(momentum=1 - 1 / max(1.0, share / (1 - descent.momentum)))


def plan_resettling(n_epochs: int, negatives: int, *, field: bool) -> tuple[Phase, ...]:
    """Return the phase of a layout that begins with a map and keeps its arrangement by small steps on the graph."""
    return (Phase(0, 0, n_epochs, field, negatives, RESETTLING),)


def scale_phase(phase: Phase, unit: float) -> Phase:
    """Multiply the lengths of a phase by the unit of a space."""
    descent = phase.descent
    return phase._replace(descent=descent._replace(step=unit * descent.step, softening=unit * descent.softening))


def find_phase(phases: tuple[Phase, ...], epoch: int) -> Phase:
    """Return the phase of an epoch."""
    return next(phase for phase in phases if epoch < phase.first_epoch + phase.epochs)


def get_length_unit(phase: Phase, width: float) -> float:
    """Return the unit of a phase's lengths: the width of the initial layout on coarse levels, and 1 on the graph."""
    return width if phase.depth else 1.0


def compute_step_size(phase: Phase, epoch: int, width: float, b: float) -> float:
    """Return the step size of an epoch. `width` is that of the initial layout, and b is that of the curve.

    By majorization, a step leads to the minimum of a quadratic bound of the attraction's loss. The bound with the
    edges' factors holds for b up to 1. For larger b, the second derivative of log(1 + a d^2b) is up to 2 b - 1 times
    the factor.
    """
    descent = phase.descent
    step = descent.step * (1 - (epoch - phase.first_epoch) / phase.epochs) ** descent.fall
    return get_length_unit(phase, width) * step if descent.momentum is None else step / max(1.0, 2 * b - 1)


def compute_momentum(phase: Phase, epoch: int) -> float:
    """Return the share of the last step in the step of an epoch, or ADAM_MOMENTUM for Adam."""
    descent, done = phase.descent, (epoch - phase.first_epoch) / phase.epochs
    if descent.momentum is None:
        return kernels.ADAM_MOMENTUM
    return descent.momentum * (min(1.0, done / descent.momentum_rise) if descent.momentum_rise else 1.0)


def compute_softening(phase: Phase, epoch: int, width: float) -> float:
    """Return the addition to squared distances in an epoch, which decreases in steps.

    `width` is that of the initial layout.
    """
    step = (epoch - phase.first_epoch) * SOFTENING_STEPS // phase.epochs
    length = get_length_unit(phase, width) * phase.descent.softening
    return (length * (1 - step / SOFTENING_STEPS) ** phase.descent.softening_fall) ** 2


def count_moments(phase: Phase) -> int:
    """Return the number of moments of a vertex: 1 for its last step, and 2 for Adam."""
    return 2 if phase.descent.momentum is None else 1


def keeps_moments(phase: Phase, following: Phase) -> bool:
    """Return whether the next phase continues the last steps. Both phases then have momentum on the same level."""
    return phase.depth == following.depth and count_moments(phase) == count_moments(following) == 1


def count_epochs(phases: tuple[Phase, ...]) -> int:
    """Return the number of epochs of the whole schedule, on all levels."""
    return phases[-1].first_epoch + phases[-1].epochs


def choose_negatives(mean_degree: float, rate: float) -> int:
    """Return the number of sampled vertices per vertex, in whole runs, for `rate` negative samples per edge."""
    return kernels.RUN_LENGTH * min(MAX_RUNS, max(1, round(rate * mean_degree / kernels.RUN_LENGTH)))
