"""Nearest rows where many rows are equally near: groups of equal rows, and a choice within the last ones."""

import numpy as np
from numba import prange, uint64

from umap_sk.kernels.numbers import BLOCK_ROWS, below, f4, mix
from umap_sk.runtime.compile import kernel, parallel_kernel


@parallel_kernel
def row_keys(indptr, distances, keys):
    """64 bits that the distances of a row, in their order, decide."""
    n = indptr.shape[0] - 1
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        for i in range(block * BLOCK_ROWS, min(n, block * BLOCK_ROWS + BLOCK_ROWS)):
            key = uint64(0)
            for e in range(indptr[i], indptr[i + 1]):
                key = mix(key ^ uint64(f4(distances[e]).view(np.uint32)))
            keys[i] = key


@kernel
def is_among(chosen, count, j):
    """Whether one of the first `count` numbers is j."""
    for q in range(count):
        if chosen[q] == j:
            return True
    return False


@kernel
def strongest_first(i, edges, of_rows, shell, chosen, strengths):
    """Write the strongest neighbors of row i that lie in the groups of a shell, of equal ones the smaller key first.

    Returns how many there are, at most as many as there is room for in `chosen`.
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
    """The first of the places [low, high) whose member's key is not below a key; `low` if all of them are."""
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

    Each draw points into the keys of one group; the member that comes next from there, round all groups, is taken.
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
    """Nearest other rows of row i, group by group; of the shell of groups that has too many, those that are chosen."""
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
    """Nearest other rows of each row, and their distances, from the nearest groups of each group.

    Group g consists of the rows ``members[starts[g]:starts[g + 1]]``, in ascending order of their keys; ``near[g]`` are
    the groups nearest to it, itself first, and ``away[g]`` their distances. Of groups that are equally near, and have
    more rows than there is room for, a row takes its strongest neighbors in the graph, then rows that its key draws.
    Where all of them have one row, it takes the first.
    """
    n, count = chosen.shape
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        strengths = np.empty(count, f4)
        for i in range(block * BLOCK_ROWS, min(n, block * BLOCK_ROWS + BLOCK_ROWS)):
            choose_nearest(
                i, (indptr, indices, weights), (starts, members), (group_of, keys),
                near[group_of[i]], away[group_of[i]], chosen[i], dists[i], strengths,
            )  # fmt: skip
