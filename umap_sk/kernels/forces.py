"""Factors of attraction and repulsion, and repulsion by sampled vertices."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.lanes import multiply_add, prefer_wide_vectors
from umap_sk.kernels.numbers import BLOCK_ROWS, below, f4, mix, next_random, power
from umap_sk.runtime.compile import kernel, parallel_kernel

POOL_SIZE = 4096  # random vertices in a pool
CHUNK_SIZE = 2048  # pairs that one flat loop computes
CLOSEST = f4(1e-12)  # addition to squared distances of the attraction, which may be 0
CLIP = f4(4)  # largest component of a pair's gradient
RUN_LENGTH = 32  # The number of negatives is a multiple of it, so that loops over them have no remainder.


@kernel
def attraction_factor(d2, strength, a, b):
    """Return the factor of a pair's difference: strength d^2(b-1) / (1 + a d^2b), for d2 > 0."""
    p = power(d2, b)
    return strength * p / (d2 * multiply_add(a, p, f4(1)))


@kernel
def repulsion_factor(d2, strength, a, b):
    """Return the factor of a pair's difference: strength / ((0.001 + d^2) (1 + a d^2b))."""
    return strength / ((f4(0.001) + d2) * multiply_add(a, power(d2 + f4(1e-20), b), f4(1)))


@kernel
def pair_factors_attraction(squared, count, s):
    """Replace squared distances by the pairs' factors of the attraction, with the strength s.attraction a b."""
    strength = s.attraction * s.a * s.b
    for q in range(count):
        squared[q] = attraction_factor(squared[q], strength, s.a, s.b)


@kernel
def pair_factors_repulsion(squared, count, s):
    """Replace squared distances by the pairs' factors of the repulsion, with the strength 2 gamma b."""
    prefer_wide_vectors()
    strength = f4(2) * s.gamma * s.b
    for q in range(count):
        squared[q] = repulsion_factor(squared[q], strength, s.a, s.b)


@kernel
def square(difference, count, softening, squared):
    """Write the squared lengths of the pairs' differences, plus the softening."""
    prefer_wide_vectors()
    for q in range(count):
        squared[q] = softening
    for k in range(difference.shape[0] - 1, -1, -1):
        for q in range(count):
            squared[q] = multiply_add(difference[k, q], difference[k, q], squared[q])


@kernel
def clip_terms(difference, factors, count):
    """Replace the differences of pairs by their gradients, whose components are clipped as in UMAP."""
    prefer_wide_vectors()
    for k in range(difference.shape[0]):
        for q in range(count):
            difference[k, q] = max(-CLIP, min(CLIP, factors[q] * difference[k, q]))


@kernel
def draw_pool(block, positions, pick, s, pool):
    """Write the positions of POOL_SIZE random vertices, drawn by mass.

    They are written twice, so that a run never wraps.
    """
    state = mix(uint64(s.seed) ^ (uint64(s.epoch) << uint64(40)) ^ uint64(block))
    for t in range(POOL_SIZE):
        state = next_random(state)
        j = below(state, s.n_rows)
        if pick.shape[0] > 0:
            j = np.int64(pick[j])
        for k in range(positions.shape[1]):
            pool[k, t] = positions[j, k]
            pool[k, t + POOL_SIZE] = positions[j, k]
    return state


@kernel
def gather_runs(first, last, state, count, positions, pool, difference):
    """Write the differences of the rows [first, last) to their runs of the pool."""
    place = 0
    for i in range(first, last):
        state = next_random(state)
        run = below(state, POOL_SIZE)
        for k in range(positions.shape[1]):
            own = positions[i, k]
            for q in range(count):
                difference[k, uint64(place + q)] = own - pool[k, uint64(run + q)]
        place += count
    return state


@kernel
def add_runs(first, last, low, count, share, degree, difference, gradient):
    """Add the sums of the rows' terms, each from four partial sums, times share and degree."""
    for k in range(difference.shape[0]):
        for i in range(first, last):
            place = (i - first) * count
            t0 = f4(0)
            t1 = f4(0)
            t2 = f4(0)
            t3 = f4(0)
            for q in range(place, place + count, 4):
                t0 += difference[k, uint64(q)]
                t1 += difference[k, uint64(q + 1)]
                t2 += difference[k, uint64(q + 2)]
                t3 += difference[k, uint64(q + 3)]
            gradient[i - low, k] += share * degree[i] * ((t0 + t2) + (t1 + t3))


@kernel
def repel_block(first_row, low, high, positions, degree, pick, s, gradient):
    """Add the push of s.negatives sampled vertices to the rows [low, high), counted from `first_row`.

    Each row has its own run of the pool.
    """
    prefer_wide_vectors()
    d = positions.shape[1]
    pool = np.empty((d, 2 * POOL_SIZE), f4)
    state = draw_pool((first_row + low) // BLOCK_ROWS, positions, pick, s, pool)
    count = s.negatives
    batch = max(1, CHUNK_SIZE // count)
    difference = np.empty((d, batch * count), f4)
    factors = np.empty(batch * count, f4)
    for first in range(low, high, batch):
        last = min(high, first + batch)
        state = gather_runs(first_row + first, first_row + last, state, count, positions, pool, difference)
        square(difference, (last - first) * count, s.softening, factors)
        pair_factors_repulsion(factors, (last - first) * count, s)
        clip_terms(difference, factors, (last - first) * count)
        add_runs(first, last, low, count, s.negative_rate / f4(count), degree, difference, gradient)


@parallel_kernel
def sampled_field(positions, first_row, degree, pick, settings, out):
    """Write the field of sampled vertices at the rows from `first_row` on, as in an epoch with sampled repulsion."""
    n, d = out.shape
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        low = block * BLOCK_ROWS
        high = min(n, low + BLOCK_ROWS)
        gradient = np.zeros((BLOCK_ROWS, d), f4)
        repel_block(first_row, low, high, positions, degree, pick, settings[0], gradient)
        for i in range(low, high):
            for k in range(d):
                whole = settings[0].negative_rate * degree[i]
                out[i, k] = gradient[i - low, k] / whole if whole > f4(0) else f4(0)
