"""Slow, obvious twins of scales, fuzzy graph and levels, in plain Python and dense NumPy.

They import nothing from the package. A graph is a dense matrix of weights, with 0 for missing edges.
"""

import math

import naive_numbers
import numpy as np

# ----------------------------------------------------------------------------------------------------- local scales


def nearest_nonzero(distances, local_connectivity):
    """Return the distance to the `local_connectivity`-th neighbor with a positive distance, interpolated."""
    nonzero = [float(d) for d in distances if d > 0]
    if not nonzero:
        return 0.0
    if len(nonzero) < local_connectivity:
        return nonzero[-1]
    whole = math.floor(local_connectivity)
    part = local_connectivity - whole
    below = nonzero[whole - 1] if whole > 0 else 0.0
    return below + part * (nonzero[whole] - below) if part > 1e-5 else below


def solve_sigma(excess, target):
    """Solve sum exp(-excess / sigma) = target by bisection.

    The result is 0 or 2^64 if no sigma is small or large enough.
    """
    if len(excess) <= target:
        return 2.0**64
    if sum(e == 0 for e in excess) >= target - 1e-5:
        return 0.0
    low, high = -700.0, 700.0
    for _ in range(100):
        middle = (low + high) / 2
        total = sum(math.exp(-min(700.0, e / math.exp(middle))) for e in excess)
        low, high = (low, middle) if total > target else (middle, high)
    return math.exp(low)


def local_scales(rows, n_neighbors, local_connectivity=1.0, new_rows=False):
    """Return rho, rounded to float32, and sigma of each row, which is a list of distances."""
    self_entries = 0 if new_rows else 1
    entries = sum(len(row) + self_entries for row in rows)
    global_mean = sum(map(math.fsum, rows)) / max(1, entries)
    scales = []
    for row in rows:
        rho = float(np.float32(nearest_nonzero(row, local_connectivity)))
        sigma = solve_sigma([max(0.0, d - rho) for d in row], math.log2(n_neighbors))
        own_mean = math.fsum(row) / max(1, len(row) + self_entries)
        scales.append((rho, max(sigma, 1e-3 * (own_mean if rho > 0 or new_rows else global_mean))))
    return scales


def mean_distances(rows):
    """Return the mean of each row's distances, or 0 without distances."""
    return [math.fsum(row) / max(1, len(row)) for row in rows]


def memberships(distances, rho, sigma):
    """Return the membership strength of each neighbor of one row."""
    return [math.exp(-min(700.0, max(0.0, d - rho) / sigma)) if sigma > 0 else 1.0 for d in distances]


# ------------------------------------------------------------------------------------------------------ fuzzy graph


def fuzzy_union(directed, mix_ratio):
    """Return the symmetric graph of a directed one."""
    other = directed.T
    return mix_ratio * (directed + other) + (1 - 2 * mix_ratio) * directed * other


def fuzzy_graph(rows, n_neighbors, local_connectivity=1.0, mix_ratio=1.0, symmetrize=True):
    """Return the dense fuzzy graph of rows of (index, distance), each sorted by distance."""
    scales = local_scales([[d for _, d in row] for row in rows], n_neighbors, local_connectivity)
    directed = np.zeros((len(rows), len(rows)))
    for i, (row, (rho, sigma)) in enumerate(zip(rows, scales, strict=True)):
        for (j, _), strength in zip(row, memberships([d for _, d in row], rho, sigma), strict=True):
            directed[i, j] = strength
    return fuzzy_union(directed, mix_ratio) if symmetrize else directed


# ----------------------------------------------------------------------------------------------------------- levels


def independent_set(graph, seed, depth, rounds):
    """Return 1 for members and 2 for neighbors of members by Luby's rounds. Undecided vertices become members."""
    n = len(graph)
    salt = naive_numbers.mix((seed + depth) % 2**64)
    priority = [naive_numbers.mix(salt ^ i) for i in range(n)]
    state = [0] * n
    for _ in range(rounds):
        rivals = [[j for j in np.flatnonzero(graph[i]) if j != i and state[j] == 0] for i in range(n)]
        winners = [i for i in range(n) if state[i] == 0 and all(priority[i] > priority[j] for j in rivals[i])]
        for i in winners:
            state[i] = 1
        for i in range(n):
            if state[i] == 0 and any(state[j] == 1 for j in np.flatnonzero(graph[i])):
                state[i] = 2
    return np.array([s or 1 for s in state])


def owners(graph, state):
    """Return the number of the member that each vertex joins: its own, or that of its strongest neighbor in the set."""
    number = np.cumsum(state == 1) - 1
    owner = number.copy()
    for i in np.flatnonzero(state != 1):
        owner[i] = number[np.argmax(np.where(state == 1, graph[i], -1))]
    return owner


def coarsen(graph, degree, mass, owner, least):
    """Return the coarse graph and its sums, without edges within groups and without edges below `least`.

    The strongest edge of a group is always kept.
    """
    members = np.eye(owner.max() + 1)[owner]
    coarse = members.T @ graph @ members
    np.fill_diagonal(coarse, 0)
    strongest = coarse.max(1, keepdims=True) * (1 - 1e-6)
    return np.where(coarse >= np.minimum(least, strongest), coarse, 0), members.T @ degree, members.T @ mass


def smooth(graph, positions, inner, share):
    """Return `share` of the weighted mean of the neighbors and itself (`inner`), plus the rest of itself."""
    out = np.array(positions, float)
    for i in range(len(graph)):
        weights = graph[i].copy()
        weights[i] += inner[i]
        if weights.sum() > 0:
            out[i] = (1 - share) * out[i] + share * (weights @ positions) / weights.sum()
    return out


def jitter(positions, amount):
    """Move each coordinate by up to `amount`, by a hash of its number."""
    shares = [naive_numbers.mix(number) // 2**40 / 2**23 - 1 for number in range(positions.size)]
    return positions + amount * np.reshape(shares, positions.shape)


def prolongation(graph, degree, owner, coarse_positions, finest, amount=0.0):
    """Return half the owner's position plus half the mean of the neighbors' owners.

    On coarse levels, edges within a vertex count for its owner.
    """
    inner = np.zeros(len(graph)) if finest else np.maximum(0, degree - graph.sum(1))
    return jitter(smooth(graph, coarse_positions[owner], inner, 0.5), amount)


# ------------------------------------------------------------------------------------------- graphs from elsewhere


def first_problem(indptr, indices, weights, largest=1.0):
    """Return the first problem of a graph with its row and entry, or None."""
    n = len(indptr) - 1
    for row in range(n):
        start, stop = int(indptr[row]), int(indptr[row + 1])
        if not 0 <= start <= stop <= len(indices):
            return "bounds", row, 0
        before = -1
        for entry in range(start, stop):
            other, weight = int(indices[entry]), float(weights[entry])
            for wrong, name in (
                (not 0 <= other < n, "range"),
                (other <= before, "order"),
                (other == row, "own"),
                (not 0 < weight <= largest, "weight"),
            ):
                if wrong:
                    return name, row, entry
            before = other
    return None


def is_symmetric(indptr, indices, weights):
    """Return whether each edge has a reverse edge with the same weight."""
    edges = set()
    for row in range(len(indptr) - 1):
        for entry in range(indptr[row], indptr[row + 1]):
            edges.add((row, int(indices[entry]), float(weights[entry])))
    return all((other, row, weight) in edges for row, other, weight in edges)
