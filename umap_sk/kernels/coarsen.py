"""Aggregation: independent sets (Luby 1986), and the edges between groups."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.numbers import f4, mix
from umap_sk.kernels.turns import divide_blocks, next_block
from umap_sk.runtime.compile import kernel, parallel_kernel, serial_kernel


@parallel_kernel
def choose_members(state, first_row, indptr, indices, seed, depth, decided):
    """Run the first half of one of Luby's rounds.

    An undecided vertex (0) becomes a member (1) if it has a higher priority than its undecided neighbors. `state`
    belongs to all vertices, and other arrays to those from `first_row` on.
    """
    salt = mix(uint64(seed) + uint64(depth))
    for row in prange(decided.shape[0]):
        i = first_row + row
        decided[row] = state[i]
        if state[i] == 0:
            priority = mix(salt ^ uint64(i))  # no two vertices have the same
            decided[row] = 1
            for e in range(indptr[row], indptr[row + 1]):
                j = indices[e]
                if state[j] == 0 and mix(salt ^ uint64(j)) > priority:
                    decided[row] = 0
                    break


@parallel_kernel
def exclude_neighbors(decided, first_row, indptr, indices, state):
    """Run the second half of a round: undecided neighbors of members are excluded (2).

    `decided` belongs to all vertices.
    """
    for row in prange(state.shape[0]):
        state[row] = decided[first_row + row]
        if state[row] == 0:
            for e in range(indptr[row], indptr[row + 1]):
                if decided[indices[e]] == 1:
                    state[row] = 2
                    break


@parallel_kernel
def aggregate_strongest(state, number, first_row, indptr, indices, weights, owner):
    """Join each vertex outside of the independent set with the member at its strongest edge.

    `state` and `number` belong to all vertices, and other arrays to those from `first_row` on.
    """
    for row in prange(owner.shape[0]):
        i = first_row + row
        owner[row] = number[i]
        if state[i] != 1:
            best = f4(-1)
            for e in range(indptr[row], indptr[row + 1]):
                j = indices[e]
                if state[j] == 1 and weights[e] > best:
                    best = weights[e]
                    owner[row] = number[j]


@serial_kernel
def group_members(owner, member_indptr, members):
    """Write the vertices sorted by owner, in ascending order.

    `member_indptr` contains the prefix sums of the counts.
    """
    place = member_indptr[:-1].copy()
    for i in range(owner.shape[0]):
        members[place[owner[i]]] = i
        place[owner[i]] += 1


@kernel
def widest_group(first, last, member_indptr, members, indptr):
    """Return a power of two that is at least twice the number of edges of any group in [first, last)."""
    widest = 1
    for c in range(first, last):
        edges = 0
        for m in range(member_indptr[c], member_indptr[c + 1]):
            edges += indptr[members[m] + 1] - indptr[members[m]]
        widest = max(widest, edges)
    size = 2
    while size < 2 * widest:
        size *= 2
    return size


@parallel_kernel
def paths_to_roots(root, owner, first_row, indptr, indices, between, ends, paths):
    """Write the length of the path from the end of a vertex's edge, over the vertex, to the root of its group.

    The length of an edge is the sum of the `ends` of both vertices and `between`, which has one number for all edges or
    one for each. `paths`, `indptr` and `indices` belong to the vertices from `first_row` on, and other arrays to all.
    """
    last = between.shape[0] - 1
    for row in prange(paths.shape[0]):
        i = first_row + row
        own_root = np.int64(root[owner[i]])
        path = ends[i]
        if own_root != i:
            for e in range(indptr[row], indptr[row + 1]):
                if indices[e] == own_root:
                    path += (ends[i] + ends[own_root]) + between[min(e, last)]
                    break
        paths[row] = path


@kernel
def gather_coarse_row(c, first, last, members, indptr, indices, weights, owner, own_paths, paths, keys, totals, slots):
    """Merge the edges of a group's members by the owner of their other end in a hash table.

    Return the number of owners. The members are members[first:last]. Weights are added. If there are `paths`, weights
    are lengths, and the shortest path is kept.
    """
    mask = keys.shape[0] - 1
    last_weight = weights.shape[0] - 1
    measured = paths.shape[0] > 0
    count = 0
    for m in range(first, last):
        i = members[m]
        for e in range(indptr[i], indptr[i + 1]):
            key = np.int64(owner[indices[e]])
            if key == c:
                continue
            slot = np.int64((uint64(key) * uint64(0x9E3779B97F4A7C15)) >> uint64(40)) & mask
            while keys[slot] >= 0 and keys[slot] != key:
                slot = (slot + 1) & mask
            if keys[slot] < 0:
                keys[slot] = key
                totals[slot] = f4(np.inf) if measured else f4(0)
                slots[count] = slot
                count += 1
            if measured:
                length = (own_paths[i] + paths[indices[e]]) + weights[min(e, last_weight)]
                totals[slot] = min(totals[slot], length)
            else:
                totals[slot] += weights[e]
    return count


@parallel_kernel
def coarse_rows(
    member_indptr,
    members,
    indptr,
    indices,
    weights,
    scale,
    least,
    owner,
    own_paths,
    paths,
    first_vertex,
    starts,
    out_indices,
    out_weights,
    lengths,
):
    """Write the edges of some coarse vertices, from `first_vertex` on.

    Their weights are added and multiplied by `scale`. The r-th vertex has members from member_indptr[r] on. Its
    lengths[r] edges begin at starts[r], with room for all edges of its members. Edges weaker than `least` are removed,
    unless they are the vertex's strongest.

    If there are `paths` from the ends of edges to the roots of groups, weights are lengths between the ends, and an
    edge is the shortest path between roots. `paths` belong to all vertices, and `own_paths` to the rows of the graph.
    """
    n = lengths.shape[0]
    turns = divide_blocks((n + 255) // 256)
    for thread in prange(turns.shape[0]):
        block = next_block(turns, thread)
        while block >= 0:
            low = block * 256
            high = min(n, low + 256)
            size = widest_group(low, high, member_indptr, members, indptr)
            keys = np.full(size, -1, np.int64)
            totals = np.empty(size, f4)
            slots = np.empty(size, np.int64)
            for r in range(low, high):
                bounds = member_indptr[r], member_indptr[r + 1]
                edges = members, indptr, indices, weights, owner, own_paths, paths
                count = gather_coarse_row(first_vertex + r, *bounds, *edges, keys, totals, slots)
                strongest = f4(0)
                for s in range(count):
                    strongest = max(strongest, totals[slots[s]] * scale)
                bar = min(least, strongest)
                place = starts[r]
                for s in range(count):
                    weight = totals[slots[s]] * scale
                    key = keys[slots[s]]
                    keys[slots[s]] = -1
                    if weight >= bar:
                        out_indices[place] = key
                        out_weights[place] = weight
                        place += 1
                lengths[r] = place - starts[r]
            block = next_block(turns, thread)


@parallel_kernel
def row_sums(indptr, weights, scale, degree):
    """Write the sum of each row's weights, times `scale`."""
    for i in prange(degree.shape[0]):
        total = f4(0)
        for e in range(indptr[i], indptr[i + 1]):
            total += weights[e]
        degree[i] = total * scale
