"""One epoch in a space whose distances are a compiled function, and the projection to the space after a step."""

import numpy as np
from numba import prange

from umap_sk.kernels.epoch import adam_block, by_component
from umap_sk.kernels.forces import (
    CHUNK_SIZE,
    CLIP,
    CLOSEST,
    POOL_SIZE,
    add_runs,
    attraction_factor,
    draw_pool,
    repulsion_factor,
)
from umap_sk.kernels.lanes import prefer_wide_vectors
from umap_sk.kernels.numbers import BLOCK_ROWS, below, exp_minus, f4, next_random
from umap_sk.kernels.sell import GATHERED_EDGES, SLICE
from umap_sk.runtime.compile import kernel, parallel_kernel

FLAT, WRAPPED, UNIT, CENTERED_UNIT, HYPERBOLOID = 0, 1, 2, 3, 4  # projections after a step
MAX_HYPERBOLIC_DISTANCE = 9.0  # from the hyperboloid's lowest point: beyond it, float32 does not separate neighbors
MAX_HYPERBOLOID_LENGTH = 4051.54190208279  # its hyperbolic sine, since the last bits differ between libraries


@kernel
def end_in_space(kind, before, parameters, place):
    """Project a row to the space after a tangential step from `before` to `place`."""
    d = place.shape[0]
    if kind == WRAPPED:
        for k in range(d):
            place[k] -= parameters[k] * np.floor(place[k] / parameters[k])
            if not place[k] < parameters[k]:
                place[k] = f4(0)
    if kind == CENTERED_UNIT:
        mean = f4(0)
        for k in range(d):
            mean += place[k]
        for k in range(d):
            place[k] -= mean / f4(d)
    if kind == UNIT or kind == CENTERED_UNIT:
        square = f4(0)
        for k in range(d):
            square += place[k] * place[k]
        if square > f4(1e-12):
            for k in range(d):
                place[k] /= np.sqrt(square)
        else:
            place[:] = before
    if kind == HYPERBOLOID:
        along_hyperboloid(before, place)


@kernel
def along_hyperboloid(before, place):
    """Follow the geodesic of the hyperboloid that begins with the step to `place`, in the frame of `before`."""
    d = place.shape[0]
    square = 0.0
    inner = 0.0
    length = 0.0
    for k in range(d):
        x = np.float64(before[k])
        step = np.float64(place[k]) - x
        square += x * x
        inner += x * step
        length += step * step
    length = np.sqrt(length)
    shrunk = exp_minus(min(length, MAX_HYPERBOLIC_DISTANCE))
    cosh = 0.5 * (1.0 / shrunk + shrunk)
    sinh = 0.5 * (1.0 / shrunk - shrunk) / length if length > 1e-6 else 1.0
    reached = 0.0
    for k in range(d):
        x = np.float64(before[k])
        step = np.float64(place[k]) - x
        value = cosh * x + sinh * (step + x * inner / (1.0 + np.sqrt(1.0 + square)))
        place[k] = value
        reached += value * value
    if reached > MAX_HYPERBOLOID_LENGTH * MAX_HYPERBOLOID_LENGTH:
        for k in range(d):
            place[k] *= MAX_HYPERBOLOID_LENGTH / np.sqrt(reached)


@kernel
def pulls(count, s, distance, gradient):
    """Replace gradients of distances by those of the attraction's terms, whose components are clipped as in UMAP."""
    prefer_wide_vectors()
    strength = s.attraction * s.a * s.b
    for q in range(count):
        length = max(distance[q], f4(0))
        distance[q] = -length * attraction_factor(length * length + (CLOSEST + s.softening), strength, s.a, s.b)
    clip(count, distance, gradient)


@kernel
def pushes(count, s, distance, gradient):
    """Replace gradients of distances by those of the repulsion's terms, whose components are clipped as in UMAP."""
    prefer_wide_vectors()
    strength = f4(2) * s.gamma * s.b
    for q in range(count):
        length = max(distance[q], f4(0))
        distance[q] = length * repulsion_factor(length * length + s.softening, strength, s.a, s.b)
    clip(count, distance, gradient)


@kernel
def clip(count, factors, gradient):
    """Multiply gradients by factors, and clip their components."""
    prefer_wide_vectors()
    for k in range(gradient.shape[0]):
        for q in range(count):
            term = factors[q] * gradient[k, q]
            gradient[k, q] = max(-CLIP, min(CLIP, term)) if term == term else f4(0)


@kernel
def pull_block(low, high, positions, starts, indices, weights, measure, parameters, s, first, second, terms, out):
    """Add the pull of all edges of the rows [low, high), slice by slice in the order of the edges."""
    prefer_wide_vectors()
    n, d = positions.shape
    distance = np.empty(GATHERED_EDGES * SLICE, f4)
    for slice_ in range(low // SLICE, (high + SLICE - 1) // SLICE):
        place = slice_ * SLICE
        rows = min(SLICE, high - place)
        for begin in range(starts[slice_], starts[slice_ + 1], GATHERED_EDGES * SLICE):
            width = min(GATHERED_EDGES, (starts[slice_ + 1] - begin) // SLICE)
            for k in range(d):
                for lane in range(SLICE):
                    own = positions[min(n - 1, place + lane), k]
                    for t in range(width):
                        first[k, t * SLICE + lane] = own
                for q in range(width * SLICE):
                    second[k, q] = positions[indices[begin + q], k]
            measure(first, second, width * SLICE, parameters, distance, terms)
            pulls(width * SLICE, s, distance, terms)
            for k in range(d):
                for t in range(width):
                    for lane in range(rows):
                        q = t * SLICE + lane
                        out[place + lane - low, k] += terms[k, q] * weights[begin + q]


@kernel
def push_block(low, high, positions, degree, pick, measure, parameters, s, first, second, terms, out):
    """Add the push of s.negatives sampled vertices to the rows [low, high). Each row has its own run of the pool."""
    prefer_wide_vectors()
    d = positions.shape[1]
    pool = np.empty((d, 2 * POOL_SIZE), f4)
    distance = np.empty(CHUNK_SIZE, f4)
    state = draw_pool(low // BLOCK_ROWS, positions, pick, s, pool)
    count = s.negatives
    batch = CHUNK_SIZE // count
    for begin in range(low, high, batch):
        end = min(high, begin + batch)
        for i in range(begin, end):
            state = next_random(state)
            run = below(state, POOL_SIZE)
            place = (i - begin) * count
            for k in range(d):
                own = positions[i, k]
                for q in range(count):
                    first[k, place + q] = own
                    second[k, place + q] = pool[k, run + q]
        measure(first, second, (end - begin) * count, parameters, distance, terms)
        pushes((end - begin) * count, s, distance, terms)
        add_runs(begin, end, low, count, s.negative_rate / f4(count), degree, terms, out)


@parallel_kernel
def space_step(
    positions,
    moments,
    starts,
    indices,
    weights,
    degree,
    pick,
    measure,
    parameters,
    kind,
    settings,
    out,
    out_moments,
):
    """Run one epoch in a space, with sampled repulsion."""
    n, d = positions.shape
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        low = block * BLOCK_ROWS
        high = min(n, low + BLOCK_ROWS)
        first = np.empty((d, CHUNK_SIZE), f4)
        second = np.empty((d, CHUNK_SIZE), f4)
        terms = np.empty((d, CHUNK_SIZE), f4)
        gradient = np.zeros((BLOCK_ROWS, d), f4)
        degrees = np.empty(BLOCK_ROWS * d, f4)
        s = settings[0]
        pull_block(
            low, high, positions, starts, indices, weights, measure, parameters, s, first, second, terms, gradient
        )
        push_block(low, high, positions, degree, pick, measure, parameters, s, first, second, terms, gradient)
        by_component(low, high, degree, d, degrees)
        adam_block(0, low, high, positions, moments, degrees, s, gradient, out, out_moments)
        for i in range(low, high):
            end_in_space(kind, positions[i], parameters, out[i])


@parallel_kernel
def bring_into_space(positions, parameters, kind):
    """Project each row to the space."""
    for i in prange(positions.shape[0]):
        end_in_space(kind, positions[i].copy(), parameters, positions[i])
