"""Slow, obvious searches: all distances, and an inverted file row by row."""

import numpy as np


def ranks_between(x, y):
    """Return half the squared distances of all rows, each with its own sum."""
    return np.array([[0.5 * ((a - b) ** 2).sum() for b in y] for a in x])


def nearest(ranks, k):
    """Return the k smallest of each row, by rank and then by index, and their ranks."""
    order = np.array([sorted(range(len(row)), key=lambda j: (row[j], j))[:k] for row in ranks])
    return order, np.take_along_axis(ranks, order, axis=1)


def cells_of(rows, centers):
    """Return the nearest center of each row."""
    return ranks_between(rows, centers).argmin(axis=1)


def visited_cells(row, home, rows, homes, centers, order, wanted, nearest_cells, reaches):
    """Return the cells whose rows are compared with a row, in their order.

    The first cells are those of the nearest centers, in the given order of all cells. Then there is a round for each of
    the `reaches`. It visits, in that order, each other cell whose bisecting plane is close enough. The limit is this
    share of the distance to the last of the `wanted` nearest rows so far.
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
    """Return the rows that share a column with a row, and whether all columns fit into the budget.

    The rarest columns come first.
    """
    found = set()
    for column in sorted(np.flatnonzero(row), key=lambda column: (len(lists[column]), column)):
        budget -= len(lists[column])
        if budget < 0:
            return found, False
        found |= set(lists[column])
    return found, True
