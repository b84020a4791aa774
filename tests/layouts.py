"""Layouts for the tests of epochs."""

import contextlib

import numpy as np
import pytest

from umap_sk import kernels
from umap_sk.layout import coarsen, optimizer, schedule, sell
from umap_sk.layout.curve import Curve
from umap_sk.layout.optimizer import Forces, LayoutProblem

FORCES = Forces(Curve(1.4, 0.85), gamma=0.8, negative_rate=7.0, learning_rate=0.9)
NEGATIVES = 3 * kernels.RUN_LENGTH
EPOCHS = 40


def layout_of(graph, n_levels=1, *, on_grid=False, majorized=False, **forces):
    """Return a layout on some levels of a graph, whose vertices move by Adam or by majorization."""
    built = sell.arrange(coarsen.build_levels(graph, 5, largest=1)[:n_levels], 5)
    assert len(built) == n_levels
    phases = schedule.plan_phases(len(built), EPOCHS, NEGATIVES, field=on_grid, majorized=majorized)
    return LayoutProblem(built, phases, FORCES._replace(**forces))


def some_rows(level, first, last):
    """Return a level with only the slices and degrees of some rows, which start at a block."""
    slices = level.slices._replace(starts=level.slices.starts[first // kernels.SLICE : -(-last // kernels.SLICE) + 1])
    own = {"degree": level.degree[first:last], "inside": level.inside[first:last]}
    return level._replace(slices=slices, first_row=first, parts=sell.find_parts(slices.starts), **own)


def step(layout, phase, state):
    out, out_moments = np.full_like(state.positions, np.nan), np.full_like(state.moments, np.nan)
    optimizer.step_rows(layout, phase, state, out, out_moments)
    return out, out_moments


@contextlib.contextmanager
def interrupted_at(last):
    """Raise KeyboardInterrupt in any fit of the block after the given number of epochs."""
    run = optimizer.run_epochs

    def run_and_stop(problem, state, epochs, on_epoch, **options):
        def stop(state):
            on_epoch(state)
            if state.epoch == last:
                raise KeyboardInterrupt

        return run(problem, state, epochs, stop, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimizer, "run_epochs", run_and_stop)
        yield
