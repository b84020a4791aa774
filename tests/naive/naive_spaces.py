"""Textbook distances of spaces, steps in them, and gradients by central differences, in float64.

Points are rows of arrays: unit vectors for "haversine", "cosine" and "correlation" (whose numbers sum to 0). For
"hyperboloid", they are x of (x, z) with z^2 = 1 + |x|^2. The module imports nothing from the package.
"""

import naive_layout as naive
import naive_numbers
import numpy as np


def distance(name, p, q, parameters=()):
    """Return the distances of pairs of rows."""
    if name == "haversine":
        return np.arccos(np.clip((p * q).sum(-1), -1, 1))
    if name in ("cosine", "correlation"):
        return 1 - (p * q).sum(-1)
    if name == "hyperboloid":
        z, w = (np.sqrt(1 + (x**2).sum(-1)) for x in (p, q))
        return np.arccosh(np.maximum(1, z * w - (p * q).sum(-1)))
    sizes = np.abs(p - q)
    if name == "manhattan":
        return sizes.sum(-1)
    if name == "chebyshev":
        return sizes.max(-1)
    if name == "minkowski":
        return (sizes ** parameters[0]).sum(-1) ** (1 / parameters[0])
    turned = sizes % np.asarray(parameters)
    return np.sqrt((np.minimum(turned, parameters - turned) ** 2).sum(-1))


def moved(name, p, step, parameters=()):
    """Return the rows after a step along the space."""
    if name == "torus":
        return (p + step) % np.asarray(parameters)
    if name == "hyperboloid":
        square, size = (p**2).sum(-1, keepdims=True), np.linalg.norm(step, axis=-1, keepdims=True)
        frame = step + p * (p * step).sum(-1, keepdims=True) / (1 + np.sqrt(1 + square))
        return np.cosh(size) * p + np.sinh(size) / np.maximum(size, 1e-300) * frame
    p = p + step
    if name == "correlation":
        p = p - p.mean(-1, keepdims=True)
    if name in ("haversine", "cosine", "correlation"):
        p = p / np.linalg.norm(p, axis=-1, keepdims=True)
    return p


def gradient(name, p, q, parameters=(), h=1e-6):
    """Return central differences of the distance along each axis of a step."""
    slopes = []
    for axis in np.eye(p.shape[-1]) * h:
        ends = (distance(name, moved(name, p, step, parameters), q, parameters) for step in (axis, -axis))
        slopes.append((next(ends) - next(ends)) / (2 * h))
    return np.stack(slopes, -1)


def forces_on(name, row, others, f, parameters, *, pull):
    """Return the clipped terms of one row's gradient, one for each other row."""
    own = np.broadcast_to(row, others.shape)
    d = distance(name, own, others, parameters)[:, None]
    d2 = d**2 + f.softening + (1e-12 if pull else 0)
    similar = 1 + f.a * d2**f.b
    factor = -f.attraction * f.a * f.b * d2 ** (f.b - 1) if pull else 2 * f.gamma * f.b / (0.001 + d2)
    return naive.clip(factor / similar * d * gradient(name, own, others, parameters))


def epoch(name, positions, graph, degree, draw, count, f, parameters):
    """Return the gradient of an epoch: all edges, and `count` drawn rows per row, which `draw` lists."""
    out = np.zeros_like(positions)
    for i, row in enumerate(positions):
        near = np.flatnonzero(graph[i])
        if len(near):
            out[i] = graph[i, near] @ forces_on(name, row, positions[near], f, parameters, pull=True)
        pushes = forces_on(name, row, positions[draw[i]], f, parameters, pull=False)
        out[i] += f.rate * degree[i] / count * pushes.sum(0)
    return out


def draws(n, seed, epoch, count, block_rows, pool_size):
    """Return the rows that push each row: each has a run of its block's pool."""
    drawn = []
    for block in range(-(-n // block_rows)):
        state = naive_numbers.block_seed(seed, epoch, block)
        pool = []
        for _ in range(pool_size):
            state = naive_numbers.next_random(state)
            pool.append(naive_numbers.below(state, n))
        for _ in range(block * block_rows, min(n, (block + 1) * block_rows)):
            state = naive_numbers.next_random(state)
            run = naive_numbers.below(state, pool_size)
            drawn.append([pool[(run + q) % pool_size] for q in range(count)])
    return np.array(drawn)
