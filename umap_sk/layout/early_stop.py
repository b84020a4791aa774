"""The early stop: a phase whose loss hardly changes any more runs the rest of its schedule at a higher stride.

Cut off dead, a map would keep the noise of large steps. So what changes is how far one epoch goes on in the schedule:
one place at first, twice as many after every look that finds the loss still, one again where it is not, and never
more than a share of what is left of the phase, so that the step size always falls to its end by degrees.

A loss that rises is not still: coarse levels and the first epochs of the finest one push without the near field, which
the loss has, so points that move together raise it, and the near field is needed then.
"""

import numpy as np

from umap_sk import kernels
from umap_sk.layout.curve import Curve
from umap_sk.layout.sell import ArrangedLevel, stride_of
from umap_sk.runtime.compile import readonly

LOOKS, LEAST_BETWEEN = 20, 5  # looks a phase, and places of the schedule from one to the next
TAIL = 5  # an epoch leaps over at most the rest of its phase divided by this
PROBED = 512  # rows whose loss stands for a level's
OPPOSITE = 64  # others that each of them is held against


def stride_within(stride: int, rest: int) -> int:
    """Places of the schedule that the next epoch goes on by."""
    return max(1, min(stride, rest // TAIL))


def is_due(done: int, stride: int, epochs: int) -> bool:
    """Whether the loss is looked at after an epoch."""
    between = max(LEAST_BETWEEN, epochs // LOOKS)
    return done // between > (done - stride) // between


def next_stride(tol: float, last: float, loss: float, stride: int) -> int:
    """Pace from a look on."""
    return 2 * stride if abs(last - loss) < tol * last else 1


def probed_loss(level: ArrangedLevel, positions: np.ndarray, curve: Curve, rate: float) -> float:
    """Expected loss of some rows of a level, always the same ones: what differs is the map's doing and not chance's."""
    stride, opposite_stride = (stride_of(level.n_vertices, count) for count in (PROBED, OPPOSITE))
    mass = level.mass[:0] if level.mass.strides == (0,) else level.mass  # the finest level's are 1
    a, b = map(np.float32, curve)
    return kernels.probed_loss(
        readonly(positions), *level.edges, level.degree, readonly(mass), stride, opposite_stride, rate, a, b
    )
