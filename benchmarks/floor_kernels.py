"""Floors of the package's kernels: each one's arithmetic on buffers in the cache, and its reads and writes without it.

Arithmetic runs over flat, contiguous buffers of a few thousand elements again and again, with the package's own `power`
and `exp_minus`. Reads and writes touch what the kernel touches, in its order, one machine word a vertex; words are
joined by exclusive or, which costs a cycle.
"""

import numpy as np
from numba import njit

from umap_sk import kernels

f4 = np.float32
power, exp_minus = kernels.power, kernels.exp_minus
CLIP = f4(4)


def compiled(function):
    """Compiled as the package's kernels are, on one thread."""
    return njit(error_model="numpy", nogil=True)(function)


# --- arithmetic; functions pass over flat float32 buffers `repeats` times and write `first` and `second`


@compiled
def attraction(x, y, weights, repeats, a, b, first, second):
    """An edge: the factor of its pull, both components clipped and weighed."""
    for r in range(repeats):
        scale = f4(1) + f4(r) * f4(1e-6)
        for q in range(len(x)):
            d2 = x[q] * x[q] + y[q] * y[q] + f4(1e-12)
            p = power(d2, b)
            factor = f4(4) * a * b * p / (d2 * (a * p + f4(1)))
            first[q] = max(-CLIP, min(CLIP, factor * x[q])) * weights[q] * scale
            second[q] = max(-CLIP, min(CLIP, factor * y[q])) * weights[q] * scale


@compiled
def repulsion(x, y, weights, repeats, a, b, first, second):
    """A sampled pair: the factor of its push, both components clipped."""
    for r in range(repeats):
        small = f4(0.001) + f4(r) * f4(1e-9)
        for q in range(len(x)):
            d2 = x[q] * x[q] + y[q] * y[q]
            factor = f4(2) * b / ((small + d2) * (a * power(d2 + f4(1e-20), b) + f4(1)))
            first[q] = max(-CLIP, min(CLIP, factor * x[q]))
            second[q] = max(-CLIP, min(CLIP, factor * y[q]))


@compiled
def near_field(x, y, weights, repeats, a, b, first, second):
    """A near pair: its push, and the share of it that the grid leaves out."""
    for r in range(repeats):
        small = f4(0.001) + f4(r) * f4(1e-9)
        for q in range(len(x)):
            d2 = x[q] * x[q] + y[q] * y[q]
            rest = max(f4(0), f4(1) - d2 * f4(4))
            factor = f4(2) * b / ((small + d2) * (a * power(d2 + f4(1e-20), b) + f4(1)))
            first[q] = max(-CLIP, min(CLIP, factor * x[q])) * (rest * rest)
            second[q] = max(-CLIP, min(CLIP, factor * y[q])) * (rest * rest)


@compiled
def deposit(x, y, weights, repeats, a, b, first, second):
    """A row: its place in its cell and the shares of the four corners."""
    for r in range(repeats):
        scale = f4(5) + f4(r) * f4(1e-6)
        for q in range(len(x)):
            u, v = (x[q] + f4(9)) * scale, (y[q] + f4(9)) * scale
            u, v = u - f4(np.int32(u)), v - f4(np.int32(v))
            first[q] = (f4(1) - u) * (f4(1) - v) + (f4(1) - u) * v
            second[q] = u * (f4(1) - v) + u * v


@compiled
def interpolate(x, y, weights, repeats, a, b, first, second):
    """A row: its place in its cell and two sums of four products."""
    for r in range(repeats):
        scale = f4(5) + f4(r) * f4(1e-6)
        for q in range(len(x)):
            u, v = (x[q] + f4(9)) * scale, (y[q] + f4(9)) * scale
            u, v = u - f4(np.int32(u)), v - f4(np.int32(v))
            w00, w01, w10, w11 = (f4(1) - u) * (f4(1) - v), (f4(1) - u) * v, u * (f4(1) - v), u * v
            first[q] = w00 * x[q] + w01 * y[q] + w10 * weights[q] + w11 * x[q]
            second[q] = w00 * y[q] + w01 * x[q] + w10 * y[q] + w11 * weights[q]


@compiled
def adam(x, y, weights, repeats, a, b, first, second):
    """A component: both moments and the step."""
    for r in range(repeats):
        step = f4(1) + f4(r) * f4(1e-6)
        for q in range(len(x)):
            moment = f4(0.5) * x[q] + f4(0.5) * y[q]
            square = f4(0.9) * weights[q] + f4(0.1) * (y[q] * y[q])
            first[q] = moment + square
            second[q] = x[q] + step * (moment / a) / (np.sqrt(square / b) + f4(1e-7))


@compiled
def scales(excess, repeats, out):
    """An entry of a row in one step of the search for its scale: its membership; float64."""
    for r in range(repeats):
        inverse = 1.0 + r * 1e-6
        for q in range(len(excess)):
            out[q] = exp_minus(excess[q] * inverse)


# --- reads and writes; `words` has a vertex's two coordinates as one uint64


@compiled
def attraction_traffic(words, starts, indices, bits, out):
    """Slices' indices and weights in order, the neighbors' positions where they lie, a sum a row."""
    lanes = kernels.SLICE
    joined = np.empty(lanes, np.uint64)
    for slice_ in range(len(starts) - 1):
        rows = min(lanes, len(words) - slice_ * lanes)
        joined[:] = np.uint64(0)
        for first in range(starts[slice_], starts[slice_ + 1], lanes):
            for lane in range(lanes):
                joined[lane] ^= words[indices[first + lane]] ^ np.uint64(bits[first + lane])
        for lane in range(rows):
            out[slice_ * lanes + lane] = joined[lane] ^ words[slice_ * lanes + lane]


@compiled
def repulsion_traffic(words, pools, count, block, pool, out):
    """A pool of random vertices a block of rows, and each row's run in it."""
    size = len(pool) // 2
    for low in range(0, len(words), block):
        for t in range(size):
            pool[t] = words[pools[(low + t) % len(pools)]]
            pool[t + size] = pool[t]
        for i in range(low, min(low + block, len(words))):
            joined = words[i]
            run = pools[i % len(pools)] % size
            for q in range(run, run + count):
                joined ^= pool[q]
            out[i] ^= joined


@compiled
def near_field_traffic(points, order, begin, cells, columns, samples, out):
    """Evenly spaced points of the three stretches of cells around each point; the number of pairs."""
    pairs = 0
    for q in range(len(points)):
        joined = points[q]
        total = 0
        for r in range(-1, 2):
            total += begin[cells[q] + r * columns + 2] - begin[cells[q] + r * columns - 1]
        count = min(total, samples)
        step = total / count
        place, passed, r = 0.0, 0, -1
        for _ in range(count):
            length = begin[cells[q] + r * columns + 2] - begin[cells[q] + r * columns - 1]
            while np.int64(place) - passed >= length:
                passed += length
                r += 1
                length = begin[cells[q] + r * columns + 2] - begin[cells[q] + r * columns - 1]
            joined ^= points[begin[cells[q] + r * columns - 1] + np.int64(place) - passed]
            place += step
        out[order[q]] = joined
        pairs += count
    return pairs


@compiled
def deposit_traffic(words, cells, columns, grid):
    """Positions in order, and four corners of a grid written for each."""
    for i in range(len(words)):
        c = cells[i]
        one = f4(words[i] >> np.uint64(63))
        grid[c] += one
        grid[c + 1] += one
        grid[c + columns] += one
        grid[c + columns + 1] += one


@compiled
def interpolate_traffic(words, cells, columns, field_x, field_y, out):
    """Positions in order, four corners of two grids read for each, a position written."""
    for i in range(len(words)):
        c = cells[i]
        joined = field_x[c] ^ field_x[c + 1] ^ field_x[c + columns] ^ field_x[c + columns + 1]
        other = field_y[c] ^ field_y[c + 1] ^ field_y[c + columns] ^ field_y[c + columns + 1]
        out[i] = words[i] ^ np.uint64(joined) ^ (np.uint64(other) << np.uint64(32))


@compiled
def adam_traffic(words, field, moment, square, degree, out, new_moment, new_square):
    """Position, field, moments and degree of every row in order; position and moments written."""
    for i in range(len(words)):
        joined = field[i] ^ np.uint64(degree[i])
        out[i] = words[i] ^ joined
        new_moment[i] = moment[i] ^ joined
        new_square[i] = square[i] ^ joined


@compiled
def scales_traffic(indptr, bits, rho, sigma):
    """All distances in order, two numbers a row written."""
    for i in range(len(rho)):
        joined = np.uint32(0)
        for e in range(indptr[i], indptr[i + 1]):
            joined ^= bits[e]
        rho[i] = joined
        sigma[i] = joined


@compiled
def bisections(excess, target, tolerance=1e-5, most=64):
    """Entries that umap-learn's bisection goes over: its steps of all rows, times the row's entries."""
    visited = 0
    for i in range(excess.shape[0]):
        low, high, middle = 0.0, np.inf, 1.0
        for _ in range(most):
            total = 0.0
            for c in range(excess.shape[1]):
                total += np.exp(-excess[i, c] / middle)
            visited += excess.shape[1]
            if abs(total - target) < tolerance:
                break
            if total > target:
                high = middle
                middle = (low + high) / 2
            else:
                low = middle
                middle = middle * 2 if high == np.inf else (low + high) / 2
    return visited
