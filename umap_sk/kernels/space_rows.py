"""Positions of new rows in a map of any output space, and distances in it."""

import numpy as np
from numba import prange

from umap_sk.kernels.forces import CHUNK_SIZE, POOL_SIZE
from umap_sk.kernels.numbers import below, f4, next_random
from umap_sk.kernels.output_spaces import HYPERBOLOID, WRAPPED, end_in_space, pulls, pushes
from umap_sk.kernels.transform import adam_row, content_of_row
from umap_sk.runtime.compile import kernel, parallel_kernel


@kernel
def start_in_space(first, last, indices, strengths, training, kind, parameters, place):
    """Place a new row at the weighted mean of its neighbors, relative to the nearest one."""
    origin = training[indices[first]]
    total = f4(0)
    for e in range(first, last):
        total += strengths[e]
    for k in range(place.shape[0]):
        value = f4(0)
        for e in range(first, last):
            difference = training[indices[e], k] - origin[k]
            if kind == WRAPPED:
                difference -= parameters[k] * np.floor(difference / parameters[k] + f4(0.5))
            value += strengths[e] * difference
        place[k] = origin[k] + value / total
    if kind != HYPERBOLOID:
        end_in_space(kind, origin, parameters, place)


@kernel
def lay_beside(place, others, begin, count, first, second):
    """Make pairs of one row and some columns of others."""
    for k in range(place.shape[0]):
        for q in range(count):
            first[k, q] = place[k]
            second[k, q] = others[k, begin + q]


@kernel
def descend_in_space(rates, near, pool, state, measure, parameters, kind, settings, epochs, place):
    """Run the epochs of one row. The columns of `near` pull it with some rates, and runs of the pool push it."""
    d, count = near.shape
    s = settings[0]
    room = max(count, s.negatives)
    first = np.empty((d, room), f4)
    second = np.empty((d, room), f4)
    terms = np.empty((d, room), f4)
    distance = np.empty(room, f4)
    gradient = np.empty(d, f4)
    moments = np.zeros((2, d), f4)
    before = np.empty(d, f4)
    degree = f4(0)
    for q in range(count):
        degree += rates[q]
    for t in range(epochs):
        lay_beside(place, near, 0, count, first, second)
        measure(first, second, count, parameters, distance, terms)
        pulls(count, s, distance, terms)
        for k in range(d):
            gradient[k] = f4(0)
            for q in range(count):
                gradient[k] += rates[q] * terms[k, q]
        state = next_random(state)
        lay_beside(place, pool, below(state, POOL_SIZE), s.negatives, first, second)
        measure(first, second, s.negatives, parameters, distance, terms)
        pushes(s.negatives, s, distance, terms)
        for k in range(d):
            total = f4(0)
            for q in range(s.negatives):
                total += terms[k, q]
            gradient[k] += s.negative_rate * degree / f4(s.negatives) * total
            before[k] = place[k]
        adam_row(place, moments, gradient, s, t, epochs)
        end_in_space(kind, before, parameters, place)


@kernel
def rates_and_places(first, last, indices, strengths, training, rates, near):
    """Write the strengths of a row's neighbors relative to the strongest, and their positions."""
    strongest = f4(0)
    for e in range(first, last):
        strongest = max(strongest, strengths[e])
    for e in range(first, last):
        rates[e - first] = strengths[e] / strongest
        for k in range(near.shape[0]):
            near[k, e - first] = training[indices[e], k]


@parallel_kernel
def place_in_space(
    indptr, indices, distances, strengths, training, pool, measure, parameters, kind, settings, epochs, out
):
    """Place new rows in a fixed map of any space. Rows without neighbors are NaN."""
    d = training.shape[1]
    for block in prange((out.shape[0] + 63) // 64):
        for i in range(block * 64, min(out.shape[0], (block + 1) * 64)):
            first = indptr[i]
            last = indptr[i + 1]
            if first == last:
                out[i] = np.nan
            elif distances[first] == 0:
                for k in range(d):
                    out[i, k] = training[indices[first], k]
            else:
                start_in_space(first, last, indices, strengths, training, kind, parameters, out[i])
                rates = np.empty(last - first, f4)
                near = np.empty((d, last - first), f4)
                rates_and_places(first, last, indices, strengths, training, rates, near)
                state = content_of_row(first, last, indices, distances, settings[0].seed)
                descend_in_space(rates, near, pool, state, measure, parameters, kind, settings, epochs, out[i])


@parallel_kernel
def distances_in_space(points, others, measure, parameters, out):
    """Write the distances from each point to each other."""
    d = points.shape[1]
    n = others.shape[0]
    for i in prange(points.shape[0]):
        first = np.empty((d, CHUNK_SIZE), f4)
        second = np.empty((d, CHUNK_SIZE), f4)
        terms = np.empty((d, CHUNK_SIZE), f4)
        distance = np.empty(CHUNK_SIZE, f4)
        for begin in range(0, n, CHUNK_SIZE):
            count = min(CHUNK_SIZE, n - begin)
            for k in range(d):
                for q in range(count):
                    first[k, q] = points[i, k]
                    second[k, q] = others[begin + q, k]
            measure(first, second, count, parameters, distance, terms)
            for q in range(count):
                out[i, begin + q] = distance[q]


@parallel_kernel
def paired_in_space(points, others, measure, parameters, out):
    """Write the distance of each pair of points."""
    n, d = points.shape
    for block in prange((n + CHUNK_SIZE - 1) // CHUNK_SIZE):
        low = block * CHUNK_SIZE
        count = min(CHUNK_SIZE, n - low)
        first = np.empty((d, CHUNK_SIZE), f4)
        second = np.empty((d, CHUNK_SIZE), f4)
        terms = np.empty((d, CHUNK_SIZE), f4)
        distance = np.empty(CHUNK_SIZE, f4)
        for k in range(d):
            for q in range(count):
                first[k, q] = points[low + q, k]
                second[k, q] = others[low + q, k]
        measure(first, second, count, parameters, distance, terms)
        for q in range(count):
            out[low + q] = distance[q]
