"""One epoch of some rows: forces, and a step by Adam (Kingma, Ba 2015) or by majorization with momentum.

The rows are those from `first_row` on, which begin a block. Positions belong to all rows, and other arrays to these.
"""

import numpy as np
from numba import prange

from umap_sk.kernels.attraction import attract_block
from umap_sk.kernels.forces import repel_block
from umap_sk.kernels.grid import interpolate_rows
from umap_sk.kernels.lanes import prefer_wide_vectors
from umap_sk.kernels.numbers import BLOCK_ROWS, f4
from umap_sk.kernels.turns import divide_blocks, next_block
from umap_sk.runtime.compile import kernel, parallel_kernel

BETA1, BETA2 = 0.5, 0.9  # decay rates of Adam's moments
EPSILON = f4(1e-7)
ADAM_MOMENTUM = -1.0  # value of the momentum that selects Adam
INNER_CURVATURE = f4(0.1)  # share of the weight within a vertex without other edges that is added to its curvature
MAX_MOVE = f4(1)  # largest step with momentum along an axis, in units of the embedding


@kernel
def by_component(low, high, degree, d, out):
    """Write the degrees of the rows [low, high), repeated for each component, so that loops over them are flat."""
    for i in range(low, high):
        for k in range(d):
            out[(i - low) * d + k] = degree[i]


@kernel
def add_field(count, rate, degrees, field, gradient):
    """Add the field at each row, times its degree."""
    for q in range(count):
        gradient[q] += rate * degrees[q] * field[q]


@kernel
def add_inner_curvature(low, high, inside, degree, curvatures):
    """Add to the curvature of vertices whose edges are mostly within them.

    Otherwise, repulsion would move them far away. `inside` is the part of a vertex's degree that belongs to the edges
    within it. Its share has the power 8.
    """
    for i in range(low, high):
        share = inside[i] / (degree[i] + EPSILON)
        share *= share
        share *= share
        for k in range(curvatures.shape[1]):
            curvatures[i - low, k] += INNER_CURVATURE * inside[i] * (share * share)


@kernel
def average(decay, moment, value):
    """Return the exponentially weighted mean after one more value."""
    return f4(decay) * moment + f4(1 - decay) * value


@kernel
def adam_move(first, second, step, inverse_correction, floor):
    """Return the move of one component by Adam. `step` is divided by the correction of the first moment."""
    return step * first / (np.sqrt(second * inverse_correction) + (EPSILON + floor))


@kernel
def adam_block(first_row, low, high, positions, moments, degrees, s, gradient, out, out_moments):
    """Move the rows [low, high), counted from `first_row`, by Adam. s.floor shortens the steps of weak forces."""
    g = gradient.reshape(-1)
    y = positions[first_row + low : first_row + high].reshape(-1)
    m = moments[0, low:high].reshape(-1)
    v = moments[1, low:high].reshape(-1)
    new_y = out[low:high].reshape(-1)
    new_m = out_moments[0, low:high].reshape(-1)
    new_v = out_moments[1, low:high].reshape(-1)
    step = s.step / s.correction1
    inverse = f4(1) / s.correction2
    for q in range((high - low) * positions.shape[1]):
        new_m[q] = average(BETA1, m[q], g[q])
        new_v[q] = average(BETA2, v[q], g[q] * g[q])
        new_y[q] = y[q] + adam_move(new_m[q], new_v[q], step, inverse, s.floor * degrees[q])


@kernel
def majorized_block(first_row, low, high, positions, moments, degrees, curvatures, s, gradient, out, out_moments):
    """Move the rows [low, high), counted from `first_row`, by gradients over curvatures and a share of the last step.

    This is Polyak's heavy ball (1964), preconditioned by the diagonal of the attraction's majorizer. s.floor shortens
    the steps of vertices with long edges. The last step is the only moment.
    """
    g = gradient.reshape(-1)
    c = curvatures.reshape(-1)
    y = positions[first_row + low : first_row + high].reshape(-1)
    m = moments[0, low:high].reshape(-1)
    new_y = out[low:high].reshape(-1)
    new_m = out_moments[0, low:high].reshape(-1)
    for q in range((high - low) * positions.shape[1]):
        move = s.momentum * m[q] + s.step * g[q] / (c[q] + (EPSILON + s.floor * degrees[q]))
        move = max(-MAX_MOVE, min(MAX_MOVE, move))
        new_m[q] = move
        new_y[q] = y[q] + move


@parallel_kernel
def euclidean_step(
    positions,
    places,
    first_row,
    moments,
    starts,
    indices,
    weights,
    sums,
    degree,
    inside,
    pick,
    grid,
    settings,
    out,
    out_moments,
):
    """Run one epoch whose repulsion is the field on a grid, or what `out` contains if the grid has no corners.

    ADAM_MOMENTUM as the momentum selects Adam. On coarse levels, `inside` contains the weights of the edges within
    vertices. If `grid` is None, the repulsion is sampled and steps are those of Adam. Each case is compiled separately.
    """
    n, d = out.shape
    turns = divide_blocks((n + BLOCK_ROWS - 1) // BLOCK_ROWS)
    for thread in prange(turns.shape[0]):
        prefer_wide_vectors()
        block = next_block(turns, thread)
        while block >= 0:
            low = block * BLOCK_ROWS
            high = min(n, low + BLOCK_ROWS)
            gradient = np.empty((BLOCK_ROWS, d), f4)
            curvatures = np.empty((BLOCK_ROWS, d), f4)
            degrees = np.empty(BLOCK_ROWS * d, f4)
            edges = starts, indices, weights, sums
            attract_block(first_row, low, high, positions, places, *edges, settings[0], gradient, curvatures)
            by_component(low, high, degree, d, degrees)
            here = first_row, low, high, positions, moments, degrees
            if grid is None:
                repel_block(first_row, low, high, positions, degree, pick, settings[0], gradient)
            else:
                if places.ndim == 1 and grid[4].shape[0] > 0:
                    interpolate_rows(first_row, low, high, positions, grid, out)
                field = out[low:high].reshape(-1)
                add_field((high - low) * d, settings[0].negative_rate, degrees, field, gradient.reshape(-1))
            if grid is None or settings[0].momentum == f4(ADAM_MOMENTUM):
                adam_block(*here, settings[0], gradient, out, out_moments)
            else:
                if inside.shape[0] > 0:
                    add_inner_curvature(low, high, inside, degree, curvatures)
                majorized_block(*here, curvatures, settings[0], gradient, out, out_moments)
            block = next_block(turns, thread)
