"""The fuzzy union: sorted rows, mutual edges, and a merge with the other direction."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.neighbors import longest
from umap_sk.kernels.numbers import BLOCK_ROWS, f4
from umap_sk.kernels.turns import divide_blocks, next_block
from umap_sk.runtime.compile import kernel, parallel_kernel

LOOKED_UP_EDGES = 256  # edges whose other entries are searched at once


@kernel
def round_up_to_eight(count):
    """Return the next multiple of 8, so that a loop has no remainder."""
    return (count + 7) // 8 * 8


@parallel_kernel
def sort_rows(indptr, indices, values):
    """Sort each row by index. Rows are short, so the position of an entry is the number of smaller ones."""
    n = indptr.shape[0] - 1
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        low = block * BLOCK_ROWS
        high = min(n, low + BLOCK_ROWS)
        width = longest(indptr, low, high)
        keys = np.empty(round_up_to_eight(width), indices.dtype)
        carried = np.empty(width, values.dtype)
        for i in range(low, high):
            first = indptr[i]
            count = indptr[i + 1] - first
            largest = indices[first] if count > 0 else 0
            for q in range(count):
                keys[q] = indices[uint64(first + q)]
                carried[q] = values[uint64(first + q)]
                largest = max(largest, keys[q])
            keys[count : round_up_to_eight(count)] = largest
            for q in range(count):
                place = uint64(first + place_of(keys, 0, round_up_to_eight(count), keys[q]))
                indices[place] = keys[q]
                values[place] = carried[q]


@kernel
def place_of(indices, first, last, column):
    """Return the position of `column` in a sorted row, or where it would be inserted. A count needs no branch."""
    count = np.int32(0)
    for e in range(last - first):
        count += np.int32(indices[uint64(first + e)] < column)
    return first + np.int64(count)


@kernel
def fuzzy_union(forth, back, mix_ratio):
    """Return the weight of the mixture of fuzzy union and intersection (McInnes et al. 2018, section 4.1)."""
    return mix_ratio * (forth + back) + (f4(1) - f4(2) * mix_ratio) * (forth * back)


@parallel_kernel
def join_mutual(indptr, indices, weights, mix_ratio):
    """Write the final weight to both entries of a mutual edge, with a minus sign as the mark.

    Only one of the two rows accesses the two entries, so that no entry has two writers or readers. It is the smaller
    index if the difference of both is even, and else the larger one, which is about half of each row's edges. Edges are
    searched many at a time, each step for all of them, so that the processor waits for many rows at once.
    """
    n = indptr.shape[0] - 1
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        low = block * BLOCK_ROWS
        high = min(n, low + BLOCK_ROWS)
        forth = np.empty(LOOKED_UP_EDGES, np.int64)
        source = np.empty(LOOKED_UP_EDGES, np.int64)
        bounds = np.empty((2, LOOKED_UP_EDGES), np.int64)
        back = np.empty(LOOKED_UP_EDGES, np.int64)
        weight = np.empty((2, LOOKED_UP_EDGES), f4)
        row = low
        for start in range(indptr[low], indptr[high], LOOKED_UP_EDGES):
            count = 0
            for e in range(start, min(indptr[high], start + LOOKED_UP_EDGES)):
                while e >= indptr[row + 1]:
                    row += 1
                forth[count] = e
                source[count] = row
                other = np.int64(indices[uint64(e)])
                count += int((other > row) == ((other ^ row) & 1 == 0))
            for q in range(count):
                j = uint64(indices[uint64(forth[q])])
                bounds[0, q] = indptr[j]
                bounds[1, q] = indptr[j + uint64(1)]
            for q in range(count):  # loads the rows from memory before they are searched
                last = max(0, bounds[1, q] - 1)
                back[q] = np.int64(indices[min(bounds[0, q], last)]) + np.int64(indices[last])
            mutual = 0
            for q in range(count):
                place = place_of(indices, bounds[0, q], bounds[1, q], source[q])
                back[mutual] = place
                forth[mutual] = forth[q]
                found = np.int64(indices[max(0, min(place, bounds[1, q] - 1))]) == source[q]
                mutual += int(place < bounds[1, q]) & int(found)
            for q in range(mutual):
                weight[0, q] = weights[forth[q]]
                weight[1, q] = weights[back[q]]
            for q in range(mutual):
                if weight[0, q] > 0 and weight[1, q] > 0:
                    weights[forth[q]] = -fuzzy_union(weight[0, q], weight[1, q], mix_ratio)
                    weights[back[q]] = weights[forth[q]]


@kernel
def compute_final_weight(weight, mix_ratio):
    """Return the final weight of an entry after `join_mutual`."""
    return -weight if weight < 0 else fuzzy_union(weight, f4(0), mix_ratio)


@parallel_kernel
def count_union(indptr, indices, weights, mix_ratio, own, received):
    """Count the edges of the symmetric graph: each row's own, and for each part those that only the other end lists."""
    n = indptr.shape[0] - 1
    parts = received.shape[0]
    for part in prange(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            kept = 0
            for e in range(indptr[i], indptr[i + 1]):
                if compute_final_weight(weights[uint64(e)], mix_ratio) > 0:
                    kept += 1
                    if weights[uint64(e)] > 0:
                        received[uint64(part), uint64(indices[uint64(e)])] += 1
            own[i] = kept


@parallel_kernel
def fill_received(indptr, indices, weights, mix_ratio, received, out_indptr, out_indices, out_weights):
    """Write the edges that only their source lists to the rows of their targets, behind the room for own edges."""
    n = indptr.shape[0] - 1
    parts = received.shape[0]
    for part in prange(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            for e in range(indptr[i], indptr[i + 1]):
                if weights[uint64(e)] > 0:
                    weight = compute_final_weight(weights[uint64(e)], mix_ratio)
                    if weight > 0:
                        j = uint64(indices[uint64(e)])
                        place = uint64(out_indptr[j] + received[uint64(part), j])
                        received[uint64(part), j] += 1
                        out_indices[place] = i
                        out_weights[place] = weight


@kernel
def pack_edge(index, weight):
    """Return an edge as one number. The order of these numbers is that of the indices."""
    return (uint64(index) << uint64(32)) | uint64(np.uint32(f4(weight).view(np.int32)))


@kernel
def unpack_edge(edge, e, indices, weights):
    """Write an edge of `pack_edge` to entry `e`."""
    indices[uint64(e)] = edge >> uint64(32)
    weights[uint64(e)] = np.int32(edge & uint64(0xFFFFFFFF)).view(f4)


@kernel
def merge_two(own, n_own, more, n_more, first, indices, weights):
    """Merge two sorted lists of packed edges, and write the edges from entry `first` on.

    The lower half is merged upwards and the upper half downwards, so that the processor does both at once. The lists
    begin at 1, between a number that is smaller and one that is larger than any edge. No step has a branch.
    """
    own[n_own + 1] = uint64(0xFFFFFFFFFFFFFFFF)
    more[n_more + 1] = uint64(0xFFFFFFFFFFFFFFFF)
    low_own = 1
    low_more = 1
    high_own = n_own
    high_more = n_more
    for e in range((n_own + n_more + 1) // 2):
        low = (own[uint64(low_own)], more[uint64(low_more)])
        unpack_edge(min(low), first + e, indices, weights)
        from_own = int(low[0] < low[1])
        low_own += from_own
        low_more += 1 - from_own
        high = (own[uint64(high_own)], more[uint64(high_more)])
        unpack_edge(max(high), first + n_own + n_more - 1 - e, indices, weights)
        from_own = int(high[0] > high[1])
        high_own -= from_own
        high_more -= 1 - from_own


@parallel_kernel
def merge_received(indptr, indices, weights, mix_ratio, out_indptr, out_indices, out_weights):
    """Merge each row's own edges with those that it received. Both are sorted."""
    n = indptr.shape[0] - 1
    turns = divide_blocks((n + BLOCK_ROWS - 1) // BLOCK_ROWS)
    for thread in prange(turns.shape[0]):
        block = next_block(turns, thread)
        while block >= 0:
            low = block * BLOCK_ROWS
            high = min(n, low + BLOCK_ROWS)
            width = longest(out_indptr, low, high) + 2
            own = np.zeros(width, np.uint64)
            more = np.zeros(width, np.uint64)
            for i in range(low, high):
                count = 0
                for e in range(indptr[i], indptr[i + 1]):
                    weight = compute_final_weight(weights[uint64(e)], mix_ratio)
                    own[count + 1] = pack_edge(indices[uint64(e)], weight)
                    count += int(weight > 0)
                first = out_indptr[i] + count
                received = out_indptr[i + 1] - first
                for q in range(received):
                    e = uint64(first + q)
                    more[q + 1] = pack_edge(out_indices[e], out_weights[e])
                merge_two(own, count, more, received, out_indptr[i], out_indices, out_weights)
            block = next_block(turns, thread)
