"""Synthetic data of any number of rows.

Every recipe takes ``(n, rng)`` and returns ``(features, labels)`` in random order: float32 of shape (n, d), and int32
of shape (n,).
"""

import numpy as np


def _shuffled(parts, labels, rng):
    features = np.concatenate(parts).astype(np.float32)
    labels = np.concatenate(labels).astype(np.int32)
    order = rng.permutation(len(features))
    return features[order], labels[order]


def _sizes(total, shares):
    """Return integers in proportion to shares, each at least 1, with the given sum."""
    sizes = np.maximum(1, np.floor(total * shares / shares.sum()).astype(int))
    sizes[np.argmax(sizes)] += total - sizes.sum()
    return sizes


def _rotation(dimensions, columns, rng):
    """Return orthonormal rows that map ``columns`` coordinates into ``dimensions``."""
    return np.linalg.qr(rng.standard_normal((dimensions, columns)))[0].T


def _curves(t):
    """Yield curved 1-d manifolds, t in [0, 1)."""
    turn = 2 * np.pi * t
    yield [np.cos(3 * turn), np.sin(3 * turn), 3 * t - 1.5]  # helix
    yield [np.sin(turn) + 2 * np.sin(2 * turn), np.cos(turn) - 2 * np.cos(2 * turn), -np.sin(3 * turn)]  # trefoil knot
    yield [t * np.cos(4 * turn), t * np.sin(4 * turn), np.cos(5 * turn) * 0.3, t]  # spiral
    waves = ((1, 0), (2, 1), (3, 2), (1, 3), (2, 4), (4, 5))
    yield [np.cos(turn * m + p) for m, p in waves]  # closed curve in six dimensions


def _surfaces(s, t):
    """Yield curved 2-d manifolds, s and t in [0, 1)."""
    turn, roll = 2 * np.pi * t, 1.5 * np.pi * (1 + 2 * s)
    yield [roll * np.cos(roll) / 8, roll * np.sin(roll) / 8, 3 * t]  # swiss roll
    yield [np.sqrt(s * (1 - s)) * 4 * np.cos(turn), np.sqrt(s * (1 - s)) * 4 * np.sin(turn), 4 * s - 2]  # sphere
    ring = 2 + np.cos(2 * np.pi * s)
    yield [ring * np.cos(turn), ring * np.sin(turn), np.sin(2 * np.pi * s)]  # torus
    yield [np.cos(turn), np.sin(turn), np.cos(2 * np.pi * s), np.sin(2 * np.pi * s)]  # flat torus


def _manifolds(n, dimensions, rng):
    """Return eight manifolds of equal size with random rotations, positions and a little noise, and labels 0 to 7."""
    parts, labels = [], []
    for label, size in enumerate(_sizes(n, np.ones(8))):
        s, t = rng.random(size), rng.random(size) ** 1.5  # unevenly dense along t
        shapes = list(_curves(t)) if label < 4 else list(_surfaces(s, t))
        points = np.stack(shapes[label % 4], 1)
        points = 1.5 * points @ _rotation(dimensions, points.shape[1], rng) + rng.standard_normal(dimensions)
        parts.append(points + rng.normal(0, 0.03, points.shape))
        labels.append(np.full(size, label))
    return np.concatenate(parts), np.concatenate(labels)


def _hierarchy_centers(dimensions, rng):
    """Return 240 centers: 12 groups of 5 groups of 4."""
    centers = np.zeros((1, dimensions))
    for children, spread in ((12, 1.1), (5, 0.9), (4, 0.75)):
        centers = np.repeat(centers, children, 0)
        centers = centers + rng.normal(0, spread, centers.shape)
    return centers


def mixture(n, rng):
    """Return 16-d data: 240 clusters in a hierarchy (82 %), 8 curved manifolds (15 %), noise (3 %).

    Sizes and widths of the clusters are log-normal, and each has its own axes, so densities differ by many orders of
    magnitude. In the plane of the two largest principal components, everything overlaps.
    """
    dimensions = 16
    n_noise, n_manifolds = max(1, int(0.03 * n)), max(8, int(0.15 * n))
    centers = _hierarchy_centers(dimensions, rng)
    shares = rng.lognormal(0, 0.9, len(centers))
    parts, labels = [], []
    for label, size in enumerate(_sizes(n - n_noise - n_manifolds, shares)):
        width = np.clip(rng.lognormal(np.log(0.58), 0.35), 0.12, 0.8)
        axes = np.linspace(1.5, 0.35, dimensions) * width
        points = (rng.standard_normal((size, dimensions)) * axes) @ _rotation(dimensions, dimensions, rng)
        parts.append(centers[label] + points)
        labels.append(np.full(size, label))
    points, kind = _manifolds(n_manifolds, dimensions, rng)
    parts += [points, rng.normal(0, 2.2, (n_noise, dimensions))]
    labels += [kind + len(centers), np.full(n_noise, len(centers) + 8)]
    return _shuffled(parts, labels, rng)


def _path(start, heading, steps, rng):
    """Return a smooth random path of ``steps`` points, whose direction changes a little at every step."""
    points = np.empty((steps, len(start)))
    for step in range(steps):
        heading = heading + rng.normal(0, 0.28 / np.sqrt(len(start)), len(start))
        heading /= np.linalg.norm(heading)
        start = start + 0.12 * heading
        points[step] = start
    return points, heading


def _tree(root, rng):
    """Return the paths of one branching trajectory: a stem that splits into 2 or 3, of which some split again."""
    heading = rng.standard_normal(len(root))
    stem, heading = _path(root, heading / np.linalg.norm(heading), int(rng.integers(40, 90)), rng)
    paths, open_ends = [stem], [(stem[-1], heading, 0)]
    while open_ends:
        end, heading, depth = open_ends.pop()
        if depth == 2 or (depth == 1 and rng.random() < 0.6):
            continue
        for _ in range(int(rng.integers(2, 4))):
            turned = heading + rng.normal(0, 1.0 / np.sqrt(len(end)), len(end))
            path, last = _path(end, turned / np.linalg.norm(turned), int(rng.integers(25, 80)), rng)
            paths.append(path)
            open_ends.append((path[-1], last, depth + 1))
    return paths


def trajectories(n, rng):
    """Return 50-d data like single cells: 60 branching trajectories, crowded at some stages, noisier at others.

    The labels are the branches.
    """
    dimensions, latent = 50, 20
    paths = [path for _ in range(60) for path in _tree(rng.normal(0, 1.6, latent), rng)]
    shares = rng.lognormal(0, 0.8, len(paths)) * [len(path) for path in paths]
    carry = _rotation(dimensions, latent, rng)
    decay = 0.1 * np.linspace(1, 0.3, dimensions)
    parts, labels = [], []
    for label, (path, size) in enumerate(zip(paths, _sizes(n, shares), strict=True)):
        when = rng.beta(*rng.uniform(0.6, 2.5, 2), size) * (len(path) - 1)
        left = np.minimum(when.astype(int), len(path) - 2)
        share = (when - left)[:, None]
        points = ((1 - share) * path[left] + share * path[left + 1]) @ carry
        width = (0.6 + 0.8 * rng.random()) * (1 + 0.5 * np.sin(when / 15))[:, None]
        parts.append(points + rng.standard_normal(points.shape) * decay * width)
        labels.append(np.full(size, label))
    return _shuffled(parts, labels, rng)


def tight(n, rng):
    """Return 40-d data: 800 small, distant, heavy-tailed clusters (t distributions with 3 degrees of freedom)."""
    dimensions, count = 40, 800
    centers = rng.normal(0, 5, (count, dimensions))
    parts, labels = [], []
    for label, size in enumerate(_sizes(n, rng.lognormal(0, 0.6, count))):
        width = np.exp(rng.uniform(np.log(0.05), np.log(0.4)))
        tail = np.sqrt(3 / rng.chisquare(3, (size, 1)))
        parts.append(centers[label] + width * tail * rng.standard_normal((size, dimensions)))
        labels.append(np.full(size, label))
    return _shuffled(parts, labels, rng)


def text(n, rng):
    """Return 64-d unit vectors like text embeddings: sparse mixtures of 400 topics, with sizes by a power law.

    The labels are the main topics.
    """
    dimensions, fields, count = 64, 30, 400
    field = rng.standard_normal((fields, dimensions))[rng.integers(0, fields, count)]
    topics = field + 0.9 * rng.standard_normal((count, dimensions))
    topics /= np.linalg.norm(topics, axis=1, keepdims=True)
    popularity = 1 / np.arange(1, count + 1) ** 0.9
    chosen = rng.choice(count, (n, 4), p=popularity / popularity.sum())
    shares = np.sort(rng.dirichlet([0.5, 0.5, 0.3, 0.3], n), axis=1)[:, ::-1]
    features = np.einsum("ij,ijk->ik", shares, topics[chosen])
    features += rng.standard_normal((n, dimensions)) * (0.02 + 0.03 * rng.random((n, 1)))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features.astype(np.float32), chosen[:, 0].astype(np.int32)


def _waves(size, length, rng):
    """Return windows of a periodic signal: closed curves, widened by loudness and a slowly changing pitch."""
    harmonics = rng.normal(0, 1, (4, 2)) / np.arange(1, 5)[:, None]
    pitch = rng.uniform(1, 5) * (1 + 0.05 * rng.standard_normal((size, 1)))
    turn = 2 * np.pi * (pitch * np.linspace(0, 1, length) + rng.random((size, 1)))
    wave = sum(a * np.sin(k * turn) + b * np.cos(k * turn) for k, (a, b) in enumerate(harmonics, 1))
    return wave * rng.lognormal(0, 0.25, (size, 1))


def _chaos(size, length, rng):
    """Return windows of the Lorenz system at one speed."""
    pace, skipped = rng.uniform(0.005, 0.02), 500
    steps = skipped + length + size
    state, path = rng.normal(0, 5, 3), np.empty(steps)
    for step in range(steps):
        x, y, z = state
        state = state + pace * np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])
        state = np.clip(state, -100, 100)  # Euler's method diverges from a remote start at a high speed
        path[step] = x
    return np.lib.stride_tricks.sliding_window_view(path[skipped:], length)[:size] / 8


def _echoes(size, length, rng):
    """Return windows of a resonance driven by noise, with as many dimensions as the window, most of them weak."""
    damping, turn = rng.uniform(0.9, 0.995), rng.uniform(0.05, 0.5)
    noise = rng.standard_normal((size, length + 200))
    wave = np.zeros_like(noise)
    for t in range(2, noise.shape[1]):
        wave[:, t] = 2 * damping * np.cos(turn) * wave[:, t - 1] - damping**2 * wave[:, t - 2] + noise[:, t]
    return wave[:, 200:] / wave[:, 200:].std()


def windows(n, rng):
    """Return 64-d windows of 45 periodic, chaotic or resonant signals with a little noise; some are 40 times rarer.

    The labels are the signals. No parameter of this package was tuned on them.
    """
    length, makers = 64, (_waves, _waves, _chaos, _echoes, _waves)
    sizes = _sizes(n, rng.lognormal(0, 0.8, 45))
    parts = [makers[label % len(makers)](size, length, rng) for label, size in enumerate(sizes)]
    parts = [part + rng.normal(0, 0.03, part.shape) for part in parts]
    return _shuffled(parts, [np.full(size, label) for label, size in enumerate(sizes)], rng)


def uniform(n, rng):
    """Return random points of the unit cube, with the 64 cells of a 4 x 4 x 4 grid as labels."""
    features = rng.random((n, 3), dtype=np.float32)
    cells = np.minimum((features * 4).astype(np.int32), 3)
    return features, cells[:, 0] * 16 + cells[:, 1] * 4 + cells[:, 2]


def cells(n, rng):
    """Return 50 principal components of simulated counts of 1,500 genes, the usual features of single cells.

    There are 25 types of cells in a hierarchy of lineages, with some gradual transitions. Depths of sequencing are
    log-normal, and counts are overdispersed. The labels are the types.
    """
    from sklearn.decomposition import PCA

    genes, programs, count = 1_500, 60, 25
    base = rng.lognormal(-1.0, 1.3, genes)
    program = rng.standard_normal((programs, genes)) * (rng.random((programs, genes)) < 0.08)
    lineage = rng.integers(0, 7, count)
    activity = rng.normal(0, 0.9, (7, programs))[lineage] + rng.normal(0, 0.6, (count, programs))
    shares = rng.lognormal(0, 1.0, count)
    types = rng.choice(count, n, p=shares / shares.sum())
    towards = rng.permutation(count)[types]
    same = lineage[types] == lineage[towards]
    passed = np.where(same, rng.beta(0.5, 2.0, n), 0)[:, None]
    state = (1 - passed) * activity[types] + passed * activity[towards] + rng.normal(0, 0.15, (n, programs))
    logs = np.empty((n, genes), np.float32)
    for part in range(0, n, 5_000):
        rows = slice(part, part + 5_000)
        mean = base * np.exp(state[rows] @ program)
        mean *= rng.lognormal(8.0, 0.4, (len(mean), 1)) / mean.sum(1, keepdims=True)
        counts = rng.poisson(mean * rng.gamma(4.0, 0.25, mean.shape))
        logs[rows] = np.log1p(counts * (1e4 / np.maximum(1, counts.sum(1, keepdims=True))))
    return PCA(50, random_state=0).fit_transform(logs).astype(np.float32), types.astype(np.int32)


def embeddings(n, rng, columns=384, latent=12, topics=300):
    """Return 384-d unit vectors of 300 topics, from 12 latent coordinates by a network of one layer, with noise."""
    centers = 1.2 * rng.standard_normal((topics, latent))
    labels = rng.choice(topics, n, p=rng.dirichlet(np.full(topics, 0.7)))
    hidden = 1.5 * rng.standard_normal((latent, 64)) / np.sqrt(latent)
    out, spread = rng.standard_normal((64, columns)) / 8, 0.25 + 0.07 * (np.arange(topics) % 5)
    features = np.empty((n, columns), np.float32)
    for first in range(0, n, 50_000):
        topic = labels[first : first + 50_000]
        inputs = centers[topic] + spread[topic, None] * rng.standard_normal((len(topic), latent))
        rows = np.tanh(inputs @ hidden) @ out + 0.02 * rng.standard_normal((len(topic), columns))
        features[first : first + 50_000] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return features, labels.astype(np.int32)


def short_embeddings(n, rng):
    """Return the same as `embeddings` in 100 columns."""
    return embeddings(n, rng, columns=100)
