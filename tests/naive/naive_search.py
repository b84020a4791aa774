"""Slow, obvious searches: all distances, and an inverted file row by row."""

import numpy as np


def ranks_between(x, y):
    """Half the squared distances of all rows, each summed by itself."""
    return np.array([[0.5 * ((a - b) ** 2).sum() for b in y] for a in x])


def nearest(ranks, k):
    """The k smallest of each row, by rank and then by index; and their ranks."""
    order = np.array([sorted(range(len(row)), key=lambda j: (row[j], j))[:k] for row in ranks])
    return order, np.take_along_axis(ranks, order, axis=1)


def cells_of(rows, centers):
    """The nearest center of each row."""
    return ranks_between(rows, centers).argmin(axis=1)


def visited_cells(row, home, rows, homes, centers, order, wanted, nearest_cells, reaches):
    """Cells whose rows are compared with a row, in their order.

    First those of the nearest centers, in the given order of all cells. Then, in a round for each of the `reaches` and
    in that order, each other one whose bisecting plane is within that share of the distance to the last of the
    `wanted` nearest rows that were seen so far.
    """
    to_centers = np.array([((row - center) ** 2).sum() for center in centers])
    certain = set(np.argsort(to_centers, kind="stable")[:nearest_cells]) | {home}
    seen = []
    visited = [cell for cell in order if cell in certain]
    for cell in visited:
        seen += [((row - other) ** 2).sum() for other in rows[homes == cell]]
    for reach in reaches:
        for cell in order:
            if cell in visited:
                continue
            limit = np.sqrt(sorted(seen)[wanted]) if len(seen) > wanted else np.inf  # the row itself is among them
            gap = np.sqrt(((centers[cell] - centers[home]) ** 2).sum())
            if (to_centers[cell] - to_centers[home]) / (2 * gap) <= reach * limit:
                visited.append(cell)
                seen += [((row - other) ** 2).sum() for other in rows[homes == cell]]
    return visited


def sparse_candidates(row, lists, budget):
    """Rows that share a column with a row: its rarest columns first, as long as their lists fit into the budget.

    Returns the rows, and whether all columns fitted.
    """
    found = set()
    for column in sorted(np.flatnonzero(row), key=lambda column: (len(lists[column]), column)):
        budget -= len(lists[column])
        if budget < 0:
            return found, False
        found |= set(lists[column])
    return found, True
