"""Positions of new rows in a fixed map."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.epoch import BETA1, BETA2, adam_move, average
from umap_sk.kernels.forces import (
    CLOSEST,
    POOL_SIZE,
    clip_terms,
    pair_factors_attraction,
    pair_factors_repulsion,
    square,
)
from umap_sk.kernels.numbers import below, f4, mix, next_random
from umap_sk.runtime.compile import kernel, parallel_kernel


@kernel
def start_row(first, last, indices, distances, strengths, training, place):
    """Place a new row at a neighbor with distance 0 (False), or at the weighted mean of its neighbors (True).

    True means that the row must be optimized.
    """
    d = training.shape[1]
    if distances[first] == 0:
        for k in range(d):
            place[k] = training[indices[first], k]
        return False
    for k in range(d):
        total = f4(0)
        value = f4(0)
        for e in range(first, last):
            total += strengths[e]
            value += strengths[e] * training[indices[e], k]
        place[k] = value / total
    return True


@kernel
def pull_row(first, last, indices, strengths, strongest, training, place, s, difference, factors, gradient):
    """Add the pull of a row's neighbors, with rates relative to the strongest one, and return the sum of the rates."""
    d = training.shape[1]
    count = last - first
    for k in range(d):
        for q in range(count):
            difference[k, q] = training[indices[first + q], k] - place[k]
    square(difference, count, CLOSEST + s.softening, factors)
    pair_factors_attraction(factors, count, s)
    clip_terms(difference, factors, count)
    degree = f4(0)
    for q in range(count):
        rate = strengths[first + q] / strongest
        degree += rate
        for k in range(d):
            gradient[k] += rate * difference[k, q]
    return degree


@kernel
def whole_power(base, exponent):
    """Return base ** exponent for a whole number, by squaring, which is the same on every processor."""
    result = f4(1)
    while exponent > 0:
        if exponent % 2 == 1:
            result *= base
        base *= base
        exponent //= 2
    return result


@kernel
def adam_row(place, moments, gradient, s, done, epochs):
    """Move one row by a step of Adam, whose size decreases as (1 - done / epochs) ** 2."""
    rest = f4(1) - f4(done) / f4(epochs)
    step = s.step * (rest * rest) / (f4(1) - whole_power(f4(BETA1), done + 1))
    inverse = f4(1) / (f4(1) - whole_power(f4(BETA2), done + 1))
    for k in range(place.shape[0]):
        moments[0, k] = average(BETA1, moments[0, k], gradient[k])
        moments[1, k] = average(BETA2, moments[1, k], gradient[k] * gradient[k])
        place[k] += adam_move(moments[0, k], moments[1, k], step, inverse, f4(0))


@kernel
def push_from_field(place, field, origin_x, origin_y, inverse, share, gradient):
    """Add the push of the whole map from its field. Beyond the grid, the nearest position inside is used."""
    x = min(max((place[0] - origin_x) * inverse, f4(0)), f4(field.shape[0] - 2))
    y = min(max((place[1] - origin_y) * inverse, f4(0)), f4(field.shape[1] - 2))
    column = np.int64(x)
    row = np.int64(y)
    fx = x - f4(column)
    fy = y - f4(row)
    w00 = (f4(1) - fx) * (f4(1) - fy) * share
    w01 = (f4(1) - fx) * fy * share
    w10 = fx * (f4(1) - fy) * share
    w11 = fx * fy * share
    for k in range(2):
        near = w00 * field[column, row, k] + w01 * field[column, row + 1, k]
        gradient[k] += near + w10 * field[column + 1, row, k] + w11 * field[column + 1, row + 1, k]


@kernel
def content_of_row(first, last, indices, distances, seed):
    """Return a hash of a row's neighbors and of their distances, which is the seed of its random numbers."""
    state = mix(uint64(seed))
    for e in range(first, last):
        bits = uint64(np.uint32(f4(distances[e]).view(np.int32)))
        state = mix(state ^ (uint64(indices[e]) << uint64(32)) ^ bits)
    return state


@kernel
def push_from_pool(place, pool, run, count, share, s, difference, factors, gradient):
    """Add the push of a run of the model's pool of random vertices."""
    d = place.shape[0]
    for k in range(d):
        for q in range(count):
            difference[k, q] = place[k] - pool[k, run + q]
    square(difference, count, s.softening, factors)
    pair_factors_repulsion(factors, count, s)
    clip_terms(difference, factors, count)
    for k in range(d):
        total = f4(0)
        for q in range(count):
            total += difference[k, q]
        gradient[k] += share * total


@parallel_kernel
def place_rows(indptr, indices, distances, strengths, training, repulsion, grid, settings, epochs, out):
    """Place new rows in a fixed map. Rows without neighbors are NaN.

    The repulsion is a field, whose grid has an origin and an inverse spacing, or else a pool of positions. The number
    of its dimensions is a constant of compilation, so that only one of the two branches is compiled.
    """
    d = training.shape[1]
    for block in prange((out.shape[0] + 63) // 64):
        s = settings[0]
        for i in range(block * 64, min(out.shape[0], (block + 1) * 64)):
            first = indptr[i]
            last = indptr[i + 1]
            if first == last:
                out[i] = np.nan
            elif start_row(first, last, indices, distances, strengths, training, out[i]):
                difference = np.empty((d, max(s.negatives, last - first)), f4)
                factors = np.empty(max(s.negatives, last - first), f4)
                gradient = np.empty(d, f4)
                moments = np.zeros((2, d), f4)
                strongest = strengths[first:last].max()
                state = content_of_row(first, last, indices, distances, s.seed)
                pairs = difference, factors, gradient
                for t in range(epochs):
                    gradient[:] = f4(0)
                    degree = pull_row(first, last, indices, strengths, strongest, training, out[i], s, *pairs)
                    if repulsion.ndim == 3:
                        share = s.negative_rate * degree / f4(s.n_rows)
                        push_from_field(out[i], repulsion, *grid, share, gradient)
                    else:
                        state = next_random(state)
                        share = s.negative_rate * degree / f4(s.negatives)
                        push_from_pool(out[i], repulsion, below(state, POOL_SIZE), s.negatives, share, s, *pairs)
                    adam_row(out[i], moments, gradient, s, t, epochs)
