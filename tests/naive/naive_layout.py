"""Slow, obvious twins of initial layout, epochs, field and transform, in float64. They import nothing from the package.

Positions are n x d matrices, and a graph is a dense matrix of weights s up to 1. `forces` is any object with a, b,
gamma, attraction, rate (negative samples per edge), step and softening (addition to squared distances).
"""

import types

import naive_numbers
import numpy as np

CLIP = 4.0


def forces(**values):
    """Return the forces of the default curve, except for the given values."""
    usual = {"a": 1.577, "b": 0.895, "gamma": 1.0, "attraction": 4.0, "rate": 5.0, "step": 1.0, "softening": 0.0}
    return types.SimpleNamespace(**usual | values)


# ------------------------------------------------------------------------------------------------------------ start


def scaled_robustly(positions, stretched=np.inf):
    """Center each axis, divide it by the width between its 2 % and 98 % quantiles and clip it, or use ranks.

    An axis is stretched at most `stretched` times as much as the widest one, and so narrow axes stay narrow.
    """
    columns = [np.asarray(column, float) for column in positions.T]
    low, high = np.transpose([np.quantile(column, [0.02, 0.98]) for column in columns])
    span = np.array([column.max() - column.min() for column in columns])
    share = np.where(span > 0, (high - low) / np.where(span > 0, span, 1), 0)
    if share.mean() < 0.3 or share.min() <= 0:
        ranked = [np.searchsorted(np.sort(c), c, side="left") for c in columns]
        for rank, column in zip(ranked, columns, strict=True):
            for value in np.unique(column):
                ties = np.flatnonzero(column == value)
                rank[ties] += np.arange(len(ties))
        scaled = np.stack(ranked, 1) / len(positions) - 0.5
    else:
        scaled = (positions - (low + high) / 2) / (high - low)
    for axis, width in enumerate(high - low):
        if width < max(high - low) / stretched:
            scaled[:, axis] *= stretched * width / max(high - low)
    return np.clip(scaled, -0.75, 0.75)


def long_share(graph, positions):
    """Return the share of the total weight that edges longer than 0.2 have."""
    lengths = np.linalg.norm(np.asarray(positions, float)[:, None] - positions, axis=2)
    return graph[lengths > 0.2].sum() / graph.sum()


def lowest_scale(scales, losses):
    """Return the minimum of the parabola through the lowest loss and its neighbors, over logarithms."""
    k = int(np.argmin(losses))
    if k in (0, len(scales) - 1):
        return scales[k]
    square, slope, _ = np.polyfit(np.log(scales[k - 1 : k + 2]), losses[k - 1 : k + 2], 2)
    return np.exp(-slope / (2 * square))


def expected_loss(graph, degree, mass, positions, scale, stride, opposite_stride, thin, n_rows, f):
    """Return the expected value of UMAP's loss per row at one scale.

    Of each `stride` rows, attraction is that of every `thin`-th. Repulsion is that of the first against every
    `opposite_stride`-th of the others. These rows represent all. The repulsion is halved.
    """
    y = np.asarray(positions, float) * scale
    attraction = repulsion = 0.0
    pulled = 0
    for i in range(len(y)):
        d2 = ((y[i] - y) ** 2).sum(1)
        if i % stride % thin == 0:
            attraction += (graph[i] * np.log1p(f.a * (d2 + 1e-12 * scale**2) ** f.b)).sum()
            pulled += 1
        if i % stride == 0:
            q = 1 / (1 + f.a * np.maximum(d2, 1e-9 * scale**2) ** f.b)
            terms = -mass * np.log1p(-q)
            others = [j for j in range(len(y)) if j % opposite_stride == i // stride % opposite_stride and j != i]
            repulsion += degree[i] * terms[others].sum() * (mass.sum() - mass[i]) / mass[others].sum()
    attraction *= len(y) / pulled
    return (attraction + f.rate * f.gamma / 2 * repulsion / mass[::stride].sum()) / n_rows


def clip(values):
    """Clip each component to [-4, 4]."""
    return np.clip(values, -CLIP, CLIP)


def attract(difference, f):
    """Return the clipped pull on a vertex along differences (other - own), the gradient of -log(1 / (1 + a d^2b))."""
    d2 = (difference**2).sum(-1, keepdims=True) + 1e-12 + f.softening
    return clip(f.attraction * f.a * f.b * d2 ** (f.b - 1) / (1 + f.a * d2**f.b) * difference)


def repel(difference, f):
    """Return the clipped push on a vertex along differences (own - other)."""
    d2 = (difference**2).sum(-1, keepdims=True) + f.softening
    return clip(2 * f.gamma * f.b / ((0.001 + d2) * (1 + f.a * d2**f.b)) * difference)


def attraction(graph, positions, f, rows=None):
    """Return the pull of all edges on each vertex, or on the vertices `rows`, to which the rows of the graph belong."""
    y = np.asarray(positions, float)
    rows = range(len(y)) if rows is None else rows
    return np.stack([weights @ attract(y - y[i], f) for i, weights in zip(rows, graph, strict=True)])


def adam(positions, moments, gradient, epsilon, done, alpha):
    """Move by one step of Adam with beta1 0.5 and beta2 0.9 along the gradient, after `done` steps."""
    first = 0.5 * moments[0] + 0.5 * gradient
    second = 0.9 * moments[1] + 0.1 * gradient**2
    size = np.sqrt(second / (1 - 0.9 ** (done + 1))) + epsilon
    return positions + alpha * first / (1 - 0.5 ** (done + 1)) / size, np.stack([first, second])


def curvatures(graph, positions, f, rows=slice(None)):
    """Return half the curvature of the quadratic bound that touches the attraction's loss, for each vertex."""
    y = np.asarray(positions, float)
    d2 = ((y[rows][:, None] - y) ** 2).sum(2) + 1e-12 + f.softening
    return (graph * (f.attraction * f.a * f.b * d2 ** (f.b - 1) / (1 + f.a * d2**f.b))).sum(1)[:, None]


def inner_curvature(inside, degree):
    """Return the additional curvature of coarse vertices whose edges are mostly within them."""
    shares = np.divide(inside, degree, out=np.zeros_like(degree), where=degree > 0)
    return 0.1 * inside * shares**8


def heavy_ball(positions, moments, gradient, curvatures, momentum, alpha):
    """Move by gradient over curvature and a share of the last step, at most 1 along an axis."""
    move = np.clip(momentum * moments[0] + alpha * gradient / curvatures, -1, 1)
    return positions + move, move[None]


def sampled_repulsion(positions, degree, pick, seed, epoch, count, block_rows, pool_size, f):
    """Return the push of `count` drawn vertices on each vertex, scaled to the expected value.

    Each vertex has a run of its block's pool. `pick` maps each row of the data to a vertex, so that vertices are drawn
    by mass.
    """
    y = np.asarray(positions, float)
    gradient = np.zeros_like(y)
    for block in range(-(-len(y) // block_rows)):
        state = naive_numbers.block_seed(seed, epoch, block)
        pool = []
        for _ in range(pool_size):
            state = naive_numbers.next_random(state)
            pool.append(pick[naive_numbers.below(state, len(pick))])
        for i in range(block * block_rows, min(len(y), (block + 1) * block_rows)):
            state = naive_numbers.next_random(state)
            run = naive_numbers.below(state, pool_size)
            drawn = [pool[(run + q) % pool_size] for q in range(count)]
            gradient[i] = f.rate * degree[i] / count * repel(y[i] - y[drawn], f).sum(0)
    return gradient


# ---------------------------------------------------------------------------------------------------------- anchors


def pull_to_anchors(positions, degree, places, strengths):
    """Return the pull of a spring on each vertex: degree times strength times the clipped difference."""
    difference = np.asarray(places, float) - positions
    return (np.asarray(degree, float) * strengths)[:, None] * clip(difference)


def anchors_of_groups(owner, degree, places, strengths):
    """Return position and strength of one spring for each group, with the same pull as the springs of its members."""
    found_places, found_strengths = [], []
    for group in range(owner.max() + 1):
        pulls = degree[owner == group].astype(float) * strengths[owner == group]
        middle = pulls @ places[owner == group] / pulls.sum() if pulls.sum() > 0 else np.zeros(places.shape[1])
        found_places.append(middle)
        found_strengths.append(pulls.sum() / degree[owner == group].sum(dtype=float) if pulls.sum() > 0 else 0.0)
    return np.array(found_places), np.array(found_strengths)


def spread(graph, places, known):
    """Place all vertices with a path to known ones, each at the weighted mean of its known neighbors."""
    places, known = np.where(known[:, None], places, 0.0).astype(float), known.copy()
    while True:
        found = {i: graph[i, known] for i in np.flatnonzero(~known) if graph[i, known].sum() > 0}
        if not found:
            return np.where(known[:, None], places, np.nan)
        means = {i: weights @ places[known] / weights.sum() for i, weights in found.items()}
        for i, mean in means.items():
            places[i], known[i] = mean, True


# ------------------------------------------------------------------------------------------------------------ field


def whole_field(at, positions, f):
    """Return the sum of the pushes of unit masses at all positions, at some points."""
    at, positions = np.asarray(at, float), np.asarray(positions, float)
    return np.stack([repel(place - positions, f).sum(0) for place in at])


def corners_of(place, origin, spacing):
    """Return the four corners of a position's cell and their bilinear weights."""
    x, y = (np.asarray(place, float) - origin) / spacing
    column, row = int(x), int(y)
    fx, fy = x - column, y - row
    return {
        (column, row): (1 - fx) * (1 - fy),
        (column, row + 1): (1 - fx) * fy,
        (column + 1, row): fx * (1 - fy),
        (column + 1, row + 1): fx * fy,
    }


def deposit(positions, origin, spacing, mass=None):
    """Return the mass at each corner of the grid that has any, for unit masses or given ones."""
    masses = {}
    for place, size in zip(positions, np.ones(len(positions)) if mass is None else mass, strict=True):
        for corner, share in corners_of(place, origin, spacing).items():
            masses[corner] = masses.get(corner, 0.0) + size * share
    return masses


def near_share(d2, reach):
    """Return the share of the push that belongs to the near field at a squared distance."""
    return np.maximum(0, 1 - d2 / reach**2) ** 2


def grid_field(at, masses, origin, spacing, reach, f):
    """Return the push of the masses on the grid's corners, interpolated.

    The near field is left out unless the reach is 0.
    """
    places, mass = np.array(list(masses)) * spacing, np.array(list(masses.values()))
    out = np.zeros((len(at), 2))
    for i, place in enumerate(at):
        for corner, share in corners_of(place, origin, spacing).items():
            difference = np.array(corner) * spacing - places
            far = 1 - near_share((difference**2).sum(1), reach) if reach > 0 else 1
            out[i] += share * (mass * far) @ repel(difference, f)
    return out


def near_field(positions, reach, f):
    """Return the near field's share of all pushes on each vertex."""
    y = np.asarray(positions, float)
    out = []
    for place in y:
        difference = place - y
        share = near_share((difference**2).sum(1), reach)
        out.append(share @ repel(difference, f))
    return np.stack(out)


def sampled_near_field(positions, origin, reach, seed, epoch, most, block_rows, f):
    """Return the near field from at most `most` vertices of the 3 x 3 cells of size `reach` around each vertex.

    Vertices are sorted by cell. If there are more than `most`, every (count / most)-th is used, and represents that
    many. The offset is drawn for each vertex in this order.
    """
    cells = ((positions - origin) / np.float32(reach)).astype(int)
    order = np.lexsort((cells[:, 1], cells[:, 0]))
    cells, y = cells[order], np.asarray(positions, float)[order]
    out = np.zeros_like(y)
    for i in range(len(y)):
        if i % block_rows == 0:
            state = naive_numbers.block_seed(seed, epoch, i // block_rows)
        state = naive_numbers.next_random(state)
        offset = (state >> 40) / 2**24
        around = np.flatnonzero(np.abs(cells[i] - cells).max(1) <= 1)
        spread = max(1.0, len(around) / most)
        if len(around) > most:
            around = around[[min(len(around) - 1, int(np.float32(t + offset) * spread)) for t in range(most)]]
        difference = y[i] - y[around]
        out[order[i]] = spread * (near_share((difference**2).sum(1), reach) @ repel(difference, f))
    return out


# -------------------------------------------------------------------------------------------------------- transform


def weighted_mean(strengths, neighbors):
    """Return the first position of a new row."""
    return np.asarray(strengths, float) @ neighbors / np.sum(strengths, dtype=float)


def place_row(strengths, neighbors, push, epochs, f):
    """Place a new row by the pull of its neighbors' positions and by `push(place, epoch)`.

    Rates are relative to the strongest one. The step decreases as (1 - epoch / epochs) ** 2.
    """
    rates = np.asarray(strengths, float) / np.max(strengths)
    place = weighted_mean(strengths, neighbors)
    moments = np.zeros((2, len(place)))
    for epoch in range(epochs):
        gradient = rates @ attract(neighbors - place, f) + f.rate * rates.sum() * push(place, epoch)
        place, moments = adam(place, moments, gradient, 1e-7, epoch, f.step * (1 - epoch / epochs) ** 2)
    return place


def content_of_row(indices, distances, seed):
    """Return a hash of a row's neighbors and the bits of their distances as float32."""
    state = naive_numbers.mix(seed)
    bits = np.asarray(distances, np.float32).view(np.uint32).tolist()
    for index, word in zip(indices, bits, strict=True):
        state = naive_numbers.mix(state ^ (int(index) * 2**32) ^ word)
    return state
