"""Nearest rows with many ties: groups of equal rows, and a choice within the last groups."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.numbers import BLOCK_ROWS, below, f4, mix
from umap_sk.runtime.compile import kernel, parallel_kernel


@parallel_kernel
def row_keys(indptr, distances, keys):
    """Write 64 bits that depend on the distances of a row, in their order."""
    for i in prange(keys.shape[0]):
        key = uint64(0)
        for e in range(indptr[i], indptr[i + 1]):
            key = mix(key ^ uint64(f4(distances[e]).view(np.uint32)))
        keys[i] = key


@kernel
def is_among(chosen, count, j):
    """Return whether one of the first `count` numbers is j."""
    for q in range(count):
        if chosen[q] == j:
            return True
    return False


@kernel
def strongest_first(i, edges, of_rows, shell, chosen, strengths):
    """Write the strongest neighbors of row i in the groups of a shell, and return their number.

    Among equal strengths, smaller keys come first. The number is limited by the size of `chosen`.
    """
    indptr, indices, weights = edges
    group_of, keys = of_rows
    count = 0
    for e in range(indptr[i], indptr[i + 1]):
        j = np.int64(indices[e])
        if not is_among(shell, shell.shape[0], group_of[j]):
            continue
        place = count
        while place > 0 and (
            weights[e] > strengths[place - 1]
            or (weights[e] == strengths[place - 1] and keys[j] < keys[chosen[place - 1]])
        ):
            if place < chosen.shape[0]:
                chosen[place] = chosen[place - 1]
                strengths[place] = strengths[place - 1]
            place -= 1
        if place < chosen.shape[0]:
            chosen[place] = j
            strengths[place] = weights[e]
            count = min(count + 1, chosen.shape[0])
    return count


@kernel
def first_not_below(members, keys, low, high, key):
    """Return the first index in [low, high) whose member's key is not below a key, or `low` if there is none."""
    first, last = low, high
    while low < high:
        middle = (low + high) // 2
        if keys[members[middle]] < key:
            low = middle + 1
        else:
            high = middle
    return first if low == last else low


@kernel
def draw_others(i, starts, members, keys, shell, chosen, count):
    """Fill `chosen`, from `count` on, with other members of a shell, drawn by the key of row i.

    Each draw is a position among the keys of one group. The next member from there is chosen, in a cycle over all
    groups.
    """
    size = 0
    for g in shell:
        size += starts[g + 1] - starts[g]
    draw = keys[i]
    while count < chosen.shape[0]:
        draw = mix(draw)
        rest = below(draw, size)
        q = 0
        while rest >= starts[shell[q] + 1] - starts[shell[q]]:
            rest -= starts[shell[q] + 1] - starts[shell[q]]
            q += 1
        place = first_not_below(members, keys, starts[shell[q]], starts[shell[q] + 1], mix(draw))
        while members[place] == i or is_among(chosen, count, members[place]):
            place += 1
            if place == starts[shell[q] + 1]:
                q = (q + 1) % shell.shape[0]
                place = starts[shell[q]]
        chosen[count] = members[place]
        count += 1


@kernel
def choose_nearest(i, edges, groups, of_rows, near, away, chosen, dists, strengths):
    """Choose the nearest other rows of row i, group by group, and some rows of the last shell of groups."""
    starts, members = groups
    count = 0
    first = 0
    while count < chosen.shape[0]:
        last = first
        size = 0
        while last < near.shape[0] and away[last] == away[first]:
            size += starts[near[last] + 1] - starts[near[last]]
            last += 1
        before = count
        others = size - (1 if first == 0 else 0)  # the row's own group is in the first shell
        if others <= chosen.shape[0] - count or size == last - first:
            for g in near[first:last]:
                for place in range(starts[g], starts[g + 1]):
                    if members[place] != i and count < chosen.shape[0]:
                        chosen[count] = members[place]
                        count += 1
        else:
            room = chosen[count:]
            found = strongest_first(i, edges, of_rows, near[first:last], room, strengths)
            draw_others(i, starts, members, of_rows[1], near[first:last], room, found)
            count = chosen.shape[0]
        for q in range(before, count):
            dists[q] = away[first]
        first = last


@parallel_kernel
def nearest_among_groups(
    indptr, indices, weights, starts, members, group_of, keys, near, away, chosen, dists
):  # fmt: skip
    """Write the nearest other rows of each row, and their distances, from the nearest groups of each group.

    Group g consists of the rows ``members[starts[g]:starts[g + 1]]``, in ascending order of their keys. ``near[g]`` are
    its nearest groups, with itself first, and ``away[g]`` are their distances. Equally near groups can have more rows
    than there is room for. A row then chooses its strongest neighbors in the graph, and then rows that its key draws.
    If each of these groups has one row, it chooses the first ones.
    """
    n, count = chosen.shape
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        strengths = np.empty(count, f4)
        for i in range(block * BLOCK_ROWS, min(n, block * BLOCK_ROWS + BLOCK_ROWS)):
            choose_nearest(
                i, (indptr, indices, weights), (starts, members), (group_of, keys),
                near[group_of[i]], away[group_of[i]], chosen[i], dists[i], strengths,
            )  # fmt: skip
