"""Data sets, each stored on disk with its neighbors and an initial layout.

``python -m benchmarks.datasets mixture tight:400000`` makes sets and describes them: rows, columns, seconds, the recall
of the neighbors on a sample, and the accuracy of the initial layout. ``name:n`` is a set of another size. ``family``
stands for 10^4 to 10^7 shuffled points in three dimensions. Neighbors are exact for it, and for up to 200,000 rows.
The folder of the sets is benchmarks/.cache, or UMAP_SK_BENCH_CACHE.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from benchmarks import command, real_data, recipes
from benchmarks.judge import label_accuracy, without_itself

CACHE = Path(os.environ.get("UMAP_SK_BENCH_CACHE", Path(__file__).parent / ".cache"))
N_NEIGHBORS = 15
EXACT_UP_TO = 200_000  # rows whose neighbors are searched exactly
VERSION = 1  # of the recipes: raise it when one changes, so that nothing stale is read
SIZES = {
    "digits": 1_797,
    "fashion": 70_000,
    "fashion-train": 60_000,
    "mixture": 1_000_000,
    "trajectories": 200_000,
    "tight": 120_000,
    "text": 100_000,
    "windows": 50_000,
    "patches": 50_000,
    "cells": 50_000,
    "packages": 50_000,
    "functions": 20_000,
    "uniform": 1_000_000,
    "embeddings": 117_000,
    "short_embeddings": 1_000_000,
}
FAMILY = tuple(f"uniform:{n}" for n in (10_000, 100_000, 1_000_000, 10_000_000))  # one recipe at four sizes


class DataSet(NamedTuple):
    """The input of a benchmark: features, labels, neighbors (the row itself first) and an initial layout."""

    name: str
    features: np.ndarray  # float32, (n, d)
    labels: np.ndarray  # int32, (n,)
    knn_indices: np.ndarray  # int32, (n, 15)
    knn_dists: np.ndarray  # float32, (n, 15)
    start: np.ndarray  # float32, (n, 2): principal components, largest absolute value 10
    nearest: np.ndarray  # int32, (n, 15): the nearest others for the judge, one more than knn_indices lists

    @property
    def n_rows(self):
        """Return the number of rows."""
        return len(self.labels)

    @property
    def arrays(self):
        """Return the neighbors as arguments of `fit`."""
        return {"knn_indices": self.knn_indices, "knn_dists": self.knn_dists}


def pca_start(features, n_components=2):
    """Return the first principal components as float32, scaled to a largest absolute value of 10."""
    from sklearn.decomposition import PCA

    positions = PCA(n_components, random_state=0).fit_transform(np.asarray(features))
    return (positions * (10 / np.abs(positions).max())).astype(np.float32)


def chosen(words):
    """Return the sets of a comma-separated list such as ``digits,tight:400000,family`` as pairs (name, n)."""
    named = []
    for word in words.replace("family", ",".join(FAMILY)).split(","):
        name, _, n = word.partition(":")
        if name not in SIZES:
            raise ValueError(f"unknown data set {name!r}: {', '.join(SIZES)} or family is needed")
        named.append((name, int(float(n)) if n else SIZES[name]))
    return named


def folder_of(name, n=None):
    """Return the folder of a set's arrays."""
    return CACHE / "data" / f"{name}-{n or SIZES[name]}-v{VERSION}"


def load(name, n=None):
    """Return a set as read-only memory maps. The first call makes it.

    ``n`` is a number of rows: a random part of real data, or the size of synthetic data.
    """
    if name not in SIZES:
        raise ValueError(f"unknown data set {name!r}: one of {', '.join(SIZES)} is needed")
    folder = folder_of(name, n)
    if not (folder / "about.json").exists():
        _make(name, n or SIZES[name], folder)
    return DataSet(name, *(np.load(folder / f"{field}.npy", mmap_mode="r") for field in DataSet._fields[1:]))


def in_memory(dataset):
    """Return the same set with its arrays read into memory."""
    return DataSet(dataset.name, *(np.array(array) for array in dataset[1:]))


def about(name, n=None):
    """Return a description of a set: seconds, recall of the neighbors, accuracy of the initial layout."""
    load(name, n)
    return json.loads((folder_of(name, n) / "about.json").read_text())


def _make(name, n, folder):
    dataset, times = command.timed(_from_features, name, n)
    folder.mkdir(parents=True, exist_ok=True)
    for field, array in zip(DataSet._fields[1:], dataset[1:], strict=True):
        np.save(folder / f"{field}.npy", array)
    features, labels = dataset.features, dataset.labels
    notes = {"rows": n, "columns": features.shape[1], "labels": int(labels.max()) + 1, "seconds": times["seconds"]}
    notes["neighbor_recall"] = sampled_recall(features, dataset.nearest, int(np.clip(3e9 // features.size, 100, 1000)))
    notes["start_accuracy"] = label_accuracy(labels, dataset.start, cKDTree(dataset.start))
    (folder / "about.json").write_text(json.dumps(notes))


def _from_features(name, n):
    from umap_sk import nearest_neighbors

    features, labels = features_of(name, n)
    if name == "uniform":
        indices, distances = tree_search(features, N_NEIGHBORS + 1)
    else:
        searcher = "exact" if n <= EXACT_UP_TO else "auto"
        indices, distances = nearest_neighbors(features, N_NEIGHBORS + 1, searcher=searcher)
    indices, distances = np.asarray(indices, np.int32), np.asarray(distances, np.float32)
    neighbors = np.ascontiguousarray(indices[:, :-1]), np.ascontiguousarray(distances[:, :-1])
    return DataSet(name, features, labels, *neighbors, pca_start(features), np.ascontiguousarray(indices[:, 1:]))


def features_of(name, n):
    """Return the features and labels of a set, without its neighbors."""
    if name not in ("digits", "fashion", "fashion-train"):
        made = getattr(real_data, name, None)
        return made(n) if made else getattr(recipes, name)(n, np.random.default_rng(sum(name.encode())))
    features, labels = real_data.digits() if name == "digits" else real_data.fashion_images()
    if name == "fashion-train":
        features, labels = features[:60_000], labels[:60_000]
    if n > len(features):
        raise ValueError(f"{name} has {len(features)} rows, n = {n} was asked for: ask for fewer")
    rows = np.arange(n) if n == len(features) else np.random.default_rng(0).permutation(len(features))[:n]
    return features[rows], labels[rows]


def tree_search(features, k, chunk=200_000):
    """Return exact neighbors of points with few columns by a KD-tree, the row itself first."""
    tree, found = cKDTree(features), []
    for first in range(0, len(features), chunk):
        rows = np.arange(first, min(first + chunk, len(features)))
        distances, indices = tree.query(features[rows], k, workers=-1)
        others = without_itself(indices, rows)
        indices, distances = (part[others].reshape(len(rows), -1) for part in (indices, distances))
        found.append((np.c_[rows, indices].astype(np.int32), np.c_[np.zeros(len(rows)), distances].astype(np.float32)))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def sampled_recall(features, others, sample=1000, seed=0):
    """Return the share of the true neighbors of ``sample`` random rows that are listed in ``others``.

    ``others`` leaves out the row itself. A listed row that is as near as the last true neighbor counts.
    """
    rows = np.random.default_rng(seed).choice(len(features), min(sample, len(features)), replace=False)
    k, found, features = others.shape[1], 0, features.astype(np.float64)
    for i in rows:
        square = cdist(features[i : i + 1], features, "sqeuclidean")[0]
        square[i] = -1.0
        found += (square[others[i]] <= np.partition(square, k)[k] * (1 + 1e-6)).sum()
    return float(found / (len(rows) * k))


def main(arguments=None):
    """Make the given sets, and print their descriptions."""
    parser = command.parser("datasets", __doc__)
    parser.add_argument("names", nargs="*", default=list(SIZES), metavar="name", help=f"of {', '.join(SIZES)}")
    for name, n in chosen(",".join(parser.parse_args(arguments).names)):
        print(name, about(name, n), flush=True)


if __name__ == "__main__":
    main()
