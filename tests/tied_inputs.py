"""Inputs with many ties, and the hashes of their maps: ``python tests/tied_inputs.py`` prints them as JSON.

Duplicates, whole numbers and symmetries lead to tied neighbors, multiple eigenvalues and equal components. Chance or
rounding in any step would change the map.
"""

import hashlib
import itertools
import json
import warnings

import numpy as np
from scipy.spatial.distance import cdist

from umap_sk import PrecomputedUMAP, UMAPWarning

RNG = np.random.default_rng


def one_hot(categories):
    """Return columns of categories as columns of 0 and 1."""
    return np.concatenate([np.eye(column.max() + 1)[column] for column in categories.T], axis=1)


def circle(n):
    angles = 2 * np.pi * np.arange(n) / n
    return np.c_[np.cos(angles), np.sin(angles)]


def grid(*shape):
    return np.array(list(itertools.product(*map(range, shape))), float)


INPUTS = {  # points, and the number of neighbors of each, including itself
    "duplicates": (np.repeat(RNG(0).normal(size=(30, 5)), 20, 0), 15),
    "one-hot": (one_hot(RNG(1).integers(0, 5, (400, 2))), 10),
    "binary": (RNG(2).integers(0, 2, (400, 5)).astype(float), 10),
    "categories": (RNG(3).integers(0, 3, (500, 3)).astype(float), 12),
    "whole numbers": (RNG(4).integers(0, 5, (400, 2)).astype(float), 10),
    "whole numbers on a line": (RNG(5).integers(0, 10, (300, 1)).astype(float), 10),
    "two neighbors": (RNG(6).integers(0, 12, (400, 2)).astype(float), 2),
    "two neighbors of copies": (np.repeat(RNG(7).normal(size=(20, 2)), 20, 0), 2),
    "three neighbors of copies": (np.repeat(RNG(8).normal(size=(40, 2)), 10, 0), 3),
    "cliques": (np.repeat(grid(6, 6) * 10, 16, axis=0), 15),
    "simplex": (np.eye(64), 10),
    "all the same": (np.zeros((200, 2)), 15),
    "grid": (grid(20, 20), 9),
    "circle": (circle(300), 5),
}


def fitted(name, n_jobs):
    """Return the hash of an input's map."""
    points, k = INPUTS[name]
    dists = cdist(points, points)
    indices = np.argsort(dists, axis=1, kind="stable")[:, :k]  # scikit-learn orders ties by its number of threads
    dists = np.take_along_axis(dists, indices, axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UMAPWarning)
        model = PrecomputedUMAP(k, n_epochs=5, random_state=0, n_jobs=n_jobs).fit(knn_indices=indices, knn_dists=dists)
    assert np.isfinite(model.embedding_).all()
    return hashlib.sha256(model.embedding_.tobytes()).hexdigest()


def hashes():
    """Return four hashes for every input: of two maps on one thread and two maps on two."""
    return {name: [fitted(name, n_jobs) for n_jobs in (1, 1, 2, 2)] for name in INPUTS}


if __name__ == "__main__":
    print(json.dumps(hashes()))
