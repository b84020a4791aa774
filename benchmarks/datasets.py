"""The benchmark data sets, each with its neighbors and its starting layout, cached on disk.

``python -m benchmarks.datasets mixture tight:400000`` makes sets (``name:n`` for another size; ``family`` for shuffled
points in three dimensions, 10^4 to 10^7 of them) and tells about them: rows, columns, seconds, the share of a sample's
true neighbors that were found (1 up to 200,000 rows, where all distances are computed, and for the family, whose
neighbors a KD-tree finds; elsewhere PyNNDescent's neighbors are refined) and the 5-NN accuracy of the start. They are
kept in benchmarks/.cache, or where UMAP_SK_BENCH_CACHE says.
"""

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from benchmarks import command, nearest, real_data, recipes
from benchmarks.judge import label_accuracy

CACHE = Path(os.environ.get("UMAP_SK_BENCH_CACHE", Path(__file__).parent / ".cache"))
N_NEIGHBORS = 15
EXACT_UP_TO = 200_000  # rows for which all distances are computed
VERSION = 1  # of the recipes: raise it when one changes, so that nothing stale is read
SIZES = {
    "digits": 1_797,
    "fashion": 70_000,
    "fashion-train": 60_000,
    "hubs": 70_020,
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
    """A benchmark's input: features, labels, neighbors (the point itself first) and a starting layout."""

    name: str
    features: np.ndarray  # float32, (n, d)
    labels: np.ndarray  # int32, (n,)
    knn_indices: np.ndarray  # int32, (n, 15)
    knn_dists: np.ndarray  # float32, (n, 15)
    start: np.ndarray  # float32, (n, 2): principal components, largest absolute value 10
    nearest: np.ndarray  # int32, (n, 15): the nearest others for the judge, one more than knn_indices lists

    @property
    def n_rows(self):
        """Number of rows."""
        return len(self.labels)


def pca_start(features, n_components=2):
    """The first principal components, largest absolute value 10; float32 of shape (n, n_components)."""
    from sklearn.decomposition import PCA

    positions = PCA(n_components, random_state=0).fit_transform(np.asarray(features))
    return (positions * (10 / np.abs(positions).max())).astype(np.float32)


def chosen(words):
    """The sets that a comma-separated list names, as (name, n): ``digits``, ``tight:400000``, ``family``."""
    named = []
    for word in words.replace("family", ",".join(FAMILY)).split(","):
        name, _, n = word.partition(":")
        if name not in SIZES:
            raise ValueError(f"unknown data set {name!r}: {', '.join(SIZES)} or family is needed")
        named.append((name, int(float(n)) if n else SIZES[name]))
    return named


def load(name, n=None):
    """A data set by name, made on first use and read from the cache (as read-only memory maps) after that.

    Parameters
    ----------
    name : str
        One of SIZES.
    n : int, optional
        Rows. Real data: a random part. Synthetic data: as many rows of the same recipe.

    Returns
    -------
    DataSet
    """
    if name not in SIZES:
        raise ValueError(f"unknown data set {name!r}: one of {', '.join(SIZES)} is needed")
    size = n or SIZES[name]
    folder = folder_of(name, size)
    if not (folder / "about.json").exists():
        _make(name, size, folder)
    arrays = [np.load(folder / f"{field}.npy", mmap_mode="r") for field in DataSet._fields[1:]]
    return DataSet(name, *arrays)


def about(name, n=None):
    """What was noted down when the set was made: seconds, recall of the neighbors, figures of the start."""
    load(name, n)
    return json.loads((folder_of(name, n) / "about.json").read_text())


def folder_of(name, n=None):
    """Where the set's arrays are, once it was made."""
    return CACHE / "data" / f"{name}-{n or SIZES[name]}-v{VERSION}"


def in_memory(dataset):
    """The same data set with its arrays read into memory."""
    return DataSet(dataset.name, *(np.array(array) for array in dataset[1:]))


def _make(name, n, folder):
    clock = time.perf_counter()
    dataset = _with_hubs(n) if name == "hubs" else _from_features(name, n)
    seconds = time.perf_counter() - clock
    folder.mkdir(parents=True, exist_ok=True)
    for field, array in zip(DataSet._fields[1:], dataset[1:], strict=True):
        np.save(folder / f"{field}.npy", array)
    notes = {
        "rows": n,
        "columns": dataset.features.shape[1],
        "labels": int(dataset.labels.max()) + 1,
        "seconds": round(seconds, 1),
    }
    if name != "hubs":
        sample = int(np.clip(3_000_000_000 // dataset.features.size, 100, 1000))
        notes["neighbor_recall"] = nearest.sampled_recall(dataset.features, dataset.nearest, sample)
    notes["start_accuracy"] = label_accuracy(dataset.labels, dataset.start, cKDTree(dataset.start))
    (folder / "about.json").write_text(json.dumps(notes))


def _from_features(name, n):
    features, labels = features_of(name, n)
    if name == "uniform":
        indices, distances = nearest.tree_search(features, N_NEIGHBORS + 1)
    elif n <= EXACT_UP_TO:
        indices, distances = nearest.brute_force(features, N_NEIGHBORS + 1)
    else:
        indices, distances = nearest.descent(features, N_NEIGHBORS + 1)
    known = np.ascontiguousarray(indices[:, :-1]), np.ascontiguousarray(distances[:, :-1])
    return DataSet(name, features, labels, *known, pca_start(features), np.ascontiguousarray(indices[:, 1:]))


def features_of(name, n):
    """Features and labels alone, made anew."""
    if name in ("patches", "packages", "functions"):
        return getattr(real_data, name)(n)
    if name not in ("digits", "fashion", "fashion-train"):
        return getattr(recipes, name)(n, np.random.default_rng(sum(name.encode())))
    features, labels = real_data.digits() if name == "digits" else real_data.fashion_images()
    if name == "fashion-train":
        features, labels = features[:60_000], labels[:60_000]
    if n > len(features):
        raise ValueError(f"{name} has {len(features)} rows, n = {n} was asked for: ask for fewer")
    rows = np.arange(n) if n == len(features) else np.random.default_rng(0).permutation(len(features))[:n]
    return features[rows], labels[rows]


def _with_hubs(n, hubs=20, listed_by=500):
    """Fashion-MNIST and ``hubs`` more rows, each listed by ``listed_by`` random others at their median distance."""
    base = in_memory(load("fashion", n - hubs))
    rng = np.random.default_rng(20)
    listers = rng.permutation(len(base.features))[: hubs * listed_by].reshape(hubs, -1)
    features = np.stack([base.features[rows].mean(0) for rows in listers]).astype(np.float32)
    start = np.stack([base.start[rows].mean(0) for rows in listers])
    own_indices, own_distances = np.empty((hubs, N_NEIGHBORS), np.int32), np.zeros((hubs, N_NEIGHBORS), np.float32)
    middle = N_NEIGHBORS // 2
    for hub, rows in enumerate(listers):
        number = len(base.features) + hub
        for array, value in ((base.knn_indices, number), (base.knn_dists, base.knn_dists[rows, middle])):
            array[rows, middle + 1 :] = array[rows, middle:-1]
            array[rows, middle] = value
        square = ((base.features[rows] - features[hub]) ** 2).sum(1)
        order = np.argsort(square)[: N_NEIGHBORS - 1]
        own_indices[hub] = [number, *rows[order]]
        own_distances[hub, 1:] = np.sqrt(square[order])
    nearest_others = np.c_[own_indices[:, 1:], own_indices[:, -1:]]
    added = (features, np.zeros(hubs, np.int32), own_indices, own_distances, start, nearest_others)
    return DataSet("hubs", *(np.concatenate(pair) for pair in zip(base[1:], added, strict=True)))


def main(arguments=None):
    """Make the sets named and print what was noted down."""
    parser = command.parser("datasets", __doc__)
    parser.add_argument("names", nargs="*", default=list(SIZES), metavar="name", help=f"of {', '.join(SIZES)}")
    for name, n in chosen(",".join(parser.parse_args(arguments).names)):
        print(name, about(name, n), flush=True)


if __name__ == "__main__":
    main()
