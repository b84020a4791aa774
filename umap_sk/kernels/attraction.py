"""Attraction along the edges of slices. Wide slices are summed in parts, which several threads share."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.forces import CLIP, CLOSEST, attraction_factor, clip_terms, pair_factors_attraction, square
from umap_sk.kernels.lanes import assume_no_aliasing, multiply_add, prefer_wide_vectors
from umap_sk.kernels.numbers import f4
from umap_sk.kernels.sell import GATHERED_EDGES, SLICE
from umap_sk.runtime.compile import kernel, parallel_kernel

PART_WIDTH = 4096  # edges of each row of a slice that are summed alone if the slice has more


@kernel
def pull_in_plane(width, raw, own_x, own_y, weights, s, gradient_x, gradient_y, curvature):
    """Add the pull of `width` edges of each row of a slice in two dimensions, in one pass."""
    prefer_wide_vectors()
    assume_no_aliasing()
    strength = s.attraction * s.a * s.b
    softening = CLOSEST + s.softening
    a = s.a
    b = s.b
    for t in range(width):
        for lane in range(SLICE):
            x = raw[2 * (t * SLICE + lane)] - own_x[lane]
            y = raw[2 * (t * SLICE + lane) + 1] - own_y[lane]
            factor = attraction_factor(multiply_add(x, x, multiply_add(y, y, softening)), strength, a, b)
            weight = weights[t * SLICE + lane]
            curvature[lane] = multiply_add(factor, weight, curvature[lane])
            gradient_x[lane] = multiply_add(max(-CLIP, min(CLIP, factor * x)), weight, gradient_x[lane])
            gradient_y[lane] = multiply_add(max(-CLIP, min(CLIP, factor * y)), weight, gradient_y[lane])


@kernel
def gather_places(first, count, places, indices, out):
    """Write both coordinates of the other ends of `count` edges, as one number each."""
    here = indices[first : first + count]
    for q in range(count):
        out[q] = places[uint64(here[q])]


@kernel
def pull_anywhere(first, width, positions, own, indices, weights, s, difference, factors, gradient):
    """Add the pull of `width` edges of each row of a slice in any number of dimensions."""
    count = width * SLICE
    for k in range(own.shape[0]):
        for q in range(count):
            difference[k, q] = positions[indices[first + q], k] - own[k, q % SLICE]
    square(difference, count, CLOSEST + s.softening, factors)
    pair_factors_attraction(factors, count, s)
    clip_terms(difference, factors, count)
    here = weights[first : first + count]
    for k in range(own.shape[0]):
        for t in range(width):
            for lane in range(SLICE):
                e = uint64(t * SLICE + lane)
                gradient[k, lane] = multiply_add(difference[k, e], here[e], gradient[k, lane])


@kernel
def add_parts(slice_, sums, pull, curvature):
    """Add the sums of a slice's parts in their order."""
    parts, pulls, curvatures = sums
    for t in range(parts.shape[0]):
        if parts[t, 0] == slice_:
            for lane in range(SLICE):
                for k in range(pull.shape[0]):
                    pull[k, lane] += pulls[t, lane, k]
                curvature[lane] += curvatures[t, lane, 0]


@kernel
def attract_block(first_row, low, high, positions, places, starts, indices, weights, sums, s, gradient, curvatures):
    """Write the pull of all edges of the rows [low, high), counted from `first_row`, in the order of the edges.

    Curvatures are the sums of a row's factors, which are the same for all components. They belong to the quadratic
    bound that touches the attraction's loss and is above it everywhere else (majorization; Hunter, Lange 2004). Beyond
    two dimensions, no step needs them, and they are 0.

    In two dimensions, `places` contains both coordinates of a row as one number, and otherwise it is `positions`. The
    number of its dimensions is a constant of compilation, so that only one of the two branches is compiled.

    `sums` are the parts of the wide slices, and their pulls and curvatures by `attract_parts`.
    """
    prefer_wide_vectors()
    d = positions.shape[1]
    own = np.empty((d, SLICE), f4)
    own[:] = f4(0)
    pull = np.empty((d, SLICE), f4)
    curvature = np.empty(SLICE, f4)
    gathered = np.empty(GATHERED_EDGES * SLICE, places.dtype)
    if places.ndim == 1:
        raw = gathered.view(f4)
    else:
        difference = np.empty((d, GATHERED_EDGES * SLICE), f4)
    for slice_ in range(low // SLICE, (high + SLICE - 1) // SLICE):
        rows = min(SLICE, high - slice_ * SLICE)
        pull[:] = f4(0)
        curvature[:] = f4(0)
        for lane in range(rows):
            for k in range(d):
                own[k, lane] = positions[first_row + slice_ * SLICE + lane, k]
        begin = starts[slice_]
        if starts[slice_ + 1] - begin > PART_WIDTH * SLICE:
            add_parts(slice_, sums, pull, curvature)
            begin = starts[slice_ + 1]
        for first in range(begin, starts[slice_ + 1], GATHERED_EDGES * SLICE):
            width = min(GATHERED_EDGES, (starts[slice_ + 1] - first) // SLICE)
            if places.ndim == 1:
                gather_places(first, width * SLICE, places, indices, gathered)
                here = weights[first : first + width * SLICE]
                pull_in_plane(width, raw, own[0], own[1], here, s, pull[0], pull[1], curvature)
            else:
                pull_anywhere(first, width, positions, own, indices, weights, s, difference, gathered, pull)
        for lane in range(rows):
            for k in range(d):
                gradient[slice_ * SLICE + lane - low, k] = pull[k, lane]
                curvatures[slice_ * SLICE + lane - low, k] = curvature[lane]


@parallel_kernel
def attract_parts(first_row, n_rows, positions, places, starts, indices, weights, sums, settings):
    """Write the pulls and curvatures of all parts of the wide slices to `sums`, which begins with the parts.

    A part (slice, k) consists of the edges k PART_WIDTH to (k + 1) PART_WIDTH of each row of a slice. Since the sums
    are divided in this way, several threads share the edges of one row.
    """
    parts, pulls, curvatures = sums
    for t in prange(parts.shape[0]):
        prefer_wide_vectors()
        slice_ = parts[t, 0]
        rows = min(SLICE, n_rows - slice_ * SLICE)
        span = np.empty(2, np.int64)
        span[0] = starts[slice_] + parts[t, 1] * PART_WIDTH * SLICE
        span[1] = min(starts[slice_ + 1], span[0] + PART_WIDTH * SLICE)
        edges = span, indices, weights, sums
        low = first_row + slice_ * SLICE
        attract_block(low, 0, rows, positions, places, *edges, settings[0], pulls[t], curvatures[t])
