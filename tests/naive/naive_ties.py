"""Slow, obvious twins of the choice among rows with equally near targets. They import nothing from the package."""

import struct

from naive_numbers import WORD, below, mix


def row_key(distances):
    """Return a mixture of the bits of a row's distances as float32."""
    key = 0
    for distance in distances:
        key = mix(key ^ struct.unpack("<I", struct.pack("<f", distance))[0])
    return key


def keys_of(rows):
    """Return a key for each row. Repeated keys are shifted by the golden ratio."""
    keys, met = [], {}
    for distances in rows:
        key = row_key(distances)
        number = met[key] = met.get(key, -1) + 1
        keys.append((key + number * 0x9E3779B97F4A7C15) % WORD)
    return keys


def groups_along_a_line(values):
    """Return all numbers for each distinct number, by distance.

    Ties are sorted by the count between them, and then ahead before behind.
    """
    different = sorted(set(values))
    lists = {}
    for rank, value in enumerate(different):

        def order(other, rank=rank, value=value):
            step = different.index(other) - rank
            return abs(other - value), abs(step), step < 0

        lists[value] = [(other, abs(other - value)) for other in sorted(different, key=order)]
    return lists


def nearest_rows(values, lists, count, weights, keys):
    """Return the nearest other rows of each row and their distances.

    `lists` has, for each value, all values with their distances in ascending order, beginning with itself. `weights` is
    the graph of the data as a matrix.
    """
    members = {value: sorted((keys[j], j) for j in range(len(values)) if values[j] == value) for value in set(values)}
    found = []
    for i, value in enumerate(values):
        row, left = [], list(lists[value])
        while len(row) < count:
            distance = left[0][1]
            shell = [other for other, away in left if away == distance]
            left = left[len(shell) :]
            inside = [j for other in shell for _, j in members[other] if j != i]
            room = count - len(row)
            alone = all(len(members[other]) == 1 for other in shell)
            chosen = (
                inside[:room] if len(inside) <= room or alone else chosen_of(i, shell, members, room, weights, keys)
            )
            row += [(j, distance) for j in chosen]
        found.append(row)
    return found


def chosen_of(i, shell, members, room, weights, keys):
    """Return the strongest neighbors in the graph, and then members that the row's key draws."""
    inside = [j for value in shell for _, j in members[value]]
    chosen = sorted((j for j in inside if weights[i][j] > 0), key=lambda j: (-weights[i][j], keys[j]))[:room]
    draw = keys[i]
    while len(chosen) < room:
        draw = mix(draw)
        place = below(draw, len(inside))
        for value in shell:
            if place < len(members[value]):
                break
            place -= len(members[value])
        own = [j for _, j in members[value]]
        behind = [j for key, j in members[value] if key >= mix(draw)] or own
        ring = inside[inside.index(own[0]) :] + inside[: inside.index(own[0])]
        start = ring.index(behind[0])
        chosen.append(next(j for j in ring[start:] + ring[:start] if j != i and j not in chosen))
    return chosen
