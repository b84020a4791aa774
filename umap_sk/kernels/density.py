"""Density (densMAP; Narayan, Berger, Cho 2021): radii of neighborhoods in the data and in the map, and their force."""

import numpy as np
from numba import prange

from umap_sk.kernels.forces import CLOSEST
from umap_sk.kernels.numbers import BLOCK_ROWS, f4, log_of, power
from umap_sk.kernels.sell import GATHERED_EDGES, SLICE
from umap_sk.kernels.union import place_of
from umap_sk.runtime.compile import kernel, parallel_kernel

ADDED_SQUARE = 1e-8  # added to mean squared distances, as in umap-learn
LOG_ADDED_SQUARE = -18.420680743952367


@kernel
def log_radius(mean_square):
    """Return the logarithm of a mean squared distance plus ADDED_SQUARE, in float64."""
    return log_of(1.0 + np.float64(mean_square) / ADDED_SQUARE) + LOG_ADDED_SQUARE


@kernel
def listed_distance(indptr, indices, distances, row, column):
    """Return the distance at which a row lists another, or 0."""
    last = indptr[row + 1]
    place = place_of(indices, indptr[row], last, column)
    if place < last and np.int64(indices[place]) == column:
        return np.float64(distances[place])
    return 0.0


@parallel_kernel
def data_radii(indptr, indices, weights, listed_indptr, listed, distances, out):
    """Write the log of each row's mean squared distance along its edges, weighted by strength. It is NaN without edges.

    Distances are those of the neighbors from which the graph was made, sorted by index. If both ends list an edge, its
    distance is the larger one.
    """
    for i in prange(out.shape[0]):
        total = 0.0
        whole = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            j = np.int64(indices[e])
            forth = listed_distance(listed_indptr, listed, distances, i, j)
            distance = max(forth, listed_distance(listed_indptr, listed, distances, j, i))
            weight = np.float64(weights[e])
            total += weight * (distance * distance)
            whole += weight
        out[i] = log_radius(total / whole) if whole > 0.0 else np.nan


@kernel
def gather_rows(first, count, rows, indices, out):
    """Write the rows at the other ends of `count` edges, column by column."""
    for k in range(rows.shape[1]):
        for q in range(count):
            out[k, q] = rows[indices[first + q], k]


@kernel
def square_to_own(gathered, own, d, width, softening, squared):
    """Write the softened squared distances of a slice's rows to the other ends of `width` edges of each."""
    for q in range(width * SLICE):
        squared[q] = CLOSEST + softening
    for k in range(d):
        for t in range(width):
            for lane in range(SLICE):
                difference = own[k, lane] - gathered[k, t * SLICE + lane]
                squared[t * SLICE + lane] += difference * difference


@kernel
def add_nearness(first, width, squared, weights, a, b, nearness, spread):
    """Add the similarities in the map along the edges of a slice's rows, and these times the squared lengths."""
    for t in range(width):
        for lane in range(SLICE):
            x = squared[t * SLICE + lane]
            near = f4(1) / (f4(1) + a * power(x, b))
            near = near if weights[first + t * SLICE + lane] > f4(0) else f4(0)
            nearness[lane] += near
            spread[lane] += near * x


@parallel_kernel
def map_radii(positions, starts, indices, weights, settings, nearness, radii, logarithms):
    """Write each row's sum of similarities along its edges, and the weighted mean square of the edges' lengths."""
    n, d = positions.shape
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        s = settings[0]
        own = np.zeros((d, SLICE), f4)
        gathered = np.empty((d, GATHERED_EDGES * SLICE), f4)
        squared = np.empty(GATHERED_EDGES * SLICE, f4)
        whole = np.empty(SLICE, f4)
        spread = np.empty(SLICE, f4)
        for slice_ in range(block * BLOCK_ROWS // SLICE, (min(n, (block + 1) * BLOCK_ROWS) + SLICE - 1) // SLICE):
            rows = min(SLICE, n - slice_ * SLICE)
            whole[:] = f4(0)
            spread[:] = f4(0)
            for lane in range(rows):
                for k in range(d):
                    own[k, lane] = positions[slice_ * SLICE + lane, k]
            for first in range(starts[slice_], starts[slice_ + 1], GATHERED_EDGES * SLICE):
                width = min(GATHERED_EDGES, (starts[slice_ + 1] - first) // SLICE)
                gather_rows(first, width * SLICE, positions, indices, gathered)
                square_to_own(gathered, own, d, width, s.softening, squared)
                add_nearness(first, width, squared, weights, s.a, s.b, whole, spread)
            for lane in range(rows):
                i = slice_ * SLICE + lane
                nearness[i] = whole[lane]
                radii[i] = spread[lane] / whole[lane] if whole[lane] > f4(0) else f4(0)
                logarithms[i] = log_radius(radii[i])


@parallel_kernel
def sums_of_blocks(counted, values, others, sums):
    """Write, for each block, the number of counted rows and the sums of values, squares, and products with others."""
    n = values.shape[0]
    for block in prange(sums.shape[0]):
        rows = 0
        total = 0.0
        squares = 0.0
        products = 0.0
        for i in range(block * BLOCK_ROWS, min(n, (block + 1) * BLOCK_ROWS)):
            if counted[i] > f4(0):
                value = np.float64(values[i])
                rows += 1
                total += value
                squares += value * value
                products += value * np.float64(others[i])
        sums[block, 0] = rows
        sums[block, 1] = total
        sums[block, 2] = squares
        sums[block, 3] = products


@parallel_kernel
def density_slopes(positions, nearness, radii, logarithms, target, mean, slope, scale, out):
    """Write each row's position, and the derivatives of the objective by its mean square and by its similarities.

    The derivative of the correlation by a row's logarithm is `scale` (target - slope (logarithm - mean)).
    """
    n, d = positions.shape
    for i in prange(n):
        for k in range(d):
            out[i, k] = positions[i, k]
        gain = f4(0)
        if nearness[i] > f4(0):
            gain = scale * (target[i] - slope * (logarithms[i] - mean)) / (nearness[i] * (radii[i] + f4(ADDED_SQUARE)))
        out[i, d] = gain
        out[i, d + 1] = gain * (radii[i] + f4(ADDED_SQUARE))


@kernel
def add_density_terms(first, width, squared, gathered, own, weights, a, b, force):
    """Add the force of `width` edges of a slice's rows: the edge times twice the derivative by the squared length.

    With the similarity p = 1 / (1 + a x^b) of the squared length x, d(p x)/dx = p (1 - b (1 - p)), and -dp/dx = b p (1
    - p) / x.
    """
    d = force.shape[0]
    for t in range(width):
        for lane in range(SLICE):
            x = squared[t * SLICE + lane]
            grown = a * power(x, b)
            share = f4(1) / ((f4(1) + grown) * x)
            near = share * x
            wider = (own[d, lane] + gathered[d, t * SLICE + lane]) * (f4(1) - b * (f4(1) - near))
            looser = (own[d + 1, lane] + gathered[d + 1, t * SLICE + lane]) * (b * (grown * share))
            term = near * (wider + looser)
            squared[t * SLICE + lane] = term if weights[first + t * SLICE + lane] > f4(0) else f4(0)
    for k in range(d):
        for t in range(width):
            for lane in range(SLICE):
                force[k, lane] += squared[t * SLICE + lane] * (own[k, lane] - gathered[k, t * SLICE + lane])


@parallel_kernel
def add_density(slopes, starts, indices, weights, degree, settings, out):
    """Add the gradient of the radii's correlation to the field.

    `slopes` are those of :func:`density_slopes`. A field is later multiplied by s.negative_rate and the degree.
    """
    n, d = slopes.shape[0], slopes.shape[1] - 2
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        s = settings[0]
        own = np.zeros((d + 2, SLICE), f4)
        gathered = np.empty((d + 2, GATHERED_EDGES * SLICE), f4)
        squared = np.empty(GATHERED_EDGES * SLICE, f4)
        force = np.empty((d, SLICE), f4)
        for slice_ in range(block * BLOCK_ROWS // SLICE, (min(n, (block + 1) * BLOCK_ROWS) + SLICE - 1) // SLICE):
            rows = min(SLICE, n - slice_ * SLICE)
            force[:] = f4(0)
            for lane in range(rows):
                for k in range(d + 2):
                    own[k, lane] = slopes[slice_ * SLICE + lane, k]
            for first in range(starts[slice_], starts[slice_ + 1], GATHERED_EDGES * SLICE):
                width = min(GATHERED_EDGES, (starts[slice_ + 1] - first) // SLICE)
                gather_rows(first, width * SLICE, slopes, indices, gathered)
                square_to_own(gathered, own, d, width, s.softening, squared)
                add_density_terms(first, width, squared, gathered, own, weights, s.a, s.b, force)
            for lane in range(rows):
                i = slice_ * SLICE + lane
                if degree[i] > f4(0):
                    for k in range(d):
                        out[i, k] += force[k, lane] / (s.negative_rate * degree[i])
