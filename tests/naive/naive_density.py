"""Slow, obvious twins of the density term, in float64. They import nothing from the package."""

import numpy as np

SMALLEST = 1e-8


def listed_distances(indices, dists, n):
    """Return dense distances between rows that list each other, the larger one of two, and 0 for others."""
    out = np.zeros((n, n))
    for i, (row, values) in enumerate(zip(indices, dists, strict=True)):
        for j, value in zip(row, values, strict=True):
            if j >= 0 and j != i:
                out[i, j] = max(out[i, j], value)
                out[j, i] = max(out[j, i], value)
    return out


def data_radii(graph, distances, power=2):
    """Return the log of the weighted mean of a power of the distances along each row's edges, or NaN without edges."""
    out = []
    for strengths, row in zip(graph, distances, strict=True):
        out.append(np.log(SMALLEST + strengths @ row**power / strengths.sum()) if strengths.any() else np.nan)
    return np.array(out)


def map_logarithms(graph, positions, a, b, softening):
    """Return the log of each row's mean squared edge length, softened and weighted by the similarity in the map."""
    out = []
    for strengths, place in zip(graph, positions, strict=True):
        x = ((positions - place) ** 2).sum(1)[strengths > 0] + softening
        near = 1 / (1 + a * x**b)
        out.append(np.log(SMALLEST + near @ x / near.sum()) if len(x) else np.nan)
    return np.array(out)


def objective(graph, positions, radii, a, b, softening, weight, shift):
    """Return the correlation of the log radii of rows with edges, times its weight and the sum of all degrees."""
    has = graph.any(1)
    mapped = map_logarithms(graph, positions, a, b, softening)[has]
    target = (radii[has] - radii[has].mean()) / radii[has].std()
    covariance = (target * (mapped - mapped.mean())).mean()
    return weight * graph.sum() * covariance / np.sqrt(mapped.var() + shift)


def gradient(graph, positions, radii, *rules, step=1e-5):
    """Return the gradient of the objective by central differences, which need no formula."""
    positions = np.asarray(positions, float)
    out = np.zeros_like(positions)
    for place in np.ndindex(positions.shape):
        ends = []
        for sign in (1, -1):
            moved = positions.copy()
            moved[place] += sign * step
            ends.append(objective(graph, moved, radii, *rules))
        out[place] = (ends[0] - ends[1]) / (2 * step)
    return out
