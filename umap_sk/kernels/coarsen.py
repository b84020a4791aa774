"""Coarser graphs by aggregation: independent sets (Luby 1986), and the edges of the groups."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.numbers import BLOCK_ROWS, f4, mix
from umap_sk.kernels.turns import next_block, shared_out
from umap_sk.runtime.compile import kernel, parallel_kernel, serial_kernel


@parallel_kernel
def choose_members(state, first_row, indptr, indices, seed, depth, decided):
    """First half of one of Luby's rounds: an undecided vertex (0) that beats its undecided neighbors is a member (1).

    `state` is of all vertices, everything else of those from `first_row` on.
    """
    n = decided.shape[0]
    salt = mix(uint64(seed) + uint64(depth))
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        for row in range(block * BLOCK_ROWS, min(n, (block + 1) * BLOCK_ROWS)):
            i = first_row + row
            decided[row] = state[i]
            if state[i] == 0:
                mine = mix(salt ^ uint64(i))
                best = True
                for e in range(indptr[row], indptr[row + 1]):
                    j = np.int64(indices[e])
                    if state[j] == 0 and j != i:
                        other = mix(salt ^ uint64(j))
                        if other > mine or (other == mine and j > i):
                            best = False
                            break
                if best:
                    decided[row] = 1


@parallel_kernel
def exclude_neighbors(decided, first_row, indptr, indices, state):
    """Second half of a round: an undecided neighbor of a member is none (2). `decided` is of all vertices."""
    n = state.shape[0]
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        for row in range(block * BLOCK_ROWS, min(n, (block + 1) * BLOCK_ROWS)):
            state[row] = decided[first_row + row]
            if state[row] == 0:
                for e in range(indptr[row], indptr[row + 1]):
                    if decided[indices[e]] == 1:
                        state[row] = 2
                        break


@parallel_kernel
def aggregate_strongest(state, number, first_row, indptr, indices, weights, owner):
    """Every vertex outside of the independent set joins the member at its strongest edge.

    `state` and `number` are of all vertices, everything else of those from `first_row` on.
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
    """Vertices by owner, in ascending order; `member_indptr` arrives as the counts' prefix sums."""
    place = member_indptr[:-1].copy()
    for i in range(owner.shape[0]):
        members[place[owner[i]]] = i
        place[owner[i]] += 1


@kernel
def widest_group(first, last, member_indptr, members, indptr):
    """Power of two that is at least twice the edges of any group in [first, last)."""
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
    """Length of the path from the end of any of a vertex's edges over the vertex to the root of its group.

    An edge is as long as what its two `ends` and what `between` them adds, one value for all or one for each. `paths`,
    `indptr` and `indices` are of the vertices from `first_row` on, everything else of all.
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
    """Bring together the edges of c's members by the owner of their other end in a hash table; the number of owners.

    The members are members[first:last]. Weights are added up; where there are `paths`, weights are lengths, and the
    shortest path counts.
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
    """Edges of some coarse vertices, from `first_vertex` on, their weights added up and multiplied by `scale`.

    The r-th of them has members from member_indptr[r] on, and lengths[r] edges from starts[r] on, where there is room
    for all edges of its members. Edges that are weaker than `least`, and are not the vertex's strongest, are left out.
    Where there are `paths` from the ends of edges to the roots of groups, of all vertices and as `own_paths` of the
    rows of the graph, weights are what lies between the ends, and an edge is the shortest path from root to root.
    """
    n = lengths.shape[0]
    turns = shared_out((n + 255) // 256)
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
    """Sum of every row's weights, times `scale`."""
    for i in prange(degree.shape[0]):
        total = f4(0)
        for e in range(indptr[i], indptr[i + 1]):
            total += weights[e]
        degree[i] = total * scale
