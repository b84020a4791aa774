"""Pieces of a graph in several processes: edges that are sent to the piece of their other end."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.union import fuzzy_union, place_of
from umap_sk.runtime.compile import kernel, parallel_kernel, serial_kernel


@serial_kernel
def count_sent(indptr, indices, first_target, counts):
    """Count the edges of some rows by their targets, from `first_target` on. The edges are sorted by index."""
    last_target = first_target + counts.shape[0]
    for i in range(indptr.shape[0] - 1):
        stop = place_of(indices, indptr[i], indptr[i + 1], last_target)
        for e in range(place_of(indices, indptr[i], indptr[i + 1], first_target), stop):
            counts[np.int64(indices[e]) - first_target] += 1


@serial_kernel
def fill_sent(indptr, indices, weights, first_row, first_target, starts, sources, out):
    """Write the sources and weights of these edges, target by target and in ascending order.

    `starts` is overwritten.
    """
    last_target = first_target + starts.shape[0]
    for i in range(indptr.shape[0] - 1):
        stop = place_of(indices, indptr[i], indptr[i + 1], last_target)
        for e in range(place_of(indices, indptr[i], indptr[i + 1], first_target), stop):
            target = np.int64(indices[e]) - first_target
            sources[starts[target]] = first_row + i
            out[starts[target]] = weights[e]
            starts[target] += 1


@kernel
def merge_row(own, own_weights, more, more_weights, ratio, indices, weights):
    """Write the fuzzy union of a row and the edges sent to it, sorted by index.

    Return the number of edges with a weight.
    """
    none = uint64(0xFFFFFFFFFFFFFFFF)
    count = p = q = 0
    while p < own.shape[0] or q < more.shape[0]:
        left = uint64(own[p]) if p < own.shape[0] else none
        right = uint64(more[q]) if q < more.shape[0] else none
        forth = own_weights[p] if left <= right else np.float32(0)
        back = more_weights[q] if right <= left else np.float32(0)
        p += int(left <= right)
        q += int(right <= left)
        weight = fuzzy_union(forth, back, ratio)
        if weight > 0:
            indices[count] = min(left, right)
            weights[count] = weight
            count += 1
    return count


@parallel_kernel
def unite_rows(indptr, indices, weights, sent_indptr, sources, sent_weights, ratio, out_indices, out_weights, lengths):
    """Write the fuzzy unions of rows and the edges sent to them. Row i begins at indptr[i] + sent_indptr[i]."""
    for i in prange(lengths.shape[0]):
        first, last = indptr[i], indptr[i + 1]
        more, end = sent_indptr[i], sent_indptr[i + 1]
        lengths[i] = merge_row(
            indices[first:last],
            weights[first:last],
            sources[more:end],
            sent_weights[more:end],
            ratio,
            out_indices[first + more : last + end],
            out_weights[first + more : last + end],
        )


@parallel_kernel
def copy_rows(indptr, indices, weights, rows, out_indptr, out_indices, out_weights):
    """Copy some rows of a graph in the requested order. Row i begins at out_indptr[i]."""
    for i in prange(rows.shape[0]):
        first = indptr[rows[i]]
        for e in range(indptr[rows[i] + 1] - first):
            out_indices[out_indptr[i] + e] = indices[first + e]
            out_weights[out_indptr[i] + e] = weights[first + e]
